package commands

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// resultsAtOnce is how many results are recorded in one change at most.
const resultsAtOnce = 512

// recorder writes what looks found, in batches. What one farm cannot take, for
// its server was retired or its evidence is full, keeps no other from being
// written.
type recorder struct {
	store Changer
	call  chat.Call
	now   func() time.Time
	rules state.Rules

	farms   map[string][]checks.Result // waiting, by farm
	waiting int

	changes   map[string]state.Transition // by server: from before the first to after the last
	saysFixed []string                    // servers that say so now and did not before
	lost      int                         // results that could not be written
	lostWhy   string
}

func newRecorder(store Changer, call chat.Call, now func() time.Time, rules state.Rules) *recorder {
	return &recorder{store: store, call: call, now: now, rules: rules, farms: map[string][]checks.Result{}, changes: map[string]state.Transition{}}
}

// add takes a result, and writes when there are enough.
func (r *recorder) add(ctx context.Context, farm string, res checks.Result) error {
	if len(res.Evidence) == 0 {
		return nil
	}
	r.farms[farm] = append(r.farms[farm], res)
	r.waiting++
	if len(r.farms) < farmsAtOnce && r.waiting < resultsAtOnce {
		return nil
	}
	return r.flush(ctx)
}

// flush writes what waits. After an error it is thrown away.
func (r *recorder) flush(ctx context.Context) error {
	farms := r.farms
	r.farms, r.waiting = map[string][]checks.Result{}, 0
	if len(farms) == 0 {
		return nil
	}
	err := r.write(ctx, farms)
	if err == nil || !theirFault(err) {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(farms)) {
		one := map[string][]checks.Result{name: farms[name]}
		err := r.write(ctx, one)
		if err != nil && !theirFault(err) {
			return err
		}
		if err != nil {
			r.lost, r.lostWhy = r.lost+len(farms[name]), err.Error()
		}
	}
	return nil
}

// theirFault reports whether an error is about what was to be written, not about
// the store.
func theirFault(err error) bool { return refused(err) || errors.Is(err, state.ErrNotFound) }

func (r *recorder) write(ctx context.Context, farms map[string][]checks.Result) error {
	names := slices.Sorted(maps.Keys(farms))
	var fixed []string
	lost := 0
	work := r.call.Work("record "+digestOf(idsOf(names, farms)), r.now())
	out, err := r.store.Update(ctx, work, r.call.Incident, names, func(tx *state.Tx) error {
		fixed, lost = nil, 0 // it may be run again
		for _, name := range names {
			f, gone, err := r.record(tx, name, farms[name])
			if err != nil {
				return err
			}
			fixed, lost = append(fixed, f...), lost+gone
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record what %d farms answered: %w", len(names), err)
	}
	r.saysFixed = append(r.saysFixed, fixed...)
	if r.lost += lost; lost > 0 {
		r.lostWhy = "retired or moved during the scan"
	}
	r.learn(out.Changes)
	return nil
}

// idsOf names a batch by its content: the same batch again is the same change.
func idsOf(names []string, farms map[string][]checks.Result) []string {
	var out []string
	for _, n := range names {
		out = append(out, n)
		for _, res := range farms[n] {
			for _, e := range res.Evidence {
				out = append(out, e.NewID())
			}
		}
	}
	return out
}

// record adds the evidence of one farm. It tells which servers newly say that
// they are fixed, and how many are not there any more.
func (r *recorder) record(tx *state.Tx, farm string, results []checks.Result) (fixed []string, gone int, err error) {
	f, err := tx.Farm(farm)
	if err != nil {
		return nil, 0, err
	}
	before := f.Evidence
	var all []state.Evidence
	for _, res := range results {
		s, ok := f.Farm.Server(res.Server)
		if !ok || s.Retired != nil {
			gone++
			continue
		}
		all = append(all, res.Evidence...)
		if res.Judgement.Verdict == state.VerdictFixed && !saidFixed(r.rules, before, res.Evidence[0].Subject) {
			fixed = append(fixed, res.Server)
		}
	}
	if len(all) == 0 {
		return nil, gone, nil
	}
	return fixed, gone, tx.Record(farm, all...)
}

// saidFixed reports whether the last answer of a subject said that it is fixed: the
// worst of what was read then, without what another observer read more precisely.
func saidFixed(r state.Rules, evidence []state.Evidence, sub state.Subject) bool {
	var last time.Time
	var read []state.Version
	for _, e := range evidence {
		if e.Kind != state.KindBuild || e.Source != state.SourceProbe || e.Subject != sub || e.Observed.Before(last) {
			continue
		}
		if e.Observed.After(last) {
			last, read = e.Observed, nil
		}
		if v, err := state.ParseVersion(e.Value); err == nil {
			read = append(read, v)
		}
	}
	for _, v := range read {
		vague := slices.ContainsFunc(read, func(o state.Version) bool { return o != v && o.HasPrefix(v) })
		if !vague && r.Judge(v).Verdict != state.VerdictFixed {
			return false
		}
	}
	return len(read) > 0
}

// learn joins status changes: from what a server was to what it is.
func (r *recorder) learn(changes []state.Transition) {
	for _, t := range changes {
		if old, ok := r.changes[t.Server]; ok {
			t.From, t.New = old.From, old.New
		}
		if r.changes[t.Server] = t; t.From == t.To && !t.New {
			delete(r.changes, t.Server)
		}
	}
}

// transitions are the changes, worst first.
func (r *recorder) transitions() []state.Transition {
	return sortTransitions(slices.Collect(maps.Values(r.changes)))
}
