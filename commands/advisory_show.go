package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/state"
)

// advisoryShow shows the newest version, and how its copies are.
type advisoryShow struct{ author }

func (advisoryShow) Spec() chat.Spec {
	return chat.Spec{
		Path: "advisory show", Summary: "Show the newest version of an advisory, its history and how each copy is",
		Args: []chat.Arg{numberArg()},
		Flags: []chat.Arg{
			{Name: "as", Help: "as a document for others, attached", Choices: []string{"csaf", "markdown"}},
			{Name: "tlp", Help: "with --as: only what this marking may see", Choices: ceilings()},
		},
		Examples: []chat.Example{
			{Line: "advisory show 1", Does: "shows advisory 1 with its markings, and where it is"},
			{Line: "advisory show 1 --as markdown", Does: "attaches it, as far as this place may see it; csaf is CSAF 2.0"},
		},
		Role: state.RoleViewer, Private: true, Global: true,
	}
}

func (c advisoryShow) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	a, err := c.one(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	if as := call.Values.String("as"); as != "" {
		return c.document(call, a, as)
	}
	m := draftMessage(a)
	if a.Withdrawn != nil {
		m.Parts = append([]chat.Part{chat.P(chat.B("Withdrawn "), when(a.Withdrawn.At, c.now()), ": ", chat.C(a.Withdrawn.Reason))}, m.Parts...)
	}
	m.Named = slices.Contains(a.Readers, call.Request.Actor.Person) && call.Request.Actor.Person != ""
	m.Add(c.history(a)...)
	copies, err := c.copies(ctx, a)
	if err != nil {
		return chat.Message{}, err
	}
	m.Add(c.copyParts(a, copies)...)
	return m, nil
}

func (c advisoryShow) history(a state.Advisory) []chat.Part {
	if len(a.Past) == 0 {
		return nil
	}
	list := chat.L()
	for _, v := range slices.Backward(a.Past) {
		if len(list.Items) == maxShown {
			list.More++
			continue
		}
		what := state.AdvisorySuperseded
		if a.Live != nil && v.Version == a.Live.Version {
			if what = state.AdvisoryPublished; a.Withdrawn != nil {
				what = state.AdvisoryWithdrawn
			}
		}
		by := string(v.By)
		if v.Second != "" {
			by += " and " + string(v.Second)
		}
		t := chat.T(fmt.Sprintf("Version %d · %s · %s · by ", v.Version, what, v.TLP), chat.C(by), " "+when(v.At, c.now()))
		if v.Changed != "" {
			t = append(t, chat.T(" · ", chat.C(v.Changed))...)
		}
		list.Items = append(list.Items, t)
	}
	return []chat.Part{list}
}

// copyState is how one copy of an advisory is.
type copyState struct {
	place state.Place
	text  string
	wrong bool // it does not show what it should, and nobody is at it any more
}

// copies tells how each copy is: what became of the letter by which it was to become right.
func (w author) copies(ctx context.Context, a state.Advisory) ([]copyState, error) {
	ids := make([]string, len(a.Places))
	for i, p := range a.Places {
		ids[i] = a.Sent + " @ " + p.Key()
	}
	fates, err := w.store.Fates(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]copyState, len(a.Places))
	for i, f := range fates {
		s := copyState{place: a.Places[i]}
		switch {
		case !f.Delivered.IsZero():
			s.text = "as it should be since " + when(f.Delivered, w.now())
		case f.Dead:
			s.text, s.wrong = "given up: "+f.Why, true
		case f.Waiting && f.Why != "":
			s.text = "on its way, waits: " + f.Why
		case f.Waiting:
			s.text = "on its way"
		default:
			if s, err = w.remembered(ctx, a, a.Places[i]); err != nil {
				return nil, err
			}
		}
		out[i] = s
	}
	return out, nil
}

// remembered is how a copy is of whose letter nothing is known any more.
func (w author) remembered(ctx context.Context, a state.Advisory, p state.Place) (copyState, error) {
	r, ok, err := w.store.CardReceipt(ctx, a.Card(), p)
	switch changed := changedAt(a); {
	case err != nil:
		return copyState{}, err
	case !ok && a.Withdrawn == nil:
		return copyState{place: p, text: "there is none", wrong: true}, nil
	case ok && r.At.Before(changed.Add(-time.Minute)):
		return copyState{place: p, text: "shows an older version, of " + when(r.At, w.now()), wrong: true}, nil
	}
	return copyState{place: p, text: "as it should be since " + when(r.At, w.now())}, nil
}

// changedAt is when the copies were last to become something else.
func changedAt(a state.Advisory) time.Time {
	if a.Withdrawn != nil {
		return a.Withdrawn.At
	}
	if len(a.Past) == 0 {
		return time.Time{}
	}
	return a.Past[len(a.Past)-1].At
}

func (c advisoryShow) copyParts(a state.Advisory, copies []copyState) []chat.Part {
	if len(copies) == 0 {
		return nil
	}
	right, list := 0, chat.L()
	for _, s := range copies {
		if strings.HasPrefix(s.text, "as it should be") {
			right++
		}
		if len(list.Items) == 2*maxShown {
			list.More++
			continue
		}
		list.Items = append(list.Items, chat.T(chat.C(placeName(s.place)), " · ", s.text))
	}
	out := []chat.Part{chat.P(fmt.Sprintf("%d of %d copies are as they should be.", right, len(copies))), list}
	if slices.ContainsFunc(copies, func(s copyState) bool { return s.wrong }) {
		out = append(out, chat.Row(chat.Button{Label: "Send again", Line: typed("advisory", "publish", fmt.Sprint(a.Number))}))
	}
	return out
}

// document attaches the advisory for others, with what the marking may see.
func (c advisoryShow) document(call chat.Call, a state.Advisory, as string) (chat.Message, error) {
	p := call.Request.Place
	if call.Values.Has("tlp") {
		ceiling, err := state.ParseTLP(call.Values.String("tlp"))
		if err != nil {
			return chat.Message{}, err
		}
		p = state.Place{Ceiling: ceiling}
	}
	doc, err := feeds.Export(a, p, as, c.from, c.now())
	if err != nil {
		return chat.Message{}, &chat.Problem{What: err.Error(), Try: "Choose what it may hold with --tlp."}
	}
	mark := doc.TLP
	if a.Draft != nil {
		mark = min(mark, state.TLPAmberStrict)
	}
	return chat.Say(
		chat.Para{Mark: asTLP(mark), Text: chat.T(fmt.Sprintf("Advisory %d, version %d, as far as %s may see it; it is marked %s.", a.Number, a.Newest().Version, p.Top(), doc.TLP))},
		chat.Attachment{Mark: asTLP(mark), Name: doc.Name, Data: doc.Data},
	), nil
}

// advisoryList lists advisories.
type advisoryList struct{ author }

func (advisoryList) Spec() chat.Spec {
	return chat.Spec{
		Path: "advisory list", Summary: "List the advisories, the newest first",
		Examples: []chat.Example{{Line: "advisory list", Does: "shows number, version, marking, state and title of each"}},
		Role:     state.RoleViewer, Global: true,
	}
}

func (c advisoryList) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	all, err := c.store.Advisories(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	if len(all) == 0 {
		return chat.Say(chat.P("There are no advisories yet. Write one with ", chat.C("advisory draft"), ".")), nil
	}
	m := chat.Message{}
	for i, a := range all {
		if i == 4*maxShown {
			m.Add(chat.N(fmt.Sprintf("And %d older ones.", len(all)-i)))
			break
		}
		t := a.Newest()
		l := chat.L(chat.T(fmt.Sprintf("%d · version %d · %s · ", a.Number, t.Version, t.TLP), chat.C(t.Title), chat.D(" · "+string(a.State())+" · "+a.Incident)))
		l.Mark = asTLP(min(t.TLP, state.TLPAmberStrict))
		m.Add(l)
	}
	return m, nil
}

// advisoryIndicators shows the indicators of an advisory, with the file.
type advisoryIndicators struct{ author }

func (advisoryIndicators) Spec() chat.Spec {
	return chat.Spec{
		Path: "advisory indicators", Summary: "Show the indicators of an advisory, defanged, with a file and its checksum",
		Args:     []chat.Arg{numberArg()},
		Examples: []chat.Example{{Line: "advisory indicators 1", Does: "lists the first indicators and attaches all"}},
		Role:     state.RoleViewer, Global: true,
	}
}

func (c advisoryIndicators) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	a, err := c.one(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	t := a.Newest()
	m := chat.Say(indicatorParts(a, t)...)
	if len(m.Parts) == 0 {
		return chat.Say(chat.P(fmt.Sprintf("Advisory %d has no indicators.", a.Number))), nil
	}
	if a.Draft != nil {
		for i, p := range m.Parts {
			m.Parts[i] = atMost(p, state.TLPAmberStrict)
		}
	}
	return m, nil
}
