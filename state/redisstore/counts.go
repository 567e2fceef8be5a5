package redisstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Counts returns how many servers there are. For a whole incident, one owner or one group it reads counters and costs
// the same at any size; for anything else it looks at the rows.
func (s *Store) Counts(ctx context.Context, incident string, f state.Filter) (state.Counts, error) {
	if !indexed(f) || f.Status != nil {
		c := newCounts()
		err := s.each(ctx, incident, f, func(r state.Row) { countRow(c, r) })
		return c, err
	}
	key, prefix := s.k.counts(incident), ""
	switch {
	case f.Owner != "":
		key, prefix = s.k.countsBy(byOwner, incident), f.Owner+"|"
	case f.Group != "":
		key, prefix = s.k.countsBy(byGroup, incident), f.Group+"|"
	}
	fields := counterFields()
	names := make([]string, len(fields))
	for i, n := range fields {
		names[i] = prefix + n
	}
	values, err := call(ctx, s, "read counters", func(ctx context.Context, _ int) ([]any, error) {
		return s.c.HMGet(ctx, key, names...).Result()
	})
	if err != nil {
		return state.Counts{}, err
	}
	c := newCounts()
	for i, v := range values {
		text, ok := v.(string)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return state.Counts{}, fmt.Errorf("counter %q is %q", fields[i], text)
		}
		count(c, fields[i], n)
	}
	return c, nil
}

// Tallies returns the counts of each "owner" or "group", the one with most open servers first. Servers without one are
// counted under "". openOnly leaves out those with nothing open.
func (s *Store) Tallies(ctx context.Context, incident, kind string, openOnly bool) ([]state.Tally, error) {
	if kind != byOwner && kind != byGroup {
		return nil, fmt.Errorf("there are no counts by %q", kind)
	}
	fields, err := call(ctx, s, "read counters", func(ctx context.Context, _ int) (map[string]string, error) {
		return s.c.HGetAll(ctx, s.k.countsBy(kind, incident)).Result()
	})
	if err != nil {
		return nil, err
	}
	by := map[string]state.Counts{}
	for field, text := range fields {
		i := strings.LastIndexByte(field, '|')
		n, err := strconv.Atoi(text)
		if i < 0 || err != nil {
			return nil, fmt.Errorf("counter %q is %q", field, text)
		}
		if _, ok := by[field[:i]]; !ok {
			by[field[:i]] = newCounts()
		}
		count(by[field[:i]], field[i+1:], n)
	}
	var out []state.Tally
	for name, c := range by {
		if !openOnly || c.Open() > 0 {
			out = append(out, state.Tally{Name: name, Counts: c})
		}
	}
	slices.SortFunc(out, func(a, b state.Tally) int {
		return cmp.Or(cmp.Compare(b.Counts.Open(), a.Counts.Open()), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// History returns how the counts of the incident were, at each minute from the first to the last in which they changed.
func (s *Store) History(ctx context.Context, incident string, from, to time.Time) ([]state.Point, error) {
	days, err := s.days(ctx, incident, from, to)
	if err != nil {
		return nil, err
	}
	var out []state.Point
	for _, day := range days {
		samples, err := call(ctx, s, "read the history", func(ctx context.Context, _ int) (map[string]string, error) {
			return s.c.HGetAll(ctx, s.k.history(incident, day)).Result()
		})
		if err != nil {
			return nil, err
		}
		for minute, sample := range samples {
			p, err := parsePoint(minute, sample)
			if err != nil {
				return nil, err
			}
			if !p.At.Before(from.Truncate(time.Minute)) && !p.At.After(to) {
				out = append(out, p)
			}
		}
	}
	slices.SortFunc(out, func(a, b state.Point) int { return a.At.Compare(b.At) })
	return out, nil
}

func parsePoint(minute, sample string) (state.Point, error) {
	m, err := strconv.ParseInt(minute, 10, 64)
	if err != nil {
		return state.Point{}, fmt.Errorf("history: minute %q", minute)
	}
	p := state.Point{At: time.Unix(m*60, 0).UTC(), Counts: newCounts()}
	for part := range strings.SplitSeq(sample, ";") {
		field, text, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(text)
		if err != nil && part != "" {
			return state.Point{}, fmt.Errorf("history: sample %q", part)
		}
		count(p.Counts, field, n)
	}
	return p, nil
}
