package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// prunePage is how many things are forgotten in one exchange.
const prunePage = 500

// keepDead is for how much longer people can see a letter that was given up.
const keepDead = 30 * 24 * time.Hour

// Prune forgets what only served to notice repetition and is older than before: ids of requests and of delivered
// letters with their receipts, those of cards that are answers, and markers of changes. Letters that were given up it
// forgets too, thirty days later. It works in steps and may be stopped at any. What belongs to
// a request that is still unfinished is kept, however old it is: the request will be tried again. It returns how much it forgot.
func (s *Store) Prune(ctx context.Context, before time.Time) (n int, err error) {
	oldest, err := s.oldestUnfinished(ctx)
	if err != nil {
		return 0, err
	}
	if !oldest.IsZero() && oldest.Before(before) {
		before = oldest
	}
	hours, err := call(ctx, s, "prune", func(ctx context.Context, _ int) ([]string, error) {
		limit := strconv.FormatInt(before.Unix()/3600, 10)
		return s.c.ZRangeByScore(ctx, s.k.hours(), &redis.ZRangeBy{Min: "-inf", Max: "(" + limit}).Result()
	})
	for _, h := range hours {
		if kind, hour, _ := strings.Cut(h, ":"); kind == "dead" && tooYoung(hour, before.Add(-keepDead)) {
			continue
		}
		m, err := s.pruneHour(ctx, h)
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, err
}

func tooYoung(hour string, before time.Time) bool {
	n, err := strconv.ParseInt(hour, 10, 64)
	return err == nil && n >= before.Unix()/3600
}

// oldestUnfinished is when the oldest request that has no answer yet was accepted.
func (s *Store) oldestUnfinished(ctx context.Context) (time.Time, error) {
	jobs, err := call(ctx, s, "prune", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.HVals(ctx, s.k.inJob()).Result()
	})
	var oldest time.Time
	for _, j := range jobs {
		if at := acceptedAt(j); oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	return oldest, err
}

func (s *Store) pruneHour(ctx context.Context, kindHour string) (int, error) {
	kind, hour, _ := strings.Cut(kindHour, ":")
	home := map[string]func(string) string{
		"mark": s.k.mark, "seen": s.k.inSeen, "receipt": s.k.receipt, "card": s.k.card,
		"dead": func(string) string { return s.k.dead() },
	}[kind]
	if home == nil {
		return 0, fmt.Errorf("prune: there is nothing of kind %q", kind)
	}
	members, err := call(ctx, s, "prune", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.SMembers(ctx, s.k.old(kindHour)).Result()
	})
	if err != nil {
		return 0, err
	}
	n := 0
	for page := range slices.Chunk(members, prunePage) {
		forget := page
		if kind == "card" {
			if forget, err = s.cardsOf(ctx, page, hour); err != nil {
				return n, err
			}
		}
		_, err := call(ctx, s, "prune", func(ctx context.Context, _ int) (bool, error) {
			p := s.c.Pipeline()
			gone := make([]any, len(page))
			for _, m := range forget {
				p.HDel(ctx, home(m), m)
			}
			for i, m := range page {
				gone[i] = m
			}
			p.SRem(ctx, s.k.old(kindHour), gone...)
			return true, execute(ctx, p)
		})
		if err != nil {
			return n, err
		}
		n += len(forget)
	}
	_, err = call(ctx, s, "prune", func(ctx context.Context, _ int) (int64, error) {
		return s.c.ZRem(ctx, s.k.hours(), kindHour).Result()
	})
	return n, err
}

// cardsOf are those of some cards that were last shown in this hour. The others are listed again in the hour in which
// they were edited.
func (s *Store) cardsOf(ctx context.Context, fields []string, hour string) ([]string, error) {
	docs, err := call(ctx, s, "prune", func(ctx context.Context, _ int) ([]string, error) {
		p := s.c.Pipeline()
		var cmds []*redis.StringCmd
		for _, f := range fields {
			cmds = append(cmds, p.HGet(ctx, s.k.card(f), f))
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
	var out []string
	for i, d := range docs {
		if d == "" {
			continue
		}
		r, err := decode[state.Receipt](d, "receipt", fields[i])
		if err != nil {
			return nil, err
		}
		if hourOf(r.At) == hour {
			out = append(out, fields[i])
		}
	}
	return out, nil
}
