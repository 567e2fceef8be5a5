package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/bot/web"
	"github.com/allclear-bot/allclear/state"
)

// Why allclear might fall silent. Each is told once when it begins and once when it
// is over, by one of the replicas; when the store is lost, by each of them.
const (
	causeStore   = "store"
	causeScans   = "scans"
	causeQueue   = "queue"
	causePosting = "posting"
	causeSlots   = "slots"
)

func causes() []string {
	return []string{causeStore, causeScans, causeQueue, causePosting, causeSlots}
}

// relief is what is said when a cause is over.
var relief = map[string]string{
	causeStore:   "the store answers again.",
	causeScans:   "scans are fresh again.",
	causeQueue:   "what waited is being worked off.",
	causePosting: "messages are delivered again.",
	causeSlots:   "the schedule is on time again.",
}

const (
	deadmanEvery = 30 * time.Second
	deadmanLook  = 10 * time.Second // what one look may take
	sureAfter    = 2                // looks in a row that agree
	maxUnsaid    = 20               // what could not be said yet
)

// turns is where replicas agree on who says what. They are cursors of jobs that
// nobody schedules.
type turns interface {
	Cursors(ctx context.Context, jobs []string) ([]state.Cursor, error)
	Fire(ctx context.Context, f state.Firing) (bool, error)
}

// The editions of a cursor that tells whether a cause was told.
const (
	toldWrong int64 = 1 + iota
	toldOver
)

// deadman watches that allclear is not silent because it cannot speak, and says so
// on a second channel. It names nobody and nothing: the channel may be anybody's.
type deadman struct {
	look  func(ctx context.Context) (wrong map[string]string, err error)
	turns turns
	say   func(ctx context.Context, text string) error // nil: only the log
	now   func() time.Time
	log   *slog.Logger

	failed func() error // of a store of this process, for good; nil: it has none

	mu    sync.Mutex
	wrong map[string]string // now, by cause

	streak map[string]int // looks in a row: above zero wrong, below zero well
	lost   bool           // told that the store is lost
	since  time.Time      // the store does not answer
	unsaid []string
}

func newDeadman(w *watcher, t turns, say func(context.Context, string) error, now func() time.Time, log *slog.Logger) *deadman {
	return &deadman{look: w.look, turns: t, say: say, now: now, log: log, wrong: map[string]string{}, streak: map[string]int{}}
}

// Run watches until the context ends.
func (d *deadman) Run(ctx context.Context) error {
	tick := time.NewTicker(deadmanEvery)
	defer tick.Stop()
	for {
		d.once(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (d *deadman) once(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, deadmanLook)
	defer cancel()
	wrong, err := d.look(ctx)
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		return // the process ends
	}
	d.storeIs(err)
	if err == nil {
		d.settle(ctx, wrong)
	} else {
		d.log.Warn("dead-man: look", "error", err)
	}
	d.speak(ctx)
}

// storeIs notes whether the store answered. Nobody can be asked whether another
// replica has told it already.
func (d *deadman) storeIs(err error) {
	if err == nil {
		d.since = time.Time{}
	} else if d.since.IsZero() {
		d.since = d.now()
	}
	sure := d.sure(causeStore, err != nil)
	switch {
	case sure && err != nil && !d.lost:
		d.lost = true
		d.note(causeStore, fmt.Sprintf("the store does not answer since %s UTC: nothing is taken, nobody is reminded, nothing is known.", d.since.UTC().Format("15:04")))
	case err == nil && d.lost:
		d.lost = false
		d.note("", "over: "+relief[causeStore])
	}
	text := ""
	if d.lost {
		text = "lost"
	}
	d.set(causeStore, text)
}

// settle compares what is wrong with what was told.
func (d *deadman) settle(ctx context.Context, wrong map[string]string) {
	for _, c := range causes() {
		what := wrong[c]
		if c == causeStore || !d.sure(c, what != "") {
			continue
		}
		d.set(c, what)
		mine, err := d.turn(ctx, c, what != "")
		switch {
		case err != nil:
			d.log.Warn("dead-man: whose turn it is", "cause", c, "error", err)
		case mine && what != "":
			d.note(c, what)
		case mine:
			d.note("", "over: "+relief[c])
		}
	}
}

// sure reports whether enough looks in a row agree.
func (d *deadman) sure(c string, wrong bool) bool {
	n := d.streak[c]
	switch {
	case wrong && n > 0:
		n++
	case wrong:
		n = 1
	case n < 0:
		n--
	default:
		n = -1
	}
	d.streak[c] = n
	return n >= sureAfter || n <= -sureAfter
}

// turn reports whether it is for this replica to tell that a cause began or is over.
func (d *deadman) turn(ctx context.Context, c string, wrong bool) (bool, error) {
	job := "dead-man/" + c
	was, err := d.turns.Cursors(ctx, []string{job})
	if err != nil || len(was) != 1 {
		return false, err
	}
	if told := was[0].Edition == toldWrong; told == wrong {
		return false, nil
	}
	is := state.Cursor{Next: d.now(), Edition: toldOver}
	if wrong {
		is.Edition = toldWrong
	}
	return d.turns.Fire(ctx, state.Firing{Job: job, Was: was[0], Is: is})
}

// note keeps a sentence until it is said.
func (d *deadman) note(c, text string) {
	if c != "" {
		d.log.Error("dead-man: "+text, "cause", c)
	} else {
		d.log.Info("dead-man: " + text)
	}
	if d.say == nil {
		return
	}
	if len(d.unsaid) == maxUnsaid {
		d.unsaid = d.unsaid[1:]
	}
	d.unsaid = append(d.unsaid, "allclear: "+text)
}

// speak says what is not said yet, in its order.
func (d *deadman) speak(ctx context.Context) {
	for len(d.unsaid) > 0 {
		if err := d.say(ctx, d.unsaid[0]); err != nil {
			d.log.Error("dead-man: the second channel does not take it; it is tried again", "error", err)
			return
		}
		d.unsaid = d.unsaid[1:]
	}
}

func (d *deadman) set(c, what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wrong[c] = what
}

// is tells whether something is wrong now.
func (d *deadman) is(c string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.wrong[c] != ""
}

// storeReady is why nothing can be changed at the moment, or nil.
func (d *deadman) storeReady() error {
	if d.failed != nil {
		if err := d.failed(); err != nil {
			return err
		}
	}
	if d.is(causeStore) {
		return errors.New("the store does not answer")
	}
	return nil
}

// watchOver makes the dead-man of a process, and what it and others measure.
func watchOver(c deadmanConfig, a *app, out outside, m *web.Metrics) (*deadman, error) {
	say, err := c.speaker(out.posters, a.now)
	if err != nil {
		return nil, err
	}
	w := &watcher{store: a.store, now: a.now, scanAge: cmp.Or(c.Scans, defaultScanAge), ready: func() error {
		for _, p := range out.chats {
			if err := p.Ready(); err != nil {
				return err
			}
		}
		return nil
	}}
	d := newDeadman(w, a.store, say, a.now, a.log)
	m.Add(append(freshGauges(a.store, a.now), d.stateGauges(out.chats)...)...)
	return d, nil
}

// last is the last word of a process that ends because it can no longer work.
func (d *deadman) last(ctx context.Context) {
	if d.say == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadmanLook)
	defer cancel()
	d.unsaid = append(d.unsaid, "allclear: this process could not go on and has ended; its log says why.")
	d.speak(ctx)
}
