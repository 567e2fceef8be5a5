package state_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

func TestAMarkingPassesOnlyWhereThePlaceMayShowIt(t *testing.T) {
	t.Parallel()
	all := []state.TLP{state.TLPRed, state.TLPAmberStrict, state.TLPAmber, state.TLPGreen, state.TLPClear}
	for i, ceiling := range all {
		for j, marking := range all {
			want := j > 0 && j >= i
			if ceiling == state.TLPRed { // nobody set it
				want = marking == state.TLPClear
			}
			require.Equal(t, want, ceiling.Allows(marking), "%s to a place of %s", marking, ceiling)
		}
		require.False(t, ceiling.Allows(state.TLPClear+1), "what is no marking goes nowhere")
	}
	var unmarked state.TLP
	require.False(t, state.TLPClear.Allows(unmarked))
}

func TestParseTLPReadsTheSpellingsOfTheField(t *testing.T) {
	t.Parallel()
	for want, spellings := range map[state.TLP][]string{
		state.TLPRed: {"red", "TLP:RED", "tlp red"}, state.TLPAmber: {"AMBER", "tlp:amber", " TLP: Amber "}, state.TLPGreen: {"green"},
		state.TLPAmberStrict: {"amber+strict", "TLP:AMBER+STRICT", "amber-strict", "AMBER_STRICT", "amber strict", "TLP AMBER STRICT"},
		state.TLPClear:       {"clear", "TLP:CLEAR", "white", "tlp:white"},
	} {
		for _, s := range spellings {
			got, err := state.ParseTLP(s)
			require.NoError(t, err, s)
			require.Equal(t, want, got, s)
		}
		var back state.TLP
		b, err := json.Marshal(want)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, want, back)
	}
	for _, s := range []string{"", "yellow", "TLP:", "amber+", strings.Repeat("x", 500)} {
		got, err := state.ParseTLP(s)
		require.Error(t, err)
		require.Equal(t, state.TLPRed, got)
		require.Less(t, len(err.Error()), 200)
	}
}

func TestADirectoryInWhichOneHumanIsTwoIsRefused(t *testing.T) {
	t.Parallel()
	ok := state.People{{ID: "a", Links: []string{"slack:T:1", "console:a"}}, {ID: "b", Links: []string{"slack:T:2"}}}
	require.NoError(t, ok.Validate())
	p, found := ok.ByLink("slack:T:2")
	require.True(t, found)
	require.Equal(t, state.PersonID("b"), p.ID)
	_, found = ok.ByLink("slack:T:3")
	require.False(t, found)
	for name, bad := range map[string]state.People{
		"no id":               {{}},
		"an id of spaces":     {{ID: " "}},
		"an id twice":         {{ID: "a"}, {ID: "a"}},
		"an id in two cases":  {{ID: "lead"}, {ID: "Lead"}},
		"an identity twice":   {{ID: "a", Links: []string{"x"}}, {ID: "b", Links: []string{"x"}}},
		"an identity of none": {{ID: "a", Links: []string{""}}},
		"a space":             {{ID: "a", Links: []string{"x "}}},
	} {
		require.Error(t, bad.Validate(), name)
	}
}

func TestStatusesAreRankedFromWorstToBest(t *testing.T) {
	t.Parallel()
	for i, s := range state.Statuses() {
		require.Equal(t, i, s.Rank())
		var back state.Status
		b, err := json.Marshal(s)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, s, back)
	}
	require.Zero(t, state.Status(99).Rank(), "what is no status is the worst")
	require.False(t, state.Status(99).Settled())
	for _, s := range []state.Status{state.StatusReady, state.StatusInProgress, state.StatusContained, state.StatusUnknown} {
		require.False(t, s.Settled(), s)
	}
}

func TestADeclarationNeverSaysAllClearWithAnException(t *testing.T) {
	t.Parallel()
	for n, words := range []string{"ALL CLEAR", "CLEAR WITH 1 EXCEPTION", "CLEAR WITH 2 EXCEPTIONS"} {
		require.Equal(t, words, state.Declaration{Exceptions: n}.Words())
	}
}

func TestCountsAreClearOnlyWhenTheyAreRight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		counts map[state.Status]int
		clear  bool
		why    string
	}{
		{nil, false, "no servers"},
		{map[state.Status]int{state.StatusRetired: 3}, false, "no servers"},
		{map[state.Status]int{state.StatusConfirmed: 1, state.StatusRetired: 1}, true, ""},
		{map[state.Status]int{state.StatusExcepted: 1}, true, ""},
		{map[state.Status]int{state.StatusConfirmed: 9, state.StatusReady: 1}, false, "1 of 10 servers are open"},
		{map[state.Status]int{state.StatusConfirmed: 9, state.StatusUnknown: 1, state.StatusExposed: -1}, false, "wrong"},
		{map[state.Status]int{state.StatusConfirmed: 9, 99: 1}, false, "open"},
	} {
		b := state.Board{Counts: state.Counts{Status: c.counts}, Hash: "h"}
		require.Equal(t, c.clear, b.Counts.MayClear())
		if c.clear {
			require.NoError(t, b.MayClear())
			b.Overdue = 1
			require.ErrorContains(t, b.MayClear(), "wait to be assessed anew")
		} else {
			require.ErrorContains(t, b.MayClear(), c.why)
		}
	}
}

func TestTheIDOfEvidenceIsItsContent(t *testing.T) {
	t.Parallel()
	e := inside(srv("A"), "package", good, at(1))
	require.Equal(t, "edbc3e3af3be3dac3", e.NewID(), "ids are stored; they must never change")
	same := e
	same.ID, same.Recorded = "x", at(5)
	require.Equal(t, e.NewID(), same.NewID())
	for _, change := range []func(*state.Evidence){
		func(e *state.Evidence) { e.Subject = item("A") },
		func(e *state.Evidence) { e.Value += "1" },
		func(e *state.Evidence) { e.Observed = at(1.001) },
		func(e *state.Evidence) { e.At = at(1) },
		func(e *state.Evidence) { e.Second = "p" },
		func(e *state.Evidence) { e.From = time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC) },
		func(e *state.Evidence) { e.From = time.Date(-6, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		other := e
		change(&other)
		require.NotEqual(t, e.NewID(), other.NewID())
	}
	bc, ad := e, e
	bc.From, ad.From = time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-6, 1, 1, 0, 0, 0, 0, time.UTC)
	require.NotEqual(t, bc.NewID(), ad.NewID(), "times that JSON cannot write")
}

func sealed(lane int, n int64, prev string, seq int64) state.AuditEntry {
	e := state.AuditEntry{Request: "r", At: at(1), Events: []state.Event{{Type: "x", Data: []byte(`{"a":1}`)}}}.Seal(lane, n, prev)
	e.Seq = seq
	return e
}

func TestTheChainFindsWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	a := sealed(1, 1, "", 1)
	b := sealed(2, 1, "", 2)
	c := sealed(1, 2, a.Hash, 3)
	check := func(es ...state.AuditEntry) error {
		var chain state.Chain
		for _, e := range es {
			if err := chain.Add(again(t, e)); err != nil {
				return err
			}
		}
		require.Equal(t, map[int]string{1: c.Hash, 2: b.Hash}, chain.Heads())
		return nil
	}
	require.NoError(t, check(a, b, c))
	changed := c
	changed.Events = []state.Event{{Type: "x", Data: []byte(`{"a":2}`)}}
	renumbered := c
	renumbered.Seq = 2
	invalid := c
	invalid.Events = []state.Event{{Type: "x", Data: []byte(`{`)}}
	for want, es := range map[string][]state.AuditEntry{
		"entries are missing":           {a, c},
		"was changed":                   {a, b, changed},
		"does not follow":               {a, b, sealed(1, 2, b.Hash, 3)},
		"does not follow entry 1":       {a, b, sealed(1, 3, a.Hash, 3)},
		"entry 3 follows 1":             {a, c, b},
		"entry 2 does not follow entry": {b2(), renumbered},
	} {
		require.ErrorContains(t, check(es...), want)
	}
	var chain state.Chain
	require.NoError(t, chain.Add(a))
	require.NoError(t, chain.Add(b))
	require.ErrorContains(t, chain.Add(invalid), "was changed")
}

// b2 begins another lane, so that the entry that pretends to follow it cannot.
func b2() state.AuditEntry { return sealed(2, 1, "", 1) }
