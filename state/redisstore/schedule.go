package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Cursors are where jobs stand, in their order. A zero one: the job was never fired.
func (s *Store) Cursors(ctx context.Context, jobs []string) ([]state.Cursor, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	texts, err := call(ctx, s, "read the schedule", func(ctx context.Context, _ int) ([]any, error) {
		return s.c.HMGet(ctx, s.k.cursors(), jobs...).Result()
	})
	if err != nil {
		return nil, err
	}
	out := make([]state.Cursor, len(jobs))
	for i, t := range texts {
		text, _ := t.(string)
		if out[i], err = parseCursor(text); err != nil {
			return nil, fmt.Errorf("cursor of job %q: %w", jobs[i], err)
		}
	}
	return out, nil
}

// Fire moves a job from a cursor to the next and posts what the slot causes, letters and requests, in one step. It reports
// whether it was this call that did it: false means that somebody else did, or that the incident is not as it was read.
func (s *Store) Fire(ctx context.Context, f state.Firing) (bool, error) {
	if f.Is.Next.IsZero() || f.Job == "" {
		return false, errors.New("a job needs a name and a next slot")
	}
	nonce := rand.Text()
	p := newProgram()
	p.is(whyCursor, s.k.cursors(), f.Job, cursorText(f.Was))
	if f.Rev != 0 {
		p.is(whyIncident, s.k.incident(f.Incident), "rev", revText(f.Rev))
	}
	p.op("HSET", s.k.cursors(), f.Job, cursorText(f.Is))
	p.op("HSET", s.k.cursorTries(), f.Job, nonce)
	for _, l := range f.Letters {
		if err := s.planLetter(p, l); err != nil {
			return false, err
		}
	}
	for _, r := range f.Requests {
		if err := s.planAccept(p, r, nonce); err != nil {
			return false, err
		}
	}
	p.seal()
	v, err := s.apply(ctx, "fire a slot", p)
	switch {
	case err != nil:
		return false, err
	case v.ok:
		return true, nil
	case v.no == whyIncident:
		return false, nil
	case v.no != whyCursor:
		return false, refused(v)
	}
	last, err := call(ctx, s, "fire a slot", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.cursorTries(), f.Job).Result()
	})
	if missing(err) {
		return false, nil
	}
	return last == nonce, err // ours, if the reply was lost
}

func cursorText(c state.Cursor) string {
	if c.Next.IsZero() {
		return ""
	}
	return c.Next.UTC().Format(time.RFC3339Nano) + " " + strconv.FormatInt(c.Edition, 10)
}

func parseCursor(text string) (c state.Cursor, err error) {
	if text == "" {
		return c, nil
	}
	at, edition, _ := strings.Cut(text, " ")
	if c.Next, err = time.Parse(time.RFC3339Nano, at); err != nil {
		return c, err
	}
	c.Edition, err = strconv.ParseInt(edition, 10, 64)
	return c, err
}
