package state_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/allclear-bot/allclear/state"
)

// genLong is a history with many refreshes in it.
func genLong(t *rapid.T, rules map[int]state.Rules) world {
	w := genWorld(t, rules)
	for range rapid.IntRange(0, 12).Draw(t, "refreshes") {
		e := rapid.SampledFrom(w.evidence).Draw(t, "refresh")
		e.Observed = at(genHours(t, 30))
		if e.Kind == state.KindHunt {
			e.To = e.Observed
		}
		w.note(e)
	}
	for _, e := range w.evidence {
		w.now = maxTime(w.now, e.Observed)
	}
	return w
}

// outcome is what must be the same whether evidence was compacted or not.
func outcome(a state.Assessment) string {
	s := ""
	for _, v := range a.Servers {
		s += fmt.Sprintln(v.Name, v.Status, v.Verdict, v.Hash, v.Signs, len(v.Contradictions), v.Deciders)
		for _, st := range v.Steps {
			s += fmt.Sprintln("  ", st.Step, st.Subject, st.Status, st.Value, st.Source)
		}
	}
	return s
}

func TestCompactedEvidenceIsAssessedTheSameNowAndLater(t *testing.T) {
	t.Parallel()
	rules := revisions(t)
	rapid.Check(t, func(t *rapid.T) {
		w := genLong(t, rules).confirm()
		slices.SortStableFunc(w.evidence, func(x, y state.Evidence) int { return x.Observed.Compare(y.Observed) })
		full, compacted := w, w
		full.evidence, compacted.evidence = nil, nil
		for i, e := range w.evidence {
			full.evidence = append(full.evidence, e)
			compacted.evidence = state.Compact(append(compacted.evidence, e))
			if i%9 == 8 || i == len(w.evidence)-1 {
				require.Equal(t, outcome(full.assess()), outcome(compacted.assess()))
			}
		}
		require.Equal(t, outcome(full.assess()), outcome(world{w.rules, w.farm, state.Compact(w.evidence), w.now}.assess()))
	})
}

func TestEvidenceThatComesLateNeverLooksBetterForCompaction(t *testing.T) {
	t.Parallel()
	rules := revisions(t)
	rapid.Check(t, func(t *rapid.T) {
		w := genLong(t, rules).confirm()
		w.evidence = rapid.Permutation(w.evidence).Draw(t, "order")
		compacted := w
		compacted.evidence = nil
		for _, e := range w.evidence {
			compacted.evidence = state.Compact(append(compacted.evidence, e))
		}
		noBetter(t, w.assess(), compacted.assess())
	})
}

func TestLongHistoriesStaySmall(t *testing.T) {
	t.Parallel()
	farm := remediated(t)
	flapping := []string{"16.0.10417", "16.0.10416", "", "16.0.10417"}
	for name, look := range map[string]func(n string, round int, when time.Time) []state.Evidence{
		"refreshed": func(n string, _ int, when time.Time) []state.Evidence {
			es := []state.Evidence{probe(n, "header", "16.0.10417", when), inside(srv(n), "package", good, when), inside(srv(n), "modules", "clean", when.Add(time.Second))}
			return append(es, inside(srv(n), "psconfig", "done", when.Add(2*time.Second)), inside(srv(n), "keys.match", "yes", when))
		},
		"answers that come and go": func(n string, round int, when time.Time) []state.Evidence {
			reach := state.Evidence{Subject: srv(n), Kind: state.KindReach, Value: []string{"no", "answered"}[round%2], Observed: when}
			sign := state.Evidence{Subject: srv(n), Kind: state.KindIndicator, Tool: "i", Value: []string{"absent", "unclear", "unclear"}[round%3], Observed: when}
			return []state.Evidence{probe(n, "header", flapping[round%4], when), inside(srv(n), "psconfig", "done", when.Add(time.Minute)), reach, sign}
		},
		"a hostile server that answers with another build each time": func(n string, round int, when time.Time) []state.Evidence {
			return []state.Evidence{probe(n, "header", fmt.Sprintf("16.0.%d", round), when), probe(n, "service.cnf", fmt.Sprint("?", round), when)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			es := farm.evidence
			start := len(es)
			for round := range 600 {
				for _, n := range []string{"A", "B"} {
					for _, e := range look(n, round, at(10).Add(time.Duration(round)*15*time.Minute)) {
						e.ID = e.NewID()
						es = append(es, e)
					}
				}
				if round%20 == 19 {
					es = state.Compact(es)
				}
			}
			require.Less(t, len(es), start+400, "%d pieces", len(es))
		})
	}
}

func TestAVulnerableAnswerIsNotFloodedAway(t *testing.T) {
	t.Parallel()
	s := newStory(t).add(probe("A", "header", "16.0.10416", at(1)))
	for i := range 500 {
		s.add(probe("A", "header", fmt.Sprint("nonsense ", i), at(2+float64(i))))
		s.evidence = state.Compact(s.evidence)
	}
	require.Equal(t, state.StatusExposed, s.on("A", at(1000)).Status)
}
