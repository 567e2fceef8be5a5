package state_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

// Each of these once led to a false answer, or could not be answered at all.

func TestALesserSourceThatAgreesDoesNotMakeBadNewsEasierToAnswer(t *testing.T) {
	t.Parallel()
	s := remediated(t).add(inside(srv("A"), "psconfig", "needed", at(8.1)), word(inside(srv("A"), "psconfig", "needed", at(8.2)), "p1", "p2"))
	s.add(word(event(srv("A"), "psconfig", "done", at(8.3), at(8.4)), "p1", "p2"))
	require.Equal(t, state.StatusExposed, s.on("A", at(9)).Status)
	s.add(inside(srv("A"), "psconfig", "done", at(8.5)))
	require.NotEqual(t, state.StatusExposed, s.on("A", at(9)).Status)
}

func TestBadNewsCountsWhoeverBringsIt(t *testing.T) {
	t.Parallel()
	s := remediated(t)
	off := inside(item("portal"), "amsi", "off", at(8.5))
	off.Source = state.SourceHunt // not a source that the step takes
	require.Equal(t, state.StepOpen, stepOf(t, s.add(off).on("A", at(9)), "amsi").Status)
	s.add(inside(item("portal"), "amsi", "on", at(8.6)))
	require.Equal(t, state.StepVerified, stepOf(t, s.on("A", at(9)), "amsi").Status, "any source that it takes can answer it")
}

func TestAHitWhoseTimesCannotBeTrueIsStillAHit(t *testing.T) {
	t.Parallel()
	hit := clean("A", at(8.5))
	hit.Value, hit.To, hit.At = "hit", at(8.6), at(8.7)
	require.Equal(t, state.StatusCompromised, remediated(t).add(hit).on("A", at(9)).Status)
	sweep := clean("A", at(3))
	sweep.To = at(30)
	s := newStory(t).add(patched("A", 1, good)...).add(sweep)
	require.Contains(t, stepOf(t, s.on("A", at(9)), "hunt").Why, "after it was made")
}

func TestAServerThatWasRetiredUnpatchedWasAWayInUntilThen(t *testing.T) {
	t.Parallel()
	retired := state.Server{Name: "C", Farm: "F", Retired: &state.Retirement{By: "p1", Second: "p2", At: at(5.5)}}
	s := remediated(t)
	s.farm.Servers = append(s.farm.Servers, retired)
	a := s.on("A", at(9))
	require.Equal(t, state.StepOpen, stepOf(t, a, "rotate").Status, "the keys that C held were rotated at 5")
	require.Contains(t, stepOf(t, a, "rotate").Why, stamp(at(5.5)))
	s.add(patched("C", 1, good)...).add(clean("C", at(3)))
	require.Equal(t, state.StatusReady, s.on("A", at(9)).Status, "C was fixed and swept before")
	s.add(state.Evidence{Subject: srv("C"), Kind: state.KindIndicator, Tool: "i", Value: "found", Observed: at(4)})
	require.Equal(t, state.StepOpen, stepOf(t, s.on("A", at(9)), "rotate").Status, "whoever was on C had its keys until it was retired")
	s.farm.Servers[2].Retired.At = at(4.5)
	require.Equal(t, state.StatusReady, s.on("A", at(9)).Status)
	s.add(state.Evidence{Subject: srv("C"), Kind: state.KindReach, Value: state.ReachAnswered, Observed: at(8)})
	require.NotEmpty(t, s.on("C", at(9)).Notes, "it should not answer any more")
}

func stamp(x time.Time) string { return x.UTC().Format("2006-01-02 15:04") }

func TestAnInstallDateBeforeTheUpdateWasPublishedIsNotBelieved(t *testing.T) {
	t.Parallel()
	for _, wrong := range []time.Time{time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2025, 7, 12, 0, 0, 0, 0, time.UTC)} {
		s := newStory(t).add(event(srv("A"), "package", good, wrong, at(4)))
		require.Equal(t, at(4), stepOf(t, s.on("A", at(9)), "patch").Since, "when it was seen")
	}
	s := newStory(t).add(event(srv("A"), "package", good, at(-9), at(4)))
	require.Equal(t, at(-9), stepOf(t, s.on("A", at(9)), "patch").Since, "a day is left for time zones")
}

func TestOnlyAnEvictionThatSucceededClearsACompromise(t *testing.T) {
	t.Parallel()
	found := state.Evidence{Subject: srv("A"), Kind: state.KindIndicator, Tool: "i", Value: "found", Observed: at(0.5)}
	evict := word(event(srv("A"), state.KindEviction, "failed", at(2.5), at(2.6)), "p1", "p2")
	require.Equal(t, state.StatusCompromised, remediated(t).add(found, evict).on("A", at(9)).Status)
	evict.Value = state.EvictionRebuilt
	s := remediated(t).add(found, evict)
	require.Equal(t, state.StatusReady, s.on("A", at(9)).Status)
	require.Equal(t, state.StatusReady, s.on("B", at(9)).Status)
	found.Observed = at(8.5)
	s.add(found)
	require.Equal(t, state.StatusCompromised, s.on("A", at(9)).Status)
	require.Equal(t, state.StatusInProgress, s.on("B", at(9)).Status, "it shares keys with a server that the attacker is back on")
}

func TestASignOnAnItemIsASuspicionAboutTheFarm(t *testing.T) {
	t.Parallel()
	s := remediated(t).add(inside(item("portal"), "modules", "malicious", at(8.5)))
	for _, n := range []string{"A", "B"} {
		require.Equal(t, state.StatusSuspected, s.on(n, at(9)).Status)
		require.Contains(t, s.on(n, at(9)).Signs[0], "portal")
	}
}

func TestBuildsOfDifferentProductsOnOneServerContradictEachOther(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]state.Evidence{
		"a package of another product":    inside(srv("A"), "package", "16.0.5513.1001", at(8.5)),
		"a header of another product":     probe("A", "header", "16.0.5513", at(8.5)),
		"a language pack of another one":  inside(srv("A"), "package.language", "16.0.5513.1001", at(8.5)),
		"a package of the one without LD": inside(srv("A"), "package", "16.0.18526.20508", at(8.5)),
	} {
		a := remediated(t).add(e).on("A", at(9))
		require.NotEqual(t, state.StatusReady, a.Status, name)
		require.NotEmpty(t, a.Contradictions, name)
	}
	s := remediated(t).add(probe("A", "header", "16.0.5513", at(8.5)), probe("A", "header", "garbage", at(8.6)))
	require.NotEmpty(t, s.on("A", at(9)).Contradictions, "an answer that is no build settles nothing")
	s.add(word(inside(srv("A"), state.KindStale, "16.0.5513", at(8.7)), "p1", "p2"))
	require.NotEmpty(t, s.on("A", at(9)).Contradictions, "the observer has read something else since")
	s = remediated(t).add(probe("A", "header", "16.0.5513", at(8.5)), word(inside(srv("A"), state.KindStale, "16.0.5513", at(8.7)), "p1", "p2"))
	require.Equal(t, state.StatusReady, s.on("A", at(9)).Status)
}

func TestWhatWasSetAsideAsStaleIsShownForAsLongAsItIsSaid(t *testing.T) {
	t.Parallel()
	note := inside(srv("A"), state.KindStale, "16.0.10416", at(8.6))
	note.Reference = "CHG-9"
	s := remediated(t).add(probe("A", "header", "16.0.10416", at(8.5)), word(note, "p1", "p2"))
	a := s.on("A", at(9))
	require.Equal(t, state.StatusReady, a.Status)
	require.Equal(t, []string{"attested as stale by p1 and p2 (CHG-9): probe header still says 16.0.10416"}, a.Stale)
	require.Contains(t, a.Reason, a.Stale[0])
	s.add(probe("A", "header", "16.0.10416", at(8.7)), probe("A", "header", "garbage", at(8.8)))
	require.Len(t, s.on("A", at(9)).Stale, 1, "it says so still")
	s.add(probe("A", "header", good, at(8.9)))
	require.Empty(t, s.on("A", at(9)).Stale, "it says something else now")
	require.NotContains(t, s.on("A", at(9)).Reason, "stale")
}

func TestANumberInOtherEvidenceExcusesNobodyFromAStep(t *testing.T) {
	t.Parallel()
	s := newStory(t).add(inside(srv("A"), "office", "16.0.18526.20508", at(1)))
	require.Equal(t, state.StepOpen, stepOf(t, s.on("A", at(9)), "patch-language").Status)
	s.add(inside(srv("A"), "package", "16.0.18526.20508", at(1)))
	require.NotContains(t, explain(s.on("A", at(9))), "patch-language")
}

func TestNoRulesLetAnOutsideLookProveAStep(t *testing.T) {
	t.Parallel()
	s := remediated(t)
	i := slices.IndexFunc(s.rules.Steps, func(st state.Step) bool { return st.ID == "patch" })
	s.rules.Steps = slices.Clone(s.rules.Steps)
	s.rules.Steps[i].Proof = []state.Proof{{Kind: state.KindBuild, FixLine: true, Sources: []state.Source{state.SourceProbe, state.SourceImport}}}
	s.add(probe("A", "buildversion.cnf", good, at(8)))
	require.Equal(t, state.StepOpen, stepOf(t, s.on("A", at(9)), "patch").Status)
}

func TestAnExceptionLiftsOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := newStory(t).add(inside(srv("A"), "package", good, at(4)), inside(srv("A"), "package.language", good, at(1)), inside(srv("A"), "psconfig", "done", at(2)))
	require.Equal(t, state.StepOpen, stepOf(t, s.on("A", at(9)), "psconfig").Status)
	s.farm.Exceptions = []state.Exception{{ID: "x", Server: "A", Steps: []string{"patch"}, By: "p1", Second: "p2", At: at(1), Expires: at(90), Reason: "r"}}
	require.Equal(t, state.StepOpen, stepOf(t, s.on("A", at(9)), "psconfig").Status, "the patch is proved, so PSConfig must come after it")
}

func TestTheExceptionThatLastsLongestCoversAStep(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	for i, end := range []float64{20, 90, 50} {
		s.farm.Exceptions = append(s.farm.Exceptions, state.Exception{
			ID: fmt.Sprint("x", i), Server: "A", Steps: []string{"patch"}, By: "p1", Second: "p2", At: at(1), Expires: at(end), Reason: "r",
		})
	}
	require.Equal(t, "x1", stepOf(t, s.on("A", at(9)), "patch").Value)
	require.Equal(t, "x1", stepOf(t, s.on("A", at(60)), "patch").Value, "time does not change what was confirmed")
	s.farm.Exceptions[1].By = ""
	require.Equal(t, "x2", stepOf(t, s.on("A", at(9)), "patch").Value)
}

func TestAnAttestationReplacesProofThatIsTooOld(t *testing.T) {
	t.Parallel()
	s := newStory(t).add(patched("A", 1, good)...)
	later := at(9).AddDate(0, 0, 31)
	require.Equal(t, state.StepStale, stepOf(t, s.on("A", later), "patch").Status)
	s.add(word(inside(srv("A"), "package", good, later), "p1", "p2"))
	require.Equal(t, state.StepAttested, stepOf(t, s.on("A", later), "patch").Status)
}

func TestAnAnswerThatIsNoBuildOfTheProductReleasesNothing(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"?", "99.1", "16.0.27612"} {
		s := remediated(t).add(probe("A", "header", "16.0.10416", at(0.5)), probe("A", "header", value, at(8.5)))
		require.Equal(t, state.StatusExposed, s.on("A", at(9)).Status, value)
	}
}

func TestOfTheSameMomentTheWorseCounts(t *testing.T) {
	t.Parallel()
	for i := range 4 { // whatever the ids are
		tool := fmt.Sprint("tool", i)
		same := func(value string) state.Evidence {
			e := inside(srv("A"), state.KindContained, value, at(1))
			e.Tool = tool
			return e
		}
		s := newStory(t).add(probe("A", "header", "16.0.10416", at(0.5)), same("yes"), same("no"))
		require.False(t, s.on("A", at(2)).Contained)
		s = newStory(t).add(probe("A", tool, "16.0.5513", at(1)), probe("A", tool, "16.0.5508", at(1)))
		require.Equal(t, state.StatusExposed, s.on("A", at(2)).Status)
		list := func(items string) state.Evidence {
			e := inside(state.Subject{}, state.KindItems, items, at(1))
			e.Tool = tool
			return e
		}
		s = newStory(t).add(list("a\nb"), list("a"))
		require.Equal(t, []string{"a", "b"}, state.Assess(s.rules, s.farm, s.evidence, at(2)).Items)
	}
	s := newStory(t).add(inside(srv("A"), state.KindContained, "yes", at(1)), state.Evidence{Subject: srv("A"), Kind: state.KindReach, Value: state.ReachAnswered, Observed: at(1)})
	require.False(t, s.on("A", at(2)).Contained)
}

func TestPSConfigSeenWithTheUpdateCountsAndBeforeItDoesNot(t *testing.T) {
	t.Parallel()
	s := newStory(t).add(inside(srv("A"), "package", good, at(4)), inside(srv("A"), "package.language", good, at(4)), inside(srv("A"), "psconfig", "done", at(3)))
	require.Equal(t, state.StepOpen, stepOf(t, s.on("A", at(9)), "psconfig").Status)
	s.add(inside(srv("A"), "psconfig", "done", at(4)))
	require.Equal(t, state.StepVerified, stepOf(t, s.on("A", at(9)), "psconfig").Status)
}

func TestADatedEventThatWasUndoneIsOpenUntilItIsDoneAgain(t *testing.T) {
	t.Parallel()
	s := remediated(t)
	i := slices.IndexFunc(s.rules.Steps, func(st state.Step) bool { return st.ID == "rotate" })
	s.rules.Steps = slices.Clone(s.rules.Steps)
	s.rules.Steps[i].Proof = []state.Proof{{Kind: "rotation", Dated: true, Good: []string{"rotated"}, Bad: []string{"reverted"}, Sources: []state.Source{state.SourceCollector}}}
	s.add(inside(item("portal"), "rotation", "reverted", at(8.5)))
	require.Equal(t, state.StepOpen, stepOf(t, s.on("A", at(9)), "rotate").Status, "it does not say when, so when it was seen")
	s.add(event(item("portal"), "rotation", "rotated", at(8.7), at(8.8)))
	require.Equal(t, state.StepVerified, stepOf(t, s.on("A", at(9)), "rotate").Status)
}

func TestAHuntThatBeginsTooLateIsNoHunt(t *testing.T) {
	t.Parallel()
	s := newStory(t).add(patched("A", 1, good)...)
	late := clean("A", at(3))
	late.From = late.From.Add(time.Second)
	require.Equal(t, state.StepOpen, stepOf(t, s.add(late).on("A", at(9)), "hunt").Status)
	require.Equal(t, state.StepVerified, stepOf(t, s.add(clean("A", at(3))).on("A", at(9)), "hunt").Status)
}

func TestADateBeforeARegressionDoesNotReachBehindIt(t *testing.T) {
	t.Parallel()
	s := remediated(t).add(inside(srv("A"), "package", july, at(8.2)), event(srv("A"), "package", good, at(1), at(8.5)))
	patch := stepOf(t, s.on("A", at(9)), "patch")
	require.Equal(t, state.StepVerified, patch.Status)
	require.Equal(t, at(8.2), patch.Since)
	require.Equal(t, state.StepOpen, stepOf(t, s.on("A", at(9)), "rotate").Status)
}

func TestOfGoodAndBadNewsOfTheSameMomentTheBadCounts(t *testing.T) {
	t.Parallel()
	for _, values := range [][]string{{"done", "needed"}, {"needed", "done"}} {
		s := newStory(t).add(patched("A", 1, good)...)
		for i, v := range values {
			e := inside(srv("A"), "psconfig", v, at(4))
			e.Tool = fmt.Sprint(i)
			s.add(e)
		}
		require.Equal(t, state.StatusExposed, s.on("A", at(9)).Status)
	}
}

func TestProofIsTooOldAtTheMomentItSays(t *testing.T) {
	t.Parallel()
	s := newStory(t).add(patched("A", 1, good)...)
	until := stepOf(t, s.on("A", at(9)), "patch").Until
	require.Equal(t, until, state.Assess(s.rules, s.farm, s.evidence, at(9)).Until)
	require.Equal(t, state.StepVerified, stepOf(t, s.on("A", until.Add(-1)), "patch").Status)
	require.Equal(t, state.StepStale, stepOf(t, s.on("A", until), "patch").Status)
}

func BenchmarkAssess(b *testing.B) {
	for _, n := range []int{1, 6} {
		b.Run(fmt.Sprint(n, " servers"), func(b *testing.B) {
			s := newStory(b)
			s.farm.Servers = nil
			s.add(inside(state.Subject{}, state.KindItems, "portal\nmysites\nCentral", at(1)))
			for i := range n {
				name := fmt.Sprint("sp", i)
				s.farm.Servers = append(s.farm.Servers, state.Server{Name: name, Farm: "F"})
				s.add(event(srv(name), "preserved", "done", at(0.2), at(1))).add(patched(name, 1, good)...)
				s.add(clean(name, at(3)), inside(srv(name), "modules", "clean", at(3)), event(srv(name), "restart", "restarted", at(7), at(8)), inside(srv(name), "keys.match", "yes", at(8)))
				for look := range 3 {
					for _, tool := range tools {
						s.add(probe(name, tool, "16.0.10417", at(float64(look))))
					}
					for i := range 10 {
						s.add(state.Evidence{Subject: srv(name), Kind: state.KindIndicator, Tool: fmt.Sprint("i", i), Value: "absent", Observed: at(float64(look))})
					}
					s.add(state.Evidence{Subject: srv(name), Kind: state.KindReach, Value: state.ReachAnswered, Observed: at(float64(look))})
				}
			}
			for _, i := range []string{"portal", "mysites", "Central"} {
				s.add(event(item(i), "rotation", "rotated", at(5), at(8)), event(item(i), "deployment", "deployed", at(6), at(8)), inside(item(i), "amsi", "on", at(8)))
			}
			require.Equal(b, state.StatusReady, s.on("sp0", at(9)).Status)
			b.ReportAllocs()
			for b.Loop() {
				state.Assess(s.rules, s.farm, s.evidence, at(9))
			}
		})
	}
}

func TestAnItemThatIsNotListedAnyMoreIsNamedToWhoeverVouches(t *testing.T) {
	t.Parallel()
	s := remediated(t)
	require.Empty(t, s.on("A", at(14)).SetAside())
	s.add(inside(state.Subject{}, state.KindItems, "mysites\n", at(9)), event(item("mysites"), "rotation", "rotated", at(5), at(9)),
		event(item("mysites"), "deployment", "deployed", at(6), at(9)), inside(item("mysites"), "amsi", "on", at(9)))
	got := s.on("A", at(14))
	require.Len(t, got.SetAside(), 1, explain(got))
	require.Contains(t, got.SetAside()[0], "portal was listed until ")
	require.Contains(t, got.SetAside()[0], "not any more; nothing is asked of it")
	s.evidence = state.Compact(s.evidence)
	require.Equal(t, got.SetAside(), s.on("A", at(14)).SetAside())
	for i := range 9 {
		s.add(inside(state.Subject{}, state.KindItems, "other"+strings.Repeat("x", i)+"\n", at(10+float64(i)/10)))
	}
	aside := s.on("A", at(14)).SetAside()
	require.Len(t, aside, 4)
	require.Equal(t, "and 7 more that are not listed any more", aside[3])
}
