package main

import (
	"context"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/commands"
	"github.com/allclear-bot/allclear/state"
)

// What is too long.
const (
	defaultScanAge = 26 * time.Hour // since a complete scan of all servers
	requestAge     = 5 * time.Minute
	letterAge      = 5 * time.Minute
	unreadyFor     = 3 * time.Minute
	slotLate       = 10 * time.Minute
	growthOver     = 15 * time.Minute
	growthMost     = 100 // letters in that time
	scansLooked    = 30
	scansKept      = 200 // that the store remembers of an incident
)

// watched is what the dead-man looks at in the store.
type watched interface {
	Waiting(ctx context.Context) (n int, oldest time.Time, err error)
	QueueSize(ctx context.Context) (n int, oldest time.Time, err error)
	Incidents(ctx context.Context) ([]state.IncidentHead, error)
	Incident(ctx context.Context, id string) (state.Incident, error)
	LastScans(ctx context.Context, incident string, limit int) ([]state.Scan, error)
	turns
}

// watcher finds what is wrong. It is used by one goroutine.
type watcher struct {
	store   watched
	ready   func() error // of everything that posts; nil: nothing can be unready
	now     func() time.Time
	scanAge time.Duration

	unready time.Time
	sizes   []size // of the outbox, over growthOver
}

type size struct {
	at time.Time
	n  int
}

// look finds what is wrong, by cause and in words. An error means that the store did
// not answer.
func (w *watcher) look(ctx context.Context) (map[string]string, error) {
	wrong := map[string]string{}
	now := w.now()
	n, oldest, err := w.store.Waiting(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the inbox: %w", err)
	}
	if n > 0 && now.Sub(oldest) > requestAge {
		wrong[causeQueue] = fmt.Sprintf("%s not started; the oldest waits since %s UTC.", isAre(n, "request"), oldest.UTC().Format("2 Jan 15:04"))
	}
	letters, oldest, err := w.store.QueueSize(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	if from, grows := w.growth(now, letters); grows && wrong[causeQueue] == "" {
		wrong[causeQueue] = fmt.Sprintf("the outbox grows: %d messages wait, %d did a quarter of an hour ago.", letters, from)
	}
	if w.mute(now) && letters > 0 && now.Sub(oldest) > letterAge {
		wrong[causePosting] = fmt.Sprintf("a platform cannot be reached since %s UTC, and %s to be said.", w.unready.UTC().Format("15:04"), isAre(letters, "message"))
	}
	return wrong, w.incidents(ctx, now, wrong)
}

func isAre(n int, what string) string {
	if n == 1 {
		return "1 " + what + " is"
	}
	return fmt.Sprintf("%d %ss are", n, what)
}

// growth reports whether much more waits than a quarter of an hour ago, and it never
// became less in between.
func (w *watcher) growth(now time.Time, n int) (from int, grows bool) {
	w.sizes = append(w.sizes, size{now, n})
	for len(w.sizes) > 1 && now.Sub(w.sizes[1].at) >= growthOver {
		w.sizes = w.sizes[1:]
	}
	if now.Sub(w.sizes[0].at) < growthOver || n-w.sizes[0].n < growthMost {
		return 0, false
	}
	for i, s := range w.sizes[1:] {
		if s.n < w.sizes[i].n {
			return 0, false
		}
	}
	return w.sizes[0].n, true
}

// mute reports whether this process could not post for a while.
func (w *watcher) mute(now time.Time) bool {
	if w.ready == nil || w.ready() == nil {
		w.unready = time.Time{}
		return false
	}
	if w.unready.IsZero() {
		w.unready = now
	}
	return now.Sub(w.unready) >= unreadyFor
}

// incidents looks at the scans and the schedule of each that is open.
func (w *watcher) incidents(ctx context.Context, now time.Time, wrong map[string]string) error {
	heads, err := w.store.Incidents(ctx)
	if err != nil {
		return fmt.Errorf("list the incidents: %w", err)
	}
	for _, h := range heads {
		if !h.Closed.IsZero() {
			continue
		}
		if err := w.slots(ctx, h.ID, now, wrong); err != nil {
			return err
		}
		if h.Clear {
			continue // nobody scans on for ever
		}
		all, lost, err := lastOfAll(ctx, w.store, h.ID, now)
		if err != nil {
			return fmt.Errorf("list the scans: %w", err)
		}
		switch {
		case lost > 0:
			wrong[causeScans] = "a scan has ended without a word, and nobody began it again."
		case all.IsZero() && now.Sub(h.Opened) > w.scanAge:
			wrong[causeScans] = "no complete scan of all servers of an open incident is known."
		case !all.IsZero() && now.Sub(all) > w.scanAge:
			wrong[causeScans] = fmt.Sprintf("no complete scan of all servers of an open incident since %s UTC.", all.UTC().Format("2 Jan 15:04"))
		}
	}
	return nil
}

// lastOfAll is commands.Freshness of the newest scans. When there is no complete one of
// all servers among a few, all that are kept are looked through: those of single servers
// are many.
func lastOfAll(ctx context.Context, store interface {
	LastScans(ctx context.Context, incident string, limit int) ([]state.Scan, error)
}, incident string, now time.Time,
) (all time.Time, lost int, err error) {
	for _, n := range []int{scansLooked, scansKept} {
		scans, err := store.LastScans(ctx, incident, n)
		if err != nil {
			return all, 0, err
		}
		if all, lost = commands.Freshness(scans, now); !all.IsZero() || len(scans) < n {
			break
		}
	}
	return all, lost, nil
}

// slots finds jobs whose next slot should have been fired long ago, by whomever.
func (w *watcher) slots(ctx context.Context, incident string, now time.Time, wrong map[string]string) error {
	inc, err := w.store.Incident(ctx, incident)
	if err != nil {
		return fmt.Errorf("read an incident: %w", err)
	}
	var keys []string
	for _, j := range inc.Jobs {
		keys = append(keys, j.Key(incident))
	}
	cursors, err := w.store.Cursors(ctx, keys)
	if err != nil {
		return fmt.Errorf("read the schedule: %w", err)
	}
	for i, c := range cursors {
		j := inc.Jobs[i]
		if !j.Paused && c.Edition == j.Edition && !c.Next.IsZero() && now.Sub(c.Next) > slotLate {
			wrong[causeSlots] = fmt.Sprintf("a job of the schedule was due at %s UTC and was not begun.", c.Next.UTC().Format("2 Jan 15:04"))
		}
	}
	return nil
}
