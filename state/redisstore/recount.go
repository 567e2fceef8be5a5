package redisstore

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// verifyBucket looks at the farms of one bucket, and at all that is kept about their servers elsewhere.
func (s *Store) verifyBucket(ctx context.Context, r *Report, id string, b int, c *recount) error {
	v, err := s.values(ctx, []held{{s.k.farmIn(id, b), typeHash}, {s.k.farmRevIn(id, b), typeHash}})
	if err != nil || len(v) == 0 {
		return err
	}
	if len(v) != 2 || len(v[0].hash) != len(v[1].hash) {
		r.problem("%s: bucket %02x has farms without revision, or revisions without farm", id, b)
		return nil
	}
	names := slices.Sorted(maps.Keys(v[0].hash))
	for page := range slices.Chunk(names, 100) {
		var farms []state.FarmState
		for _, name := range page {
			f, err := decode[state.FarmState](v[0].hash[name], "farm", name)
			if err != nil {
				return err
			}
			if v[1].hash[name] != farmRev(f) || f.Farm.Name != name {
				r.problem("%s: farm %s is at revision %q, the index says %q", id, name, farmRev(f), v[1].hash[name])
			}
			s.count(id, f, c)
			farms = append(farms, f)
		}
		if err := s.verifyFarms(ctx, r, id, farms); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) count(id string, f state.FarmState, c *recount) {
	c.farms++
	c.servers += len(f.Rows)
	if !f.Until.IsZero() {
		c.due++
	}
	for _, p := range f.Farm.Proposals {
		c.proposals[p.ID] = true
	}
	c.deltas.add(s.k.revisions(id), strconv.Itoa(f.Revision), 1)
	for _, row := range f.Rows {
		for _, e := range state.Endings() {
			if !row.Ends(e).IsZero() {
				c.ending[e]++
			}
		}
		c.deltas.row(s.k.counts(id), "", row, 1)
		c.deltas.row(s.k.countsBy(byOwner, id), row.Owner+"|", row, 1)
		c.deltas.row(s.k.countsBy(byGroup, id), row.Group+"|", row, 1)
	}
}

// verifyFarms compares the copies that lists are made of with the farms.
func (s *Store) verifyFarms(ctx context.Context, r *Report, id string, farms []state.FarmState) error {
	problems, err := call(ctx, s, "verify farms", func(ctx context.Context, _ int) ([]string, error) {
		p := s.c.Pipeline()
		var checks []func() string
		for _, f := range farms {
			c := p.ZScore(ctx, s.k.revised(id, strconv.Itoa(f.Revision)), f.Farm.Name)
			checks = append(checks, scoreIs(c, 0, f.Farm.Name, "the farms of its revision"))
			if !f.Until.IsZero() {
				c := p.ZScore(ctx, s.k.due(id, hourOf(f.Until)), f.Farm.Name)
				checks = append(checks, scoreIs(c, float64(f.Until.UnixMilli()), f.Farm.Name, "what is due"))
			}
			if len(f.Rows) != len(f.Farm.Servers) {
				checks = append(checks, func() string { return fmt.Sprintf("farm %s has servers without row", f.Farm.Name) })
			}
			for name, row := range f.Rows {
				checks = append(checks, s.checkRow(ctx, p, id, name, row)...)
			}
		}
		if err := execute(ctx, p); err != nil {
			return nil, err
		}
		var out []string
		for _, check := range checks {
			if text := check(); text != "" {
				out = append(out, text)
			}
		}
		return out, nil
	})
	for _, text := range problems {
		r.problem("%s: %s", id, text)
	}
	return err
}

func (s *Store) checkRow(ctx context.Context, p redis.Pipeliner, id, name string, row state.Row) []func() string {
	want, _ := json.Marshal(row)
	doc := p.HGet(ctx, s.k.row(id, name), name)
	score := float64(-row.Priority())
	out := []func() string{
		func() string {
			if doc.Val() != string(want) {
				return fmt.Sprintf("the row of %s is not what its farm says", name)
			}
			return ""
		},
		scoreIs(p.ZScore(ctx, s.k.index(id), name), score, name, "the list of all"),
		scoreIs(p.ZScore(ctx, s.k.names("server", id), nameEntry(name)), 0, name, "the list of names"),
	}
	for _, e := range state.Endings() {
		if ends := row.Ends(e); !ends.IsZero() {
			out = append(out, scoreIs(p.ZScore(ctx, s.k.ending(e, id), name), float64(ends.UnixMilli()), name, "the list of what ends: "+string(e)))
		}
	}
	if row.Owner != "" {
		out = append(out, scoreIs(p.ZScore(ctx, s.k.indexBy(byOwner, id, row.Owner), name), score, name, "the list of "+row.Owner))
	}
	if row.Group != "" {
		out = append(out, scoreIs(p.ZScore(ctx, s.k.indexBy(byGroup, id, row.Group), name), score, name, "the list of "+row.Group))
	}
	return out
}

func scoreIs(c *redis.FloatCmd, want float64, name, where string) func() string {
	return func() string {
		if c.Err() != nil || c.Val() != want {
			return fmt.Sprintf("%s is not where it should be in %s", name, where)
		}
		return ""
	}
}
