package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// Farm returns a farm as it was last written.
func (s *Store) Farm(ctx context.Context, incident, farm string) (state.FarmState, error) {
	doc, err := call(ctx, s, "read the farm", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.farm(incident, farm), farm).Result()
	})
	if err != nil {
		return state.FarmState{}, fmt.Errorf("farm %q: %w", farm, err)
	}
	return decode[state.FarmState](doc, "farm", farm)
}

func decode[T any](doc, what, name string) (v T, err error) {
	if err := json.Unmarshal([]byte(doc), &v); err != nil {
		return v, fmt.Errorf("read %s %q: %w", what, name, err)
	}
	return v, nil
}

// Row returns what lists show of a server.
func (s *Store) Row(ctx context.Context, incident, server string) (state.Row, error) {
	doc, err := call(ctx, s, "read the server", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.row(incident, server), server).Result()
	})
	if err != nil {
		return state.Row{}, fmt.Errorf("server %q: %w", server, err)
	}
	return decode[state.Row](doc, "server", server)
}

// Server returns the farm that a server is in.
func (s *Store) Server(ctx context.Context, incident, server string) (state.FarmState, error) {
	r, err := s.Row(ctx, incident, server)
	if err != nil {
		return state.FarmState{}, err
	}
	return s.Farm(ctx, incident, r.Farm)
}

// FarmsOf returns the farm of each server; one that is not in the incident is left out.
func (s *Store) FarmsOf(ctx context.Context, incident string, servers []string) (map[string]string, error) {
	out := make(map[string]string, len(servers))
	for page := range slices.Chunk(servers, rowPage) {
		rows, err := s.rows(ctx, incident, page)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out[r.Name] = r.Farm
		}
	}
	return out, nil
}

// rowPage is how many rows are read at once.
const rowPage = 1000

// rows reads rows in the order of the names; one that is not there is left out.
func (s *Store) rows(ctx context.Context, incident string, names []string) ([]state.Row, error) {
	if len(names) == 0 {
		return nil, nil
	}
	docs, err := call(ctx, s, "read servers", func(ctx context.Context, _ int) ([]any, error) {
		p := s.c.Pipeline()
		cmds := make([]*redis.StringCmd, len(names))
		for i, n := range names {
			cmds[i] = p.HGet(ctx, s.k.row(incident, n), n)
		}
		err := execute(ctx, p)
		out := make([]any, len(cmds))
		for i, c := range cmds {
			if c.Err() == nil {
				out[i] = c.Val()
			}
		}
		return out, err
	})
	if err != nil {
		return nil, err
	}
	return decodeAll[state.Row](docs)
}

// AllFarms pages through the names of all farms, in an order of the store's own: it gives the ones behind the last name
// of the page before, and begins with "". It returns none at the end. A farm that is added meanwhile may be left out.
func (s *Store) AllFarms(ctx context.Context, incident, after string, limit int) ([]string, error) {
	var farms []string
	first := 0
	if after != "" {
		first = bucketOf(after)
	}
	for b := first; b < buckets; b, after = b+1, "" {
		names, err := call(ctx, s, "list farms", func(ctx context.Context, _ int) ([]string, error) {
			return s.c.HKeys(ctx, s.k.farmRevIn(incident, b)).Result()
		})
		if err != nil {
			return nil, err
		}
		slices.Sort(names)
		for _, n := range names {
			if n <= after {
				continue
			}
			if farms = append(farms, n); len(farms) >= limit {
				return farms, nil
			}
		}
	}
	return farms, nil
}

// nameEntry is a name in an index that knows no upper and lower case.
func nameEntry(name string) string { return strings.ToLower(name) + "\x00" + name }

// Complete returns server names that begin with prefix, whatever the case, in alphabetical order.
func (s *Store) Complete(ctx context.Context, incident, prefix string, limit int) ([]string, error) {
	return s.Names(ctx, incident, "server", prefix, limit)
}

// Names does what Complete does, for a kind of name: "server", "farm", "owner" or "group". A server without a farm is not
// listed as one.
func (s *Store) Names(ctx context.Context, incident, kind, prefix string, limit int) ([]string, error) {
	switch kind {
	case "server", "farm", byOwner, byGroup:
	default:
		return nil, fmt.Errorf("there are no names of kind %q", kind)
	}
	low := strings.ToLower(prefix)
	by := &redis.ZRangeBy{Min: "[" + low, Max: "(" + low + "\xff", Count: int64(max(limit, 0))}
	entries, err := call(ctx, s, "complete a name", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.ZRangeByLex(ctx, s.k.names(kind, incident), by).Result()
	})
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(entries))
	for _, e := range entries {
		_, name, _ := strings.Cut(e, "\x00")
		out = append(out, name)
	}
	return out, nil
}
