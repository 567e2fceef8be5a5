package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// Limits of one change.
const (
	MaxFarms   = 64   // farms
	MaxChanged = 2000 // servers whose rows differ, if more than one farm is changed
)

// conflicts is how often a change is made anew because somebody else was faster.
const conflicts = 20

// Update makes one change: it loads the incident and the farms (one that does not exist is loaded empty), runs change, and
// writes what it did with all that follows, in one step. change must be pure: it is run again after a conflict, on what is
// there then. An error of change is returned as it is, and nothing is written. state.ErrConflict: somebody else
// was faster each time. A request and step that was applied before is not applied again.
func (s *Store) Update(ctx context.Context, w state.Work, incident string, farms []string, change func(*state.Tx) error) (state.Outcome, error) {
	w.At = w.At.UTC().Round(0)
	farms = slices.Compact(slices.Sorted(slices.Values(farms)))
	if err := checkWork(w, incident, farms); err != nil {
		return state.Outcome{}, err
	}
	names := []string{incident}
	for _, f := range farms {
		names = append(names, incident+"\x00"+f)
	}
	if len(farms) > 0 {
		names = names[1:]
	}
	release, err := s.locks.take(ctx, names)
	if err != nil {
		return state.Outcome{}, err
	}
	defer release()
	for try := range conflicts {
		out, err := s.try(ctx, w, incident, farms, change)
		if !errors.Is(err, errStale) {
			return out, err
		}
		if !pause(ctx, try) {
			return state.Outcome{}, translate(ctx, "change the incident", ctx.Err())
		}
	}
	return state.Outcome{}, fmt.Errorf("incident %s: %w", incident, state.ErrConflict)
}

// errStale says that what was read is not what is there any more.
var errStale = errors.New("read before somebody else's change")

func checkWork(w state.Work, incident string, farms []string) error {
	switch {
	case w.Request == "" || w.At.IsZero():
		return errors.New("a change needs a request and a time")
	case strings.Contains(w.Request, "\x00"):
		return errors.New("the name of a request has a zero byte in it")
	case len(farms) > MaxFarms:
		return fmt.Errorf("%d farms: %w", len(farms), ErrTooBig)
	case incident == "":
		return fmt.Errorf("incident: %w", state.ErrNotFound)
	}
	return nil
}

// loaded is what a change begins with.
type loaded struct {
	work     state.Work
	id       string
	incident state.Incident
	farms    []state.FarmState
	mark     string // what the marker of the request says
	desk     *state.Desk
}

func (s *Store) try(ctx context.Context, w state.Work, incident string, farms []string, change func(*state.Tx) error) (state.Outcome, error) {
	in, err := s.load(ctx, w, incident, farms)
	if err != nil {
		return state.Outcome{}, err
	}
	if in.mark != "" {
		return s.already(ctx, in.mark)
	}
	old := make(map[string]farmBefore, len(in.farms))
	for _, f := range in.farms {
		old[f.Farm.Name] = before(f)
	}
	tx := state.NewTx(w, in.incident, in.farms)
	if err := change(tx); err != nil {
		return state.Outcome{}, err
	}
	c := tx.Commit()
	if c.Empty {
		return state.Outcome{}, nil
	}
	p, err := s.plan(ctx, in, old, c)
	if err != nil {
		return state.Outcome{}, err
	}
	return s.commit(ctx, in, c, p)
}

func markOf(w state.Work) string { return w.Request + "\x00" + w.Step }

// load reads everything that a change needs; the revisions are checked when it is written.
func (s *Store) load(ctx context.Context, w state.Work, incident string, farms []string) (loaded, error) {
	in := loaded{work: w, id: incident}
	type reply struct {
		rev, mark string
		farms     []string
	}
	r, err := call(ctx, s, "load the incident", func(ctx context.Context, _ int) (reply, error) {
		p := s.c.Pipeline()
		rev := p.HGet(ctx, s.k.incident(incident), "rev")
		mark := p.HGet(ctx, s.k.mark(markOf(w)), markOf(w))
		docs := make([]*redis.StringCmd, len(farms))
		for i, f := range farms {
			docs[i] = p.HGet(ctx, s.k.farm(incident, f), f)
		}
		if err := execute(ctx, p); err != nil {
			return reply{}, err
		}
		out := reply{rev: rev.Val(), mark: mark.Val()}
		for _, d := range docs {
			out.farms = append(out.farms, d.Val())
		}
		return out, nil
	})
	if err != nil {
		return in, err
	}
	in.mark = r.mark
	for i, doc := range r.farms {
		f := state.FarmState{Farm: state.Farm{Name: farms[i]}}
		if doc != "" {
			if err := json.Unmarshal([]byte(doc), &f); err != nil {
				return in, fmt.Errorf("read farm %q: %w", farms[i], err)
			}
		}
		in.farms = append(in.farms, f)
	}
	in.incident, _, err = s.incidentAt(ctx, incident, r.rev)
	return in, err
}

// commit writes the plan behind the end of an audit lane.
func (s *Store) commit(ctx context.Context, in loaded, c state.Commit, p *program) (state.Outcome, error) {
	entry, err := wellFormed(c.Entry)
	if err != nil {
		return state.Outcome{}, err
	}
	l, err := s.borrow(ctx)
	if err != nil {
		return state.Outcome{}, err
	}
	defer func() { s.lanes <- l }()
	var hashes []string // of all that was sent; one of them may have been applied though the reply was lost
	for range conflicts {
		if !l.known {
			if err := s.takeLane(ctx, l); err != nil {
				return state.Outcome{}, err
			}
		}
		e, linked, err := s.link(p, l, entry, markOf(in.work), s.o.Now().Add(s.o.LaneLease))
		if err != nil {
			return state.Outcome{}, err
		}
		hashes = append(hashes, e.Hash)
		l.known = false // until we know how it ended
		v, err := s.apply(ctx, "write the change", linked)
		if err != nil {
			return state.Outcome{}, err
		}
		if v.ok {
			l.known, l.n, l.hash, l.seq = true, e.N, e.Hash, v.seq
			return done(c, v.seq), nil
		}
		switch v.no {
		case whyMark:
			seq, hash := parseMark(v.got)
			if slices.Contains(hashes, hash) {
				return done(c, seq), nil
			}
			return s.already(ctx, v.got)
		case whyLane, whyHead, whySegment:
			continue
		}
		l.known = true // what was refused before the lane was looked at left it as it was
		return state.Outcome{}, refused(v)
	}
	return state.Outcome{}, fmt.Errorf("write the change: no audit lane holds still: %w", state.ErrConflict)
}

// refused says what a failed check means for the change.
func refused(v verdict) error {
	switch v.no {
	case whyIncident, whyFarm, whyBoard, whyDesk:
		return errStale
	case whyServer:
		var r state.Row
		_ = json.Unmarshal([]byte(v.got), &r)
		return &state.Refusal{Why: fmt.Sprintf("%s is in farm %s already.", r.Name, r.Farm), Next: "A server has one farm."}
	}
	return fmt.Errorf("the store refused the change: %s", v.no)
}

func done(c state.Commit, seq int64) state.Outcome {
	return state.Outcome{Seq: seq, Changes: c.Entry.Changes}
}

func parseMark(mark string) (seq int64, hash string) {
	n, hash, _ := strings.Cut(mark, " ")
	seq, _ = strconv.ParseInt(n, 10, 64)
	return seq, hash
}

// already is the outcome of a request that was applied before, as far as the record still has it.
func (s *Store) already(ctx context.Context, mark string) (state.Outcome, error) {
	seq, _ := parseMark(mark)
	out := state.Outcome{Already: true, Seq: seq}
	entries, err := s.Audit(ctx, seq, 1)
	if err != nil {
		return out, err
	}
	for _, e := range entries {
		out.Changes = e.Changes
	}
	return out, nil
}
