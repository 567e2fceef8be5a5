package state_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/allclear-bot/allclear/state"
)

// snapshot is what a board really said at one moment.
type snapshot struct {
	after  int // entries
	at     time.Time
	rows   map[string]state.Row
	farms  map[string]state.FarmState
	clear  *state.Declaration
	rev    int
	counts map[state.Status]int
}

func (k *keeper) snapshot() snapshot {
	s := snapshot{after: len(k.record), at: k.now, rows: map[string]state.Row{}, farms: maps.Clone(k.farms), clear: k.inc.Clear, rev: k.inc.Rules.Revision, counts: maps.Clone(k.counts)}
	for _, f := range k.farms {
		maps.Copy(s.rows, f.Rows)
	}
	return s
}

func same(t *rapid.T, want snapshot, p *state.Past) {
	require.Len(t, p.Rows, len(want.rows))
	for name, w := range want.rows {
		g := p.Rows[name]
		require.Equal(t, w.Status, g.Status, name)
		require.True(t, w.Since.Equal(g.Since), name)
		require.Equal(t, []any{w.Farm, w.Owner, w.Group, w.Exposure}, []any{g.Farm, g.Owner, g.Group, g.Exposure})
	}
	require.Equal(t, want.counts, p.Counts().Status)
	require.Equal(t, want.rev, p.Incident.Rules.Revision)
	require.Equal(t, written(t, want.clear), written(t, p.Incident.Clear))
	require.Equal(t, slices.Sorted(maps.Keys(want.farms)), p.Farms())
	for name, f := range want.farms {
		g, ok := p.Farm(name)
		require.True(t, ok)
		for _, at := range []time.Time{want.at, want.at.Add(100 * 24 * time.Hour)} {
			require.Equal(t, written(t, f.Assess(p.Incident.Rules, at)), written(t, g.Assess(p.Incident.Rules, at)), "a card of then")
		}
	}
}

func TestThePastIsWhatTheBoardSaidThen(t *testing.T) {
	t.Parallel()
	template := newKeeper(t)
	rapid.Check(t, func(t *rapid.T) {
		k := *template
		k.farms, k.counts, k.last = map[string]state.FarmState{}, map[state.Status]int{}, map[string]state.Status{}
		require.NoError(t, k.update(t, "p1", nil, func(tx *state.Tx) error {
			return tx.OpenIncident(state.Incident{ID: "i", Rules: k.rules[1]})
		}))
		var shots []snapshot
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			k.step(t)
			shots = append(shots, k.snapshot())
		}
		p := state.NewPast("i", func(string) bool { return true })
		next := 0
		for i, e := range k.record {
			e = again(t, e)
			require.NoError(t, p.Apply(e))
			require.NoError(t, p.Follows(e, false))
			for ; next < len(shots) && shots[next].after == i+1; next++ {
				same(t, shots[next], p)
			}
		}
		require.Equal(t, len(shots), next)
	})
}

func TestAPastThatDoesNotFollowIsFound(t *testing.T) {
	t.Parallel()
	k := *newKeeper(t)
	rapid.Check(t, func(t *rapid.T) {
		k.farms, k.counts, k.last, k.record, k.inc = map[string]state.FarmState{}, map[state.Status]int{}, map[string]state.Status{}, nil, state.Incident{}
		require.NoError(t, k.update(t, "p1", nil, func(tx *state.Tx) error {
			return tx.OpenIncident(state.Incident{ID: "i", Rules: k.rules[1]})
		}))
		require.NoError(t, k.update(t, "p1", []string{"F"}, func(tx *state.Tx) error { return tx.PutServer(state.Server{Name: "A", Farm: "F"}) }))
		require.NoError(t, k.update(t, "p1", []string{"F"}, func(tx *state.Tx) error { return tx.Record("F", k.complete(k.farms["F"])...) }))
		forged := k.record[2]
		forged.Changes = slices.Clone(forged.Changes)
		forged.Changes[0].To = rapid.SampledFrom(slices.DeleteFunc(state.Statuses(), func(s state.Status) bool { return s == forged.Changes[0].To })).Draw(t, "status")
		p := state.NewPast("i", func(string) bool { return true })
		for _, e := range []state.AuditEntry{k.record[0], k.record[1], forged} {
			require.NoError(t, p.Apply(e))
		}
		require.ErrorContains(t, p.Follows(forged, false), "but by revision 1")
	})
}

func TestPartsOfAnEntryAreShownWithoutTheOthers(t *testing.T) {
	t.Parallel()
	e := state.AuditEntry{
		Request: "r", At: at(1), Incident: "i",
		Events:  []state.Event{{Type: "x", Farm: "f", Data: []byte(`{"a":1}`)}, {Type: "x", Farm: "g", Data: []byte(`{"a":2}`)}},
		Changes: []state.Transition{{Server: "f1", To: state.StatusReady}, {Server: "g1", To: state.StatusExposed}},
	}.Seal(3, 7, "before")
	c := e.Cut(func(ev state.Event) bool { return ev.Farm == "f" }, func(tr state.Transition) bool { return tr.Server == "f1" })
	raw, err := json.Marshal(c)
	require.NoError(t, err)
	require.NotContains(t, string(raw), "g1")
	require.NotContains(t, string(raw), `"g"`)
	var back state.CutEntry
	require.NoError(t, json.Unmarshal(raw, &back))
	require.Equal(t, e.Body, back.Content())
	require.Equal(t, e.Hash, state.LinkHash(3, 7, "before", back.Content()))
	require.Len(t, back.Shown().Events, 1)
	require.Len(t, back.Shown().Changes, 1)
	for _, change := range []func(*state.CutEntry){
		func(c *state.CutEntry) { c.By = "other" },
		func(c *state.CutEntry) { c.Events = c.Events[:1] },
		func(c *state.CutEntry) { c.Events[0], c.Events[1] = c.Events[1], c.Events[0] },
		func(c *state.CutEntry) { c.Changes[0].Change.To = state.StatusConfirmed },
		func(c *state.CutEntry) { c.Events[1] = c.Changes[1] },
		func(c *state.CutEntry) { c.Events, c.Changes = append(c.Events, c.Changes[0]), c.Changes[1:] },
	} {
		var other state.CutEntry
		require.NoError(t, json.Unmarshal(raw, &other))
		change(&other)
		require.NotEqual(t, e.Body, other.Content())
	}
}

func TestAReasonThatMayHaveChangedIsNotTold(t *testing.T) {
	t.Parallel()
	p := state.NewPast("i", nil)
	put := state.Event{Type: "server put", Farm: "f", Server: "A", Data: json.RawMessage(`{"name":"A","farm":"f"}`)}
	require.NoError(t, p.Apply(state.AuditEntry{Incident: "i", Seq: 1, Events: []state.Event{put}, Changes: []state.Transition{{Server: "A", Why: "nobody has looked"}}}))
	require.Equal(t, "nobody has looked", p.Rows["A"].Reason)
	looked := state.Event{Type: "evidence", Farm: "f", Server: "A", Data: json.RawMessage(`{}`)}
	require.NoError(t, p.Apply(state.AuditEntry{Incident: "i", Seq: 2, Events: []state.Event{looked}}))
	require.Empty(t, p.Rows["A"].Reason, "somebody has")
	require.Equal(t, state.StatusUnknown, p.Rows["A"].Status)
}
