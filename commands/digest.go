package commands

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// For whom a digest is.
const (
	forManagers   = "managers"
	forResponders = "responders"
)

// digest is the summary for those who must know, or who begin to act.
type digest struct {
	store interface {
		boardStore
		Changer
		Reminded
	}
	draw func(Burn, io.Writer) (string, error)
	now  func() time.Time
}

func (digest) Spec() chat.Spec {
	return chat.Spec{
		Path: "digest", Summary: "Show the summary: are we on track, what changed in a day, when it may end, who is needed",
		Flags: []chat.Arg{{Name: "for", Help: "for whom; managers otherwise", Choices: []string{forManagers, forResponders}}},
		Examples: []chat.Example{
			{Line: "digest", Does: "shows a verdict, four numbers against yesterday, an estimate, the burn-down, blockers and what could not be seen"},
			{Line: "digest --for responders", Does: "shows what to do first, by server and by group, and what ends soon"},
		},
		Role: state.RoleViewer,
	}
}

func (c digest) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	audience := call.Values.String("for")
	if audience == "" {
		audience = forManagers
	}
	now := c.now()
	f, err := readOutlook(ctx, c.store, call.Incident, now)
	if err != nil {
		return chat.Message{}, err
	}
	since, quiet, err := c.quiet(ctx, call, audience, f)
	if err != nil || quiet {
		return chat.Message{}, err
	}
	var m chat.Message
	if audience == forResponders {
		m, err = c.forResponders(ctx, f)
	} else {
		m, err = c.forManagers(ctx, f)
	}
	if err == nil {
		var left []chat.Part
		left, err = leftToDigest(ctx, c.store, call.Incident)
		m.Add(left...)
	}
	if !since.IsZero() {
		m.Add(chat.N("Nothing has changed since ", when(since, f.now), " "+zoneName(f.now)+". This is the weekly sign that somebody still looks."))
	}
	return m, err
}

func (c digest) forManagers(ctx context.Context, f outlook) (chat.Message, error) {
	burn, err := BurnDown(ctx, c.store, f.inc.ID, f.now)
	if err != nil {
		return chat.Message{}, err
	}
	m := f.opening()
	m.Add(chat.F(f.numbers()...))
	m.Add(f.expected()...)
	m.Add(picture(burn, c.draw)...)
	if len(f.worst) > 0 {
		list := chat.L()
		for _, r := range f.worst[:min(3, len(f.worst))] {
			list.Items = append(list.Items, blockerLine(r, f.now))
		}
		list.More = max(0, f.counts.Open()-len(list.Items))
		m.Add(chat.P(chat.B("In the way")), list)
	}
	m.Add(f.ends()...)
	m.Add(f.footing()...)
	return m, nil
}

// opening is the verdict, and beside "clear" what nobody saw.
func (f outlook) opening() chat.Message {
	verdict, tone := f.track()
	m := chat.Say(f.heading(), chat.P(verdict)).With(tone)
	if f.clear() {
		m.Add(unseen(f.counts)...)
	}
	return m
}

// footing is what a digest rests on: what nobody saw, how fresh the rest is, and
// what waits.
func (f outlook) footing() []chat.Part {
	var out []chat.Part
	if !f.clear() { // else it stands beside the verdict
		out = unseen(f.counts)
	}
	if w := f.waiting(); len(w) > 0 {
		out = append(out, chat.P(w))
	}
	return append(out, chat.N("Seen: "+strings.Join(f.looks(), " · ")), chat.N("As of ", asOfTime(f.now), "."))
}

// outlook is facts, and what they let expect.
type outlook struct {
	facts
	groups   []state.Tally
	forecast forecast
	ending   ending
}

func readOutlook(ctx context.Context, s boardStore, incident string, now time.Time) (outlook, error) {
	f := outlook{}
	var err error
	if f.facts, err = readFacts(ctx, s, incident, now); err != nil {
		return f, err
	}
	if f.groups, err = s.Tallies(ctx, incident, "group", false); err != nil {
		return f, fmt.Errorf("read the groups: %w", err)
	}
	pace, err := s.Pace(ctx, incident, now.Add(-lookBack-state.Stretch), now)
	if err != nil {
		return f, fmt.Errorf("read the pace: %w", err)
	}
	if f.inc.Closed.IsZero() {
		f.forecast = estimate(now, f.inc.Opened, f.groups, pace)
	}
	if f.ending, err = endingSoon(ctx, s, f.facts); err != nil {
		return f, fmt.Errorf("read what ends soon: %w", err)
	}
	return f, nil
}

// numbers are the four that matter, each with its change in about a day.
func (f facts) numbers() []chat.Field {
	past, known := f.dayAgo()
	var out []chat.Field
	for _, n := range []struct {
		name string
		of   func(state.Counts) int
	}{
		{"Open", state.Counts.Open},
		{"Exposed or worse", worse},
		{"Unknown", func(c state.Counts) int { return c.Status[state.StatusUnknown] }},
		{"Confirmed", func(c state.Counts) int { return c.Status[state.StatusConfirmed] }},
	} {
		value := fmt.Sprint(n.of(f.counts))
		if known {
			value = change(n.of(f.counts), n.of(past.Counts)) + " since " + when(past.At, f.now)
		}
		out = append(out, chat.Field{Name: n.name, Value: chat.T(value)})
	}
	return out
}

// worse is how many servers are exposed, or show signs of an attacker.
func worse(c state.Counts) int {
	return c.Status[state.StatusCompromised] + c.Status[state.StatusSuspected] + c.Status[state.StatusExposed]
}

// blockerLine is what stands in the way, and who is needed.
func blockerLine(r state.Row, now time.Time) chat.Text {
	who := "no owner"
	if r.Owner != "" {
		who = r.Owner
	}
	t := chat.T(mark(r.Status)+" ", chat.C(r.Name), fmt.Sprintf(" %s since %s · ", r.Status, when(r.Since, now)), chat.C(who))
	if r.Next != "" {
		t = append(t, chat.T(" · ", nextAction(r.Next))...)
	}
	return t
}
