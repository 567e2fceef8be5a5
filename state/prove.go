package state

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// outcome is what one piece of evidence says about one step.
type outcome uint8

const (
	saysNothing outcome = iota
	saysGood
	saysBad
)

// run is an unbroken run of evidence that proves a step.
type run struct {
	since time.Time
	best  *Evidence // the most trusted, then the newest
}

// prove works out whether the evidence proves a step for a subject. What counts
// must have happened after the gate.
func (a *assessor) prove(st Step, sub Subject, after time.Time) StepState {
	var r run
	var bad *Evidence
	why := ""
	for _, e := range a.timeline(st, sub) {
		o, reason := a.read(st, sub, e, after)
		switch o {
		case saysBad:
			bad, r = &e, run{}
		case saysGood:
			if bad != nil && e.Source < bad.Source {
				why = fmt.Sprintf("%s says %q, but %s said %q", e.Source, e.Value, bad.Source, bad.Value)
				continue // the worse counts until a source as good says otherwise
			}
			r = r.extend(e, bad, dated(st, e.Kind))
			bad = nil
		default:
			if reason != "" {
				why = reason
			}
		}
	}
	return a.conclude(st, r, bad, why)
}

// extend adds proving evidence to the run, or begins one. A run cannot begin
// before the evidence that ended the last one.
// Of dated events the last one counts: keys rotated again are not yet in use.
func (r run) extend(e Evidence, broke *Evidence, dated bool) run {
	at := when(e)
	if broke != nil && at.Before(broke.Observed) {
		at = broke.Observed
	}
	if r.best == nil || dated {
		return run{since: at, best: &e}
	}
	if e.Source >= r.best.Source {
		r.best = &e
	}
	return r
}

// when is the time of the event itself, where the evidence tells it.
func when(e Evidence) time.Time {
	if !e.At.IsZero() {
		return e.At
	}
	return e.Observed
}

func (a *assessor) conclude(st Step, r run, bad *Evidence, why string) StepState {
	if bad != nil {
		reason := fmt.Sprintf("%s of %s says %q", bad.Source, stamp(bad.Observed), bad.Value)
		if why != "" {
			reason = why
		}
		return StepState{Value: bad.Value, Source: bad.Source, Evidence: bad.ID, Observed: bad.Observed, Why: reason}
	}
	if r.best == nil {
		return StepState{Why: why}
	}
	e := r.best
	out := StepState{
		Status: StepVerified, Value: e.Value, Source: e.Source, Evidence: e.ID,
		Since: r.since, Observed: e.Observed,
	}
	if e.Source == SourceAttestation {
		out.Status, out.By = StepAttested, e.By
	}
	if age := maxAge(st, e.Kind); age > 0 {
		out.Until = e.Observed.Add(age)
		if !a.now.Before(out.Until) {
			out.Status, out.Why = StepStale, fmt.Sprintf("proof of %s is too old; show it again", stamp(e.Observed))
		}
	}
	return out
}

func maxAge(st Step, k Kind) time.Duration {
	p, _ := st.proof(k)
	return p.MaxAge
}

func dated(st Step, k Kind) bool {
	p, _ := st.proof(k)
	return p.Dated
}

func (st Step) proof(k Kind) (Proof, bool) {
	for _, p := range st.Proof {
		if p.Kind == k {
			return p, true
		}
	}
	return Proof{}, false
}

// timeline is all evidence that speaks about a step of a subject, in order of
// observation (of the event itself, for dated kinds). For the steps that make a
// server fixed, an outside look that says "vulnerable" speaks too.
func (a *assessor) timeline(st Step, sub Subject) []Evidence {
	var out []Evidence
	byEvent := false
	for _, p := range st.Proof {
		byEvent = byEvent || p.Dated
		for _, e := range a.by[subjectKind{sub, p.Kind}] {
			if slices.Contains(p.Sources, e.Source) {
				out = append(out, e)
			}
		}
	}
	if st.Fix && sub.Server != "" {
		out = append(out, a.regressions(sub)...)
	}
	slices.SortFunc(out, func(x, y Evidence) int {
		return cmp.Or(x.Observed.Compare(y.Observed), cmp.Compare(a.badness(st, x), a.badness(st, y)), byObservation(x, y))
	})
	if byEvent {
		slices.SortStableFunc(out, func(x, y Evidence) int { return x.At.Compare(y.At) })
	}
	return out
}

// badness puts what contradicts a step behind what proves it at the same moment.
func (a *assessor) badness(st Step, e Evidence) int {
	p, ok := st.proof(e.Kind)
	if !ok || a.valueOf(p, e) == saysBad {
		return 1
	}
	return 0
}

// regressions are the outside looks at a server that say "vulnerable" and that
// nobody has settled.
func (a *assessor) regressions(sub Subject) []Evidence {
	var out []Evidence
	for _, e := range a.by[subjectKind{sub, KindBuild}] {
		if !e.Source.Inside() && a.judgeValue(e.Value).Verdict == VerdictVulnerable && !a.settled(e) {
			out = append(out, e)
		}
	}
	return out
}

func (a *assessor) judgeValue(value string) Judgement {
	v, err := ParseVersion(value)
	if err != nil {
		return Judgement{Reason: err.Error()}
	}
	return a.rules.Judge(v)
}

// settled reports whether two persons noted that this outside build is stale. A
// note holds while the observer goes on reading the same value without a break.
func (a *assessor) settled(e Evidence) bool {
	stream := a.stream(e)
	for _, n := range a.by[subjectKind{e.Subject, KindStale}] {
		if n.Source != SourceAttestation || n.Value != e.Value {
			continue
		}
		lo, hi := n.Observed, e.Observed
		if hi.Before(lo) {
			lo, hi = hi, lo
		}
		if !slices.ContainsFunc(stream, func(o Evidence) bool {
			return o.Value != e.Value && !o.Observed.Before(lo) && !o.Observed.After(hi)
		}) {
			return true
		}
	}
	return false
}

// stream is what the same observer read of the same subject.
func (a *assessor) stream(e Evidence) []Evidence {
	var out []Evidence
	for _, o := range a.by[subjectKind{e.Subject, e.Kind}] {
		if o.Source == e.Source && o.Tool == e.Tool {
			out = append(out, o)
		}
	}
	return out
}

// read says what one piece of evidence says about a step, and why it does not count.
func (a *assessor) read(st Step, sub Subject, e Evidence, after time.Time) (outcome, string) {
	if p, ok := st.proof(e.Kind); ok {
		return a.readProof(p, sub, e, after)
	}
	if e.Kind == KindBuild { // from regressions
		return saysBad, ""
	}
	return saysNothing, ""
}

func (a *assessor) readProof(p Proof, sub Subject, e Evidence, after time.Time) (outcome, string) {
	switch o := a.valueOf(p, e); {
	case o != saysGood:
		return o, ""
	case p.Dated && e.At.IsZero():
		return saysNothing, "the evidence does not say when it happened"
	case p.Dated && !e.At.After(after), !p.Dated && when(e).Before(after):
		return saysNothing, fmt.Sprintf("dated %s, which is not after %s: do it again", stamp(when(e)), stamp(after))
	}
	if p.Covers {
		if reason := a.gap(sub, e); reason != "" {
			return saysNothing, reason
		}
	}
	return saysGood, ""
}

func (a *assessor) valueOf(p Proof, e Evidence) outcome {
	if p.FixLine {
		switch a.judgeValue(e.Value).Verdict {
		case VerdictFixed:
			return saysGood
		case VerdictVulnerable:
			return saysBad
		}
		return saysNothing
	}
	switch {
	case slices.Contains(p.Bad, e.Value):
		return saysBad
	case slices.Contains(p.Good, e.Value):
		return saysGood
	}
	return saysNothing
}

// gap says which part of the time in question a hunt did not cover.
func (a *assessor) gap(sub Subject, e Evidence) string {
	if e.From.IsZero() || e.To.IsZero() {
		return "the hunt does not say which time it covered"
	}
	if e.From.After(a.rules.Window) {
		return fmt.Sprintf("the hunt begins %s, exploitation began %s", stamp(e.From), stamp(a.rules.Window))
	}
	need, open := a.exposureEnd(sub.Server)
	if open != "" {
		return "the hunt cannot cover the time until " + open + ", which is not done"
	}
	if e.To.Before(need) {
		return fmt.Sprintf("the hunt ends %s, before %s: hunt again", stamp(e.To), stamp(need))
	}
	return ""
}

// exposureEnd is when the server (with no name: the last of the farm) could be
// exploited no more: all steps that fix it are complete, and any eviction is over.
func (a *assessor) exposureEnd(server string) (end time.Time, open string) {
	for _, st := range a.rules.Steps {
		if !st.Fix {
			continue
		}
		for sub, s := range a.states[st.ID] {
			switch {
			case server != "" && sub.Server != "" && sub.Server != server:
			case !s.ran():
				open = st.Title
			case s.Since.After(end):
				end = s.Since
			}
		}
	}
	for _, s := range a.active {
		if server != "" && s.Name != server {
			continue
		}
		if hit, _ := a.lastSigns(s.Name); hit != nil {
			if at := a.evicted(s.Name); at.After(end) {
				end = at
			}
		}
	}
	return end, open
}
