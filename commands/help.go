package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// helpCommand says what can be asked for, from the Specs alone.
type helpCommand struct {
	specs []chat.Spec
	more  map[string]manualer // by path
}

// manualer is a command that has more to say of itself than its Spec: what it takes
// depends on the playbook, or is a format of its own.
type manualer interface {
	// Manual is added to the help of the command. The incident may be "".
	Manual(ctx context.Context, incident string) []chat.Part
}

func manualsOf(cs []Command) map[string]manualer {
	out := map[string]manualer{}
	for _, c := range cs {
		if m, ok := c.(manualer); ok {
			out[c.Spec().Path] = m
		}
	}
	return out
}

func (helpCommand) Spec() chat.Spec {
	return chat.Spec{
		Path: "help", Summary: "Say what can be asked for here, and how",
		Args:     []chat.Arg{{Name: "command", Help: "a command, like scan", Optional: true, Rest: true}},
		Examples: []chat.Example{{Line: "help claim", Does: "shows how claim is used"}},
		Role:     state.RoleViewer, Private: true, Global: true, Community: true,
	}
}

// in are the commands that there are where somebody asks.
func (h helpCommand) in(r chat.Request) []chat.Spec {
	specs := append(slices.Clone(h.specs), h.Spec())
	if r.Community == "" {
		return specs
	}
	return slices.DeleteFunc(specs, func(s chat.Spec) bool { return !s.Community })
}

func (h helpCommand) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	specs := h.in(call.Request)
	if given := call.Values.String("command"); given != "" {
		m, path, err := helpOn(specs, given)
		if more := h.more[path]; err == nil && more != nil {
			m.Add(more.Manual(ctx, call.Incident)...)
		}
		return m, err
	}
	role := call.Request.Actor.Role
	m := chat.Say(chat.P("What you may do here; more on each with ", chat.C("help WORD"), "."))
	for _, g := range []struct {
		title string
		role  state.Role
	}{{"Look", state.RoleViewer}, {"Work", state.RoleResponder}, {"Decide", state.RoleLead}} {
		list := chat.L(byNoun(specs, g.role)...)
		switch {
		case len(list.Items) == 0:
		case role >= g.role:
			m.Add(chat.H(g.title), list)
		default:
			m.Add(chat.N(fmt.Sprintf("With the role %s also: ", g.role), chat.C(pathsOf(specs, g.role)), "."))
		}
	}
	return public(m), nil
}

// byNoun are the commands of a role, those that share their first word in one line.
func byNoun(specs []chat.Spec, r state.Role) []chat.Text {
	var nouns []string
	all := map[string][]chat.Spec{}
	for _, s := range specs {
		noun, _, _ := strings.Cut(s.Path, " ")
		if s.Role != r {
			continue
		}
		if all[noun] == nil {
			nouns = append(nouns, noun)
		}
		all[noun] = append(all[noun], s)
	}
	var out []chat.Text
	for _, noun := range nouns {
		if ss := all[noun]; len(ss) == 1 {
			out = append(out, chat.T(chat.C(ss[0].Path), ": "+ss[0].Summary))
			continue
		}
		var verbs []string
		item := chat.T(chat.C(noun), " … ")
		for _, s := range all[noun] {
			if s.Path == noun {
				item = chat.T(chat.C(noun), ": "+s.Summary+"; also … ")
				continue
			}
			verbs = append(verbs, strings.TrimPrefix(s.Path, noun+" "))
		}
		out = append(out, append(item, chat.T(chat.C(strings.Join(verbs, ", ")))...))
	}
	return out
}

func pathsOf(specs []chat.Spec, r state.Role) string {
	var out []string
	for _, s := range specs {
		if s.Role == r {
			out = append(out, s.Path)
		}
	}
	return strings.Join(out, ", ")
}

// Specs are those of all commands.
func Specs() []chat.Spec {
	return specsOf(All(Parts{Timetable: func(string, string) (func(time.Time) time.Time, error) { return nil, nil }}))
}

// HelpOn is the help of a command, or of those that begin with a word, for who is not in
// a chat: it says how they are run from the command line.
func HelpOn(given string) (chat.Message, error) {
	all := All(Parts{})
	m, path, err := helpOn(Specs(), given)
	if err != nil {
		return m, err
	}
	if more := all[len(all)-1].(helpCommand).more[path]; more != nil {
		m.Add(more.Manual(context.Background(), "")...)
	}
	m.Add(chat.N("In a chat as it stands; from the command line: ", chat.C("allclear do "+cmp.Or(path, given+" …"))))
	return m, nil
}

// helpOn is all that is known of one command, with its path, or of those that begin
// with a word.
func helpOn(specs []chat.Spec, given string) (m chat.Message, path string, err error) {
	words := strings.ToLower(strings.Join(strings.Fields(given), " "))
	var under []chat.Spec
	for _, s := range specs {
		if s.Path == words {
			return public(manual(s)), s.Path, nil
		}
		if strings.HasPrefix(s.Path, words+" ") {
			under = append(under, s)
		}
	}
	if len(under) == 0 {
		s, _, err := chat.Find(specs, given) // a command with something behind it?
		if err != nil {
			return chat.Message{}, "", err
		}
		return public(manual(s)), s.Path, nil
	}
	list := chat.L()
	for _, s := range under {
		list.Items = append(list.Items, chat.T(chat.C(s.Usage()), ": "+s.Summary))
	}
	return public(chat.Say(list)), "", nil
}

func manual(s chat.Spec) chat.Message {
	m := chat.Say(chat.H(chat.C(s.Path)), chat.P(s.Summary+"."), chat.P("Usage: ", chat.C(s.Usage())))
	var fields []chat.Field
	for _, a := range s.Args {
		fields = append(fields, chat.Field{Name: strings.ToUpper(a.Name), Value: argText(a)})
	}
	for _, a := range s.Flags {
		fields = append(fields, chat.Field{Name: "--" + a.Name, Value: argText(a)})
	}
	if len(fields) > 0 {
		m.Add(chat.F(fields...))
	}
	list := chat.L()
	for _, e := range s.Examples {
		list.Items = append(list.Items, chat.T(chat.C(e.Line), ": "+e.Does))
	}
	m.Add(list)
	who := "Anybody may."
	if s.Role > state.RoleViewer {
		who = fmt.Sprintf("Needs the role %s.", s.Role)
	}
	if s.Private {
		who += " Only you see the answer."
	}
	m.Add(chat.N(who))
	return m
}

func argText(a chat.Arg) chat.Text {
	t := chat.T(a.Help)
	if len(a.Choices) > 0 {
		t = append(t, chat.T("; one of ", chat.C(strings.Join(a.Choices, ", ")))...)
	}
	return t
}

// public marks a message that says nothing about any server.
func public(m chat.Message) chat.Message {
	clear := chat.Mark{TLP: state.TLPClear}
	for i, p := range m.Parts {
		switch p := p.(type) {
		case chat.Heading:
			p.Mark = clear
			m.Parts[i] = p
		case chat.Para:
			p.Mark = clear
			m.Parts[i] = p
		case chat.List:
			p.Mark = clear
			m.Parts[i] = p
		case chat.Fields:
			p.Mark = clear
			m.Parts[i] = p
		case chat.Note:
			p.Mark = clear
			m.Parts[i] = p
		}
	}
	return m
}
