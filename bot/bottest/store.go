package bottest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Store is an inbox and an outbox in memory that behaves like a real one: ids are
// taken once, leases expire and are fenced, letters are delivered in the order in
// which they were stored. The zero value is empty and ready.
type Store struct {
	mu       sync.Mutex
	jobs     []*job
	letters  []*letter
	seen     map[string]bool // ids of letters, for ever
	receipts map[string]state.Receipt
	cards    map[string]state.Receipt
	dead     map[string]string
	tokens   int
	fail     func(method string) error
	late     func(method string) error
}

// Fail makes each method ask f first, by its name; when f returns an error, so does
// the method, and it does nothing. Nil ends it.
func (s *Store) Fail(f func(method string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = f
}

// Late is like Fail, but what was asked is done: only the reply is lost.
func (s *Store) Late(f func(method string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late = f
}

type job struct {
	state.Job
	holder string
	until  time.Time
	done   bool
}

type letter struct {
	state.Letter
	token     string
	claims    int
	until     time.Time
	notBefore time.Time // it was put back until then, and what is behind it waits
}

// locked runs f under the lock, between the two ways to fail.
func (s *Store) locked(ctx context.Context, method string, f func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	s.mu.Lock()
	fail, late := s.fail, s.late
	s.mu.Unlock()
	if fail != nil {
		if err := fail(method); err != nil {
			return err
		}
	}
	s.mu.Lock()
	err := f()
	s.mu.Unlock()
	if err == nil && late != nil {
		err = late(method)
	}
	return err
}

// Accept writes a request down, once.
func (s *Store) Accept(ctx context.Context, id string, payload []byte, at time.Time) (fresh bool, err error) {
	err = s.locked(ctx, "Accept", func() error {
		if slices.ContainsFunc(s.jobs, func(j *job) bool { return j.ID == id }) {
			return nil
		}
		fresh = true
		s.jobs = append(s.jobs, &job{Job: state.Job{ID: id, Payload: slices.Clone(payload), Accepted: at}})
		return nil
	})
	return fresh, err
}

// Lease takes the oldest request that nobody holds.
func (s *Store) Lease(ctx context.Context, holder string, now time.Time, ttl time.Duration) (out state.Job, ok bool, err error) {
	err = s.locked(ctx, "Lease", func() error {
		for _, j := range s.jobs {
			if !j.done && !j.until.After(now) {
				j.holder, j.until, ok = holder, now.Add(ttl), true
				j.Attempt++
				out = j.Job
				return nil
			}
		}
		return nil
	})
	return out, ok && err == nil, err
}

func (s *Store) held(id, holder string, attempt int) (*job, error) {
	for _, j := range s.jobs {
		if j.ID == id && !j.done && j.holder == holder && j.Attempt == attempt {
			return j, nil
		}
	}
	return nil, state.ErrLeaseLost
}

// Renew prolongs a lease that is still held, expired or not.
func (s *Store) Renew(ctx context.Context, id, holder string, attempt int, now time.Time, ttl time.Duration) error {
	return s.locked(ctx, "Renew", func() error {
		j, err := s.held(id, holder, attempt)
		if err != nil {
			return err
		}
		j.until = now.Add(ttl)
		return nil
	})
}

// Finish ends a request and stores its letters in one step.
func (s *Store) Finish(ctx context.Context, id, holder string, attempt int, letters []state.Letter, _ time.Time) error {
	return s.locked(ctx, "Finish", func() error {
		j, err := s.held(id, holder, attempt)
		if err != nil {
			return err
		}
		j.done = true
		s.add(letters)
		return nil
	})
}

// Waiting counts the requests that nobody took yet, and says since when the oldest waits.
func (s *Store) Waiting(ctx context.Context) (n int, oldest time.Time, err error) {
	err = s.locked(ctx, "Waiting", func() error {
		for _, j := range s.jobs {
			if !j.done && j.Attempt == 0 {
				n++
				if oldest.IsZero() {
					oldest = j.Accepted
				}
			}
		}
		return nil
	})
	return n, oldest, err
}

// Steal takes a request away from its holder, as another replica would.
func (s *Store) Steal(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.jobs {
		if j.ID == id {
			j.holder = "somebody else"
			j.Attempt++
			j.until = j.until.Add(time.Hour)
		}
	}
}

// Unfinished lists the requests that have no answer yet.
func (s *Store) Unfinished() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, j := range s.jobs {
		if !j.done {
			ids = append(ids, j.ID)
		}
	}
	return ids
}
