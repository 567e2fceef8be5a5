package redisstore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// whyDesk: somebody else changed the desk.
const whyDesk why = "desk"

// deskLock is the lock of changes of the desk in this process.
const deskLock = "\x00desk"

// UpdateDesk does what Update does, for a change of advisories, communities and what
// belongs to them. The incident may be "": then nothing of an incident can be changed.
func (s *Store) UpdateDesk(ctx context.Context, w state.Work, incident string, need state.DeskNeed, change func(*state.Tx) error) (state.Outcome, error) {
	w.At = w.At.UTC().Round(0)
	if err := checkWork(w, cmp.Or(incident, deskLock), nil); err != nil {
		return state.Outcome{}, err
	}
	release, err := s.locks.take(ctx, []string{deskLock, incident})
	if err != nil {
		return state.Outcome{}, err
	}
	defer release()
	for try := range conflicts {
		out, err := s.tryDesk(ctx, w, incident, need, change)
		if !errors.Is(err, errStale) {
			return out, err
		}
		if !pause(ctx, try) {
			return state.Outcome{}, translate(ctx, "change the desk", ctx.Err())
		}
	}
	return state.Outcome{}, fmt.Errorf("desk: %w", state.ErrConflict)
}

func (s *Store) tryDesk(ctx context.Context, w state.Work, incident string, need state.DeskNeed, change func(*state.Tx) error) (state.Outcome, error) {
	in, err := s.load(ctx, w, incident, nil)
	if err != nil {
		return state.Outcome{}, err
	}
	if in.mark != "" {
		return s.already(ctx, in.mark)
	}
	d, err := s.Desk(ctx, need)
	if err != nil {
		return state.Outcome{}, err
	}
	in.desk = &d
	tx := state.NewDeskTx(w, in.incident, d)
	if err := change(tx); err != nil {
		return state.Outcome{}, err
	}
	c := tx.Commit()
	if c.Empty {
		return state.Outcome{}, nil
	}
	p, err := s.plan(ctx, in, nil, c)
	if err != nil {
		return state.Outcome{}, err
	}
	return s.commit(ctx, in, c, p)
}

// planDesk writes what is different on the desk, if nobody else changed it meanwhile.
func (s *Store) planDesk(p *program, c state.Commit) error {
	if c.Desk == nil {
		return nil
	}
	d, ch := c.Desk, c.DeskChange
	p.is(whyDesk, s.k.desk(), "rev", revText(d.Head.Rev))
	if !ch.Any() {
		return nil
	}
	head, err := json.Marshal(d.Head)
	if err != nil {
		return fmt.Errorf("write the desk: %w", err)
	}
	p.op("HSET", s.k.desk(), "rev", revText(d.Head.Rev+1), "doc", string(head))
	return errors.Join(
		planDocs(p, s.k.advisories(), ch.Advisories, d.Advisories, strconv.Itoa),
		planDocs(p, s.k.communities(), ch.Communities, d.Communities, same),
		planDocs(p, s.k.reports(), ch.Reports, d.Reports, same),
		planDocs(p, s.k.bearings(), ch.Bearings, d.Bearings, same),
	)
}

func same(s string) string { return s }

// planDocs writes those documents of a hash that changed, and removes those that are gone.
func planDocs[K comparable, V any](p *program, key string, changed []K, docs map[K]V, field func(K) string) error {
	for _, k := range changed {
		v, ok := docs[k]
		if !ok {
			p.op("HDEL", key, field(k))
			continue
		}
		doc, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("write the desk: %w", err)
		}
		p.op("HSET", key, field(k), string(doc))
	}
	return nil
}

// Desk reads the part of the desk that is needed. What is not there is left out. All
// of it is of one moment.
func (s *Store) Desk(ctx context.Context, need state.DeskNeed) (state.Desk, error) {
	numbers := make([]string, len(need.Advisories))
	for i, n := range need.Advisories {
		numbers[i] = strconv.Itoa(n)
	}
	type reply struct {
		head                                      []any
		advisories, communities, reports, bearing []any
	}
	r, err := call(ctx, s, "read the desk", func(ctx context.Context, _ int) (reply, error) {
		p := s.c.TxPipeline()
		head := p.HMGet(ctx, s.k.desk(), "rev", "doc")
		advisories, communities := some(ctx, p, s.k.advisories(), numbers), some(ctx, p, s.k.communities(), need.Communities)
		if need.All {
			all := p.HVals(ctx, s.k.communities())
			communities = func() []any { return anys(all.Val()) }
		}
		reports, bearings := some(ctx, p, s.k.reports(), need.Reports), some(ctx, p, s.k.bearings(), need.Bearings)
		err := execute(ctx, p)
		return reply{head.Val(), advisories(), communities(), reports(), bearings()}, err
	})
	if err != nil {
		return state.Desk{}, err
	}
	d := state.Desk{}
	if doc, ok := r.head[1].(string); ok {
		if d.Head, err = decode[state.DeskHead](doc, "the desk", ""); err != nil {
			return d, err
		}
		rev, _ := r.head[0].(string)
		if d.Head.Rev, err = strconv.ParseInt(rev, 10, 64); err != nil {
			return d, fmt.Errorf("read the desk: %w", err)
		}
	}
	var errs [4]error
	d.Advisories, errs[0] = byKey(r.advisories, func(a state.Advisory) int { return a.Number })
	d.Communities, errs[1] = byKey(r.communities, func(c state.Community) string { return c.ID })
	d.Reports, errs[2] = byKey(r.reports, func(r state.Report) string { return r.ID })
	d.Bearings, errs[3] = byKey(r.bearing, func(b state.Bearing) string { return b.ID })
	return d, errors.Join(errs[:]...)
}

// some queues the reading of some fields of a hash.
func some(ctx context.Context, p redis.Pipeliner, key string, fields []string) func() []any {
	if len(fields) == 0 {
		return func() []any { return nil }
	}
	got := p.HMGet(ctx, key, fields...)
	return got.Val
}

func anys(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

func byKey[K comparable, V any](docs []any, key func(V) K) (map[K]V, error) {
	all, err := decodeAll[V](docs)
	out := make(map[K]V, len(all))
	for _, v := range all {
		out[key(v)] = v
	}
	return out, err
}

// Advisories lists all advisories, the newest first.
func (s *Store) Advisories(ctx context.Context) ([]state.Advisory, error) {
	docs, err := call(ctx, s, "list advisories", func(ctx context.Context, _ int) ([]string, error) {
		return s.c.HVals(ctx, s.k.advisories()).Result()
	})
	if err != nil {
		return nil, err
	}
	all, err := decodeAll[state.Advisory](anys(docs))
	slices.SortFunc(all, func(a, b state.Advisory) int { return cmp.Compare(b.Number, a.Number) })
	return all, err
}

// Fates tells what became of letters, in their order. Of what was delivered long ago
// nothing is known any more.
func (s *Store) Fates(ctx context.Context, ids []string) ([]state.Fate, error) {
	var out []state.Fate
	for page := range slices.Chunk(ids, 500) {
		fates, err := s.fates(ctx, page)
		if err != nil {
			return nil, err
		}
		out = append(out, fates...)
	}
	return out, nil
}

func (s *Store) fates(ctx context.Context, ids []string) ([]state.Fate, error) {
	type row struct{ receipt, dead, letter, place string }
	rows, err := call(ctx, s, "read what became of letters", func(ctx context.Context, _ int) ([]row, error) {
		p := s.c.Pipeline()
		var cmds []*redis.StringCmd
		for _, id := range ids {
			cmds = append(cmds, p.HGet(ctx, s.k.receipt(id), id), p.HGet(ctx, s.k.dead(), id), p.HGet(ctx, s.k.letter(id), id), p.HGet(ctx, s.k.held(), id))
		}
		err := execute(ctx, p)
		out := make([]row, len(ids))
		for i := range ids {
			out[i] = row{cmds[4*i].Val(), cmds[4*i+1].Val(), cmds[4*i+2].Val(), cmds[4*i+3].Val()}
		}
		return out, err
	})
	if err != nil {
		return nil, err
	}
	out := make([]state.Fate, len(ids))
	for i, r := range rows {
		f := state.Fate{Letter: ids[i]}
		switch {
		case r.receipt != "":
			var receipt state.Receipt
			receipt, err = decode[state.Receipt](r.receipt, "receipt", ids[i])
			f.Delivered = receipt.At
		case r.dead != "":
			var l state.Letter
			l, err = decode[state.Letter](r.dead, "letter", ids[i])
			f.Dead, f.Why = true, l.Held
		case r.letter != "":
			f.Waiting = true
			f.Why, err = s.heldWhy(ctx, r.place, ids[i])
		}
		if err != nil {
			return nil, err
		}
		out[i] = f
	}
	return out, nil
}

// heldWhy is why a letter waits; "" when it is only its turn that it waits for.
func (s *Store) heldWhy(ctx context.Context, place, id string) (string, error) {
	if place == "" {
		return "", nil
	}
	text, err := call(ctx, s, "read what became of letters", func(ctx context.Context, _ int) (string, error) {
		return s.c.HGet(ctx, s.k.claims(place), id).Result()
	})
	if missing(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	c, err := parseClaim(text)
	return c.held, err
}
