package redisstore

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/allclear-bot/allclear/state"
)

// Proposals lists what waits for a second person, the oldest first. Some may have expired.
func (s *Store) Proposals(ctx context.Context, incident string) ([]state.ProposalRef, error) {
	docs, err := call(ctx, s, "list proposals", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.HVals(ctx, s.k.proposals(incident)).Result()
	})
	if err != nil {
		return nil, err
	}
	var out []state.ProposalRef
	for _, d := range docs {
		var r state.ProposalRef
		if err := json.Unmarshal([]byte(d), &r); err != nil {
			return nil, fmt.Errorf("read a proposal: %w", err)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b state.ProposalRef) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

func (s *Store) planProposals(p *program, inc, farm string, was, is []state.Proposal) error {
	for _, o := range was {
		if !slices.ContainsFunc(is, func(n state.Proposal) bool { return n.ID == o.ID }) {
			p.op("HDEL", s.k.proposals(inc), o.ID)
		}
	}
	for _, n := range is {
		if slices.ContainsFunc(was, func(o state.Proposal) bool { return o.ID == n.ID }) {
			continue
		}
		doc, err := json.Marshal(state.ProposalRef{ID: n.ID, Kind: n.Kind, Server: n.Server, Farm: farm, By: n.By, At: n.At, Expires: n.Expires})
		if err != nil {
			return fmt.Errorf("write proposal %q: %w", n.ID, err)
		}
		p.op("HSET", s.k.proposals(inc), n.ID, string(doc))
	}
	return nil
}
