package state

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// judge sets verdict, basis, reason and product from inside and outside evidence.
// The worse one counts until it is settled.
func (a *assessor) judge(out *ServerAssessment, s Server) {
	if all := slices.Concat(a.inside[s.Name], a.out[s.Name], a.out[""]); len(all) > 0 {
		out.Product = all[0]
	}
	out.Stale, out.Unlisted = a.stale(s), a.gone
	inside, bad := a.insideFixed(s, out)
	outside, reports := a.outside(s, inside), a.reported(s, ReportedVulnerable)
	switch {
	case bad != "":
		out.Verdict, out.Basis, out.Reason = VerdictVulnerable, "inside", bad
	case outside.judgement.Verdict == VerdictVulnerable:
		out.Verdict, out.Basis, out.Reason = VerdictVulnerable, outside.basis, outside.judgement.Reason
		if inside {
			out.Contradictions = append(out.Contradictions, fmt.Sprintf(
				"%s reads %s, inside evidence says it is fixed; look again, or have a second person note it as stale", outside.basis, outside.value))
		}
	case len(reports) > 0:
		out.Verdict, out.Basis, out.Reason = VerdictVulnerable, basisOf(reports[0]), "a rule that does not guess reports it as vulnerable"
		if inside {
			out.Contradictions = append(out.Contradictions, fmt.Sprintf(
				"%s says vulnerable, older inside evidence says it is fixed; show all of it again from inside", out.Basis))
		}
	case inside:
		out.Verdict, out.Basis, out.Reason = VerdictFixed, "inside", strings.Join(append([]string{"all packages and the configuration are shown from inside"}, out.Stale...), "; ")
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
	a.noteProducts(out, s)
	a.noteQuestions(out, s)
}

// stale tells which observers still read a build that two persons set aside.
func (a *assessor) stale(s Server) (lines []string) {
	for _, sub := range []Subject{{Server: s.Name}, {}} {
		for _, stream := range a.streams(sub, KindBuild) {
			for _, e := range slices.Backward(stream) {
				if j := a.judgeValue(e.Value); j.Verdict == VerdictUnknown && (j.Product == "" || !a.affected(j.Product)) {
					continue // it answers nothing
				}
				if n := a.staleNote(e); n != nil {
					lines = append(lines, staleLine(e, n))
				}
				break
			}
		}
	}
	return lines
}

func staleLine(e, n *Evidence) string {
	reference := ""
	if n.Reference != "" {
		reference = " (" + n.Reference + ")"
	}
	return fmt.Sprintf("attested as stale by %s and %s%s: %s still says %s", n.By, n.Second, reference, observerOf(e), e.Value)
}

// noteProducts objects to builds of different products on one server: a build
// that was taken from another server proves nothing about this one.
func (a *assessor) noteProducts(out *ServerAssessment, s Server) {
	first := ""
	differs := func(value, who string) {
		switch p := a.judgeValue(value).Product; {
		case p == "" || !a.affected(p):
		case first == "":
			first = p
		case p != first:
			out.Contradictions = append(out.Contradictions, fmt.Sprintf(
				"%s reads %s, a build of %s and not of %s; look again, or have a second person note it as stale", who, value, p, first))
		}
	}
	for _, st := range out.Steps {
		if step, _ := a.rules.Step(st.Step); st.ran() && slices.ContainsFunc(step.Proof, func(p Proof) bool { return p.FixLine }) {
			differs(st.Value, st.Source.String())
		}
	}
	for _, kind := range a.fixKinds {
		if es := a.insideOf(Subject{Server: s.Name}, kind); len(es) > 0 {
			differs(es[len(es)-1].Value, es[len(es)-1].Source.String())
		}
	}
	for _, stream := range a.streams(Subject{Server: s.Name}, KindBuild) {
		for _, e := range slices.Backward(stream) {
			if p := a.judgeValue(e.Value).Product; p != "" && a.affected(p) {
				if !a.settled(e) {
					differs(e.Value, basisOf(e))
				}
				break
			}
		}
	}
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
			if state.contradicted() && state.Source.Inside() && bad == "" {
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

func (a *assessor) insideOf(sub Subject, k Kind) []*Evidence {
	return slices.DeleteFunc(slices.Clone(a.by[subjectKind{sub, k}]), func(e *Evidence) bool { return !e.Source.Inside() })
}

// streams groups outside evidence by observer, in a stable order. Of the same
// moment, the worst reading comes last.
func (a *assessor) streams(sub Subject, k Kind) [][]*Evidence {
	var out [][]*Evidence
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
	for _, stream := range out {
		slices.SortStableFunc(stream, func(x, y *Evidence) int {
			if c := x.Observed.Compare(y.Observed); c != 0 {
				return c
			}
			return severity(a.judgeValue(x.Value).Verdict) - severity(a.judgeValue(y.Value).Verdict)
		})
	}
	return out
}

// inForce is what an observer's answers amount to now. "Vulnerable" stays in
// force until the observer reads "fixed", or reads another build of the product and
// newer inside evidence shows the fix, or two persons note the value as stale. An
// answer that is no build of the product answers nothing.
func (a *assessor) inForce(stream []*Evidence, s Server, insideFixed bool) (look outsideLook, ok bool) {
	changed := false
	for i, e := range slices.Backward(stream) {
		j, settled := a.judgeValue(e.Value), false
		switch j.Verdict {
		case VerdictVulnerable:
			if settled = a.settled(e); !settled && !(changed && insideFixed && a.insideSeenAfter(s, e.Observed)) {
				return outsideLook{judgement: j, basis: basisOf(e), value: e.Value}, true
			}
			changed = changed || settled
		case VerdictUnknown:
			changed = changed || j.Product != "" && a.affected(j.Product)
		}
		if i == len(stream)-1 && !settled {
			look, ok = outsideLook{judgement: j, basis: basisOf(e), value: e.Value}, true
		}
		if j.Verdict == VerdictFixed || j.Verdict == VerdictVulnerable && !settled {
			break // what it read before is answered
		}
	}
	return look, ok
}

func basisOf(e *Evidence) string { return observerOf(e) + " of " + stamp(e.Observed) }

func observerOf(e *Evidence) string {
	who := e.Source.String()
	if e.Tool != "" {
		who += " " + e.Tool
	}
	if e.Subject.Server == "" {
		who += " (shared address of the farm)"
	}
	return who
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
		if st.contradicted() && st.Why != "" && a.disputed(st) {
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
	timeline := a.timeline(step, st.Subject)
	return slices.ContainsFunc(timeline, func(e saying) bool {
		o, _ := a.read(step, st.Subject, &e, time.Time{})
		return o == saysGood && e.Observed.After(st.Observed)
	})
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
	var last *Evidence
	for _, e := range a.by[subjectKind{Subject{Server: server}, KindContained}] {
		if !e.Source.Inside() || e.Value != "yes" && e.Value != "no" {
			continue
		}
		if last == nil || e.Value == "no" || e.Observed.After(last.Observed) {
			last = e
		}
	}
	if last == nil || last.Value == "no" {
		return false
	}
	if !out.LastReached.Before(last.Observed) {
		out.Notes = append(out.Notes, fmt.Sprintf(
			"said to be disconnected %s, but it answered %s", stamp(last.Observed), stamp(out.LastReached)))
		return false
	}
	return true
}
