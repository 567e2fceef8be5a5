package bottest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Store is an inbox and an outbox in memory that behaves like a real one: ids are
// taken once, leases expire and are fenced, letters are delivered in the order in
// which they were stored. The zero value is empty and ready.
type Store struct {
	// Fail, when set, is asked before each method by its name; its error is
	// returned and nothing is done.
	Fail func(method string) error
	// Late is like Fail, but what was asked is done: only the reply is lost.
	Late func(method string) error

	mu       sync.Mutex
	jobs     []*job
	letters  []*letter
	seen     map[string]bool // ids of letters, for ever
	receipts map[string]state.Receipt
	cards    map[string]state.Receipt
	dead     map[string]string
	tokens   int
}

type job struct {
	state.Job
	holder string
	until  time.Time
	done   bool
}

type letter struct {
	state.Letter
	token  string
	claims int
	until  time.Time
}

// locked runs f under the lock, between the two ways to fail.
func (s *Store) locked(ctx context.Context, method string, f func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if s.Fail != nil {
		if err := s.Fail(method); err != nil {
			return err
		}
	}
	s.mu.Lock()
	err := f()
	s.mu.Unlock()
	if err == nil && s.Late != nil {
		err = s.Late(method)
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

// Waiting counts the requests that nobody took yet.
func (s *Store) Waiting(ctx context.Context) (n int, err error) {
	err = s.locked(ctx, "Waiting", func() error {
		for _, j := range s.jobs {
			if !j.done && j.Attempt == 0 {
				n++
			}
		}
		return nil
	})
	return n, err
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

// Post stores letters, each id once for ever.
func (s *Store) Post(ctx context.Context, letters []state.Letter) error {
	return s.locked(ctx, "Post", func() error {
		s.add(letters)
		return nil
	})
}

func (s *Store) add(letters []state.Letter) {
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	for _, l := range letters {
		if !s.seen[l.ID] {
			s.seen[l.ID] = true
			s.letters = append(s.letters, &letter{Letter: l})
		}
	}
}

// Claim takes letters that are due: the oldest of each place, with those of the
// same place that coalesce with it. While one is claimed, its place waits.
func (s *Store) Claim(ctx context.Context, holder string, now time.Time, ttl time.Duration, limit int) (out []state.ClaimedLetter, err error) {
	err = s.locked(ctx, "Claim", func() error {
		heads := map[string]*letter{} // nil: somebody delivers there
		for _, l := range s.letters {
			if l.until.After(now) {
				heads[l.Place.Key()] = nil
			}
		}
		for _, l := range s.letters {
			head, known := heads[l.Place.Key()]
			joins := !known || head != nil && head.Notice.Coalesce != "" && head.Notice.Coalesce == l.Notice.Coalesce
			if !joins || l.Due.After(now) || len(out) == limit {
				continue
			}
			if !known {
				heads[l.Place.Key()] = l
			}
			out = append(out, s.claim(l, holder, now.Add(ttl)))
		}
		return nil
	})
	return out, err
}

func (s *Store) claim(l *letter, holder string, until time.Time) state.ClaimedLetter {
	s.tokens++
	l.claims++
	l.token, l.until = fmt.Sprintf("%s-%d", holder, s.tokens), until
	return state.ClaimedLetter{Letter: l.Letter, Token: l.token, Claims: l.claims}
}

func (s *Store) claimed(id, token string) (int, error) {
	i := slices.IndexFunc(s.letters, func(l *letter) bool { return l.ID == id && l.token == token && token != "" })
	if i < 0 {
		return 0, state.ErrLeaseLost
	}
	return i, nil
}

// Delivered ends a letter with its receipt.
func (s *Store) Delivered(ctx context.Context, id, token string, r state.Receipt) error {
	return s.locked(ctx, "Delivered", func() error {
		i, err := s.claimed(id, token)
		if err != nil {
			return err
		}
		if s.receipts == nil {
			s.receipts, s.cards = map[string]state.Receipt{}, map[string]state.Receipt{}
		}
		s.receipts[id] = r
		if r.Card != "" {
			s.cards[r.Card+" @ "+r.Place.Key()] = r
		}
		s.letters = slices.Delete(s.letters, i, i+1)
		return nil
	})
}

// Later puts a letter back until it is due again, and counts in its Tries.
func (s *Store) Later(ctx context.Context, id, token string, due time.Time, held string) error {
	return s.locked(ctx, "Later", func() error {
		i, err := s.claimed(id, token)
		if err != nil {
			return err
		}
		l := s.letters[i]
		l.Due, l.Held, l.token, l.until = due, held, "", time.Time{}
		l.Tries++
		return nil
	})
}

// Dead gives a letter up.
func (s *Store) Dead(ctx context.Context, id, token, why string) error {
	return s.locked(ctx, "Dead", func() error {
		i, err := s.claimed(id, token)
		if err != nil {
			return err
		}
		if s.dead == nil {
			s.dead = map[string]string{}
		}
		s.dead[id] = why
		s.letters = slices.Delete(s.letters, i, i+1)
		return nil
	})
}

// CardReceipt is where the newest message of a card went in a place.
func (s *Store) CardReceipt(ctx context.Context, card string, place state.Place) (r state.Receipt, ok bool, err error) {
	err = s.locked(ctx, "CardReceipt", func() error {
		r, ok = s.cards[card+" @ "+place.Key()]
		return nil
	})
	return r, ok, err
}

// ReceiptOf is where a letter went.
func (s *Store) ReceiptOf(ctx context.Context, id string) (r state.Receipt, ok bool, err error) {
	err = s.locked(ctx, "ReceiptOf", func() error {
		r, ok = s.receipts[id]
		return nil
	})
	return r, ok, err
}

// Queue lists the letters that are not delivered, oldest first.
func (s *Store) Queue() []state.Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []state.Letter
	for _, l := range s.letters {
		out = append(out, l.Letter)
	}
	slices.SortStableFunc(out, func(a, b state.Letter) int { return cmp.Compare(a.Place.Key(), b.Place.Key()) })
	return out
}

// Buried is why letters were given up, by their ids.
func (s *Store) Buried() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.dead)
}

// Receipts are the letters that were delivered, by their ids.
func (s *Store) Receipts() map[string]state.Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.receipts)
}
