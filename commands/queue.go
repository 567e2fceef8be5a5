package commands

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// queue shows what allclear has not said or done yet, and why.
type queue struct {
	store interface {
		Queue
		Reminded
		incidents
	}
	now func() time.Time
}

func (queue) Spec() chat.Spec {
	return chat.Spec{
		Path: "queue", Summary: "Show what waits to be said or done, and why",
		Examples: []chat.Example{{Line: "queue", Does: "shows messages that are held, with the reason, what waits for the end of quiet hours, and how long the queue is"}},
		Role:     state.RoleViewer, Global: true,
	}
}

func (c queue) Run(ctx context.Context, _ chat.Call) (chat.Message, error) {
	now := c.now()
	letters, oldest, err := c.store.QueueSize(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	requests, first, err := c.store.Waiting(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	held, err := c.store.Held(ctx, maxHeld)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.P(sized(letters, "message", " to be said", oldest, now), " · ", sized(requests, "request", " not started", first, now), "."))
	m.Add(heldParts(held, now)...)
	if len(held) > 0 {
		m.Tone = chat.ToneWarn
	}
	quiet, err := c.quiet(ctx, now)
	if err != nil {
		return chat.Message{}, err
	}
	m.Add(quiet...)
	if len(held)+len(quiet) == 0 {
		m.Add(chat.P("No message is held."))
	}
	return m, nil
}

// heldParts are the messages that cannot be said, with the reason.
func heldParts(held []state.Letter, now time.Time) []chat.Part {
	if len(held) == 0 {
		return nil
	}
	list := chat.L()
	for _, l := range held {
		list.Items = append(list.Items, heldLine(l, now))
	}
	head := plural(len(held), "message") + " held:"
	if len(held) == maxHeld {
		head = "The oldest messages that are held:"
	}
	return []chat.Part{chat.P(head), list}
}

// brokeFor is for how long it is shown that something broke through.
const brokeFor = 24 * time.Hour

// quiet is what quiet hours hold, for whom, since when and until when; and what broke
// through them, or through a budget, in the last day, and why.
func (c queue) quiet(ctx context.Context, now time.Time) ([]chat.Part, error) {
	var out []chat.Part
	later, more, err := c.store.NotYet(ctx, now, maxHeld)
	if err != nil {
		return nil, err
	}
	held := chat.L()
	clocks := map[string]*time.Location{}
	for _, l := range later {
		if clocks[l.Notice.Incident], err = c.clock(ctx, l.Notice.Incident, clocks); err != nil {
			return nil, err
		}
		held.Items = append(held.Items, laterLine(l, now.In(clocks[l.Notice.Incident])))
	}
	if len(held.Items) > 0 {
		head := plural(len(later), "message") + " held by quiet hours:"
		if more {
			head = "Held by quiet hours, the first to end first, and there are more:"
		}
		out = append(out, chat.P(head), held)
	}
	broke, err := c.broke(ctx, now)
	if err == nil && len(broke.Items) > 0 {
		out = append(out, chat.P("Broke through in the last day:"), broke)
	}
	return out, err
}

// clock is the time zone of an incident, or UTC when it is not there any more.
func (c queue) clock(ctx context.Context, incident string, known map[string]*time.Location) (*time.Location, error) {
	if at, ok := known[incident]; ok {
		return at, nil
	}
	inc, err := c.store.Incident(ctx, incident)
	if errors.Is(err, state.ErrNotFound) {
		return time.UTC, nil
	}
	return inc.Location(), err
}

func laterLine(l state.Letter, now time.Time) chat.Text {
	n := l.Notice
	return chat.T(chat.C(string(n.Kind)), " of ", chat.C(n.Incident), " for ", chat.C(readerName(cmp.Or(n.Facts["to"], n.Owner))),
		" in ", chat.C(l.Place.Platform+" "+l.Place.Channel), ", held since ", timeOf(l.Created, now), ", until ", timeOf(n.NotBefore, now))
}

// broke are the reminders that broke through in the last day, the newest first.
func (c queue) broke(ctx context.Context, now time.Time) (chat.List, error) {
	type through struct {
		incident, to string
		state.PingMemory
		clock *time.Location
	}
	list := chat.L()
	heads, err := c.store.Incidents(ctx)
	if err != nil {
		return list, err
	}
	var all []through
	for _, h := range heads {
		if !h.Closed.IsZero() {
			continue
		}
		memory, err := c.store.Pings(ctx, h.ID)
		if err != nil {
			return list, err
		}
		clock, err := c.clock(ctx, h.ID, nil)
		if err != nil {
			return list, err
		}
		for to, m := range memory {
			if !m.Broke.IsZero() && now.Sub(m.Broke) < brokeFor {
				all = append(all, through{h.ID, to, m, clock})
			}
		}
	}
	slices.SortFunc(all, func(a, b through) int {
		return cmp.Or(b.Broke.Compare(a.Broke), cmp.Compare(a.incident, b.incident), cmp.Compare(a.to, b.to))
	})
	for _, t := range all[:min(len(all), maxHeld)] {
		at := now.In(t.clock)
		list.Items = append(list.Items, chat.T(chat.C("ping"), " of ", chat.C(t.incident), " for ", chat.C(readerName(t.to)), " at "+when(t.Broke, at)+" "+zoneName(at)+", "+t.Why))
	}
	list.More = len(all) - len(list.Items)
	return list, nil
}

func sized(n int, what, doing string, oldest, now time.Time) string {
	out := plural(n, what) + doing
	if n > 0 && !oldest.IsZero() {
		out += " (oldest " + ago(oldest, now) + ")"
	}
	return out
}

func heldLine(l state.Letter, now time.Time) chat.Text {
	t := chat.T(chat.C(string(l.Notice.Kind)))
	if l.Notice.Incident != "" {
		t = append(t, chat.T(" of ", chat.C(l.Notice.Incident))...)
	}
	t = append(t, chat.T(" for ", chat.C(l.Place.Platform+" "+l.Place.Channel), ", made "+ago(l.Created, now)+", ")...)
	if l.Tries > 0 {
		t = append(t, chat.T("tried "+plural(l.Tries, "time")+", ")...)
	}
	return append(t, chat.T("held: ", chat.C(l.Held))...)
}
