package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/state"
)

var errNotYet = errors.New("nobody was reminded in this slot yet")

// Remind sends the reminders of the slot that now lies in, as ping --send does,
// and tells how many. It sends once in a slot, whoever asks however often, and
// nothing for an incident that is closed or declared clear.
func Remind(ctx context.Context, p Parts, incident string, now time.Time) (sent int, err error) {
	inc, err := p.Store.Incident(ctx, incident)
	if err != nil || !inc.Closed.IsZero() {
		return 0, err
	}
	if clear, err := knownClear(ctx, p.Store, inc, now); err != nil || clear {
		return 0, err
	}
	cadence := facts{inc: inc}.reminders(p.Cadence)
	slot := slotOf(now, cadence)
	if slot.Before(inc.Opened) {
		return 0, nil // it was opened within this slot: people work, and know
	}
	work := state.Work{Request: fmt.Sprintf("ping %s %s", inc.ID, slot.Format(time.RFC3339)), Step: "ping", Via: "reminders", At: now}
	out, err := p.Store.Update(ctx, work, inc.ID, nil, func(*state.Tx) error { return errNotYet })
	if out.Already || !errors.Is(err, errNotYet) {
		return 0, err
	}
	due, _, _, err := reminders{p.Store, p.Store, now, cadence}.all(ctx, inc.ID, "")
	if err != nil || len(due) == 0 {
		return 0, err
	}
	out, err = p.Store.Update(ctx, work, inc.ID, nil, notify(due, slot))
	if err != nil || out.Already {
		return 0, err
	}
	return len(due), nil
}

// knownClear reports whether an incident is declared clear, and nothing is known
// to speak against it or waits to be assessed anew.
func knownClear(ctx context.Context, s knower, inc state.Incident, now time.Time) (bool, error) {
	if inc.Clear == nil {
		return false, nil
	}
	counts, err := s.Counts(ctx, inc.ID, state.Filter{})
	if err != nil {
		return false, err
	}
	late, err := overdueIn(ctx, s, inc, now)
	return facts{inc: inc, counts: counts, overdue: late}.clear(), err
}
