package redisstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// pace counts the servers of a farm that ceased to be open, and those that opened again.
func (s *Store) pace(in loaded, f state.FarmCommit, c counters) {
	at := in.work.At.Unix() / int64(state.Stretch/time.Second)
	for name, r := range f.After {
		was, known := f.Before[name]
		switch {
		case !known || was.Status.Settled() == r.Status.Settled():
		case r.Status.Settled():
			c.add(s.k.pace(in.id, dayOf(in.work.At)), strconv.FormatInt(at, 10)+"|"+r.Group, 1)
		default:
			c.add(s.k.pace(in.id, dayOf(in.work.At)), strconv.FormatInt(at, 10)+"|"+r.Group, -1)
		}
	}
}

// Pace returns how many servers of each group ceased to be open, less those that opened again, in each stretch of a time
// in which that happened. It costs the same for any number of servers.
func (s *Store) Pace(ctx context.Context, incident string, from, to time.Time) ([]state.Pace, error) {
	days, err := s.days(ctx, incident, from, to)
	if err != nil || len(days) == 0 {
		return nil, err
	}
	fields, err := call(ctx, s, "read the pace", func(ctx context.Context, _ int) ([]map[string]string, error) {
		p := s.c.Pipeline()
		cmds := make([]*redis.MapStringStringCmd, len(days))
		for i, d := range days {
			cmds[i] = p.HGetAll(ctx, s.k.pace(incident, d))
		}
		err := execute(ctx, p)
		out := make([]map[string]string, len(days))
		for i, c := range cmds {
			out[i] = c.Val()
		}
		return out, err
	})
	var out []state.Pace
	for _, day := range fields {
		for field, text := range day {
			p, err := parsePace(field, text)
			if err != nil {
				return nil, err
			}
			if p.From.Add(state.Stretch).After(from) && !p.From.After(to) {
				out = append(out, p)
			}
		}
	}
	slices.SortFunc(out, func(a, b state.Pace) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Group, b.Group)) })
	return out, err
}

func parsePace(field, text string) (state.Pace, error) {
	at, group, _ := strings.Cut(field, "|")
	n, err1 := strconv.ParseInt(at, 10, 64)
	done, err2 := strconv.Atoi(text)
	if err1 != nil || err2 != nil {
		return state.Pace{}, fmt.Errorf("pace %q is %q", field, text)
	}
	return state.Pace{From: time.Unix(n*int64(state.Stretch/time.Second), 0).UTC(), Group: group, Done: done}, nil
}

// days are those of a time on which counts changed.
func (s *Store) days(ctx context.Context, incident string, from, to time.Time) ([]string, error) {
	return call(ctx, s, "read the history", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.ZRangeByScore(ctx, s.k.historyDays(incident), &redis.ZRangeBy{Min: dayOf(from), Max: dayOf(to)}).Result()
	})
}
