package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// head is the message at the top of a thread: how the server, or the servers of
// the group, are now.
func (v *Voice) head(ctx context.Context, n state.Notice) (chat.Message, error) {
	if len(n.Servers) == 1 {
		return v.serverHead(ctx, n)
	}
	counts, err := v.store.Counts(ctx, n.Incident, state.Filter{Group: n.Group})
	if err != nil {
		return chat.Message{}, err
	}
	name := chat.T("group ", chat.C(n.Group))
	if n.Group == "" {
		name = chat.T("servers without a group")
	}
	f := facts{counts: counts}
	m := chat.Say(
		chat.H(name, fmt.Sprintf(" · %d of %d open", counts.Open(), counts.Total())),
		chat.Bar(counts.Status[state.StatusConfirmed], counts.Total(), f.legend()),
	)
	if n.Group != "" {
		m.Add(chat.Row(press("Status", n.Incident, "status", "--group", n.Group), press("Scan", n.Incident, "scan", "--group", n.Group)))
	}
	m.About = chat.About{Incident: n.Incident}
	return m.With(f.tone()), nil
}

func (v *Voice) serverHead(ctx context.Context, n state.Notice) (chat.Message, error) {
	c, err := readCard(ctx, v.store, n.Incident, n.Servers[0], v.now())
	if errors.Is(err, state.ErrNotFound) {
		return chat.Message{}, nil
	}
	if err != nil {
		return chat.Message{}, err
	}
	a := c.a
	m := chat.Say(chat.H(mark(a.Status)+" ", chat.C(a.Name), " "+a.Status.String(), chat.D(fmt.Sprintf(" · %d of %d steps proved", len(a.Steps)-len(a.Missing()), len(a.Steps)))))
	who := chat.T("nobody is its owner")
	if c.server.Owner != "" || c.server.Group != "" {
		who = partyText(c.server.Owner, c.server.Group)
	}
	line := append(chat.T("Owner: "), who...)
	if a.Next != "" && !a.Status.Settled() {
		line = append(line, chat.T(" · ", chat.B("Next: "), nextInFull(a.Next))...)
	}
	m.Add(chat.P(line))
	if row := c.buttons(); len(row) > 0 {
		m.Add(chat.Row(append(row, press("All steps", n.Incident, "server show", a.Name))...))
	}
	m.About = chat.About{Incident: n.Incident, Server: a.Name}
	return m.With(toneOf(a.Status)), nil
}

// changed tells a thread what changed, a line each. It mentions nobody.
func (v *Voice) changed(ns []state.Notice) chat.Message {
	list := chat.L()
	now := v.now()
	for _, n := range ns {
		for _, t := range n.Changes {
			line := chat.T(mark(t.To)+" ", chat.C(t.Server), fmt.Sprintf(" %s → %s %s", t.From, t.To, when(n.At, now)))
			if t.Why != "" {
				line = append(line, chat.T(" · ", chat.C(cut(t.Why, 160)))...)
			}
			list.Items = append(list.Items, line)
		}
		list.More += n.More
	}
	m := chat.Say(list)
	m.About = chat.About{Incident: ns[0].Incident}
	return m
}
