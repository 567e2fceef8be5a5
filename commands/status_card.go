package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// Card is the pinned message about an incident, as things are now. Cadence is
// between reminders when the incident does not say.
func Card(ctx context.Context, s boardStore, incident string, now time.Time, cadence time.Duration) (chat.Message, error) {
	f, err := readFacts(ctx, s, incident, now)
	if err != nil {
		return chat.Message{}, err
	}
	now = f.now
	verdict, tone := f.verdict()
	m := chat.Say(f.heading(), chat.P(verdict)).With(tone)
	if f.clear() {
		m.Add(unseen(f.counts)...)
	}
	if total := f.counts.Total(); total > 0 {
		m.Add(chat.Bar(f.counts.Status[state.StatusConfirmed], total, f.legend()))
	}
	if t := f.trend(); t != "" {
		m.Add(chat.P(t))
	}
	if len(f.worst) > 0 {
		list := chat.L()
		for _, r := range f.worst {
			list.Items = append(list.Items, worstLine(r, now))
		}
		list.More = max(0, f.counts.Open()-len(f.worst))
		m.Add(list)
	}
	if w := f.waiting(); len(w) > 0 {
		m.Add(chat.P(w))
	}
	if !f.inc.Closed.IsZero() {
		m.Add(chat.N(f.freshness()), chat.N("Closed: nobody is reminded, nothing is asked any more · as of ", asOfTime(now), "."))
		m.Add(chat.Row(press("All servers", f.inc.ID, "server list")))
		return m, nil
	}
	m.Add(chat.N(f.freshness()), chat.N(fmt.Sprintf("Reminders every %s · as of ", span(f.reminders(cadence))), asOfTime(now), "."))
	m.Add(chat.Row(press("Scan all", f.inc.ID, "scan"), press("All servers", f.inc.ID, "server list"), press("Waiting for approval", f.inc.ID, "proposals")))
	return m, nil
}

func (f facts) heading() chat.Heading {
	h := chat.H(f.inc.Title, " · ", chat.C(f.inc.ID), fmt.Sprintf(" · day %d", 1+int(f.now.Sub(f.inc.Opened).Hours()/24)))
	if f.inc.Drill {
		h.Text = append(chat.T(chat.B(drillMark(f.inc))), h.Text...)
	}
	if !f.inc.Closed.IsZero() {
		h.Text = append(h.Text, chat.Span{Text: " · closed " + when(f.inc.Closed, f.now)})
	}
	return h
}

// legend is the counts, with the claims beside them: a claim is no proof.
func (f facts) legend() chat.Text {
	t := chat.T(countsLine(f.counts))
	if n := f.counts.Flags[state.FlagClaimed]; n > 0 {
		t = append(t, chat.D(fmt.Sprintf(" · %d claimed, which proves nothing", n)))
	}
	return t
}

// worstLine is a server that should be looked at first, with the reason.
func worstLine(r state.Row, now time.Time) chat.Text {
	t := chat.T(mark(r.Status)+" ", chat.C(r.Name), fmt.Sprintf(" %s since %s", r.Status, when(r.Since, now)))
	if r.Owner != "" {
		t = append(t, chat.T(" · ", chat.C(r.Owner))...)
	}
	if r.Reason != "" {
		t = append(t, chat.T(" · ", chat.C(cut(r.Reason, 120)))...)
	}
	return t
}

// waiting is what waits for people, empty when nothing does.
func (f facts) waiting() chat.Text {
	var parts []string
	if n := len(f.proposals); n > 0 {
		parts = append(parts, plural(n, "request")+" for a second person")
	}
	if n := len(f.held); n == maxHeld {
		parts = append(parts, fmt.Sprintf("%d or more messages held", n))
	} else if n > 0 {
		parts = append(parts, plural(n, "message")+" held")
	}
	if f.letters > 0 {
		parts = append(parts, fmt.Sprintf("%s to be said (oldest %s)", plural(f.letters, "message"), ago(f.oldest, f.now)))
	}
	if f.requests > 0 {
		parts = append(parts, plural(f.requests, "request")+" not started")
	}
	if f.overdue > 0 {
		parts = append(parts, farmsWait(f.overdue)+" to be assessed anew")
	}
	if len(parts) == 0 {
		return nil
	}
	return chat.T("Waiting: " + strings.Join(parts, " · "))
}

// freshness is how recent all this is, and what could not be seen.
func (f facts) freshness() chat.Text {
	parts := f.looks()
	if unseen := unseenLine(f.counts); unseen != "" {
		parts = append(parts, unseen)
	}
	return chat.T("Seen: " + strings.Join(parts, " · "))
}

// looks is what is known of the scans.
func (f facts) looks() []string {
	var parts []string
	var last, all *state.Scan
	for i, s := range f.scans {
		switch {
		case s.Ended.IsZero() && !alive(s, f.now):
			parts = append(parts, fmt.Sprintf("scan of %s began %s and never ended", s.Selection, when(s.Started, f.now)))
		case s.Ended.IsZero():
			parts = append(parts, fmt.Sprintf("scan of %s running since %s", s.Selection, when(s.Started, f.now)))
		case last == nil:
			last = &f.scans[i]
		}
		if s.Complete && !s.Ended.IsZero() && s.Selection == "all" && all == nil {
			all = &f.scans[i]
		}
	}
	if last != nil {
		parts = append(parts, scanned(*last, f.now))
	}
	switch {
	case all == nil:
		parts = append(parts, "no complete scan of all servers is known")
	case all != last:
		parts = append(parts, "all servers last asked "+ago(all.Started, f.now))
	}
	return parts
}

// scanned is a scan that has ended, in a few words.
func scanned(s state.Scan, now time.Time) string {
	out := fmt.Sprintf("last scan (%s) %s: %d of %d answered", s.Selection, ago(s.Ended, now), s.Reached, s.Total)
	if !s.Complete {
		out += ", not complete"
	}
	return out
}

// cut keeps at most n runes, and no part of a word.
func cut(s string, n int) string { return checks.Clean(s, n) }
