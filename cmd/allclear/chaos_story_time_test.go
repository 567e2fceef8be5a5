//go:build chaos

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/schedule"
	"github.com/allclear-bot/allclear/state"
)

// openClock makes the file from which all replicas read how late it is in the story.
func (c *saga) openClock(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clock")
	var err error
	c.clock, err = os.Create(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.clock.Close()) })
	require.NoError(t, c.put(time.Until(storyStart())))
	return path
}

// put puts the clock of the story forward, for all processes.
func (c *saga) put(d time.Duration) error {
	c.ahead += d
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(c.ahead))
	_, err := c.clock.WriteAt(b[:], 0)
	return err
}

// Now is the moment of the story, by a clock that is right: those of the replicas are up to three seconds off.
func (c *saga) Now() time.Time { return time.Now().Add(c.ahead).Round(0) }

// mostSkew is how much later a replica may think that it is.
const mostSkew = 3 * time.Second

// Skip puts the clock forward, when nothing else moves, and stops at each slot of the schedule until that is told.
func (c *saga) Skip(d time.Duration) {
	end := c.Now().Add(d)
	for c.err == nil {
		if c.err = c.settle(nil); c.err != nil {
			return
		}
		at, err := c.nextSlot()
		if err != nil || at.IsZero() || at.After(end) {
			c.err = errors.Join(err, c.put(max(0, end.Sub(c.Now()))))
			return
		}
		c.err = c.put(max(0, at.Sub(c.Now())))
		if c.rng.IntN(3) == 0 {
			c.next = c.typed
			c.accident("slot")
		}
	}
}

// nextSlot is when the next job of the schedule is due; zero: never. A slot that is due and not fired is in the past.
func (c *saga) nextSlot() (next time.Time, err error) {
	inc, err := c.store.Incident(c.t.Context(), incidentName)
	if errors.Is(err, state.ErrNotFound) {
		return next, nil
	}
	if err != nil {
		return next, err
	}
	for _, j := range inc.Jobs {
		cursors, err := c.store.Cursors(c.t.Context(), []string{j.Key(inc.ID)})
		if err != nil {
			return next, err
		}
		at := cursors[0].Next
		if at.IsZero() || cursors[0].Edition != j.Edition {
			table, err := schedule.Parse(j.Spec, j.Zone)
			if err != nil {
				return next, err
			}
			at = table.Next(j.Since)
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next, nil
}

// errands are what the replicas have to do.
type errands struct {
	busy string    // what is being done, or will be without that the clock moves; "": nothing
	next time.Time // when the next of what waits for a time is due; zero: nothing waits
}

func (e *errands) wait(at time.Time) {
	if e.next.IsZero() || at.Before(e.next) {
		e.next = at
	}
}

// settle waits until the replicas have nothing left to do. What only waits for a time, or for somebody who is dead, is
// not waited for: the clock is put forward. What was accepted meanwhile is of the word.
func (c *saga) settle(w *word) error {
	var last string
	for end := time.Now().Add(settled); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		c.supervise()
		at, late := c.nextSlot() // before what it leads to
		e, err := c.look()
		switch err = errors.Join(err, late); {
		case err != nil:
			last = err.Error()
		case e.busy != "":
			last = e.busy
		case !at.IsZero() && !at.After(c.Now()):
			last = "a slot is due"
		case e.next.IsZero():
			return c.note(w)
		default:
			if err := c.put(max(0, e.next.Add(mostSkew).Sub(c.Now()))); err != nil {
				return err
			}
		}
	}
	var logs []string
	for _, r := range c.replicas {
		logs = append(logs, tail(r.errs.String(), 1500))
	}
	return fmt.Errorf("the replicas do not come to rest: %s\n%s", last, strings.Join(logs, "\n"))
}

// looker reads what the replicas have to do. It asks the store's own keys, for no command tells who holds what.
func (c *saga) looker() func() (errands, error) {
	db, ctx := c.redis.Client(c.t), c.t.Context()
	const key = "allclear:{s00}:"
	return func() (e errands, err error) {
		if n, err := db.ZCard(ctx, key+"in:queue").Result(); err != nil || n > 0 {
			e.busy = "requests wait"
			return e, err
		}
		leased, err := db.ZRangeWithScores(ctx, key+"in:leased", 0, -1).Result()
		if err != nil {
			return e, err
		}
		for _, z := range leased {
			holder, err := db.HGet(ctx, key+"in:lease", fmt.Sprint(z.Member)).Result()
			if err != nil || c.alive(holder) {
				e.busy = fmt.Sprint("a request is worked on: ", z.Member)
				return e, nil
			}
			e.wait(time.UnixMilli(int64(z.Score)))
		}
		lanes, err := db.ZRange(ctx, key+"out:places", 0, -1).Result()
		if err != nil {
			return e, err
		}
		for _, lane := range lanes {
			first, err := db.ZRange(ctx, key+"out:queue:"+lane, 0, 0).Result()
			if err != nil || len(first) == 0 {
				continue
			}
			kept, err := db.HGet(ctx, key+"out:state:"+lane, first[0][12:]).Result()
			if err != nil || c.letter(&e, kept) {
				e.busy = fmt.Sprintf("a letter is on its way: %q %s", first[0], kept)
				return e, nil
			}
		}
		return e, nil
	}
}

// letter adds what the store keeps of a letter that waits, and reports whether somebody is at it, or will be in a moment.
func (c *saga) letter(e *errands, kept string) bool {
	f := strings.SplitN(kept, " ", 7) // due, n, not before, claimed until, claims, token, why it is held
	if len(f) != 7 {
		return true
	}
	at := func(i int) time.Time { n, _ := strconv.ParseInt(f[i], 10, 64); return time.UnixMilli(n) }
	now := c.Now()
	due := at(0)
	if at(2).After(due) {
		due = at(2)
	}
	switch {
	case at(3).After(now) && c.alive(f[5]):
		return true
	case at(3).After(now):
		e.wait(at(3))
	case due.After(now) && strings.Contains(f[6], "slow down"): // Slack's time is not that of the story
		return true
	case due.After(now):
		e.wait(due)
	default:
		return true
	}
	return false
}

// alive reports whether who holds something still runs.
func (c *saga) alive(holder string) bool {
	for _, r := range c.replicas {
		if strings.Contains(holder, fmt.Sprintf("-%d-", r.cmd.Process.Pid)) {
			select {
			case <-r.done:
			default:
				return true
			}
		}
	}
	return false
}
