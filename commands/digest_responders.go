package commands

import (
	"context"
	"fmt"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// How much a digest for responders shows.
const (
	firstServers = 10
	firstGroups  = 8
)

// forResponders is the same picture for those who act: what to do first, who has how
// much of it, and what waits for somebody.
func (c digest) forResponders(ctx context.Context, f outlook) (chat.Message, error) {
	m := f.opening()
	if t := f.trend(); t != "" {
		m.Add(chat.P(t))
	}
	rows, _, err := c.store.List(ctx, f.inc.ID, state.Filter{}, 0, firstServers)
	if err != nil {
		return chat.Message{}, fmt.Errorf("read the first servers: %w", err)
	}
	first := chat.L()
	for _, r := range rows {
		if !r.Status.Settled() {
			first.Items = append(first.Items, blockerLine(r, f.now))
		}
	}
	if len(first.Items) > 0 {
		first.More = max(0, f.counts.Open()-len(first.Items))
		m.Add(chat.P(chat.B("First")), first)
	}
	m.Add(f.byGroup()...)
	m.Add(f.ends()...)
	m.Add(f.footing()...)
	m.Add(chat.Row(press("Exposed", f.inc.ID, "server list", "--status", "exposed"), press("Waiting for approval", f.inc.ID, "proposals"), press("Scan all", f.inc.ID, "scan")))
	return m, nil
}

// byGroup is who has how much to do.
func (f outlook) byGroup() []chat.Part {
	t := chat.Tab("Group", "Open", "Exposed or worse", "Unknown", "Ready", "Confirmed")
	for _, g := range f.groups {
		if g.Counts.Open() == 0 {
			continue
		}
		if len(t.Rows) == firstGroups {
			t.More++
			continue
		}
		name := chat.T("no group")
		if g.Name != "" {
			name = chat.T(chat.C(g.Name))
		}
		row := []chat.Text{name}
		for _, n := range []int{
			g.Counts.Open(), worse(g.Counts), g.Counts.Status[state.StatusUnknown], g.Counts.Status[state.StatusReady], g.Counts.Status[state.StatusConfirmed],
		} {
			row = append(row, chat.T(fmt.Sprint(n)))
		}
		t.Rows = append(t.Rows, row)
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []chat.Part{t}
}
