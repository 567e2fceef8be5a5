package bottest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/state"
)

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
			if l.until.After(now) || l.notBefore.After(now) {
				heads[l.Lane()] = nil
			}
		}
		for _, l := range s.letters {
			head, known := heads[l.Lane()]
			joins := !known || head != nil && head.Notice.Coalesce != "" && head.Notice.Coalesce == l.Notice.Coalesce
			if !joins || l.Due.After(now) || len(out) == limit {
				continue
			}
			if !known {
				heads[l.Lane()] = l
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
	l.Tries = l.claims
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
func (s *Store) Delivered(ctx context.Context, l state.Letter, token string, r state.Receipt) error {
	return s.locked(ctx, "Delivered", func() error {
		i, err := s.claimed(l.ID, token)
		if err != nil {
			return err
		}
		if s.receipts == nil {
			s.receipts, s.cards = map[string]state.Receipt{}, map[string]state.Receipt{}
		}
		s.receipts[l.ID] = r
		if r.Card != "" {
			s.cards[r.Card+" @ "+r.Place.Key()] = r
		}
		s.letters = slices.Delete(s.letters, i, i+1)
		return nil
	})
}

// Later puts a letter back. What is behind it in its place waits with it.
func (s *Store) Later(ctx context.Context, l state.Letter, token string, due time.Time, held string) error {
	return s.locked(ctx, "Later", func() error {
		i, err := s.claimed(l.ID, token)
		if err != nil {
			return err
		}
		back := s.letters[i]
		back.notBefore, back.Held, back.token, back.until = due, held, "", time.Time{}
		return nil
	})
}

// Dead gives a letter up.
func (s *Store) Dead(ctx context.Context, l state.Letter, token, why string) error {
	return s.locked(ctx, "Dead", func() error {
		i, err := s.claimed(l.ID, token)
		if err != nil {
			return err
		}
		if s.dead == nil {
			s.dead = map[string]string{}
		}
		s.dead[l.ID] = why
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

// ReceiptOf is where a letter went, or state.ErrNotFound.
func (s *Store) ReceiptOf(ctx context.Context, id string) (r state.Receipt, err error) {
	err = s.locked(ctx, "ReceiptOf", func() error {
		var ok bool
		if r, ok = s.receipts[id]; !ok {
			return fmt.Errorf("receipt of a letter: %w", state.ErrNotFound)
		}
		return nil
	})
	return r, err
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
