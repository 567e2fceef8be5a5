package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Cursor is the next slot of a job: the one that was not fired yet. Zero: the job is new.
func (s *Store) Cursor(ctx context.Context, job string) (time.Time, error) {
	text, err := call(ctx, s, "read the schedule", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.cursors(), job).Result()
	})
	if missing(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("cursor of job %q: %w", job, err)
	}
	return t.UTC(), nil
}

// Fire moves a job from a slot to the next and posts what the slot causes, in one step: letters,
// and a request (its id, payload and time). It reports whether it was this
// call that did it: false means that somebody else fired the slot. A new job's slot is zero.
func (s *Store) Fire(ctx context.Context, job string, slot, next time.Time, letters []state.Letter, accept *state.Job) (bool, error) {
	if next.IsZero() {
		return false, errors.New("a job needs a next slot")
	}
	nonce := rand.Text()
	p := newProgram()
	p.is(whySchema, s.k.meta(), "schema", strconv.Itoa(Schema))
	p.is(whyCursor, s.k.cursors(), job, slotText(slot))
	p.op("HSET", s.k.cursors(), job, slotText(next))
	p.op("HSET", s.k.cursorTries(), job, nonce)
	for _, l := range letters {
		if err := s.planLetter(p, l); err != nil {
			return false, err
		}
	}
	if accept != nil {
		if err := s.planAccept(p, *accept, nonce); err != nil {
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
	case v.no != whyCursor:
		return false, refused(v)
	}
	last, err := call(ctx, s, "fire a slot", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.cursorTries(), job).Result()
	})
	if missing(err) {
		return false, nil
	}
	return last == nonce, err // ours, if the reply was lost
}

func slotText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
