package state_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/allclear-bot/allclear/state"
)

// keeper is the least that a store must be: it keeps what commits say, counts by
// their differences only, and writes everything as JSON.
type keeper struct {
	rules              map[int]state.Rules
	inc                state.Incident
	farms              map[string]state.FarmState
	counts             map[state.Status]int
	last               map[string]state.Status // of each server, from the transitions
	now                time.Time
	n                  int
	cleared, confirmed int
	record             []state.AuditEntry // in their order
}

func newKeeper(t testing.TB) *keeper {
	k := &keeper{rules: revisions(t), now: at(24)}
	for _, r := range k.rules { // without the tables of builds, which make each audit entry large
		for i := range r.Products {
			for j := range r.Products[i].Branches {
				r.Products[i].Branches[j].Known = nil
			}
		}
	}
	return k
}

// update is one change: it is refused whole, or everything that follows from it holds.
func (k *keeper) update(t *rapid.T, by state.PersonID, farms []string, change func(*state.Tx) error) error {
	k.n++
	var loaded []state.FarmState
	for _, name := range farms {
		f, ok := k.farms[name]
		if !ok {
			f.Farm.Name = name
		}
		loaded = append(loaded, again(t, f))
	}
	before := written(t, loaded)
	tx := state.NewTx(state.Work{Request: fmt.Sprint("r", k.n), By: by, At: k.now}, whole(t, k.inc), loaded)
	if err := change(tx); err != nil {
		var r *state.Refusal
		require.True(t, errors.As(err, &r) || errors.Is(err, state.ErrNotFound), "%v", err)
		require.NotEmpty(t, err.Error())
		require.Equal(t, before, written(t, loaded), "what was loaded stays as it was")
		return err
	}
	c := tx.Commit()
	require.Equal(t, before, written(t, loaded), "what was loaded stays as it was")
	k.apply(t, c)
	k.check(t, c)
	return nil
}

func written(t require.TestingT, v any) string {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

func again[T any](t require.TestingT, v T) T {
	b, err := json.Marshal(v)
	require.NoError(t, err)
	var out T
	require.NoError(t, json.Unmarshal(b, &out))
	return out
}

// whole is an incident as it comes back from a store; its rules are large, and stay.
func whole(t require.TestingT, inc state.Incident) state.Incident {
	rules := inc.Rules
	inc.Rules = state.Rules{}
	inc = again(t, inc)
	inc.Rules = rules
	return inc
}

func (k *keeper) apply(t *rapid.T, c state.Commit) {
	if c.Empty {
		return
	}
	c.Entry.Seq = int64(len(k.record) + 1)
	k.record = append(k.record, c.Entry)
	k.inc = whole(t, c.Incident)
	for _, f := range c.Farms {
		for name, after := range f.After {
			if was, ok := f.Before[name]; ok {
				k.counts[was.Status]--
			}
			k.counts[after.Status]++
		}
		k.farms[f.State.Farm.Name] = again(t, f.State)
	}
	for _, tr := range c.Entry.Changes {
		was, known := k.last[tr.Server]
		require.Equal(t, !known, tr.New)
		require.Equal(t, was, tr.From, "%s: transitions chain", tr.Server)
		require.True(t, tr.New || tr.From != tr.To)
		k.last[tr.Server] = tr.To
	}
}

func (k *keeper) check(t *rapid.T, c state.Commit) {
	counts := map[state.Status]int{}
	for _, f := range k.farms {
		for name, row := range f.Rows {
			counts[row.Status]++
			require.Equal(t, k.last[name], row.Status)
			if k.inc.Clear != nil {
				require.True(t, row.Status.Settled(), "%s is %s, and clear is in force", name, row.Status)
				require.False(t, k.inc.Clear.Exceptions == 0 && row.Status == state.StatusExcepted, "ALL CLEAR with an exception")
			}
		}
	}
	maps.DeleteFunc(k.counts, func(_ state.Status, n int) bool { return n == 0 })
	require.Equal(t, counts, k.counts, "the counters are those of a recount")
	for _, f := range c.Farms {
		w := world{k.inc.Rules, f.State.Farm, f.State.Evidence, k.now}
		for _, row := range f.State.Rows {
			if row.Status == state.StatusConfirmed {
				k.confirmed++
				require.Empty(t, objection(w, row.Name))
			}
		}
		require.LessOrEqual(t, len(f.State.Farm.Proposals), state.MaxProposals)
	}
}

func (k *keeper) board() state.Board {
	b := state.Board{Counts: state.Counts{Status: k.counts}, Rev: int64(k.n)}
	for _, name := range slices.Sorted(maps.Keys(k.farms)) {
		f := k.farms[name]
		if f.Revision != k.inc.Rules.Revision || !f.Until.IsZero() && !f.Until.After(k.now) {
			b.Overdue++
		}
		for _, s := range f.Farm.Servers {
			b.Hash += fmt.Sprintf("%s %s %s\n", s.Name, f.Rows[s.Name].Status, f.Rows[s.Name].Hash)
		}
	}
	return b
}

// complete is a whole remediation of a farm, done in the last hours.
func (k *keeper) complete(f state.FarmState) []state.Evidence {
	ago := func(h float64) time.Time { return k.now.Add(-time.Duration(h * float64(time.Hour))) }
	es := []state.Evidence{inside(state.Subject{}, state.KindItems, "portal", ago(0.1)), inside(item("portal"), "amsi", "on", ago(0.1))}
	for _, s := range f.Farm.Servers {
		sub := srv(s.Name)
		es = append(
			es, event(sub, "preserved", "done", ago(9), ago(0.1)), event(sub, "package", good, ago(8), ago(7)), event(sub, "package.language", good, ago(8), ago(7)),
			event(sub, "psconfig", "done", ago(7.5), ago(7)), clean(s.Name, ago(6)), inside(sub, "modules", "clean", ago(0.1)),
			event(sub, "restart", "restarted", ago(3), ago(0.2)), inside(sub, "keys.match", "yes", ago(0.1)),
		)
	}
	return append(es, event(item("portal"), "rotation", "rotated", ago(5), ago(0.1)), event(item("portal"), "deployment", "deployed", ago(4), ago(0.1)))
}

var farmOf = map[string]string{"A": "F", "B": "F", "C": "C"}

// step does one random thing.
func (k *keeper) step(t *rapid.T) {
	name := rapid.SampledFrom([]string{"A", "A", "B", "C"}).Draw(t, "server")
	farm, by := farmOf[name], genPerson(t)
	one := []string{farm}
	switch op := rapid.IntRange(0, 13).Draw(t, "operation"); op {
	case 0:
		s := state.Server{Name: name, Farm: farm, Exposure: state.Exposure(rapid.IntRange(0, 2).Draw(t, "exposure"))}
		_ = k.update(t, by, one, func(tx *state.Tx) error { return tx.PutServer(s) })
	case 1, 2, 3:
		_ = k.update(t, by, one, func(tx *state.Tx) error { return tx.Record(farm, k.complete(k.farms[farm])...) })
	case 4:
		w := world{farm: k.farms[farm].Farm}
		if len(w.farm.Servers) == 0 {
			return
		}
		e := genEvidence(t, w)
		e.Observed = e.Observed.Add(k.now.Sub(at(30)))
		_ = k.update(t, by, one, func(tx *state.Tx) error { return tx.Record(farm, e) })
	case 5:
		_ = k.update(t, by, one, func(tx *state.Tx) error { return tx.Claim(name, "", "done") })
	case 6:
		k.propose(t, by, name, farm)
	case 7, 8, 9:
		k.confirmAll(t)
	case 10:
		k.approve(t, by, farm)
	case 11:
		_ = k.update(t, by, nil, func(tx *state.Tx) error { return tx.Revise(k.rules[2]) })
		k.sweep(t)
	case 12:
		k.now = k.now.Add(time.Duration(rapid.SampledFrom([]int{1, 10, 24, 24 * 15, 24 * 31}).Draw(t, "hours")) * time.Hour)
		k.sweep(t)
	case 13:
		k.clear(t, by)
	}
}

func (k *keeper) sweep(t *rapid.T) {
	for _, f := range slices.Sorted(maps.Keys(k.farms)) {
		require.NoError(t, k.update(t, "", []string{f}, func(tx *state.Tx) error { return tx.Reassess(f) }))
		require.Equal(t, k.inc.Rules.Revision, k.farms[f].Revision)
	}
	require.Zero(t, k.board().Overdue)
}

func (k *keeper) propose(t *rapid.T, by state.PersonID, name, farm string) {
	kinds := []state.ProposalKind{state.ProposeConfirm, state.ProposeAttest, state.ProposeExcept, state.ProposeRetire, "nonsense"}
	p := state.Proposal{ID: fmt.Sprint("p", k.n), Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Server: name, Reason: "because"}
	e := event(srv(name), "psconfig", "done", k.now.Add(-time.Hour), k.now)
	x := state.Exception{Steps: rapid.SampledFrom([][]string{nil, {"amsi"}}).Draw(t, "steps"), Expires: k.now.Add(48 * time.Hour)}
	if rapid.IntRange(0, 9).Draw(t, "whole") > 0 {
		p.Evidence, p.Exception = &e, &x
	}
	_ = k.update(t, by, []string{farm}, func(tx *state.Tx) error { return tx.Propose(p) })
}

func (k *keeper) approve(t *rapid.T, by state.PersonID, farm string) {
	ps := k.farms[farm].Farm.Proposals
	if len(ps) == 0 {
		return
	}
	p := rapid.SampledFrom(ps).Draw(t, "proposal")
	f := k.farms[farm]
	a, _ := f.Assess(k.inc.Rules, k.now).Server(p.Server)
	err := k.update(t, by, []string{farm}, func(tx *state.Tx) error { _, err := tx.Approve(p.ID); return err })
	if err != nil {
		return
	}
	require.NotEqual(t, p.By, by)
	if p.Kind == state.ProposeConfirm {
		require.NotContains(t, a.Deciders, by)
		require.False(t, slices.ContainsFunc(f.Farm.Claims, func(c state.Claim) bool { return c.Server == p.Server && c.By == by }))
		require.Equal(t, p.Hash, a.Hash)
	}
}

func (k *keeper) confirmAll(t *rapid.T) {
	for _, name := range slices.Sorted(maps.Keys(farmOf)) {
		if f := k.farms[farmOf[name]]; f.Rows[name].Status == state.StatusReady {
			id := fmt.Sprint("p", k.n)
			if k.update(t, "p1", []string{f.Farm.Name}, func(tx *state.Tx) error {
				return tx.Propose(state.Proposal{ID: id, Kind: state.ProposeConfirm, Server: name})
			}) == nil {
				k.approve(t, genPerson(t), f.Farm.Name)
			}
		}
	}
}

func (k *keeper) clear(t *rapid.T, by state.PersonID) {
	id := fmt.Sprint("clear", k.n)
	seen := k.board()
	if k.update(t, by, nil, func(tx *state.Tx) error {
		return tx.Propose(state.Proposal{ID: id, Kind: state.ProposeClear, Hash: seen.Hash})
	}) != nil {
		return
	}
	second, b := genPerson(t), k.board()
	if k.update(t, second, nil, func(tx *state.Tx) error { return tx.DeclareClear(id, b) }) == nil {
		k.cleared++
		require.NotEqual(t, by, second)
		require.Zero(t, b.Counts.Open()+b.Overdue)
	}
}

func TestWhateverIsDoneTheBooksAreRight(t *testing.T) {
	t.Parallel()
	var cleared, confirmed int
	template := newKeeper(t)
	rapid.Check(t, func(t *rapid.T) {
		k := *template
		k.farms, k.counts, k.last = map[string]state.FarmState{}, map[state.Status]int{}, map[string]state.Status{}
		require.NoError(t, k.update(t, "p1", nil, func(tx *state.Tx) error {
			return tx.OpenIncident(state.Incident{ID: "i", Rules: k.rules[rapid.SampledFrom([]int{1, 2}).Draw(t, "revision")]})
		}))
		require.NoError(t, k.update(t, "p1", []string{"F"}, func(tx *state.Tx) error { return tx.PutServer(state.Server{Name: "A", Farm: "F"}) }))
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			k.step(t)
		}
		cleared, confirmed = cleared+k.cleared, confirmed+k.confirmed
	})
	t.Logf("%d rows confirmed, %d times clear", confirmed, cleared)
	require.Positive(t, confirmed)
	if !testing.Short() {
		require.Positive(t, cleared, "the sequences must reach clear sometimes")
	}
}
