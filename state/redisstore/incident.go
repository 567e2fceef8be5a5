package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/allclear-bot/allclear/state"
)

// Incident returns an incident with its rules. Its parts are shared: do not change them.
func (s *Store) Incident(ctx context.Context, id string) (state.Incident, error) {
	rev, err := call(ctx, s, "read the incident", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.incident(id), "rev").Result()
	})
	if err != nil {
		return state.Incident{}, fmt.Errorf("incident %q: %w", id, err)
	}
	inc, _, err := s.incidentAt(ctx, id, rev)
	return inc, err
}

// incidentAt gives the incident, from memory if the revision is the one that is remembered.
func (s *Store) incidentAt(ctx context.Context, id, rev string) (inc state.Incident, found bool, err error) {
	if rev == "" {
		return state.Incident{}, false, nil
	}
	s.mu.Lock()
	inc, found = s.cache[id]
	s.mu.Unlock()
	if found && strconv.FormatInt(inc.Rev, 10) == rev {
		return unshared(inc), true, nil
	}
	fields, err := call(ctx, s, "read the incident", func(ctx context.Context, _ int) ([]any, error) {
		return s.c.HMGet(ctx, s.k.incident(id), "rev", "doc", "rules").Result()
	})
	if err != nil {
		return state.Incident{}, false, err
	}
	if inc, err = decodeIncident(fields); err != nil {
		return state.Incident{}, false, fmt.Errorf("incident %q: %w", id, err)
	}
	s.remember(inc)
	return unshared(inc), true, nil
}

func decodeIncident(fields []any) (inc state.Incident, err error) {
	var texts [3]string
	for i := range texts {
		v, ok := fields[i].(string)
		if !ok {
			return inc, state.ErrNotFound
		}
		texts[i] = v
	}
	if err := json.Unmarshal([]byte(texts[1]), &inc); err != nil {
		return inc, fmt.Errorf("read its record: %w", err)
	}
	inc.Rules = state.Rules{}
	if err := json.Unmarshal([]byte(texts[2]), &inc.Rules); err != nil {
		return inc, fmt.Errorf("read its rules: %w", err)
	}
	inc.Rev, err = strconv.ParseInt(texts[0], 10, 64)
	return inc, err
}

func (s *Store) remember(inc state.Incident) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.cache[inc.ID]; !ok || old.Rev < inc.Rev {
		s.cache[inc.ID] = unshared(inc)
	}
}

// unshared makes sure that appending to a list of the incident does not write into somebody else's.
func unshared(inc state.Incident) state.Incident {
	inc.Places, inc.Proposals = slices.Clip(inc.Places), slices.Clip(inc.Proposals)
	return inc
}

// Incidents lists all incidents, the newest first.
func (s *Store) Incidents(ctx context.Context) ([]state.IncidentHead, error) {
	ids, err := s.incidentIDs(ctx)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	slices.Reverse(ids)
	heads, err := call(ctx, s, "list incidents", func(ctx context.Context, _ int) ([]any, error) {
		return s.c.HMGet(ctx, s.k.heads(), ids...).Result()
	})
	if err != nil {
		return nil, err
	}
	return decodeAll[state.IncidentHead](heads)
}

// incidentIDs are in the order in which they were opened.
func (s *Store) incidentIDs(ctx context.Context) ([]string, error) {
	return call(ctx, s, "list incidents", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.ZRange(ctx, s.k.incidents(), 0, -1).Result()
	})
}

// decodeAll reads JSON documents; what is not there is left out.
func decodeAll[T any](fields []any) ([]T, error) {
	var out []T
	for _, f := range fields {
		text, ok := f.(string)
		if !ok {
			continue
		}
		var v T
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, fmt.Errorf("read a record: %w", err)
		}
		out = append(out, v)
	}
	return out, nil
}
