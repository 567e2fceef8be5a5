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

// newMenu makes the commands of the Specs. A word that begins several paths is a group;
// where it is a command too, those behind it are written with dashes. What does not fit
// below the root any more is a root of its own: the largest families go first, as
// "allclear-server". Descriptions are shortened before that.
func newMenu(root string, specs []chat.Spec) *menu {
	m := &menu{specs: map[string]chat.Spec{}}
	families := map[string][]chat.Spec{}
	var order []string
	for _, s := range specs {
		first, _, _ := strings.Cut(s.Path, " ")
		if families[first] == nil {
			order = append(order, first)
		}
		families[first] = append(families[first], s)
	}
	var apart []string
	for about := maxAbout; ; about -= 20 {
		c := m.root(root, order, families, about)
		switch {
		case len(c.Options) <= maxMenuOptions && c.size() <= maxCommandSize:
			m.commands = append(m.commands, c)
			for _, f := range apart {
				m.commands = append(m.commands, m.family(root+"-"+f, families[f]))
			}
			return m
		case about > leastAbout && len(c.Options) <= maxMenuOptions:
			continue
		}
		i := largest(order, families)
		if i < 0 { // a single word is too much: it is there by its line
			order = order[:len(order)-1]
		} else {
			apart = append(apart, order[i])
			order = slices.Delete(order, i, i+1)
		}
		about = maxAbout + 20
	}
}

// leastAbout is how far descriptions of options are shortened, in characters.
const leastAbout = 40

// largest is the family with the most commands, -1 when each has one.
func largest(order []string, families map[string][]chat.Spec) int {
	at := -1
	for i, f := range order {
		if n := len(families[f]); n > 1 && (at < 0 || n > len(families[order[at]])) {
			at = i
		}
	}
	return at
}

func (m *menu) root(root string, order []string, families map[string][]chat.Spec, about int) command {
	clear(m.specs)
	c := command{Type: int(discordgo.ChatApplicationCommand), Name: root, Description: "Run the response to a mass exploitation"}
	for _, f := range order {
		c.Options = append(c.Options, m.below(root, f, families[f], about)...)
	}
	if _, taken := families[anyLine]; !taken {
		c.Options = append(c.Options, command{
			Type: int(discordgo.ApplicationCommandOptionSubCommand), Name: anyLine, Description: "Take a whole line, as help shows it",
			Options: []command{{Type: int(discordgo.ApplicationCommandOptionString), Name: lineArg, Description: "like: scan --group emea", Required: true}},
		})
	}
	return c
}

// below is what a family is below the root.
func (m *menu) below(root, first string, family []chat.Spec, about int) []command {
	alone := slices.ContainsFunc(family, func(s chat.Spec) bool { return s.Path == first })
	var out []command
	for _, s := range family {
		if alone {
			out = append(out, m.one(root, strings.ReplaceAll(s.Path, " ", "-"), s, about))
			continue
		}
		name := strings.ReplaceAll(strings.TrimPrefix(s.Path, first+" "), " ", "-")
		out = append(out, m.one(root+" "+first, name, s, about))
	}
	if alone {
		return out
	}
	return []command{{Type: int(discordgo.ApplicationCommandOptionSubCommandGroup), Name: first, Description: listed(first, family), Options: clip(out)}}
}

// family is a family as a root of its own.
func (m *menu) family(root string, family []chat.Spec) command {
	c := command{Type: int(discordgo.ChatApplicationCommand), Name: root}
	first, _, _ := strings.Cut(family[0].Path, " ")
	for about := maxAbout; ; about -= 20 {
		c.Options, c.Description = nil, listed(first, family)
		for _, s := range family {
			name := strings.ReplaceAll(strings.TrimPrefix(s.Path, first+" "), " ", "-")
			c.Options = append(c.Options, m.one(root, name, s, about))
		}
		c.Options = clip(c.Options)
		for about <= leastAbout && c.size() > maxCommandSize {
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
	return cut(strings.Join(words, ", "), maxAbout)
}

// one is the subcommand of a Spec.
func (m *menu) one(above, name string, s chat.Spec, about int) command {
	name = cut(name, maxNameLen)
	m.specs[above+" "+name] = s
	c := command{Type: int(discordgo.ApplicationCommandOptionSubCommand), Name: name, Description: told1(s.Summary, s.Path, maxAbout)}
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
		Type: int(discordgo.ApplicationCommandOptionString), Name: strings.ToLower(cut(a.Name, maxNameLen)),
		Description: told1(a.Help, a.Name, about), Required: required,
	}
	switch {
	case a.Type == chat.Upload:
		text := c
		c.Type, c.Required = int(discordgo.ApplicationCommandOptionAttachment), false
		text.Name, text.Description, text.Required = cut(c.Name, maxNameLen-len(textSuffix))+textSuffix, "the same as text", false
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
			c.Choices = append(c.Choices, choice{cut(v, maxChoiceLen), cut(v, maxChoiceLen)})
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

// told1 is a description: Discord refuses empty ones.
func told1(s, otherwise string, most int) string {
	if s = cut(chat.Clean(s), most); s != "" {
		return s
	}
	return otherwise
}

// cut is the beginning of a text that is longer than so many characters.
func cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:most-1]), " ") + "…"
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
