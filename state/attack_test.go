package state_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

// attack is traffic in a server's log, with its last request at a moment.
func attack(server, value string, when time.Time) state.Evidence {
	return state.Evidence{Subject: srv(server), Kind: state.KindAttack, Value: value, Source: state.SourceHunt, Tool: "hunt/r/1", At: when, Observed: when}
}

func TestAttackTrafficIsASignByHowItWasAnswered(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]state.Status{
		state.AttackContact: state.StatusReady, state.AttackAttempt: state.StatusReady, state.AttackOdd: state.StatusReady,
		state.AttackKeys: state.StatusSuspected, state.AttackAnswered: state.StatusSuspected, state.AttackShell: state.StatusCompromised,
	} {
		s := remediated(t).add(attack("A", value, at(0.5))).on("A", at(14))
		require.Equal(t, want, s.Status, "%s: %s", value, explain(s))
	}
}

func TestAnAnsweredAttackIsClearedByTwoPersonsAndNeverByAPatch(t *testing.T) {
	t.Parallel()
	status := func(es ...state.Evidence) state.Status {
		return remediated(t).add(attack("A", state.AttackAnswered, at(0.5))).add(es...).on("A", at(14)).Status
	}
	require.Equal(t, state.StatusSuspected, status(patched("A", 12, good)...), "patched again")
	logs := clean("A", at(12))
	logs.Source, logs.Tool = state.SourceHunt, "hunt/logs"
	require.Equal(t, state.StatusSuspected, status(logs), "a hunt in logs alone")
	require.Equal(t, state.StatusSuspected, status(word(clean("A", at(12)), "p1", "p1")), "one person")
	require.Equal(t, state.StatusReady, status(word(clean("A", at(12)), "p1", "p2")), "a clean hunt that covers it, by two")
	late := word(clean("A", at(12)), "p1", "p2")
	late.From = at(0.6)
	require.Equal(t, state.StatusSuspected, status(late), "a hunt that begins after it")
	require.NotEqual(t, state.StatusSuspected, status(word(event(srv("A"), state.KindEviction, "rebuilt", at(12), at(12)), "p1", "p2")), "a rebuild, by two")
}

func TestAWebShellThatAnsweredIsClearedByEvictionOnly(t *testing.T) {
	t.Parallel()
	w := remediated(t).add(attack("A", state.AttackShell, at(0.5)), word(clean("A", at(12)), "p1", "p2"))
	require.Equal(t, state.StatusCompromised, w.on("A", at(14)).Status)
	s := w.add(word(event(srv("A"), state.KindEviction, "evicted", at(13), at(13)), "p1", "p2")).on("A", at(14))
	require.NotEqual(t, state.StatusCompromised, s.Status)
	require.NotEqual(t, state.StatusReady, s.Status, "and then the work is done again")
}

func TestSettledTellsWhenAServerWasFixedAndRidOfTheAttacker(t *testing.T) {
	t.Parallel()
	w := remediated(t)
	f := state.FarmState{Farm: w.farm, Evidence: w.evidence}
	evicted, fixed := f.Settled(w.rules, "A", at(9))
	require.Zero(t, evicted)
	require.False(t, fixed.IsZero())
	require.True(t, fixed.Before(at(4)))
	f.Evidence = nil
	_, fixed = f.Settled(w.rules, "A", at(9))
	require.Zero(t, fixed)
}

func TestPartsOfLogsAddUpWhenTheyTouchAndNobodyElsesWordDoes(t *testing.T) {
	t.Parallel()
	part := func(from, to float64, tool string) state.Evidence {
		e := clean("A", at(to))
		e.From, e.Tool = at(from), tool
		return e
	}
	began := func(to float64, tool string) state.Evidence {
		e := clean("A", at(to))
		e.Tool = tool
		return e
	}
	for name, c := range map[string]struct {
		parts []state.Evidence
		want  state.StepStatus
	}{
		"touching":        {[]state.Evidence{began(1, state.ToolLogs), part(1, 3, state.ToolLogs)}, state.StepVerified},
		"three":           {[]state.Evidence{began(1, state.ToolLogs), part(2, 3, state.ToolLogs), part(0.5, 2.5, state.ToolLogs)}, state.StepVerified},
		"a minute apart":  {[]state.Evidence{began(1, state.ToolLogs), part(1.02, 3, state.ToolLogs)}, state.StepOpen},
		"of another tool": {[]state.Evidence{began(1, "collector"), part(1, 3, "collector")}, state.StepOpen},
		"not to the end":  {[]state.Evidence{began(1, state.ToolLogs), part(1, 1.4, state.ToolLogs)}, state.StepOpen},
	} {
		s := newStory(t).add(patched("A", 1, good)...).add(c.parts...).on("A", at(9))
		i := slices.IndexFunc(s.Steps, func(st state.StepState) bool { return st.Step == "hunt" })
		require.Equal(t, c.want, s.Steps[i].Status, "%s: %s", name, explain(s))
	}
}
