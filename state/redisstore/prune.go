package redisstore

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// prunePage is how many things are forgotten in one exchange.
const prunePage = 500

// Prune forgets what only served to notice repetition and is older than before: ids of requests and of delivered
// letters with their receipts, and markers of changes. It works in steps and may be stopped at any. What belongs to
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
		m, err := s.pruneHour(ctx, h)
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, err
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
	kind, _, _ := strings.Cut(kindHour, ":")
	home := map[string]func(string) string{"mark": s.k.mark, "seen": s.k.inSeen, "receipt": s.k.receipt}[kind]
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
		_, err := call(ctx, s, "prune", func(ctx context.Context, _ int) (bool, error) {
			p := s.c.Pipeline()
			gone := make([]any, len(page))
			for i, m := range page {
				p.HDel(ctx, home(m), m)
				gone[i] = m
			}
			p.SRem(ctx, s.k.old(kindHour), gone...)
			return true, execute(ctx, p)
		})
		if err != nil {
			return n, err
		}
		n += len(page)
	}
	_, err = call(ctx, s, "prune", func(ctx context.Context, _ int) (int64, error) {
		return s.c.ZRem(ctx, s.k.hours(), kindHour).Result()
	})
	return n, err
}
