package state_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/allclear-bot/allclear/state"
)

// revisions are both revisions of ToolShell.
func revisions(t testing.TB) map[int]state.Rules {
	return map[int]state.Rules{1: toolshell(t, 1), 2: toolshell(t, 2)}
}

func excepted(s state.ServerAssessment) bool {
	return slices.ContainsFunc(s.Steps, func(st state.StepState) bool { return st.Status == state.StepExcepted })
}

func TestNoServerIsReadyOrConfirmedAgainstTheOracle(t *testing.T) {
	t.Parallel()
	rules := revisions(t)
	ready := 0
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t, rules).confirm()
		counts := state.Counts{Status: map[state.Status]int{}}
		for _, s := range w.assess().Servers {
			counts.Status[s.Status]++
			if (s.Status == state.StatusConfirmed || s.Status == state.StatusReady || s.Hash != "") && !excepted(s) {
				ready++
				require.Empty(t, objection(w, s.Name), explain(s))
			}
		}
		if counts.MayClear() {
			for _, s := range w.assess().Servers {
				require.True(t, s.Status.Settled())
				require.False(t, s.Status == state.StatusConfirmed && (excepted(s) || objection(w, s.Name) != ""), explain(s))
			}
		}
	})
	require.Positive(t, ready, "the histories must reach the end sometimes")
}

func TestTheOracleAcceptsAWholeRemediation(t *testing.T) {
	t.Parallel()
	rules := revisions(t)
	rapid.Check(t, func(t *rapid.T) {
		w := genRemediation(t, rules)
		for _, s := range w.assess().Servers {
			if len(w.assess().Items) == 0 {
				require.NotEqual(t, state.StatusReady, s.Status)
				continue
			}
			require.Equal(t, state.StatusReady, s.Status, explain(s))
			require.Empty(t, objection(w, s.Name))
		}
	})
}

func TestTheOrderOfEvidenceDoesNotMatterAndAReplayGivesTheSame(t *testing.T) {
	t.Parallel()
	rules := revisions(t)
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t, rules)
		a := w.assess()
		require.Equal(t, a, w.assess())
		shuffled := w
		shuffled.evidence = rapid.Permutation(w.evidence).Draw(t, "order")
		require.Equal(t, a, shuffled.assess())
		for i := range shuffled.evidence {
			shuffled.evidence[i].ID = "" // not even ids are needed
		}
		require.Equal(t, statuses(a), statuses(shuffled.assess()))
	})
}

func statuses(a state.Assessment) map[string]state.Status {
	out := map[string]state.Status{}
	for _, s := range a.Servers {
		out[s.Name] = s.Status
	}
	return out
}

// noBetter requires that no server became better, and that no sign vanished.
func noBetter(t require.TestingT, before, after state.Assessment) {
	for i, b := range before.Servers {
		a := after.Servers[i]
		require.LessOrEqual(t, a.Status.Rank(), b.Status.Rank(), "before: %s\nafter: %s", explain(b), explain(a))
		require.GreaterOrEqual(t, len(a.Signs), len(b.Signs))
		if b.Hash == "" {
			require.Empty(t, a.Hash, explain(a))
		}
	}
}

func TestWhatTellsNothingImprovesNothing(t *testing.T) {
	t.Parallel()
	rules := revisions(t)
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t, rules).confirm()
		e := genEvidence(t, w)
		values := map[state.Kind]string{"reach": state.ReachNo, "indicator": rapid.SampledFrom([]string{"absent", "unclear"}).Draw(t, "unclear")}
		e.Value = values[e.Kind]
		if e.Value == "" {
			e.Value = rapid.SampledFrom([]string{"?", "", "99.1", "16.0.27612"}).Draw(t, "nothing")
		}
		if e.Kind == state.KindItems {
			return // a shorter list is a statement
		}
		e.ID = e.NewID()
		noBetter(t, w.assess(), w.with(e).assess())
	})
}

func TestTimeImprovesNothing(t *testing.T) {
	t.Parallel()
	rules := revisions(t)
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t, rules)
		for _, e := range w.evidence {
			w.now = maxTime(w.now, e.Observed)
		}
		for _, x := range w.farm.Exceptions {
			w.now = maxTime(w.now, x.At)
		}
		w = w.confirm()
		a, later := w.assess(), w
		later.now = w.now.Add(time.Duration(rapid.IntRange(1, 24*40).Draw(t, "hours")) * time.Hour)
		noBetter(t, a, later.assess())
		if a.Until.IsZero() || later.now.Before(a.Until) {
			require.Equal(t, statuses(a), statuses(later.assess()), "nothing changes before Until")
		}
	})
}

func TestARefreshKeepsAConfirmationAndAnotherValueNever(t *testing.T) {
	t.Parallel()
	rules := revisions(t)
	rapid.Check(t, func(t *rapid.T) {
		w := genRemediation(t, rules).confirm()
		before := statuses(w.assess())
		refresh := rapid.SampledFrom(w.evidence).Draw(t, "evidence")
		refresh.Observed = at(10 + genHours(t, 19))
		if refresh.Kind == "hunt" {
			refresh.To = refresh.Observed
		}
		require.Equal(t, before, statuses(w.with(refresh).assess()))
		other := refresh
		other.Value = rapid.SampledFrom(says[other.Kind]).Draw(t, "value")
		if other.Value == refresh.Value || !speaks(other, w.rules.Revision) {
			return
		}
		other.ID = other.NewID()
		for _, s := range w.with(other).assess().Servers {
			if other.Subject.Server == "" || other.Subject.Server == s.Name {
				require.NotEqual(t, state.StatusConfirmed, s.Status, explain(s))
			}
		}
	})
}

// speaks reports whether evidence says something about a step, good or bad.
func speaks(e state.Evidence, revision int) bool {
	switch e.Kind {
	case "package", "package.language":
		_, verdict := reads(e.Value, revision)
		return verdict == "vulnerable" || verdict == "fixed" && e.Value[:9] == good[:9]
	case "rotation":
		return false // "local" is neither
	}
	return e.Value != "?"
}

func TestAssessIsTotalOnGarbage(t *testing.T) {
	t.Parallel()
	rules := revisions(t)
	rapid.Check(t, func(t *rapid.T) {
		r := rules[2]
		r.Steps = slices.Clone(r.Steps)
		for i := range r.Steps {
			if rapid.IntRange(0, 5).Draw(t, "spoil") == 0 {
				r.Steps[i].Scope = state.Scope(rapid.IntRange(0, 4).Draw(t, "scope"))
				r.Steps[i].Need = state.Need(rapid.IntRange(0, 4).Draw(t, "need"))
				r.Steps[i].After = []string{"verify", "nonsense", r.Steps[i].ID}
			}
		}
		r.Products = r.Products[:rapid.IntRange(0, len(r.Products)).Draw(t, "products")]
		g := rapid.Custom(func(t *rapid.T) state.Evidence {
			return state.Evidence{
				ID:      rapid.StringN(0, 2, -1).Draw(t, "id"),
				Subject: state.Subject{Server: rapid.SampledFrom([]string{"", "A", "\x00"}).Draw(t, "server"), Item: rapid.SampledFrom([]string{"", "\n", "portal"}).Draw(t, "item")},
				Kind:    state.Kind(rapid.SampledFrom([]string{"", "build", "package", "hunt", "items", "stale", "eviction"}).Draw(t, "kind")),
				Value:   rapid.OneOf(rapid.String(), rapid.SampledFrom(builds)).Draw(t, "value"), Source: state.Source(rapid.IntRange(0, 9).Draw(t, "source")),
				Observed: at(genHours(t, 9)), By: genPerson(t), Second: genPerson(t),
			}
		})
		w := world{rules: r, now: at(8), evidence: rapid.SliceOf(g).Draw(t, "evidence"), farm: state.Farm{Servers: []state.Server{{Name: "A"}, {Name: "A"}, {}}}}
		a := w.assess()
		for _, s := range a.Servers {
			require.False(t, s.Status.Settled())
		}
		_, err := json.Marshal(a)
		require.NoError(t, err)
		state.Compact(w.evidence)
	})
}
