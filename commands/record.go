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
	saysFixed []string                    // servers that say so now and did not before, and lack proof from inside
	agreed    []string                    // those that say so now and did not before, and lack nothing
	lost      int                         // results that could not be written
	lostWhy   string
	lostSigns []string // servers of them with a sign of an attacker
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

// flush writes what waits: all at once, and in halves when that is too much or
// one of it is refused. An error that is not about what was to be written is
// returned after the others had their turn; what it cost is counted as lost.
func (r *recorder) flush(ctx context.Context) error {
	farms := r.farms
	r.farms, r.waiting = map[string][]checks.Result{}, 0
	if len(farms) == 0 {
		return nil
	}
	err := apart(slices.Sorted(maps.Keys(farms)), func(names []string) error {
		some := map[string][]checks.Result{}
		for _, n := range names {
			some[n] = farms[n]
		}
		err := r.write(ctx, some)
		if err != nil && len(names) == 1 && !hopeless(err) {
			err = r.less(ctx, names[0], farms[names[0]], err)
		} else if err != nil {
			return err
		}
		for _, n := range names {
			delete(farms, n)
		}
		return err
	})
	for _, name := range slices.Sorted(maps.Keys(farms)) { // nobody came to these
		r.lose(err, farms[name]...)
	}
	if err != nil && len(r.lostSigns) > 0 {
		err = fmt.Errorf("signs of an attacker on %s were found and could not be recorded: %w", fewOf(r.lostSigns, maxShown), err)
	}
	return err
}

// less writes in halves what one farm cannot take at once. What it cannot take at
// all is lost, and counted.
func (r *recorder) less(ctx context.Context, farm string, results []checks.Result, err error) error {
	if len(results) < 2 || !theirFault(err) {
		r.lose(err, results...)
		if theirFault(err) {
			return nil
		}
		return err
	}
	half := len(results) / 2
	var errs error
	for _, part := range [][]checks.Result{results[:half], results[half:]} {
		if err := r.write(ctx, map[string][]checks.Result{farm: part}); err != nil {
			errs = errors.Join(errs, r.less(ctx, farm, part, err))
		}
	}
	return errs
}

// lose counts results that are not recorded, and remembers the servers with a sign
// of an attacker among them: those are never lost without a word.
func (r *recorder) lose(why error, results ...checks.Result) {
	for _, res := range results {
		r.lost, r.lostWhy = r.lost+1, why.Error()
		if hasSign(res) && !slices.Contains(r.lostSigns, res.Server) {
			r.lostSigns = append(r.lostSigns, res.Server)
		}
	}
}

func hasSign(res checks.Result) bool {
	return res.Compromised != nil && *res.Compromised || slices.ContainsFunc(res.Evidence, func(e state.Evidence) bool {
		return e.Kind == state.KindIndicator && e.Value == "found"
	})
}

// theirFault reports whether an error is about what was to be written, not about
// the store.
func theirFault(err error) bool {
	return refused(err) || errors.Is(err, state.ErrNotFound) || errors.Is(err, state.ErrTooBig)
}

var errGone = errors.New("retired or moved during the scan")

func (r *recorder) write(ctx context.Context, farms map[string][]checks.Result) error {
	names := slices.Sorted(maps.Keys(farms))
	var fixed, agreed []string
	var lost []checks.Result
	work := r.call.Work("record "+digestOf(idsOf(names, farms)), r.now())
	out, err := r.store.Update(ctx, work, r.call.Incident, names, func(tx *state.Tx) error {
		fixed, agreed, lost = nil, nil, nil // it may be run again
		for _, name := range names {
			f, gone, err := r.record(tx, name, farms[name])
			if err != nil {
				return err
			}
			f, whole, err := lacking(tx, name, f)
			if err != nil {
				return err
			}
			fixed, agreed, lost = append(fixed, f...), append(agreed, whole...), append(lost, gone...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record what %d farms answered: %w", len(names), err)
	}
	r.saysFixed, r.agreed = append(r.saysFixed, fixed...), append(r.agreed, agreed...)
	r.lose(errGone, lost...)
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
// they are fixed, and which results are about servers that are not there any more.
func (r *recorder) record(tx *state.Tx, farm string, results []checks.Result) (fixed []string, gone []checks.Result, err error) {
	f, err := tx.Farm(farm)
	if err != nil {
		return nil, nil, err
	}
	before := f.Evidence
	var all []state.Evidence
	for _, res := range results {
		s, ok := f.Farm.Server(res.Server)
		if !ok || s.Retired != nil {
			gone = append(gone, res)
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

// lacking divides servers into those that lack proof from inside and those that
// lack nothing.
func lacking(tx *state.Tx, farm string, servers []string) (lack, whole []string, err error) {
	if len(servers) == 0 {
		return nil, nil, nil
	}
	f, err := tx.Farm(farm)
	if err != nil {
		return nil, nil, err
	}
	now := f.Assess(tx.Incident.Rules, tx.Work.At)
	for _, name := range servers {
		if a, _ := now.Server(name); a.Hash != "" { // it could be confirmed as it is
			whole = append(whole, name)
		} else {
			lack = append(lack, name)
		}
	}
	return lack, whole, nil
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
