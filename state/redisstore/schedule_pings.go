package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/allclear-bot/allclear/state"
)

// Pings is what is remembered of the reminders of an incident, by who got them.
func (s *Store) Pings(ctx context.Context, incident string) (map[string]state.PingMemory, error) {
	docs, err := call(ctx, s, "read the reminders", func(ctx context.Context, _ int) (map[string]string, error) {
		return s.c.HGetAll(ctx, s.k.pings(incident)).Result()
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

func (s *Store) planPings(p *program, incident string, pings map[string]state.PingMemory) error {
	for _, to := range slices.Sorted(maps.Keys(pings)) {
		doc, err := json.Marshal(pings[to])
		if err != nil {
			return fmt.Errorf("write the reminders of %q: %w", to, err)
		}
		p.merge("HSET", s.k.pings(incident), to, string(doc))
	}
	return nil
}
