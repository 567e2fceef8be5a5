package redisstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

func fits(f state.Filter, r state.Row) bool {
	return (f.Status == nil || r.Status == *f.Status) && (f.Owner == "" || r.Owner == f.Owner) &&
		(f.Group == "" || r.Group == f.Group) && (f.Farm == "" || r.Farm == f.Farm)
}

// indexed reports that an index lists exactly these servers.
func indexed(f state.Filter) bool { return f.Farm == "" && (f.Owner == "" || f.Group == "") }

// List returns a page of servers, the most urgent first, then by name; and how many there are in all. Without a
// limit it returns all from the offset on.
func (s *Store) List(ctx context.Context, incident string, f state.Filter, offset, limit int) (rows []state.Row, total int, err error) {
	if limit <= 0 {
		limit = math.MaxInt32
	}
	if indexed(f) {
		return s.listIndexed(ctx, incident, f, offset, limit)
	}
	err = s.each(ctx, incident, f, func(r state.Row) {
		if total >= offset && len(rows) < limit {
			rows = append(rows, r)
		}
		total++
	})
	return rows, total, err
}

func (s *Store) listIndexed(ctx context.Context, incident string, f state.Filter, offset, limit int) ([]state.Row, int, error) {
	key := indexOf(s.k, incident, f)
	total, err := s.howMany(ctx, incident, f)
	if err != nil {
		return nil, 0, err
	}
	var out []state.Row
	for len(out) < limit {
		count := min(limit-len(out), rowPage)
		rows, err := s.page(ctx, incident, key, f.Status, offset+len(out), count)
		if err != nil {
			return nil, 0, err
		}
		out = append(out, rows...)
		if len(rows) < count {
			break
		}
	}
	return out, total, nil
}

// Ending lists servers of which something ends by itself after a moment, and until another one (zero: whenever), the first
// to end first, and how many there are. It costs what it gives.
func (s *Store) Ending(ctx context.Context, incident string, e state.Ending, after, until time.Time, limit int) (rows []state.Row, total int, err error) {
	by := redis.ZRangeBy{Min: "(" + millis(after), Max: "+inf", Count: int64(max(limit, 1))}
	if !until.IsZero() {
		by.Max = millis(until)
	}
	type reply struct {
		names []string
		n     int64
	}
	r, err := call(ctx, s, "list what ends", func(ctx context.Context, _ int) (reply, error) {
		p := s.c.Pipeline()
		names, n := p.ZRangeByScore(ctx, s.k.ending(e, incident), &by), p.ZCount(ctx, s.k.ending(e, incident), by.Min, by.Max)
		err := execute(ctx, p)
		return reply{names.Val(), n.Val()}, err
	})
	if err != nil {
		return nil, 0, err
	}
	rows, err = s.rows(ctx, incident, r.names)
	return rows, int(r.n), err
}

// listsAtOnce is how many lists are begun to be read at once.
const listsAtOnce = 500

// First returns the most urgent servers of several owners or groups, so many of each as is asked for. It costs what it
// gives.
func (s *Store) First(ctx context.Context, incident, kind string, most map[string]int) (map[string][]state.Row, error) {
	if kind != byOwner && kind != byGroup {
		return nil, fmt.Errorf("there are no lists by %q", kind)
	}
	out := make(map[string][]state.Row, len(most))
	for some := range slices.Chunk(slices.Sorted(maps.Keys(most)), listsAtOnce) {
		lists, err := call(ctx, s, "list servers", func(ctx context.Context, _ int) ([][]string, error) {
			p := s.c.Pipeline()
			cmds := make([]*redis.StringSliceCmd, len(some))
			for i, name := range some {
				cmds[i] = p.ZRange(ctx, s.k.indexBy(kind, incident, name), 0, int64(max(most[name], 1)-1))
			}
			err := execute(ctx, p)
			names := make([][]string, len(some))
			for i, c := range cmds {
				names[i] = c.Val()
			}
			return names, err
		})
		if err != nil {
			return nil, err
		}
		rows := map[string]state.Row{}
		for page := range slices.Chunk(slices.Concat(lists...), rowPage) {
			found, err := s.rows(ctx, incident, page)
			if err != nil {
				return nil, err
			}
			for _, r := range found {
				rows[r.Name] = r
			}
		}
		for i, name := range some {
			for _, server := range lists[i] {
				if r, ok := rows[server]; ok {
					out[name] = append(out[name], r)
				}
			}
		}
	}
	return out, nil
}

// howMany reads from the counters how many servers a list has.
func (s *Store) howMany(ctx context.Context, incident string, f state.Filter) (n int, err error) {
	status := f.Status
	f.Status = nil
	c, err := s.Counts(ctx, incident, f)
	for st, k := range c.Status {
		if status == nil || *status == st {
			n += k
		}
	}
	return n, err
}

// page reads rows of an index, of one status or of all. Without a status it goes by place: to an offset among scores a Redis
// counts its way.
func (s *Store) page(ctx context.Context, incident, key string, status *state.Status, offset, count int) ([]state.Row, error) {
	names, err := call(ctx, s, "list servers", func(ctx context.Context, _ int) ([]string, error) {
		if status == nil {
			return s.c.ZRange(ctx, key, int64(offset), int64(offset+count-1)).Result()
		}
		by := scores(*status)
		by.Offset, by.Count = int64(offset), int64(count)
		return s.c.ZRangeByScore(ctx, key, &by).Result()
	})
	if err != nil {
		return nil, err
	}
	return s.rows(ctx, incident, names)
}

// each visits all rows of a filter in the order of the list.
func (s *Store) each(ctx context.Context, incident string, f state.Filter, visit func(state.Row)) error {
	if f.Farm != "" {
		st, err := s.Farm(ctx, incident, f.Farm)
		if missing(err) {
			return nil
		}
		rows := make([]state.Row, 0, len(st.Rows))
		for _, r := range st.Rows {
			rows = append(rows, r)
		}
		slices.SortFunc(rows, byUrgency)
		visitFitting(rows, f, visit)
		return err
	}
	key := indexOf(s.k, incident, f)
	for offset := 0; ; offset += rowPage {
		rows, err := s.page(ctx, incident, key, f.Status, offset, rowPage)
		if err != nil {
			return err
		}
		visitFitting(rows, f, visit)
		if len(rows) < rowPage {
			return nil
		}
	}
}

func visitFitting(rows []state.Row, f state.Filter, visit func(state.Row)) {
	for _, r := range rows {
		if fits(f, r) {
			visit(r)
		}
	}
}

func byUrgency(a, b state.Row) int {
	return cmp.Or(cmp.Compare(b.Priority(), a.Priority()), cmp.Compare(a.Name, b.Name))
}

// indexOf is the smallest index that has all servers of the filter.
func indexOf(k keys, incident string, f state.Filter) string {
	switch {
	case f.Owner != "":
		return k.indexBy(byOwner, incident, f.Owner)
	case f.Group != "":
		return k.indexBy(byGroup, incident, f.Group)
	}
	return k.index(incident)
}

// scores is the part of an index that has the servers of a status: priorities of one status lie together.
func scores(status state.Status) redis.ZRangeBy {
	low, high := int64(math.MaxInt64), int64(math.MinInt64)
	for _, contained := range []bool{false, true} {
		for _, e := range []state.Exposure{state.ExposureUnknown, state.ExposureInternal, state.ExposureInternet} {
			p := state.Row{Status: status, Contained: contained, Exposure: e}.Priority()
			low, high = min(low, p), max(high, p)
		}
	}
	return redis.ZRangeBy{Min: strconv.FormatInt(-high, 10), Max: strconv.FormatInt(-low, 10)}
}
