package redisstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// Held returns letters that wait for a reason, and those that were given up, with the reason. The oldest come first. It
// costs what is held, not what waits.
func (s *Store) Held(ctx context.Context, limit int) ([]state.Letter, error) {
	dead, err := call(ctx, s, "read dead letters", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.HVals(ctx, s.k.dead()).Result()
	})
	if err != nil {
		return nil, err
	}
	var out []state.Letter
	for _, d := range dead {
		l, err := decode[state.Letter](d, "letter", "dead")
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	waiting, err := s.waitingForReason(ctx)
	if err != nil {
		return nil, err
	}
	out = append(out, waiting...)
	slices.SortStableFunc(out, func(a, b state.Letter) int { return a.Created.Compare(b.Created) })
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out, nil
}

// NotYet returns letters that are not to be said before a time that is still ahead, the first to be said first, and whether
// there are more. It looks at so many of each place.
func (s *Store) NotYet(ctx context.Context, now time.Time, limit int) (letters []state.Letter, more bool, err error) {
	var places []string
	if err := s.members(ctx, s.k.places(), func(p string) { places = append(places, p) }); err != nil {
		return nil, false, err
	}
	entries, err := call(ctx, s, "read the outbox", func(ctx context.Context, _ int) (out []string, err error) {
		p := s.c.Pipeline()
		queues := make([]*redis.StringSliceCmd, len(places))
		for i, place := range places {
			queues[i] = p.ZRangeByScore(ctx, s.k.queue(place), &redis.ZRangeBy{Min: "(" + millis(now), Max: "+inf", Count: int64(limit + 1)})
		}
		err = execute(ctx, p)
		for _, q := range queues {
			out = append(out, q.Val()...)
		}
		return out, err
	})
	if err != nil {
		return nil, false, err
	}
	if letters, err = s.lettersOf(ctx, entries); err != nil {
		return nil, false, err
	}
	letters = slices.DeleteFunc(letters, func(l state.Letter) bool { return !l.Notice.NotBefore.After(now) })
	slices.SortStableFunc(letters, func(a, b state.Letter) int { return a.Notice.NotBefore.Compare(b.Notice.NotBefore) })
	if more = len(letters) > limit; more {
		letters = letters[:limit]
	}
	return letters, more, nil
}

// LettersAt returns what waits, or is being delivered, in the lane of a place itself, by the place's key.
func (s *Store) LettersAt(ctx context.Context, place string) ([]state.Letter, error) {
	entries, err := call(ctx, s, "read the outbox", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.ZRange(ctx, s.k.queue(place), 0, -1).Result()
	})
	if err != nil {
		return nil, err
	}
	return s.lettersOf(ctx, entries)
}

// lettersOf reads the letters of entries of queues. What is delivered in between is left out.
func (s *Store) lettersOf(ctx context.Context, entries []string) ([]state.Letter, error) {
	var out []state.Letter
	for some := range slices.Chunk(entries, 200) {
		docs, err := call(ctx, s, "read the outbox", func(ctx context.Context, _ int) ([]string, error) {
			p := s.c.Pipeline()
			var cmds []*redis.StringCmd
			for _, entry := range some {
				if len(entry) > 12 { // a number of twelve digits, and the id
					cmds = append(cmds, p.HGet(ctx, s.k.letter(entry[12:]), entry[12:]))
				}
			}
			err := execute(ctx, p)
			docs := make([]string, 0, len(cmds))
			for _, c := range cmds {
				docs = append(docs, c.Val())
			}
			return docs, err
		})
		if err != nil {
			return nil, err
		}
		for _, doc := range docs {
			if doc == "" { // delivered in between
				continue
			}
			l, err := decode[state.Letter](doc, "letter", "at a place")
			if err != nil {
				return nil, err
			}
			out = append(out, l)
		}
	}
	return out, nil
}

// heldPlaces are the places of the letters that are held back, by id.
func (s *Store) heldPlaces(ctx context.Context) (map[string]string, error) {
	return call(ctx, s, "read the outbox", func(ctx context.Context, _ int) (map[string]string, error) {
		return s.c.HGetAll(ctx, s.k.held()).Result()
	})
}

func (s *Store) waitingForReason(ctx context.Context) ([]state.Letter, error) {
	places, err := s.heldPlaces(ctx)
	if err != nil || len(places) == 0 {
		return nil, err
	}
	ids := slices.Sorted(maps.Keys(places))
	texts, err := call(ctx, s, "read the outbox", func(ctx context.Context, _ int) ([]string, error) {
		p := s.c.Pipeline()
		cmds := make([]*redis.StringCmd, 0, 2*len(ids))
		for _, id := range ids {
			cmds = append(cmds, p.HGet(ctx, s.k.claims(places[id]), id), p.HGet(ctx, s.k.letter(id), id))
		}
		err := execute(ctx, p)
		out := make([]string, len(cmds))
		for i, c := range cmds {
			out[i] = c.Val()
		}
		return out, err
	})
	if err != nil {
		return nil, err
	}
	var out []state.Letter
	for i, id := range ids {
		claim, doc := texts[2*i], texts[2*i+1]
		if claim == "" || doc == "" { // delivered in between
			continue
		}
		c, err := parseClaim(claim)
		if err != nil {
			return nil, err
		}
		l, err := decode[state.Letter](doc, "letter", id)
		if err != nil {
			return nil, err
		}
		if c.held != "" {
			out = append(out, c.dress(l))
		}
	}
	return out, nil
}

// verifyHeld compares the list of letters that are held back with what is kept at their places. Letters go out meanwhile,
// so each that is in the one or in the other is looked at in both at one moment.
func (s *Store) verifyHeld(ctx context.Context, r *Report) error {
	suspects, err := s.heldPlaces(ctx)
	if err != nil {
		return err
	}
	var places []string
	if err := s.members(ctx, s.k.places(), func(p string) { places = append(places, p) }); err != nil {
		return err
	}
	for _, place := range places {
		claims, err := call(ctx, s, "verify the outbox", func(ctx context.Context, _ int) (map[string]string, error) {
			return s.c.HGetAll(ctx, s.k.claims(place)).Result()
		})
		if err != nil {
			return err
		}
		for id, text := range claims {
			if c, err := parseClaim(text); err != nil || c.held != "" {
				suspects[id] = place
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(suspects)) {
		if err := s.verifyHeldLetter(ctx, r, id, suspects[id]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) verifyHeldLetter(ctx context.Context, r *Report, id, place string) error {
	both, err := call(ctx, s, "verify the outbox", func(ctx context.Context, _ int) ([2]string, error) {
		p := s.c.TxPipeline()
		listed, claim := p.HGet(ctx, s.k.held(), id), p.HGet(ctx, s.k.claims(place), id)
		err := execute(ctx, p)
		return [2]string{listed.Val(), claim.Val()}, err
	})
	if err != nil {
		return err
	}
	held := false
	if both[1] != "" {
		c, err := parseClaim(both[1])
		if err != nil {
			r.problem("letter %.80q at %.80q: %v", id, place, err)
			return nil
		}
		held = c.held != ""
	}
	if held != (both[0] == place) || !held && both[0] != "" {
		r.problem("letter %.80q at %.80q is held back and not listed as that, or listed and not held back", id, place)
	}
	return nil
}
