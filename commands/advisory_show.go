package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// advisoryShow shows an advisory as it would be published.
type advisoryShow struct{ store Reader }

func (advisoryShow) Spec() chat.Spec {
	return chat.Spec{
		Path: "advisory show", Summary: "Show the newest version of an advisory",
		Args:     []chat.Arg{{Name: "number", Help: "as advisory list shows it", Type: chat.Number}},
		Examples: []chat.Example{{Line: "advisory show 1", Does: "shows advisory 1 with its marking"}},
		Role:     state.RoleViewer,
	}
}

func (c advisoryShow) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	a, err := advisoryOf(ctx, c.store, call)
	if err != nil {
		return chat.Message{}, err
	}
	return advisoryMessage(a), nil
}

// advisoryList lists the advisories of an incident.
type advisoryList struct{ store Reader }

func (advisoryList) Spec() chat.Spec {
	return chat.Spec{
		Path: "advisory list", Summary: "List the advisories of the incident",
		Examples: []chat.Example{{Line: "advisory list", Does: "shows number, version, marking and title of each"}},
		Role:     state.RoleViewer,
	}
}

func (c advisoryList) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	if len(inc.Advisories) == 0 {
		return chat.Say(chat.P("There are no advisories yet. Write one with ", chat.C("advisory draft"), ".")), nil
	}
	m := chat.Message{}
	for _, a := range inc.Advisories {
		l := chat.L(chat.T(fmt.Sprintf("%d · version %d · %s · ", a.Number, a.Version, a.TLP), chat.C(a.Title), chat.D(" · "+a.State)))
		l.Mark = draftMark(a)
		m.Add(l)
	}
	return m, nil
}

// advisoryOf is the advisory that a request names by its number.
func advisoryOf(ctx context.Context, r Reader, call chat.Call) (state.Advisory, error) {
	inc, err := r.Incident(ctx, call.Incident)
	if err != nil {
		return state.Advisory{}, err
	}
	n := call.Values.Int("number", 0)
	i := slices.IndexFunc(inc.Advisories, func(a state.Advisory) bool { return a.Number == n })
	if i >= 0 {
		return inc.Advisories[i], nil
	}
	p := &chat.Problem{What: fmt.Sprintf("There is no advisory %d.", n), Try: "Write one with: advisory draft"}
	var all []string
	for _, a := range inc.Advisories {
		all = append(all, fmt.Sprint(a.Number))
	}
	if len(all) > 0 {
		p.Try = "There are: " + strings.Join(all, ", ")
	}
	return state.Advisory{}, p
}

// draftMark is how far a draft may be shown: no further than what is internal,
// whatever its marking will be. To widen that takes two persons, when it is published.
func draftMark(a state.Advisory) chat.Mark {
	return chat.Mark{TLP: min(a.TLP, state.TLPAmberStrict)}
}

func advisoryMessage(a state.Advisory) chat.Message {
	m := draftMark(a)
	return chat.Say(
		chat.Heading{Mark: m, Text: chat.T(fmt.Sprintf("Advisory %d, version %d · %s", a.Number, a.Version, a.TLP))},
		chat.Para{Mark: m, Text: chat.T(chat.B(a.Title))},
		chat.CodeBlock{Mark: m, Text: a.Body},
		chat.Note{Mark: m, Text: chat.T(a.State+" by ", chat.C(string(a.By)), " "+a.At.UTC().Format("2 Jan 15:04")+" UTC. A draft is shown to nobody outside.")},
	)
}
