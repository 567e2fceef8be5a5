package redisstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// Reports lists what communities handed in, the oldest first.
func (s *Store) Reports(ctx context.Context) ([]state.Report, error) {
	all, err := listDocs[state.Report](ctx, s, s.k.reports())
	slices.SortFunc(all, func(a, b state.Report) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return all, err
}

// Bearings lists what sources said that bears on an incident, the oldest first.
func (s *Store) Bearings(ctx context.Context) ([]state.Bearing, error) {
	all, err := listDocs[state.Bearing](ctx, s, s.k.bearings())
	slices.SortFunc(all, func(a, b state.Bearing) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return all, err
}

// Communities lists all communities by their ids.
func (s *Store) Communities(ctx context.Context) ([]state.Community, error) {
	all, err := listDocs[state.Community](ctx, s, s.k.communities())
	slices.SortFunc(all, func(a, b state.Community) int { return cmp.Compare(a.ID, b.ID) })
	return all, err
}

func listDocs[V any](ctx context.Context, s *Store, key string) ([]V, error) {
	docs, err := call(ctx, s, "read the desk", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.HVals(ctx, key).Result()
	})
	if err != nil {
		return nil, err
	}
	return decodeAll[V](anys(docs))
}

// MaxFeed is how many bytes are kept of what one source said.
const MaxFeed = 4 << 20

// SaveFeed keeps what a source said last, for the next look to be compared with.
func (s *Store) SaveFeed(ctx context.Context, source string, doc []byte) error {
	if len(doc) > MaxFeed {
		return fmt.Errorf("keep what %q said: %d bytes: %w", source, len(doc), ErrTooBig)
	}
	_, err := call(ctx, s, "keep what a source said", func(ctx context.Context, _ int) (int64, error) {
		return s.c.HSet(ctx, s.k.feeds(), source, doc).Result()
	})
	return err
}

// Feed is what SaveFeed kept; nil: nothing yet.
func (s *Store) Feed(ctx context.Context, source string) ([]byte, error) {
	doc, err := call(ctx, s, "read what a source said", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.feeds(), source).Result()
	})
	if missing(err) {
		return nil, nil
	}
	return []byte(doc), err
}

// Mentioned are those of some words that are names in an incident: of servers, farms,
// owners or groups, whatever the case.
func (s *Store) Mentioned(ctx context.Context, incident string, words []string) ([]string, error) {
	var out []string
	for page := range slices.Chunk(words, 200) {
		found, err := s.mentioned(ctx, incident, page)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func (s *Store) mentioned(ctx context.Context, incident string, words []string) ([]string, error) {
	kinds := []string{"server", "farm", byOwner, byGroup}
	got, err := call(ctx, s, "look for names", func(ctx context.Context, _ int) ([]bool, error) {
		p := s.c.Pipeline()
		var cmds []*redis.StringSliceCmd
		for _, w := range words {
			low := strings.ToLower(w) + "\x00"
			by := &redis.ZRangeBy{Min: "[" + low, Max: "(" + low + "\xff", Count: 1}
			for _, k := range kinds {
				cmds = append(cmds, p.ZRangeByLex(ctx, s.k.names(k, incident), by))
			}
		}
		err := execute(ctx, p)
		out := make([]bool, len(words))
		for i, c := range cmds {
			out[i/len(kinds)] = out[i/len(kinds)] || len(c.Val()) > 0
		}
		return out, err
	})
	if err != nil {
		return nil, err
	}
	var out []string
	for i, w := range words {
		if got[i] {
			out = append(out, w)
		}
	}
	return out, nil
}
