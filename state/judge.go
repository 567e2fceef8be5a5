package state

import (
	"fmt"
	"slices"
	"time"
)

// judge sets verdict, basis, reason and product from inside and outside evidence.
// The worse one counts until it is settled.
func (a *assessor) judge(out *ServerAssessment, s Server) {
	if in, outside := a.products(s.Name); len(in)+len(outside) > 0 {
		out.Product = append(in, outside...)[0]
	}
	inside, bad := a.insideFixed(s, out)
	outside := a.outside(s, inside)
	switch {
	case bad != "":
		out.Verdict, out.Basis, out.Reason = VerdictVulnerable, "inside", bad
	case outside.judgement.Verdict == VerdictVulnerable:
		out.Verdict, out.Basis, out.Reason = VerdictVulnerable, outside.basis, outside.judgement.Reason
		if inside {
			out.Contradictions = append(out.Contradictions, fmt.Sprintf(
				"%s reads %s, inside evidence says it is fixed; look again, or have a second person note it as stale", outside.basis, outside.value))
		}
	case inside:
		out.Verdict, out.Basis, out.Reason = VerdictFixed, "inside", "all packages and the configuration are shown from inside"
	case outside.basis != "":
		out.Verdict, out.Basis, out.Reason = outside.judgement.Verdict, outside.basis, outside.judgement.Reason
		if out.Verdict == VerdictFixed {
			// Outside evidence never makes a server fixed; it says what the server says.
			out.Verdict, out.Reason = VerdictUnknown, "it says that it is fixed ("+outside.judgement.Reason+"); proof from inside is missing"
		}
	case out.LastLook.IsZero():
		out.Reason = "nobody has looked"
	case out.LastReached.IsZero():
		out.Reason = "looked, and never reached"
	default:
		out.Reason = "it answered, and no build could be read"
	}
	a.noteDisagreements(out)
}

// insideFixed reports whether every Fix step of the server is done, and what
// inside evidence says against it.
func (a *assessor) insideFixed(s Server, out *ServerAssessment) (fixed bool, bad string) {
	n := 0
	fixed = true
	for _, st := range a.rules.Steps {
		if !st.Fix || st.Scope == ScopeServer && !a.applies(st, s) {
			continue
		}
		for _, sub := range a.subjects(st) {
			if sub.Server != "" && sub.Server != s.Name {
				continue
			}
			n++
			state := a.states[st.ID][sub]
			fixed = fixed && (state.Status == StepVerified || state.Status == StepAttested)
			if state.Status == StepOpen && state.Evidence != "" && state.Source.Inside() && bad == "" {
				bad = st.Title + ": " + state.Why
			}
		}
	}
	return fixed && n > 0, bad
}

func (a *assessor) anyFixDone(s Server) bool {
	for _, st := range a.rules.Steps {
		if st.Fix && a.states[st.ID][Subject{Server: s.Name}].Status.Done() {
			return true
		}
	}
	return false
}

// outsideLook is what looks from outside say, the worst of all observers.
type outsideLook struct {
	judgement Judgement
	basis     string
	value     string
}

// outside judges the server's own answers and those of its farm's shared address.
func (a *assessor) outside(s Server, insideFixed bool) outsideLook {
	var worst outsideLook
	for _, sub := range []Subject{{Server: s.Name}, {}} {
		for _, stream := range a.streams(sub, KindBuild) {
			look, ok := a.inForce(stream, s, insideFixed)
			if ok && (worst.basis == "" || severity(look.judgement.Verdict) > severity(worst.judgement.Verdict)) {
				worst = look
			}
		}
	}
	return worst
}

func severity(v Verdict) int {
	return []int{VerdictFixed: 0, VerdictUnknown: 1, VerdictVulnerable: 2}[v]
}

// streams groups outside evidence by observer, in a stable order.
func (a *assessor) streams(sub Subject, k Kind) [][]Evidence {
	var out [][]Evidence
	index := map[string]int{}
	for _, e := range a.by[subjectKind{sub, k}] {
		if e.Source.Inside() {
			continue
		}
		key := e.Source.String() + "\x00" + e.Tool
		i, ok := index[key]
		if !ok {
			i = len(out)
			index[key] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], e)
	}
	return out
}

// inForce is what an observer's answers amount to now. "Vulnerable" stays in
// force until the observer reads "fixed", or reads something else and newer
// inside evidence shows the fix, or two persons note the value as stale.
func (a *assessor) inForce(stream []Evidence, s Server, insideFixed bool) (outsideLook, bool) {
	last := stream[len(stream)-1]
	look := outsideLook{judgement: a.judgeValue(last.Value), basis: basisOf(last), value: last.Value}
	if look.judgement.Verdict == VerdictVulnerable && a.settled(last) {
		return outsideLook{}, false
	}
	if look.judgement.Verdict != VerdictUnknown {
		return look, true
	}
	for _, e := range slices.Backward(stream) {
		j := a.judgeValue(e.Value)
		if j.Verdict == VerdictFixed {
			break
		}
		if j.Verdict == VerdictVulnerable && !a.settled(e) {
			if insideFixed && a.insideSeenAfter(s, e.Observed) {
				break
			}
			return outsideLook{judgement: j, basis: basisOf(e), value: e.Value}, true
		}
	}
	return look, true
}

func basisOf(e Evidence) string {
	who := e.Source.String()
	if e.Tool != "" {
		who += " " + e.Tool
	}
	if e.Subject.Server == "" {
		who += " (shared address of the farm)"
	}
	return who + " of " + stamp(e.Observed)
}

// insideSeenAfter reports whether every Fix step of the server was seen from
// inside after t.
func (a *assessor) insideSeenAfter(s Server, t time.Time) bool {
	for _, st := range a.rules.Steps {
		if !st.Fix || !a.applies(st, s) {
			continue
		}
		if !a.states[st.ID][Subject{Server: s.Name}].Observed.After(t) {
			return false
		}
	}
	return true
}

// noteDisagreements lists steps that one source calls done and a better one not.
func (a *assessor) noteDisagreements(out *ServerAssessment) {
	for _, st := range out.Steps {
		if st.Status == StepOpen && st.Evidence != "" && st.Why != "" && a.disputed(st) {
			out.Contradictions = append(out.Contradictions, st.Title+": "+st.Why)
		}
	}
}

// disputed reports whether newer evidence of a step disagrees with what decided it.
func (a *assessor) disputed(st StepState) bool {
	step, ok := a.rules.Step(st.Step)
	if !ok {
		return false
	}
	for _, e := range a.timeline(step, st.Subject) {
		if e.Observed.After(st.Observed) {
			if o, _ := a.read(step, st.Subject, e, time.Time{}); o == saysGood {
				return true
			}
		}
	}
	return false
}

// looks are when somebody last looked at the server from outside, and last
// reached it.
func (a *assessor) looks(server string) (look, reached time.Time) {
	for _, e := range a.by[subjectKind{Subject{Server: server}, KindReach}] {
		look = e.Observed
		if e.Value == ReachAnswered {
			reached = e.Observed
		}
	}
	return look, reached
}

// contained reports whether the newest word on it is that the server is
// disconnected. An answer after that word contradicts it.
func (a *assessor) contained(out *ServerAssessment, server string) bool {
	es := a.by[subjectKind{Subject{Server: server}, KindContained}]
	var last *Evidence
	for i, e := range es {
		if e.Source.Inside() {
			last = &es[i]
		}
	}
	if last == nil || last.Value != "yes" {
		return false
	}
	if out.LastReached.After(last.Observed) {
		out.Notes = append(out.Notes, fmt.Sprintf(
			"said to be disconnected %s, but it answered %s", stamp(last.Observed), stamp(out.LastReached)))
		return false
	}
	return true
}
