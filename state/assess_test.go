package state_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

var day = time.Date(2025, 7, 21, 8, 0, 0, 0, time.UTC)

// at is a moment of the story: hours after the start of the day.
func at(h float64) time.Time { return day.Add(time.Duration(h * float64(time.Hour))) }

var parsed = map[int]func() (playbook.Playbook, error){
	1: sync.OnceValues(func() (playbook.Playbook, error) { return playbook.BuiltinRevision("toolshell", 1) }),
	2: sync.OnceValues(func() (playbook.Playbook, error) { return playbook.BuiltinRevision("toolshell", 2) }),
}

// toolshell is the built-in playbook; products may be changed.
func toolshell(t testing.TB, revision int) state.Rules {
	t.Helper()
	p, err := parsed[revision]()
	require.NoError(t, err)
	r := p.Rules()
	r.Products = slices.Clone(r.Products)
	for i := range r.Products {
		r.Products[i].Branches = slices.Clone(r.Products[i].Branches)
	}
	return r
}

// story is a farm of two 2019 servers with one web application, and what was
// shown about it.
type story struct {
	rules    state.Rules
	farm     state.Farm
	evidence []state.Evidence
}

func newStory(t testing.TB) *story {
	return &story{rules: toolshell(t, 2), farm: state.Farm{Name: "F", Servers: []state.Server{{Name: "A", Farm: "F"}, {Name: "B", Farm: "F"}}}}
}

func (s *story) add(es ...state.Evidence) *story {
	for _, e := range es {
		e.ID = e.NewID()
		s.evidence = append(s.evidence, e)
	}
	return s
}

func (s *story) on(name string, now time.Time) state.ServerAssessment {
	a, _ := state.Assess(s.rules, s.farm, s.evidence, now).Server(name)
	return a
}

func inside(sub state.Subject, kind state.Kind, value string, observed time.Time) state.Evidence {
	return state.Evidence{Subject: sub, Kind: kind, Value: value, Source: state.SourceCollector, Observed: observed}
}

func srv(n string) state.Subject  { return state.Subject{Server: n} }
func item(n string) state.Subject { return state.Subject{Item: n} }

func (e dated) at(t time.Time) state.Evidence { e.Evidence.At = t; return e.Evidence }

type dated struct{ state.Evidence }

func event(sub state.Subject, kind state.Kind, value string, happened, observed time.Time) state.Evidence {
	return dated{inside(sub, kind, value, observed)}.at(happened)
}

func word(e state.Evidence, by, second state.PersonID) state.Evidence {
	e.Source, e.By, e.Second = state.SourceAttestation, by, second
	return e
}

func probe(n, tool, build string, observed time.Time) state.Evidence {
	return state.Evidence{Subject: srv(n), Kind: state.KindBuild, Value: build, Source: state.SourceProbe, Tool: tool, Observed: observed}
}

func clean(n string, to time.Time) state.Evidence {
	e := inside(srv(n), state.KindHunt, "clean", to)
	e.Source, e.From, e.To = state.SourceHunt, time.Date(2025, 7, 7, 0, 0, 0, 0, time.UTC), to
	return e
}

const (
	good = "16.0.10417.20037"
	july = "16.0.10417.20027"
)

// patched shows a server patched and configured at hour h.
func patched(n string, h float64, build string) []state.Evidence {
	return []state.Evidence{
		event(srv(n), "package", build, at(h), at(h+1)),
		event(srv(n), "package.language", build, at(h), at(h+1)),
		event(srv(n), "psconfig", "done", at(h+0.5), at(h+1)),
	}
}

// remediated tells a whole remediation in the right order: patched at 1, hunted
// at 3, rotated at 5, deployed at 6, restarted at 7, shown at 8.
func remediated(t testing.TB) *story {
	s := newStory(t)
	s.add(inside(state.Subject{}, state.KindItems, "portal\n", at(1)))
	s.add(inside(item("portal"), "amsi", "on", at(8)))
	for _, n := range []string{"A", "B"} {
		s.add(event(srv(n), "preserved", "done", at(0.2), at(1)))
		s.add(patched(n, 1, good)...)
		s.add(clean(n, at(3)), inside(srv(n), "modules", "clean", at(3)))
		s.add(event(srv(n), "restart", "restarted", at(7), at(8)), inside(srv(n), "keys.match", "yes", at(8)))
	}
	s.add(event(item("portal"), "rotation", "rotated", at(5), at(8)), event(item("portal"), "deployment", "deployed", at(6), at(8)))
	return s
}

func explain(a state.ServerAssessment) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %s (%s), %v %v\n", a.Name, a.Status, a.Verdict, a.Reason, a.Contradictions, a.Signs)
	for _, s := range a.Steps {
		fmt.Fprintf(&b, "  %-15s %-8s %-9s %s\n", s.Step, s.Subject, s.Status, s.Why)
	}
	return b.String()
}

func TestAWholeRemediationInOrderIsReadyAndTwoPersonsConfirmIt(t *testing.T) {
	t.Parallel()
	s := remediated(t)
	a := s.on("A", at(9))
	require.Equal(t, state.StatusReady, a.Status, explain(a))
	require.NotEmpty(t, a.Hash)
	s.farm.Confirmations = []state.Confirmation{{Server: "A", Hash: a.Hash, By: "p1", Second: "p2", At: at(9)}}
	require.Equal(t, state.StatusConfirmed, s.on("A", at(9)).Status)
	require.Equal(t, state.StatusReady, s.on("B", at(9)).Status)
}

func TestWhatBreaksAReadyServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*story)
		status state.Status
		step   string // the step that is not done any more
	}{
		{"a server of the farm that was never shown patched", func(s *story) { s.farm.Servers = append(s.farm.Servers, state.Server{Name: "C", Farm: "F"}) }, state.StatusInProgress, "rotate"},
		{"a web application that appears later", func(s *story) { s.add(inside(state.Subject{}, state.KindItems, "portal\nmysites\n", at(8.5))) }, state.StatusInProgress, "rotate"},
		{"AMSI switched off", func(s *story) { s.add(inside(item("portal"), "amsi", "off", at(8.5))) }, state.StatusInProgress, "amsi"},
		{"a rotation after the restart", func(s *story) { s.add(event(item("portal"), "rotation", "rotated", at(8.2), at(8.5))) }, state.StatusInProgress, "restart"},
		{"an older build after a snapshot", func(s *story) { s.add(inside(srv("A"), "package", july, at(8.5))) }, state.StatusExposed, "patch"},
		{"PSConfig needed again", func(s *story) { s.add(inside(srv("A"), "psconfig", "needed", at(8.5))) }, state.StatusExposed, "psconfig"},
		{"the header of an older build", func(s *story) { s.add(probe("A", "header", "16.0.10416", at(8.5))) }, state.StatusExposed, "patch"},
		{"the other server patched again after the rotation", func(s *story) { s.add(inside(srv("B"), "package", july, at(8.2))).add(patched("B", 8.3, good)...) }, state.StatusInProgress, "rotate"},
		{"keys that differ", func(s *story) { s.add(inside(srv("A"), "keys.match", "no", at(8.5))) }, state.StatusInProgress, "verify"},
		{"an indicator that is found", func(s *story) {
			s.add(state.Evidence{Subject: srv("A"), Kind: state.KindIndicator, Tool: "spinstall0-15", Value: "found", Observed: at(8.5)})
		}, state.StatusCompromised, "evict"},
		{"a suspicion", func(s *story) { s.add(inside(srv("A"), "suspicion", "raised", at(8.5))) }, state.StatusSuspected, ""},
		{"the fix line moved", func(s *story) { s.rules.Products[3].Branches[0].Fixed, _ = state.ParseVersion("16.0.10417.20041") }, state.StatusExposed, "patch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := remediated(t)
			before := s.on("A", at(9))
			s.farm.Confirmations = []state.Confirmation{{Server: "A", Hash: before.Hash, By: "p1", Second: "p2", At: at(9)}}
			require.Equal(t, state.StatusConfirmed, s.on("A", at(9)).Status)
			c.change(s)
			a := s.on("A", at(9))
			require.Equal(t, c.status, a.Status, explain(a))
			var missing []string
			for _, m := range a.Missing() {
				missing = append(missing, m.Step)
			}
			if c.step != "" {
				require.Contains(t, missing, c.step, explain(a))
			}
		})
	}
}

func TestARotationBeforeTheLastServerIsPatchedDoesNotCount(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.add(inside(state.Subject{}, state.KindItems, "portal", at(1)))
	s.add(patched("A", 1, good)...).add(patched("B", 4, good)...)
	s.add(clean("A", at(5)), clean("B", at(5)), inside(srv("A"), "modules", "clean", at(2)), inside(srv("B"), "modules", "clean", at(2)))
	s.add(event(item("portal"), "rotation", "rotated", at(3), at(6)))
	rotate := stepOf(t, s.on("A", at(7)), "rotate")
	require.Equal(t, state.StepOpen, rotate.Status)
	require.Contains(t, rotate.Why, "not after")
	s.add(event(item("portal"), "rotation", "rotated", at(5.5), at(6)))
	require.Equal(t, state.StepVerified, stepOf(t, s.on("A", at(7)), "rotate").Status)
}

func stepOf(t *testing.T, a state.ServerAssessment, id string) state.StepState {
	t.Helper()
	for _, s := range a.Steps {
		if s.Step == id {
			return s
		}
	}
	require.Fail(t, "no step "+id, explain(a))
	return state.StepState{}
}

func TestOutsideAnswersNeverProveAnything(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		build  string
		status state.Status
		reason string
	}{
		{"16.0.10417", state.StatusUnknown, "no revision"},
		{"16.0.10417.20037", state.StatusUnknown, "it says that it is fixed"},
		{"16.0.5508", state.StatusExposed, "below the fix line"},
		{"16.0.5513", state.StatusUnknown, "it says that it is fixed"},
		{"16.0.19999", state.StatusUnknown, "it says that it is fixed"},
		{"15.0.4505", state.StatusExposed, "no fix"},
		{"16.0.27612", state.StatusUnknown, "looks like SharePoint Online"},
		{"99.0.1", state.StatusUnknown, "no product"},
	} {
		s := newStory(t).add(probe("A", "header", c.build, at(1)))
		a := s.on("A", at(2))
		require.Equal(t, c.status, a.Status, c.build)
		require.Contains(t, a.Reason, c.reason)
		require.NotEqual(t, state.VerdictFixed, a.Verdict, c.build)
	}
}

func TestAStaleHeaderBlocksUntilTwoPersonsNoteItAndNoLonger(t *testing.T) {
	t.Parallel()
	s := remediated(t)
	s.rules.Products = toolshell(t, 2).Products
	s.add(probe("A", "header", "16.0.10416", at(0.5)), probe("A", "header", "16.0.10416", at(8.5)))
	a := s.on("A", at(9))
	require.Equal(t, state.StatusExposed, a.Status, explain(a))
	note := inside(srv("A"), state.KindStale, "16.0.10416", at(8.6))
	s.add(word(note, "lead", "lead"))
	require.Equal(t, state.StatusExposed, s.on("A", at(9)).Status, "one person twice is not two")
	s.add(word(note, "lead", "second"))
	a = s.on("A", at(9))
	require.Equal(t, state.StatusReady, a.Status, explain(a))
	s.add(probe("A", "header", "16.0.10417", at(10)), probe("A", "header", "16.0.10416", at(11)))
	require.Equal(t, state.StatusExposed, s.on("A", at(12)).Status, "the note does not cover a value that comes back")
}

func TestAVulnerableHeaderThatChangedIsAnsweredByNewerInsideEvidence(t *testing.T) {
	t.Parallel()
	s := remediated(t).add(probe("A", "header", "16.0.10416", at(0.5)))
	require.Equal(t, state.StatusExposed, s.on("A", at(9)).Status)
	s.add(probe("A", "header", "16.0.10417", at(8.5)))
	a := s.on("A", at(9))
	require.Equal(t, state.StatusReady, a.Status, explain(a))
}

func TestOnlyAnEvictionByTwoPersonsClearsACompromise(t *testing.T) {
	t.Parallel()
	found := state.Evidence{Subject: srv("A"), Kind: state.KindIndicator, Tool: "spinstall0-15", Value: "found", Observed: at(0.5)}
	s := remediated(t).add(found)
	require.Equal(t, state.StatusCompromised, s.on("A", at(9)).Status)
	absent := found
	absent.Value, absent.Observed = "absent", at(2)
	s.add(absent)
	require.Equal(t, state.StatusCompromised, s.on("A", at(9)).Status, "what is no longer found may be hidden")
	evict := event(srv("A"), state.KindEviction, "evicted", at(2.5), at(2.6))
	s.add(evict)
	require.Equal(t, state.StatusCompromised, s.on("A", at(9)).Status, "a collector cannot evict")
	s.add(word(evict, "lead", "second"))
	a := s.on("A", at(9))
	require.Equal(t, state.StatusReady, a.Status, explain(a))
	found.Observed = at(8.5)
	s.add(found)
	require.Equal(t, state.StatusCompromised, s.on("A", at(9)).Status)
}

func TestContainedIsNotClearAndAnAnswerEndsIt(t *testing.T) {
	t.Parallel()
	s := newStory(t).add(probe("A", "header", "16.0.10416", at(0.5)))
	s.add(word(inside(srv("A"), state.KindContained, "yes", at(1)), "lead", "second"))
	a := s.on("A", at(2))
	require.Equal(t, state.StatusContained, a.Status)
	require.False(t, a.Status.Settled())
	s.add(state.Evidence{Subject: srv("A"), Kind: state.KindReach, Value: state.ReachAnswered, Observed: at(1.5)})
	require.Equal(t, state.StatusExposed, s.on("A", at(2)).Status)
}

func TestExceptionsEndByThemselvesAndNeverHideACompromise(t *testing.T) {
	t.Parallel()
	s := newStory(t).add(probe("A", "header", "15.0.4505", at(0.5)))
	s.farm.Exceptions = []state.Exception{{ID: "x1", Server: "A", Reason: "replaced in August", By: "lead", Second: "second", At: at(1), Expires: at(5)}}
	require.Equal(t, state.StatusExcepted, s.on("A", at(2)).Status)
	require.Equal(t, at(5), state.Assess(s.rules, s.farm, s.evidence, at(2)).Until)
	require.Equal(t, state.StatusExposed, s.on("A", at(5)).Status)
	s.add(state.Evidence{Subject: srv("A"), Kind: state.KindIndicator, Tool: "i", Value: "found", Observed: at(1.5)})
	require.Equal(t, state.StatusCompromised, s.on("A", at(2)).Status)
}

func TestAnExceptionProvesNothingToTheRestOfTheFarm(t *testing.T) {
	t.Parallel()
	s := remediated(t)
	s.farm.Servers = append(s.farm.Servers, state.Server{Name: "C", Farm: "F"})
	s.farm.Exceptions = []state.Exception{{ID: "x1", Server: "C", Reason: "later", By: "lead", Second: "second", At: at(1), Expires: at(50)}}
	require.Equal(t, state.StatusExcepted, s.on("C", at(9)).Status)
	a := s.on("A", at(9))
	require.Equal(t, state.StatusInProgress, a.Status, explain(a))
}

func TestProofAgesAndBadNewsDoesNot(t *testing.T) {
	t.Parallel()
	s := remediated(t)
	a := s.on("A", at(9).AddDate(0, 0, 20))
	require.Equal(t, state.StepStale, stepOf(t, a, "amsi").Status)
	require.Equal(t, state.StepVerified, stepOf(t, a, "rotate").Status, "a dated event does not age")
	v := newStory(t).add(probe("A", "header", "16.0.10416", at(0.5)))
	require.Equal(t, state.StatusExposed, v.on("A", at(9).AddDate(1, 0, 0)).Status)
}

func TestARefreshKeepsTheHashAndAnotherValueDoesNot(t *testing.T) {
	t.Parallel()
	s := remediated(t)
	before := s.on("A", at(9)).Hash
	s.add(inside(srv("A"), "package", good, at(8.7)), inside(item("portal"), "amsi", "on", at(8.8)))
	require.Equal(t, before, s.on("A", at(9)).Hash)
	s.add(inside(srv("A"), "package", "16.0.10417.20041", at(8.9)))
	require.NotEqual(t, before, s.on("A", at(9)).Hash)
}

func TestTheWorseOfTwoSourcesCountsUntilABetterOneSaysOtherwise(t *testing.T) {
	t.Parallel()
	s := remediated(t).add(inside(srv("A"), "psconfig", "needed", at(8.2)))
	s.add(word(event(srv("A"), "psconfig", "done", at(8.3), at(8.4)), "lead", "second"))
	a := s.on("A", at(9))
	require.Equal(t, state.StatusExposed, a.Status)
	require.NotEmpty(t, a.Contradictions, explain(a))
}
