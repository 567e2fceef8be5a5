package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// facts are what a card and a digest are made of. Reading them costs the same
// whatever the number of servers.
type facts struct {
	now       time.Time
	inc       state.Incident
	counts    state.Counts
	worst     []state.Row // not settled, most urgent first
	past      []state.Point
	scans     []state.Scan // newest first
	proposals []state.ProposalRef
	overdue   int // farms to be assessed anew, up to maxOverdue
	held      []state.Letter
	letters   int
	oldest    time.Time
	requests  int
}

const (
	maxWorst   = 5
	maxOverdue = 100
	maxHeld    = 20
)

func readFacts(ctx context.Context, s boardStore, incident string, now time.Time) (facts, error) {
	f := facts{now: now}
	var err error
	read := func(what string, do func() error) {
		if err == nil {
			if err = do(); err != nil {
				err = fmt.Errorf("read %s: %w", what, err)
			}
		}
	}
	read("incident", func() (err error) { f.inc, err = s.Incident(ctx, incident); return err })
	read("counts", func() (err error) { f.counts, err = s.Counts(ctx, incident, state.Filter{}); return err })
	read("worst servers", func() error {
		rows, _, err := s.List(ctx, incident, state.Filter{}, 0, maxWorst)
		f.worst = slices.DeleteFunc(rows, func(r state.Row) bool { return r.Status.Settled() })
		return err
	})
	read("history", func() (err error) { f.past, err = pastDay(ctx, s, f.inc, now); return err })
	read("scans", func() (err error) { f.scans, err = s.LastScans(ctx, incident, 30); return err })
	read("proposals", func() (err error) { f.proposals, err = waiting(ctx, s, incident, now); return err })
	read("what is overdue", func() (err error) { f.overdue, err = overdueIn(ctx, s, f.inc, now); return err })
	read("held letters", func() (err error) { f.held, err = s.Held(ctx, maxHeld); return err })
	read("queue", func() (err error) { f.letters, f.oldest, err = s.QueueSize(ctx); return err })
	read("waiting requests", func() (err error) { f.requests, _, err = s.Waiting(ctx); return err })
	f.now = now.In(f.inc.Location()) // times are told as the incident's clocks show them
	slices.SortStableFunc(f.scans, func(x, y state.Scan) int { return y.Started.Compare(x.Started) })
	return f, err
}

// pastDay is the samples of the last day, and the one before them, whose counts
// were true when the day began.
func pastDay(ctx context.Context, r Reader, inc state.Incident, now time.Time) ([]state.Point, error) {
	dayAgo := now.Add(-24 * time.Hour)
	past, err := r.History(ctx, inc.ID, dayAgo, now)
	for back := 24 * time.Hour; err == nil && dayAgo.After(inc.Opened) && back < 16*maxBurn; back *= 4 {
		from := dayAgo.Add(-back)
		before, err := r.History(ctx, inc.ID, from, dayAgo)
		switch {
		case err != nil:
			return nil, err
		case len(before) > 0:
			return append(before[len(before)-1:], past...), nil
		case !from.After(inc.Opened):
			return past, nil
		}
	}
	return past, err
}

// overdue counts farms whose assessment is out of date, by time or by revision.
func overdue(ctx context.Context, s Sweeper, incident string, now time.Time) (int, error) {
	due, err := s.Due(ctx, incident, now, maxOverdue)
	if err != nil {
		return 0, err
	}
	behind, err := s.Behind(ctx, incident, maxOverdue)
	return len(due) + len(slices.DeleteFunc(behind, func(f string) bool { return slices.Contains(due, f) })), err
}

// overdueIn is overdue, for an incident that may be closed: what time would have
// changed after that changes nothing.
func overdueIn(ctx context.Context, s Sweeper, inc state.Incident, now time.Time) (int, error) {
	if !inc.Closed.IsZero() && inc.Closed.Before(now) {
		now = inc.Closed
	}
	return overdue(ctx, s, inc.ID, now)
}

// clear reports whether a declaration is in force and known to hold. A farm that
// waits to be assessed anew may be open by now.
func (f facts) clear() bool { return f.inc.Clear != nil && f.counts.Open() == 0 && f.overdue == 0 }

// verdict is the first sentence about an incident. Only a declaration makes it say
// clear, and only while nothing waits to be assessed anew.
func (f facts) verdict() (chat.Text, chat.Tone) {
	open, total := f.counts.Open(), f.counts.Total()
	switch d := f.inc.Clear; {
	case f.clear():
		return chat.T(chat.B(d.Words()), " · declared "+when(d.At, f.now)+" by ", chat.C(string(d.By)), " and ", chat.C(string(d.Second)), "."), chat.ToneGood
	case d != nil && open == 0:
		return chat.T(chat.B("Not known: "), fmt.Sprintf("it was declared clear %s, but %s to be assessed anew.", when(d.At, f.now), farmsWait(f.overdue))), chat.ToneWarn
	case d != nil:
		return chat.T(chat.B("Not clear: "), fmt.Sprintf("it was declared clear %s, but %s open.", when(d.At, f.now), are(open, "server"))), chat.ToneBad
	case total == 0 && f.counts.Status[state.StatusRetired] > 0:
		return chat.T("Every server is retired; there is nothing to declare clear."), chat.ToneWarn
	case total == 0:
		return chat.T("There are no servers yet."), chat.ToneWarn
	case open > 0:
		return chat.T(chat.B(fmt.Sprintf("Not clear: %d of %s open.", open, plural(total, "server")))), f.tone()
	case f.overdue > 0:
		return chat.T(chat.B("Not clear: "), fmt.Sprintf("no server is open, but %s to be assessed anew first.", farmsWait(f.overdue))), chat.ToneWarn
	}
	return chat.T(chat.B("Not declared clear. "), "The rule for it holds: no server is open. A lead asks with ", chat.C("incident clear"), ", another approves."), chat.ToneWarn
}

func (f facts) tone() chat.Tone {
	if f.counts.Status[state.StatusCompromised]+f.counts.Status[state.StatusSuspected]+f.counts.Status[state.StatusExposed] > 0 {
		return chat.ToneBad
	}
	return chat.ToneWarn
}

func are(n int, what string) string {
	if n == 1 {
		return plural(n, what) + " is"
	}
	return plural(n, what) + " are"
}

func farmsWait(n int) string {
	switch {
	case n == 1:
		return "1 farm waits"
	case n >= maxOverdue:
		return fmt.Sprintf("%d farms or more wait", n)
	}
	return plural(n, "farm") + " wait"
}

// dayAgo is the counts of about a day ago: of the last sample before then, or of
// the first after it.
func (f facts) dayAgo() (state.Point, bool) {
	var out state.Point
	for _, p := range f.past {
		if out.At.IsZero() || !p.At.After(f.now.Add(-24*time.Hour)) {
			out = p
		}
	}
	return out, !out.At.IsZero()
}

// change is a number with its difference to an earlier one.
func change(n, before int) string {
	switch {
	case n > before:
		return fmt.Sprintf("%d (+%d)", n, n-before)
	case n < before:
		return fmt.Sprintf("%d (−%d)", n, before-n)
	}
	return fmt.Sprintf("%d (=)", n)
}

// trend compares with a day ago, "" when nothing is known of then.
func (f facts) trend() string {
	p, ok := f.dayAgo()
	if !ok {
		return ""
	}
	return fmt.Sprintf("Since %s: open %s · confirmed %s", when(p.At, f.now), change(f.counts.Open(), p.Counts.Open()),
		change(f.counts.Status[state.StatusConfirmed], p.Counts.Status[state.StatusConfirmed]))
}

func (f facts) reminders(cadence time.Duration) time.Duration {
	return cmp.Or(f.inc.Cadence, cadence, 4*time.Hour)
}
