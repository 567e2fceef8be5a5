package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// audit shows the record: of a server, or the newest of all.
type audit struct {
	store interface {
		Auditor
		Reader
	}
	now func() time.Time
}

func (audit) Spec() chat.Spec {
	return chat.Spec{
		Path: "audit", Summary: "Show the record: who changed what, and what followed",
		Args: []chat.Arg{{Name: "server", Help: "only what names this server", Type: chat.Server, Optional: true}},
		Flags: []chat.Arg{
			{Name: "from", Help: "the number of the first entry to show", Type: chat.Number},
			{Name: "limit", Help: "how many entries, at most 50", Type: chat.Number},
		},
		Examples: []chat.Example{
			{Line: "audit sp-fin-01", Does: "shows what was done about sp-fin-01, newest first"},
			{Line: "audit --from 1 --limit 5", Does: "shows the first five entries of the record"},
		},
		Role: state.RoleResponder, Private: true,
	}
}

func (c audit) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	v := call.Values
	limit, from := v.Int("limit", 10), v.Int("from", 0)
	if limit < 1 || limit > 50 {
		return chat.Message{}, &chat.Problem{What: fmt.Sprintf("--limit cannot be %d.", limit), Try: "1 to 50."}
	}
	if v.Has("from") && from < 1 {
		return chat.Message{}, &chat.Problem{What: "--from is the number of an entry.", Try: "The first is 1."}
	}
	if !v.Has("server") {
		return c.page(ctx, call, int64(from), limit)
	}
	if v.Has("from") {
		return chat.Message{}, &chat.Problem{What: "--from does not go with a server: what names it is shown newest first.", Try: "Use --limit."}
	}
	name, err := serverName(ctx, c.store, call.Incident, v.String("server"), func(n string) string { return press("", call.Incident, "audit", n).Line })
	if err != nil {
		return chat.Message{}, err
	}
	entries, err := c.store.AuditOf(ctx, call.Incident, name, limit)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.H("Record of ", chat.C(name), ", newest first"))
	return c.list(m, entries), nil
}

// page is part of the record in its order; without a number, the end of it.
func (c audit) page(ctx context.Context, call chat.Call, from int64, limit int) (chat.Message, error) {
	last, err := c.store.AuditSeq(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	if from == 0 {
		from = max(1, last-int64(limit)+1)
	}
	entries, err := c.store.Audit(ctx, from, limit)
	if err != nil {
		return chat.Message{}, err
	}
	m := c.list(chat.Say(chat.H(fmt.Sprintf("Record from entry %d of %d", from, last))), entries)
	if next := from + int64(len(entries)); len(entries) > 0 && next <= last {
		m.Add(chat.Row(press("Next", call.Incident, "audit", "--from", fmt.Sprint(next), "--limit", fmt.Sprint(limit))))
	}
	return m, nil
}

func (c audit) list(m chat.Message, entries []state.AuditEntry) chat.Message {
	if len(entries) == 0 {
		m.Add(chat.P("There are no entries."))
		return m
	}
	list := chat.L()
	for _, e := range entries {
		list.Items = append(list.Items, entryLine(e))
	}
	m.Add(list)
	return m
}

// entryLine is an entry in one line: when, who, what, and what followed.
func entryLine(e state.AuditEntry) chat.Text {
	who := string(e.By)
	if who == "" {
		who = e.Via
	}
	if who == "" {
		who = "allclear"
	}
	t := chat.T(chat.D(fmt.Sprintf("%d · %s · ", e.Seq, e.At.UTC().Format("2 Jan 15:04:05"))), chat.C(who))
	if e.Incident != "" {
		t = append(t, chat.D(" · "+e.Incident))
	}
	if len(e.Events) > 0 {
		t = append(t, chat.T(": ", chat.C(fewOf(eventNames(e.Events), 4)))...)
	}
	for i, ch := range e.Changes {
		if i == 4 {
			t = append(t, chat.D(fmt.Sprintf(" and %d more", len(e.Changes)-i)))
			break
		}
		t = append(t, chat.T(" → ", chat.C(ch.Server), " "+ch.To.String())...)
	}
	return t
}

// eventNames are the events, equal ones counted.
func eventNames(events []state.Event) []string {
	var names []string
	n := map[string]int{}
	for _, ev := range events {
		name := strings.TrimSpace(ev.Type + " " + ev.Server)
		if n[name] == 0 {
			names = append(names, name)
		}
		n[name]++
	}
	for i, name := range names {
		if n[name] > 1 {
			names[i] = fmt.Sprintf("%s ×%d", name, n[name])
		}
	}
	return names
}
