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

func report(sub state.Subject, value, tool string, observed time.Time) state.Evidence {
	return state.Evidence{Subject: sub, Kind: state.KindReported, Value: value, Source: state.SourceImport, Tool: tool, Observed: observed, Detail: "CVE-2025-53770"}
}

func TestAReportOfARuleThatDoesNotGuessOpensWorkUntilInsideEvidenceIsNewer(t *testing.T) {
	t.Parallel()
	farm := remediated(t)
	require.Equal(t, state.StatusReady, farm.on("A", at(20)).Status)

	farm.add(report(srv("A"), state.ReportedVulnerable, "nuclei/x", at(0.5))) // before the patch
	require.Equal(t, state.StatusReady, farm.on("A", at(20)).Status, "what came after it answers it")

	farm.add(report(srv("A"), state.ReportedVulnerable, "nuclei/x", at(12)))
	a := farm.on("A", at(20))
	require.Equal(t, state.StatusExposed, a.Status)
	require.Equal(t, "import nuclei/x of 2025-07-21 20:00", a.Basis)
	require.Empty(t, a.Hash)
	require.NotEqual(t, state.StatusExposed, farm.on("B", at(20)).Status)

	farm.add(patched("A", 13, good)...)
	a = farm.on("A", at(20))
	require.NotEqual(t, state.StatusExposed, a.Status, "it was patched after that")
	require.NotEqual(t, state.StatusReady, a.Status, "the keys were rotated before it was fixed again")
}

func TestAReportAboutASharedAddressIsAboutEveryServerOfTheFarm(t *testing.T) {
	t.Parallel()
	farm := remediated(t).add(report(state.Subject{}, state.ReportedVulnerable, "nuclei/x", at(12)))
	for _, n := range []string{"A", "B"} {
		a := farm.on(n, at(20))
		require.Equal(t, state.StatusExposed, a.Status)
		require.Contains(t, a.Basis, "shared address")
		require.Len(t, a.Contradictions, 1)
	}
	farm.add(patched("A", 13, good)...)
	require.Equal(t, state.VerdictFixed, farm.on("A", at(20)).Verdict)
	require.Equal(t, state.StatusExposed, farm.on("B", at(20)).Status)
}

func TestAReportOfAnAttackerRaisesSuspicionThatAPatchDoesNotClear(t *testing.T) {
	t.Parallel()
	for _, sub := range []state.Subject{srv("A"), {}} {
		farm := remediated(t).add(report(sub, state.ReportedCompromised, "shadowserver/compromised_website", at(12)))
		require.Equal(t, state.StatusSuspected, farm.on("A", at(20)).Status)
		farm.add(patched("A", 13, good)...)
		require.Equal(t, state.StatusSuspected, farm.on("A", at(20)).Status)
	}
}

func TestAQuestionIsANoteAndChangesNothingElse(t *testing.T) {
	t.Parallel()
	farm := remediated(t)
	before := farm.on("A", at(20))
	farm.add(report(srv("A"), state.ReportedQuestion, "shodan/vulns", at(12)))
	after := farm.on("A", at(20))
	require.Equal(t, []string{"question raised by import shodan/vulns of 2025-07-21 20:00, which may be guessing (only a look from inside answers it): CVE-2025-53770"}, after.Notes)
	after.Notes = before.Notes
	require.Equal(t, before, after)

	for i := range 9 {
		farm.add(report(state.Subject{}, state.ReportedQuestion, fmt.Sprint("tool/", i), at(12)))
	}
	notes := farm.on("A", at(20)).Notes
	require.Len(t, notes, 6)
	require.Equal(t, "and 5 more questions that reports raise", notes[5])

	farm.add(patched("A", 13, good)...)
	require.Empty(t, farm.on("A", at(20)).Notes, "inside evidence that is newer answers it")
}

func TestNoReportImprovesAnythingNorDoesCompactionOfReports(t *testing.T) {
	t.Parallel()
	rules := revisions(t)
	genReport := func(t *rapid.T, w world) state.Evidence {
		sub := state.Subject{}
		if rapid.Bool().Draw(t, "one server") {
			sub = srv(genServer(t, w))
		}
		value := rapid.SampledFrom([]string{state.ReportedVulnerable, state.ReportedCompromised, state.ReportedQuestion, "fixed"}).Draw(t, "says")
		e := report(sub, value, rapid.SampledFrom([]string{"x", "y"}).Draw(t, "by"), at(genHours(t, 30)))
		e.ID = e.NewID()
		return e
	}
	rapid.Check(t, func(t *rapid.T) {
		w := genLong(t, rules)
		w.now = maxTime(w.now, at(30)) // nothing is observed later
		w = w.confirm()
		reports := rapid.IntRange(1, 6).Draw(t, "reports")
		for range reports {
			before := w.assess()
			w = w.with(genReport(t, w))
			noBetter(t, before, w.assess())
		}
		slices.SortStableFunc(w.evidence, func(x, y state.Evidence) int { return x.Observed.Compare(y.Observed) })
		compacted := w
		compacted.evidence = nil
		for _, e := range w.evidence {
			compacted.evidence = state.Compact(append(compacted.evidence, e))
		}
		require.Equal(t, outcome(w.assess()), outcome(compacted.assess()))
	})
}
