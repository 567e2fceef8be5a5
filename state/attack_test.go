package state_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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

// late is an attack that was answered between two moments, and was handed in when the
// server was on record as fixed.
func late(server string, first, last time.Time) state.Evidence {
	e := attack(server, state.AttackLate, last)
	e.At = first
	return e
}

func TestAnAttackAfterTheFixIsASignAgainWhereTheFixIsNotShownBeforeIt(t *testing.T) {
	t.Parallel()
	first := toolshell(t, 1)
	older := func(s *story) *story { // what revision 1 took for fixed
		for i, e := range s.evidence {
			if e.Kind == "package" || e.Kind == "package.language" {
				s.evidence[i].Value = july
			}
		}
		return s
	}
	for name, c := range map[string]struct {
		tell func() *story
		want state.Status
	}{
		"after the fix":        {func() *story { return remediated(t).add(late("A", at(2), at(2.5))) }, state.StatusReady},
		"begun before the fix": {func() *story { return remediated(t).add(late("A", at(0.5), at(2.5))) }, state.StatusSuspected},
		"without a beginning":  {func() *story { return remediated(t).add(late("A", time.Time{}, at(2.5))) }, state.StatusSuspected},
		"begun after its end":  {func() *story { return remediated(t).add(late("A", at(3), at(2.5))) }, state.StatusSuspected},
		"the line moved":       {func() *story { return older(remediated(t)).add(late("A", at(2), at(2.5))) }, state.StatusSuspected},
		"the line moved, and patched again": {func() *story {
			return older(remediated(t)).add(late("A", at(2), at(2.5))).add(patched("A", 12, good)...)
		}, state.StatusSuspected},
		"the fix was found undone": {func() *story {
			return remediated(t).add(late("A", at(2), at(2.5)), inside(srv("A"), "package", july, at(2.7))).add(patched("A", 2.8, good)...)
		}, state.StatusSuspected},
		"when the proof had grown too old": {func() *story { return remediated(t).add(late("A", at(24*200), at(24*200+1))) }, state.StatusSuspected},
		"and is shown again after it": {func() *story {
			return remediated(t).add(late("A", at(24*200), at(24*200+1))).add(patched("A", 24*203, good)...)
		}, state.StatusSuspected},
		"when it was shown again in time": {func() *story {
			return remediated(t).add(patched("A", 24*25, good)...).add(patched("A", 24*50, good)...).add(late("A", at(24*40), at(24*41)))
		}, state.StatusInProgress},
		"of the shared address": {func() *story { e := late("", at(2), at(2.5)); return remediated(t).add(e) }, state.StatusSuspected},
	} {
		told := c.tell()
		now := at(14)
		for _, e := range told.evidence {
			if e.Observed.After(now) {
				now = e.Observed.Add(time.Hour)
			}
		}
		s := told.on("A", now)
		require.Equal(t, c.want, s.Status, "%s: %s", name, explain(s))
		told.evidence = state.Compact(told.evidence)
		require.Equal(t, c.want, told.on("A", now).Status, name)
	}
	before := older(remediated(t)).add(late("A", at(2), at(2.5)))
	before.rules = first
	require.Equal(t, state.StatusReady, before.on("A", at(14)).Status, "by the rules of its day")
}

func TestWhatIsRecordedLaterNeverMakesAnAttackHarmless(t *testing.T) {
	t.Parallel()
	s := newStory(t).add(late("A", at(2), at(2.5)))
	s.evidence[0].Recorded = at(3)
	back := patched("A", 1, good)
	for i := range back {
		back[i].Recorded = at(4)
	}
	require.Equal(t, state.StatusSuspected, s.add(back...).on("A", at(14)).Status, "a patch that somebody dates before the attack")
	for i := range s.evidence[1:] {
		s.evidence[i+1].Recorded = at(3)
	}
	require.NotEqual(t, state.StatusSuspected, s.on("A", at(14)).Status, "it was on record")
}

// Whatever is recorded after a sign, only the word of two persons clears it.
func TestNothingButTwoPersonsWordClearsASign(t *testing.T) {
	t.Parallel()
	rules := revisions(t)
	signs := 0
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t, rules)
		for _, e := range w.evidence {
			w.now = maxTime(w.now, e.Observed)
		}
		before, after := w.assess(), w
		for range rapid.IntRange(1, 6).Draw(t, "more") {
			e := genEvidence(t, after)
			if e.Source == state.SourceAttestation && (e.Kind == state.KindEviction || e.Kind == state.KindHunt) || e.Observed.After(w.now) {
				continue
			}
			e.Recorded = at(100)
			after = after.with(e)
		}
		for i, b := range before.Servers {
			if b.Status != state.StatusRetired && len(b.Signs) > 0 {
				signs++
				require.NotEmpty(t, after.assess().Servers[i].Signs, explain(b))
			}
		}
	})
	require.Positive(t, signs)
}

func TestCompactionKeepsWhatAMovedLineMakesASign(t *testing.T) {
	t.Parallel()
	rules := revisions(t)
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t, rules)
		sub := srv(genServer(t, w))
		for range rapid.IntRange(1, 8).Draw(t, "attacks") {
			last := genHours(t, 12)
			e := attack(sub.Server, state.AttackLate, at(last))
			e.At = at(last - rapid.Float64Range(-1, 6).Draw(t, "hours"))
			w.note(e)
		}
		for _, e := range w.evidence {
			w.now = maxTime(w.now, e.Observed)
		}
		compacted := w
		compacted.evidence = state.Compact(w.evidence)
		for _, r := range rules {
			w.rules, compacted.rules = r, r
			require.Equal(t, statuses(w.assess()), statuses(compacted.assess()))
		}
	})
}

func TestCompactionMakesNothingHarmlessWheneverItWasRecorded(t *testing.T) {
	t.Parallel()
	rules := revisions(t)
	rapid.Check(t, func(t *rapid.T) {
		w := genRemediation(t, rules)
		for i := range w.evidence {
			w.evidence[i].Recorded = at(genHours(t, 30))
		}
		sub := srv(genServer(t, w))
		for range rapid.IntRange(1, 8).Draw(t, "attacks") {
			last := genHours(t, 12)
			e := attack(sub.Server, state.AttackLate, at(last))
			e.At, e.Recorded = at(last-rapid.Float64Range(0, 6).Draw(t, "hours")), at(genHours(t, 30))
			w.note(e)
		}
		w.now = at(40)
		compacted := w
		compacted.evidence = state.Compact(w.evidence)
		noBetter(t, w.assess(), compacted.assess())
	})
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

func TestCompactionKeepsTheLookThatShowsAnAttackToBeHarmless(t *testing.T) {
	t.Parallel()
	s := remediated(t)
	for day := 20; day <= 240; day += 20 { // the same again and again
		for _, e := range patched("A", 1, good) {
			e.Observed, e.At = at(float64(24*day)), time.Time{}
			s.add(e)
		}
	}
	s.add(late("A", at(24*75), at(24*75+1)))
	now := at(24 * 241)
	require.Empty(t, s.on("A", now).Signs)
	before := len(s.evidence)
	s.evidence = state.Compact(s.evidence)
	require.Less(t, len(s.evidence), before)
	require.Empty(t, s.on("A", now).Signs)
}
