package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// SetPeople notes who is who, as the process that serves the store was configured.
// Others that use the store go by it, and not by a configuration of their own.
func (s *Store) SetPeople(ctx context.Context, p state.People) error {
	doc, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("note the people: %w", err)
	}
	_, err = call(ctx, s, "note the people", func(ctx context.Context, _ int) (int64, error) {
		return s.c.HSet(ctx, s.k.meta(), "people", doc).Result()
	})
	return err
}

// People is what SetPeople noted last; known is false when nobody ever did.
func (s *Store) People(ctx context.Context) (p state.People, known bool, err error) {
	doc, err := call(ctx, s, "read the people", func(ctx context.Context, _ int) (string, error) {
		text, err := s.c.HGet(ctx, s.k.meta(), "people").Result()
		if errors.Is(err, redis.Nil) {
			return "", nil
		}
		return text, err
	})
	if err != nil || doc == "" {
		return nil, false, err
	}
	if err := json.Unmarshal([]byte(doc), &p); err != nil {
		return nil, false, fmt.Errorf("read the people: %w", err)
	}
	return p, true, nil
}
