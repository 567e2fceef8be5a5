package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// advisoryPreview shows where a version would go, and what would be seen there.
type advisoryPreview struct{ author }

func (advisoryPreview) Spec() chat.Spec {
	return chat.Spec{
		Path: "advisory preview", Summary: "Show for each destination what it would see of the newest version, and how much is withheld",
		Args: []chat.Arg{numberArg()},
		Flags: []chat.Arg{
			{Name: "as", Help: "show it as a place with this ceiling would see it", Choices: ceilings()},
		},
		Examples: []chat.Example{
			{Line: "advisory preview 1", Does: "lists the destinations, with what each sees"},
			{Line: "advisory preview 1 --as green", Does: "shows the advisory as a place up to GREEN would see it"},
		},
		Role: state.RoleResponder, Global: true,
	}
}

func (c advisoryPreview) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	a, err := c.one(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	t := a.Newest()
	if call.Values.Has("as") {
		return c.as(call, a, t)
	}
	to, needs, err := c.audience(ctx, a, t)
	if err != nil {
		return chat.Message{}, err
	}
	return c.table(a, t, to, needs), nil
}

// as is the advisory as a place with another ceiling would see it. It is shown here,
// and so goes no further than this place allows.
func (c advisoryPreview) as(call chat.Call, a state.Advisory, t state.AdvisoryText) (chat.Message, error) {
	ceiling, err := state.ParseTLP(call.Values.String("as"))
	if err != nil {
		return chat.Message{}, err
	}
	m, n := seenAt(a, t, state.Place{Ceiling: ceiling})
	if len(m.Parts) == 0 {
		return chat.Say(chat.P(fmt.Sprintf("A place up to %s would see nothing: advisory %d is %s.", ceiling, a.Number, t.TLP))), nil
	}
	for i, p := range m.Parts {
		m.Parts[i] = atMost(p, state.TLPAmberStrict)
	}
	m.Topic = chat.Topic{}
	m.Parts = append([]chat.Part{chat.N(fmt.Sprintf("As a place up to %s would see it, %s withheld:", ceiling, plural(n, "part")))}, m.Parts...)
	return m, nil
}

// seenAt is a version as a place sees it, with how many parts are withheld; without
// parts when not even the title may be seen there.
func seenAt(a state.Advisory, t state.AdvisoryText, p state.Place) (chat.Message, int) {
	whole := advisoryMessage(a, t)
	if !p.Sees(t.TLP) && !p.Named {
		return chat.Message{}, len(whole.Parts)
	}
	m, n := whole.WithholdAt(p)
	if n == len(whole.Parts) {
		return chat.Message{}, n
	}
	return labelled(m), n
}

// audience is where a version would go now, and whether that takes a second person.
func (w author) audience(ctx context.Context, a state.Advisory, t state.AdvisoryText) (state.Audience, bool, error) {
	inc, err := w.store.Incident(ctx, a.Incident)
	if err != nil {
		return state.Audience{}, false, err
	}
	d, err := w.store.Desk(ctx, state.DeskNeed{All: true})
	if err != nil {
		return state.Audience{}, false, err
	}
	tx := state.NewDeskTx(state.Work{At: w.now()}, inc, d)
	to := tx.Audience(a, t, w.people)
	return to, to.Outside > 0 || a.Live != nil && t.Widens(a.Live), nil
}

// maxDestinations is how many destinations a preview names.
const maxDestinations = 40

func (c advisoryPreview) table(a state.Advisory, t state.AdvisoryText, to state.Audience, second bool) chat.Message {
	parts := len(advisoryMessage(a, t).Parts)
	m := chat.Say(chat.H(fmt.Sprintf("Advisory %d, version %d, %s: %s", a.Number, t.Version, t.TLP, plural(len(to.Places), "destination"))))
	table := chat.Tab("Destination", "Ceiling", "Sees", "Withheld")
	for _, p := range to.Places {
		if len(table.Rows) == maxDestinations {
			table.More++
			continue
		}
		seen, n := seenAt(a, t, p)
		table.Rows = append(table.Rows, []chat.Text{
			chat.T(chat.C(placeName(p))), chat.T(ceilingName(p)), chat.T(fmt.Sprintf("%d of %d parts, as %s", parts-n, parts, shownMark(seen))), chat.T(withheldNames(t, p)),
		})
	}
	m.Add(table)
	for _, p := range to.Deaf[:min(len(to.Deaf), 10)] {
		m.Add(chat.N("Sees nothing of it: ", chat.C(placeName(p)), " (up to ", ceilingName(p), ")."))
	}
	if n := len(to.Deaf) - 10; n > 0 {
		m.Add(chat.N(fmt.Sprintf("And %d more see nothing of it.", n)))
	}
	for _, p := range t.Summary {
		if p.Why != "" {
			m.Add(chat.N("A paragraph ", chat.C(checks.Clean(p.Why, 160)), ": it is AMBER+STRICT."))
		}
	}
	if h := t.Hash(); second {
		m.Add(chat.P(fmt.Sprintf("%s of them outside of the organisation: it takes a second person on the exact text, ", plural(to.Outside, "place")), chat.C(shortHash(h)), "."))
	}
	return m
}

func ceilingName(p state.Place) string {
	if p.Named {
		return "named"
	}
	return p.Top().String()
}

// withheldNames are the parts of an advisory that a place does not see.
func withheldNames(t state.AdvisoryText, p state.Place) string {
	var out []string
	for _, part := range state.AdvisoryParts() {
		if part != state.PartSummary && !p.Sees(t.Mark(part)) {
			out = append(out, part)
		}
	}
	n := 0
	for _, s := range t.Summary {
		if !p.Sees(t.Narrow(s)) {
			n++
		}
	}
	switch {
	case n == len(t.Summary) && n > 0:
		out = append([]string{state.PartSummary}, out...)
	case n > 0:
		out = append([]string{fmt.Sprintf("%d of %d paragraphs", n, len(t.Summary))}, out...)
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, ", ")
}

// placeName is what people call a place.
func placeName(p state.Place) string {
	parts := []string{p.Platform, p.Workspace, p.Channel}
	if p.Person != "" {
		parts = []string{p.Person}
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}
