package state

import (
	"fmt"
	"slices"
	"time"
)

// Values of KindReported. None says that anything is well: what a report calls
// fixed proves nothing, and is not recorded.
const (
	// ReportedVulnerable: a rule that is known not to guess showed the hole. It holds
	// until every Fix step of the server was seen from inside after it.
	ReportedVulnerable = "vulnerable"
	// ReportedCompromised: such a rule saw signs of an attacker. It raises suspicion.
	ReportedCompromised = "compromised"
	// ReportedQuestion: a rule that may be guessing said one of these. It changes no
	// verdict and no status, and is shown until it is answered as above.
	ReportedQuestion = "question"
)

// maxQuestions is how many open questions of one server are shown.
const maxQuestions = 5

// reported are the newest reports of each tool with this value, about a server and
// about its farm's shared address, that nothing seen from inside answers: newest first.
func (a *assessor) reported(s Server, value string) []*Evidence {
	type reporter struct {
		subject Subject
		tool    string
	}
	var out []*Evidence
	heard := map[reporter]bool{}
	for _, sub := range []Subject{{Server: s.Name}, {}} {
		for _, e := range slices.Backward(a.by[subjectKind{sub, KindReported}]) {
			if r := (reporter{sub, e.Tool}); e.Value == value && !heard[r] && !a.answered(s, e.Observed) {
				heard[r], out = true, append(out, e)
			}
		}
	}
	slices.SortStableFunc(out, func(x, y *Evidence) int { return byObservation(y, x) })
	return out
}

// answered reports whether every Fix step of the server was shown from inside after
// t. Proof that grew too old since then answered it all the same.
func (a *assessor) answered(s Server, t time.Time) bool {
	shown := false
	for _, st := range a.rules.Steps {
		if !st.Fix || st.Scope == ScopeServer && !a.applies(st, s) {
			continue
		}
		for _, sub := range a.subjects(st) {
			if sub.Server != "" && sub.Server != s.Name {
				continue
			}
			if p := a.states[st.ID][sub]; !p.ran() || !p.Observed.After(t) {
				return false
			}
			shown = true
		}
	}
	return shown
}

// noteQuestions shows what others reported and may have guessed.
func (a *assessor) noteQuestions(out *ServerAssessment, s Server) {
	open := a.reported(s, ReportedQuestion)
	for i, e := range open {
		if i == maxQuestions {
			out.Notes = append(out.Notes, fmt.Sprintf("and %d more questions that reports raise", len(open)-i))
			return
		}
		out.Notes = append(out.Notes, fmt.Sprintf("question raised by %s, which may be guessing (only a look from inside answers it): %s", basisOf(e), e.Detail))
	}
}
