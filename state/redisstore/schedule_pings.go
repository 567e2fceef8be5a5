package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/allclear-bot/allclear/state"
)

// Pings is what is remembered of the reminders of an incident, by who got them: of some, or without any named, of all.
func (s *Store) Pings(ctx context.Context, incident string, of ...string) (map[string]state.PingMemory, error) {
	docs, err := call(ctx, s, "read the reminders", func(ctx context.Context, _ int) (map[string]string, error) {
		if len(of) == 0 {
			return s.c.HGetAll(ctx, s.k.pings(incident)).Result()
		}
		found, err := s.c.HMGet(ctx, s.k.pings(incident), of...).Result()
		out := map[string]string{}
		for i, doc := range found {
			if text, ok := doc.(string); ok {
				out[of[i]] = text
			}
		}
		return out, err
	})
	if err != nil {
		return nil, err
	}
	out := make(map[string]state.PingMemory, len(docs))
	for to, doc := range docs {
		if out[to], err = decode[state.PingMemory](doc, "reminders of", to); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// PingsLeft is how many reminders were left to the digest, by whose they were.
func (s *Store) PingsLeft(ctx context.Context, incident string) (map[string]int, error) {
	fields, err := call(ctx, s, "read the reminders", func(ctx context.Context, _ int) (map[string]string, error) {
		return s.c.HGetAll(ctx, s.k.pingsLeft(incident)).Result()
	})
	if err != nil {
		return nil, err
	}
	out := make(map[string]int, len(fields))
	for to, text := range fields {
		if out[to], err = strconv.Atoi(text); err != nil {
			return nil, fmt.Errorf("reminders of %q: %q", to, text)
		}
	}
	return out, nil
}

func (s *Store) planPings(p *program, incident string, pings map[string]state.PingMemory) error {
	for _, to := range slices.Sorted(maps.Keys(pings)) {
		doc, err := json.Marshal(pings[to])
		if err != nil {
			return fmt.Errorf("write the reminders of %q: %w", to, err)
		}
		p.merge("HSET", s.k.pings(incident), to, string(doc))
		if n := pings[to].Left; n > 0 {
			p.merge("HSET", s.k.pingsLeft(incident), to, strconv.Itoa(n))
		} else {
			p.merge("HDEL", s.k.pingsLeft(incident), to)
		}
	}
	return nil
}
