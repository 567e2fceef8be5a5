package commands

import (
	"context"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// queue shows what allclear has not said or done yet, and why.
type queue struct {
	store Queue
	now   func() time.Time
}

func (queue) Spec() chat.Spec {
	return chat.Spec{
		Path: "queue", Summary: "Show what waits to be said or done, and why",
		Examples: []chat.Example{{Line: "queue", Does: "shows messages that are held, with the reason, and how long the queue is"}},
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
	if len(held) == 0 {
		m.Add(chat.P("No message is held."))
		return m, nil
	}
	m.Tone = chat.ToneWarn
	list := chat.L()
	for _, l := range held {
		list.Items = append(list.Items, heldLine(l, now))
	}
	head := plural(len(held), "message") + " held:"
	if len(held) == maxHeld {
		head = "The oldest messages that are held:"
	}
	m.Add(chat.P(head), list)
	return m, nil
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
