package state

import (
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

// saying is evidence about a step, with the proof of the step that it belongs to
// (nil: an outside look that says "vulnerable") and its place in the order.
type saying struct {
	*Evidence
	proof *Proof
	at    time.Time
	bad   bool
	trust Source // of bad news: how good a source must be to answer it
}

// run is an unbroken run of evidence that proves a step.
type run struct {
	since time.Time
	best  *saying // the most trusted, then the newest
	looks []look  // of a step that makes a server fixed: all that are in it
}

// prove works out whether the evidence proves a step for a subject. What counts
// must have happened after the gate.
func (a *assessor) prove(st Step, sub Subject, after time.Time) StepState {
	var r run
	var bad *saying
	var broke time.Time
	why := ""
	timeline := a.timeline(st, sub)
	for i := range timeline {
		e := &timeline[i]
		o, reason := a.read(st, sub, e, after)
		switch o {
		case saysBad:
			r, broke = run{}, e.at
			if bad == nil || e.trust >= bad.trust {
				bad = e // a lesser source that agrees does not make it easier to answer
			}
		case saysGood:
			if bad != nil && e.Source < bad.trust {
				why = fmt.Sprintf("%s says %q, but %s said %q", e.Source, e.Value, bad.Source, bad.Value)
				continue // the worse counts until a source as good says otherwise
			}
			at, looks := latest(a.when(e), broke), r.looks
			r, bad = r.extend(e, at), nil
			if st.Fix {
				r.looks = append(looks, lookOf(e, at))
			}
		default:
			if reason != "" {
				why = reason
			}
		}
	}
	return a.conclude(r, bad, why)
}

// look is for which time a piece of evidence proves a step, and when it was on record.
type look struct{ from, until, recorded time.Time }

// lookOf is what one piece of evidence proves; until is zero when it does not age.
func lookOf(e *saying, from time.Time) look {
	l := look{from: from, recorded: e.Recorded}
	if age := e.proof.MaxAge; age > 0 {
		l.until = e.Observed.Add(age)
	}
	return l
}

// extend adds proving evidence to the run, or begins one. A run cannot begin
// before the evidence that ended the last one.
// Of dated events the last one counts: keys rotated again are not yet in use. A
// lesser source takes over from a better one only when that had become too old.
func (r run) extend(e *saying, at time.Time) run {
	if r.best == nil || e.proof.Dated {
		return run{since: at, best: e}
	}
	age := r.best.proof.MaxAge
	if e.Source >= r.best.Source || age > 0 && !e.Observed.Before(r.best.Observed.Add(age)) {
		r.best = e
	}
	return r
}

// when is the time of the event itself, where the evidence tells it and it can be
// true: nobody installs a build before it is published, or sees what is yet to come.
func (a *assessor) when(e *saying) time.Time {
	switch {
	case e.At.IsZero() || e.At.After(e.Observed):
		return e.Observed
	case e.proof.FixLine:
		v, _ := ParseVersion(e.Value)
		_, b, _ := a.rules.branch(v)
		if e.At.Before(b.released(v).AddDate(0, 0, -1)) {
			return e.Observed
		}
	}
	return e.At
}

func (a *assessor) conclude(r run, bad *saying, why string) StepState {
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
		Since: r.since, Observed: e.Observed, looks: r.looks,
	}
	if e.Source == SourceAttestation {
		out.Status, out.By, out.second = StepAttested, e.By, e.Second
	} else {
		out.handedIn = e.By
	}
	if age := e.proof.MaxAge; age > 0 {
		out.Until = e.Observed.Add(age)
		if !a.now.Before(out.Until) {
			out.Status, out.Why = StepStale, fmt.Sprintf("proof of %s is too old; show it again", stamp(e.Observed))
		}
	}
	return out
}

// proofBy is the proof of the step that takes this evidence.
func (st Step) proofBy(k Kind, s Source) *Proof {
	for i := range st.Proof {
		if p := &st.Proof[i]; p.Kind == k && slices.Contains(p.Sources, s) {
			return p
		}
	}
	return nil
}

// timeline is all evidence that speaks about a step of a subject, in order of
// observation (of the event itself, for dated kinds). Of the same moment, what
// contradicts the step comes last. For the steps that make a server fixed, an
// outside look that says "vulnerable" speaks too.
func (a *assessor) timeline(st Step, sub Subject) []saying {
	var out []saying
	for i := range st.Proof {
		p := &st.Proof[i]
		for _, e := range a.by[subjectKind{sub, p.Kind}] {
			s := saying{Evidence: e, proof: p, at: e.Observed, bad: a.valueOf(st, p, e) == saysBad}
			switch by := st.proofBy(e.Kind, e.Source); {
			case by == p:
				s.trust = e.Source
			case by != nil || !s.bad:
				continue // bad news counts whoever brings it; any accepted source can answer it
			}
			if p.Dated {
				s.at = a.when(&s)
			}
			out = append(out, s)
		}
	}
	if st.Fix && sub.Server != "" {
		for _, e := range a.regressions(sub) {
			out = append(out, saying{Evidence: e, at: e.Observed, bad: true})
		}
	}
	slices.SortFunc(out, bySaying)
	return out
}

func bySaying(x, y saying) int {
	if c := x.at.Compare(y.at); c != 0 {
		return c
	}
	if x.bad != y.bad {
		if y.bad {
			return -1
		}
		return 1
	}
	return byObservation(x.Evidence, y.Evidence)
}

// regressions are the outside looks at a server that say "vulnerable" and that
// nobody has settled.
func (a *assessor) regressions(sub Subject) []*Evidence {
	out, ok := a.regressed[sub]
	if ok {
		return out
	}
	for _, e := range a.by[subjectKind{sub, KindBuild}] {
		if !e.Source.Inside() && a.judgeValue(e.Value).Verdict == VerdictVulnerable && !a.settled(e) {
			out = append(out, e)
		}
	}
	for _, e := range a.by[subjectKind{sub, KindReported}] {
		if e.Value == ReportedVulnerable {
			out = append(out, e)
		}
	}
	a.regressed[sub] = out
	return out
}

func (a *assessor) judgeValue(value string) Judgement {
	j, ok := a.judgements[value]
	if ok {
		return j
	}
	if v, err := ParseVersion(value); err != nil {
		j = Judgement{Reason: err.Error()}
	} else {
		j = a.rules.Judge(v)
	}
	a.judgements[value] = j
	return j
}

// settled reports whether two persons noted that this outside build is stale.
func (a *assessor) settled(e *Evidence) bool { return a.staleNote(e) != nil }

// staleNote is the newest note of two persons that this outside build is stale. A
// note holds while the observer goes on reading the same value without a break.
func (a *assessor) staleNote(e *Evidence) *Evidence {
	for _, n := range slices.Backward(a.by[subjectKind{e.Subject, KindStale}]) {
		if n.Source == SourceAttestation && n.Value == e.Value && !a.changedBetween(e, n.Observed) {
			return n
		}
	}
	return nil
}

// changedBetween reports whether the observer of an outside build read anything
// else between that and another moment.
func (a *assessor) changedBetween(e *Evidence, other time.Time) bool {
	lo, hi := e.Observed, other
	if hi.Before(lo) {
		lo, hi = hi, lo
	}
	return slices.ContainsFunc(a.by[subjectKind{e.Subject, e.Kind}], func(o *Evidence) bool {
		return o.Source == e.Source && o.Tool == e.Tool && o.Value != e.Value && !o.Observed.Before(lo) && !o.Observed.After(hi)
	})
}

// read says what one piece of evidence says about a step, and why it does not count.
func (a *assessor) read(st Step, sub Subject, e *saying, after time.Time) (outcome, string) {
	if e.bad {
		return saysBad, ""
	}
	p := e.proof
	if o := a.valueOf(st, p, e.Evidence); o != saysGood {
		return o, ""
	}
	at := a.when(e)
	switch {
	case !e.Source.Inside():
		return saysNothing, "seen from outside, which proves nothing"
	case p.Dated && (e.At.IsZero() || e.At.After(e.Observed)):
		return saysNothing, "the evidence does not say when it happened"
	case p.Dated && !at.After(after), !p.Dated && at.Before(after):
		return saysNothing, fmt.Sprintf("dated %s, which is not after %s: do it again", stamp(at), stamp(after))
	}
	if p.Covers {
		if reason := a.gap(sub, e.Evidence); reason != "" {
			return saysNothing, reason
		}
	}
	return saysGood, ""
}

func (a *assessor) valueOf(st Step, p *Proof, e *Evidence) outcome {
	if p.FixLine {
		switch j := a.judgeValue(e.Value); {
		case j.Verdict == VerdictVulnerable:
			return saysBad
		case j.Verdict == VerdictFixed && (len(st.Products) == 0 || slices.Contains(st.Products, j.Product)):
			return saysGood // a build of a product that the step is not about says nothing
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
func (a *assessor) gap(sub Subject, e *Evidence) string {
	if e.From.IsZero() || e.To.IsZero() {
		return "the hunt does not say which time it covered"
	}
	if e.To.After(e.Observed) {
		return "the hunt says that it covered a time after it was made"
	}
	if from := a.huntedFrom(sub, e); from.After(a.rules.Window) {
		return fmt.Sprintf("the hunt begins %s, exploitation began %s", stamp(from), stamp(a.rules.Window))
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

// huntedFrom is when the time begins that a hunt covers without a break together with
// others before it: of logs, which are handed in as they grow, each part is looked at
// once. What anybody else says to have covered stands alone.
func (a *assessor) huntedFrom(sub Subject, e *Evidence) time.Time {
	from := e.From
	if e.Source != SourceHunt || e.Tool != ToolLogs {
		return from
	}
	for reached := true; reached; {
		reached = false
		for _, o := range a.by[subjectKind{sub, e.Kind}] {
			if o.Source == e.Source && o.Tool == e.Tool && o.Value == e.Value && !o.From.IsZero() && o.From.Before(from) &&
				!o.To.Before(from) && !o.To.After(o.Observed) {
				from, reached = o.From, true
			}
		}
	}
	return from
}

// exposureEnd is when the server (with no name: the last of the farm) could be
// exploited no more: all steps that fix it are complete, and any eviction is over.
func (a *assessor) exposureEnd(server string) (end time.Time, open string) {
	for _, st := range a.rules.Steps {
		if !st.Fix {
			continue
		}
		states, done := a.states[st.ID]
		if !done {
			open = st.Title // it comes later in the playbook
		}
		subjects := a.subjects(st)
		if server != "" && st.Scope == ScopeServer {
			subjects = []Subject{{Server: server}}
		}
		for _, sub := range subjects {
			if s, ok := states[sub]; ok && !s.ran() {
				open = st.Title
			} else if s.Since.After(end) {
				end = s.Since
			}
		}
	}
	for _, s := range a.active {
		if server != "" && s.Name != server {
			continue
		}
		if hit := a.lastHit(s.Name); hit != nil {
			if at := a.evicted(s.Name); at.After(end) {
				end = at
			}
		}
	}
	return end, open
}
