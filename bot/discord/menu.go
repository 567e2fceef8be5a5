package discord

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-bot/allclear/bot/chat"
)

// Limits of commands (docs.discord.com/developers/interactions/application-commands), in
// characters.
const (
	maxNameLen     = 32
	maxAbout       = 100
	maxMenuOptions = 25
	maxMenuChoices = 25
	maxChoiceLen   = 100
	maxCommandSize = 8000 // names, descriptions and choices of one command together
	maxCommands    = 100
)

// anyLine is the subcommand that takes a whole line: what has no command of its own is
// reached by it.
const (
	anyLine = "do"
	lineArg = "line"
)

// textSuffix ends the option for the text of what can also be handed in as a file.
const textSuffix = "-text"

// command is one command, or a part of it, as Discord keeps it. What is the same there is
// the same in JSON.
type command struct {
	Type        int       `json:"type,omitempty"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Required    bool      `json:"required,omitempty"`
	Complete    bool      `json:"autocomplete,omitempty"`
	Choices     []choice  `json:"choices,omitempty"`
	Options     []command `json:"options,omitempty"`
}

type choice struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// menu is the commands as they are registered, and what each stands for.
type menu struct {
	commands []command
	specs    map[string]chat.Spec // by their path on Discord: "allclear server show"
}

// entry is what stands below the root: a command of one word, or a family of commands that
// begin with the same word.
type entry struct {
	word  string
	specs []chat.Spec
	// apart: there is a command of that word alone too, so that Discord takes no group of it.
	apart bool
}

// family reports whether an entry has more than one word.
func (e entry) family() bool { return strings.Contains(e.specs[0].Path, " ") }

// entries are what a list of Specs comes to, in its order.
func entries(specs []chat.Spec) []entry {
	var out []entry
	alone := map[string]bool{}
	for _, s := range specs {
		if !strings.Contains(s.Path, " ") {
			alone[s.Path] = true
		}
	}
	for _, s := range specs {
		first, _, more := strings.Cut(s.Path, " ")
		i := slices.IndexFunc(out, func(e entry) bool { return more && e.word == first && e.family() })
		if i < 0 {
			out = append(out, entry{word: first, specs: []chat.Spec{s}, apart: more && alone[first]})
			continue
		}
		out[i].specs = append(out[i].specs, s)
	}
	return out
}

// newMenu makes the commands of the Specs: "/allclear scan", "/allclear server show". Where
// a word is a command and begins others, those are written with a dash: "/allclear
// scan-show". What does not fit below the root any more is a root of its own, the largest
// families first: "/allclear-server show"; and single words are in "/allclear-more".
// Descriptions are shortened before that.
func newMenu(root string, specs []chat.Spec) *menu {
	m := &menu{specs: map[string]chat.Spec{}}
	here := entries(specs)
	var apart []entry
	var more []chat.Spec
	for about := maxAbout; ; about -= 20 {
		c := m.root(root, here, about)
		fits := len(c.Options) <= maxMenuOptions
		if fits && c.size() <= maxCommandSize {
			m.commands = append(m.commands, c)
			break
		}
		if fits && about > leastAbout {
			continue
		}
		i := dispensable(here)
		if e := here[i]; e.family() {
			apart = append(apart, e)
		} else {
			more = append(more, e.specs...)
		}
		here = slices.Delete(here, i, i+1)
		about = maxAbout + 20
	}
	for _, e := range apart {
		m.commands = append(m.commands, m.apart(root+"-"+e.word, e.word, e.specs))
	}
	for n, some := range slices.Collect(slices.Chunk(more, maxMenuOptions)) {
		m.commands = append(m.commands, m.apart(root+"-more"+strings.Repeat("-more", n), "", some))
	}
	return m
}

// leastAbout is how far descriptions are shortened, in characters.
const leastAbout = 40

// dispensable is the entry that is put elsewhere first: the largest family; of single words
// those that communities are there for, and then the last but help and the menu.
func dispensable(here []entry) int {
	at := 0
	weight := func(i int) int {
		e := here[i]
		switch {
		case e.family():
			return 1000 + len(e.specs)
		case e.word == "help" || e.word == "menu":
			return -1
		case e.specs[0].Community:
			return 500 + i
		}
		return i
	}
	for i := range here {
		if weight(i) > weight(at) {
			at = i
		}
	}
	return at
}

func (m *menu) root(root string, here []entry, about int) command {
	clear(m.specs)
	c := command{Type: int(discordgo.ChatApplicationCommand), Name: root, Description: "Run the response to a mass exploitation"}
	for _, e := range here {
		c.Options = append(c.Options, m.below(root, e, about)...)
	}
	if !slices.ContainsFunc(here, func(e entry) bool { return e.word == anyLine }) {
		c.Options = append(c.Options, command{
			Type: int(discordgo.ApplicationCommandOptionSubCommand), Name: anyLine, Description: "Take a whole line, as help shows it",
			Options: []command{{Type: int(discordgo.ApplicationCommandOptionString), Name: lineArg, Description: "like: scan --group emea", Required: true}},
		})
	}
	return c
}

// below is what an entry is below the root.
func (m *menu) below(root string, e entry, about int) []command {
	var out []command
	for _, s := range e.specs {
		switch {
		case e.family() && !e.apart:
			out = append(out, m.one(root+" "+e.word, behind(e.word, s), s, about))
		default:
			out = append(out, m.one(root, strings.ReplaceAll(s.Path, " ", "-"), s, about))
		}
	}
	if !e.family() || e.apart {
		return out
	}
	return []command{{Type: int(discordgo.ApplicationCommandOptionSubCommandGroup), Name: e.word, Description: listed(e.word, e.specs), Options: clip(out)}}
}

// behind is the name of a command within its family.
func behind(word string, s chat.Spec) string {
	return strings.ReplaceAll(strings.TrimPrefix(s.Path, word+" "), " ", "-")
}

// apart is a family, or some single words, as a root of its own. What does not fit even
// there is reached by its line.
func (m *menu) apart(root, word string, specs []chat.Spec) command {
	c := command{Type: int(discordgo.ChatApplicationCommand), Name: root, Description: listed(word, specs)}
	for about := maxAbout; ; about -= 20 {
		c.Options = nil
		for _, s := range specs[:min(len(specs), maxMenuOptions)] {
			c.Options = append(c.Options, m.one(root, behind(word, s), s, about))
		}
		for about <= leastAbout && c.size() > maxCommandSize {
			last := c.Options[len(c.Options)-1]
			delete(m.specs, root+" "+last.Name)
			c.Options = c.Options[:len(c.Options)-1]
		}
		if c.size() <= maxCommandSize {
			return c
		}
	}
}

// clip keeps as many as fit; the others are there by their lines.
func clip(all []command) []command { return all[:min(len(all), maxMenuOptions)] }

// listed is what a group is about.
func listed(first string, family []chat.Spec) string {
	var words []string
	for _, s := range family {
		words = append(words, strings.TrimPrefix(s.Path, first+" "))
	}
	return chat.Cut(strings.Join(words, ", "), maxAbout)
}

// one is the subcommand of a Spec.
func (m *menu) one(above, name string, s chat.Spec, about int) command {
	name = chat.Cut(name, maxNameLen)
	m.specs[above+" "+name] = s
	c := command{Type: int(discordgo.ApplicationCommandOptionSubCommand), Name: name, Description: described(s.Summary, s.Path, max(about, 60))}
	for _, a := range s.Args {
		c.Options = append(c.Options, choices(a, !a.Optional, about)...)
	}
	for _, f := range s.Flags {
		c.Options = append(c.Options, choices(f, false, about)...)
	}
	slices.SortStableFunc(c.Options, func(a, b command) int { return cmp.Compare(rank(a), rank(b)) })
	c.Options = clip(c.Options)
	return c
}

// rank puts what must be given in front, as Discord wants it.
func rank(c command) int {
	if c.Required {
		return 0
	}
	return 1
}

// choices are the options of an argument: a file can also be handed in as text.
func choices(a chat.Arg, required bool, about int) []command {
	c := command{
		Type: int(discordgo.ApplicationCommandOptionString), Name: strings.ToLower(chat.Cut(a.Name, maxNameLen)),
		Description: described(a.Help, a.Name, about), Required: required,
	}
	switch {
	case a.Type == chat.Upload:
		text := c
		c.Type, c.Required = int(discordgo.ApplicationCommandOptionAttachment), false
		text.Name, text.Description, text.Required = chat.Cut(c.Name, maxNameLen-len(textSuffix))+textSuffix, "the same as text", false
		return []command{c, text}
	case a.Type == chat.Switch:
		c.Type = int(discordgo.ApplicationCommandOptionBoolean)
	case a.Type == chat.Number:
		c.Type = int(discordgo.ApplicationCommandOptionInteger)
	case len(a.Choices) > maxMenuChoices, suggested(a.Type):
		c.Complete = true
	}
	if len(a.Choices) <= maxMenuChoices {
		for _, v := range a.Choices {
			c.Choices = append(c.Choices, choice{chat.Cut(v, maxChoiceLen), chat.Cut(v, maxChoiceLen)})
		}
	}
	return []command{c}
}

// suggested reports whether names of this type can be completed.
func suggested(t chat.Type) bool {
	switch t {
	case chat.Server, chat.Owner, chat.Group, chat.Farm, chat.Incident, chat.Step:
		return true
	}
	return false
}

// described is a description: Discord refuses empty ones.
func described(s, otherwise string, most int) string {
	if s = chat.Cut(chat.Clean(s), most); s != "" {
		return s
	}
	return otherwise
}

// size is what counts for the limit of a command.
func (c command) size() int {
	n := utf8.RuneCountInString(c.Name) + utf8.RuneCountInString(c.Description)
	for _, v := range c.Choices {
		n += utf8.RuneCountInString(v.Name) + utf8.RuneCountInString(v.Value)
	}
	for _, o := range c.Options {
		n += o.size()
	}
	return n
}

// Paths are the commands as people type them, "/allclear server show", in the order of the
// Specs. One that does not fit into Discord is missing, and reached by its line alone.
func Paths(root string, specs []chat.Spec) []string {
	m := newMenu(root, specs)
	var out []string
	for _, s := range specs {
		for path, of := range m.specs {
			if of.Path == s.Path {
				out = append(out, "/"+path)
			}
		}
	}
	return out
}
