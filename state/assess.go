package state

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Assess says what is known of each server of a farm, by these rules, from this
// evidence, at this moment. It is pure and total. The order of evidence does not
// matter; evidence that was observed after now is left out, but for signs of an attacker.
func Assess(r Rules, f Farm, evidence []Evidence, now time.Time) Assessment {
	a := newAssessor(r, f, evidence, now)
	for _, st := range r.Steps {
		a.step(st)
	}
	out := Assessment{Items: a.items, ItemsKnown: a.itemsKnown}
	for _, s := range f.Servers {
		out.Servers = append(out.Servers, a.server(s))
	}
	out.Until = a.until
	return out
}

// assessor holds what is worked out on the way.
type assessor struct {
	rules      Rules
	farm       Farm
	now        time.Time
	active     []Server // not retired
	retired    []Server
	items      []string
	itemsKnown bool
	gone       []string                    // what Unlisted says, of every server
	by         map[subjectKind][]*Evidence // in order of observation
	shared     []*Evidence                 // signs about the farm or its items, in order of observation
	states     map[string]map[Subject]StepState
	left       map[string]time.Time // by step: when the last retired server was no longer without it
	until      time.Time

	judgements  map[string]Judgement // by value
	concerned   map[string][]Subject // by step
	regressed   map[Subject][]*Evidence
	fixKinds    []Kind              // kinds whose values are builds, as far as steps need them
	inside, out map[string][]string // products, by server
}

type subjectKind struct {
	subject Subject
	kind    Kind
}

func newAssessor(r Rules, f Farm, evidence []Evidence, now time.Time) *assessor {
	a := &assessor{
		rules: r, farm: f, now: now,
		by:     map[subjectKind][]*Evidence{},
		states: map[string]map[Subject]StepState{}, left: map[string]time.Time{},
		judgements: map[string]Judgement{}, concerned: map[string][]Subject{}, regressed: map[Subject][]*Evidence{},
		inside: map[string][]string{}, out: map[string][]string{},
	}
	a.rules.Signs = append(slices.Clip(r.Signs), attackSigns()...)
	for _, s := range f.Servers {
		if s.Retired == nil {
			a.active = append(a.active, s)
		} else {
			a.retired = append(a.retired, s)
		}
	}
	for _, st := range r.Steps {
		for _, p := range st.Proof {
			if p.FixLine && !slices.Contains(a.fixKinds, p.Kind) {
				a.fixKinds = append(a.fixKinds, p.Kind)
			}
		}
	}
	for i := range evidence {
		a.admit(&evidence[i])
	}
	for _, es := range a.by {
		slices.SortFunc(es, byObservation)
	}
	slices.SortFunc(a.shared, byObservation)
	a.listItems()
	a.gone = a.unlisted()
	a.listProducts()
	return a
}

// admit takes in what can count. What was observed in the future counts when its
// time comes, but a sign of an attacker at once: it is a clock that is wrong. One
// person's word never counts.
func (a *assessor) admit(e *Evidence) {
	if e.Source == SourceAttestation && (e.By == "" || e.Second == "" || e.By == e.Second) {
		return
	}
	if e.Observed.After(a.now) {
		a.note(e.Observed)
		if !a.isSign(e) {
			return
		}
	}
	k := subjectKind{e.Subject, e.Kind}
	a.by[k] = append(a.by[k], e)
	if e.Subject.Server == "" && a.isSign(e) {
		a.shared = append(a.shared, e)
	}
}

// byObservation orders evidence by time. Of the same moment, what was seen from
// outside comes last: it is what can only worsen a step.
func byObservation(x, y *Evidence) int {
	if c := x.Observed.Compare(y.Observed); c != 0 {
		return c
	}
	if c := cmp.Or(cmp.Compare(y.Source, x.Source), strings.Compare(x.ID, y.ID)); c != 0 || x == y {
		return c
	}
	return strings.Compare(x.NewID(), y.NewID()) // without ids: the order still depends on nothing else
}

// step works out the state of one step for all its subjects. Steps come in the
// order of work, so that what comes before is known.
func (a *assessor) step(st Step) {
	m := map[Subject]StepState{}
	a.states[st.ID] = m
	for _, sub := range a.subjects(st) {
		m[sub] = a.state(st, sub)
	}
	for _, s := range a.retired {
		if st.Scope == ScopeServer && a.applies(st, s) {
			m[Subject{Server: s.Name}] = a.state(st, Subject{Server: s.Name})
			a.left[st.ID] = latest(a.left[st.ID], a.leftAt(st, s))
		}
	}
}

func (a *assessor) state(st Step, sub Subject) StepState {
	after, block := a.gate(st, sub)
	s := a.prove(st, sub, after)
	if block != "" && s.Status != StepOpen {
		s = StepState{Status: StepOpen, Why: fmt.Sprintf("said to be done %s, but counts only after: %s", stamp(s.Since), block)}
	} else if block != "" && s.Why == "" {
		s.Why = "comes after: " + block
	}
	s.Step, s.Title, s.Subject = st.ID, st.Title, sub
	return s
}

// leftAt is when a retired server was no longer a way into what the farm shares
// for want of this step: when it proved it, else when it was retired. Who retires
// a server that nobody patched still has to rotate the keys that it held.
func (a *assessor) leftAt(st Step, s Server) time.Time {
	if st.Need == NeedCompromised {
		if hit := a.lastHit(s.Name); !a.evicted(s.Name).After(hit.Observed) {
			return s.Retired.At
		}
	}
	if p := a.states[st.ID][Subject{Server: s.Name}]; p.ran() && p.Since.Before(s.Retired.At) {
		return p.Since
	}
	return s.Retired.At
}

// gate is the time that a step must come after, and what still stands before it.
// What has the same scope must be complete on the same subject; anything else on
// every subject of the farm, whatever exceptions there are: an exception proves
// nothing to those who share keys with it.
func (a *assessor) gate(st Step, sub Subject) (after time.Time, block string) {
	if hit := a.lastHit(sub.Server); st.Need == NeedCompromised && hit != nil {
		after = hit.Observed // what was done before the attacker was seen again is undone
	}
	for _, id := range st.After {
		prior, ok := a.rules.Step(id)
		if !ok {
			return after, fmt.Sprintf("step %q, which the playbook does not have", id)
		}
		if prior.Need == NeedNever {
			continue
		}
		if prior.Scope == ScopeItem && !a.itemsKnown {
			return after, a.itemsUnknown()
		}
		var open []string
		for _, o := range a.before(prior, st, sub) {
			s := a.states[id][o]
			if !s.ran() {
				open = append(open, o.String())
			} else if s.Since.After(after) {
				after = s.Since
			}
		}
		if prior.Scope != st.Scope && a.left[id].After(after) {
			after = a.left[id]
		}
		if len(open) > 0 && block == "" {
			block = fmt.Sprintf("%s (%s)", prior.Title, few(open))
		}
	}
	return after, block
}

// before are the subjects on which a prior step must be complete.
func (a *assessor) before(prior, st Step, sub Subject) []Subject {
	subjects := a.subjects(prior)
	if prior.Scope != st.Scope {
		return subjects
	}
	state, known := a.states[prior.ID][sub]
	if !known && !slices.Contains(subjects, sub) {
		return nil
	}
	if sub.Server != "" && !state.ran() {
		if covers, _ := a.exceptions(sub.Server); covers(prior.ID) != nil {
			return nil // it is missing, and shown as excepted; what is proved keeps its order
		}
	}
	return []Subject{sub}
}

func (a *assessor) itemsUnknown() string {
	return fmt.Sprintf("nobody has listed the %ss of the farm", cmp.Or(a.rules.Item, "item"))
}

// few names up to three and counts the rest.
func few(names []string) string {
	if len(names) <= 3 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") }

// server puts together what is known of one server.
func (a *assessor) server(s Server) ServerAssessment {
	out := ServerAssessment{Name: s.Name}
	out.LastLook, out.LastReached = a.looks(s.Name)
	if s.Retired != nil {
		out.Status, out.Reason, out.Seen = StatusRetired, s.Retired.Reason, SeenRetired
		if out.LastReached.After(s.Retired.At) {
			out.Notes = append(out.Notes, fmt.Sprintf("retired %s, but it answered %s", stamp(s.Retired.At), stamp(out.LastReached)))
		}
		return out
	}
	exception, blanket := a.exceptions(s.Name)
	a.collectSteps(&out, s, exception)
	a.judge(&out, s)
	hits, suspicions := a.signs(s.Name)
	out.Signs = append(hits, suspicions...)
	out.Contained = a.contained(&out, s.Name)
	out.Seen = a.seen(s, out)
	a.decide(&out, s, len(hits) > 0, len(suspicions) > 0, blanket)
	out.Next = a.next(out)
	return out
}

// collectSteps gathers the steps of the server, its farm and its items.
func (a *assessor) collectSteps(out *ServerAssessment, s Server, excepted func(string) *Exception) {
	for _, st := range a.rules.Steps {
		if st.Scope == ScopeServer && !a.applies(st, s) {
			continue
		}
		if st.Scope == ScopeItem && !a.itemsKnown && st.Need != NeedNever {
			out.Steps = append(out.Steps, StepState{Step: st.ID, Title: st.Title, Why: a.itemsUnknown()})
			continue
		}
		for _, sub := range a.subjects(st) {
			if st.Scope == ScopeServer && sub.Server != s.Name {
				continue
			}
			state := a.annotate(a.states[st.ID][sub], s, excepted)
			if st.Need == NeedNever {
				out.Advised = append(out.Advised, state)
				continue
			}
			a.note(state.Until)
			out.Claimed = out.Claimed || state.Status == StepClaimed
			out.Steps = append(out.Steps, state)
		}
	}
}

// annotate adds what persons said about a step of this server: a claim is shown
// on an open step, an exception takes the place of one that is missing.
func (a *assessor) annotate(st StepState, s Server, excepted func(string) *Exception) StepState {
	if st.Status.Done() {
		return st
	}
	if x := excepted(st.Step); x != nil {
		return StepState{
			Step: st.Step, Title: st.Title, Subject: st.Subject, Status: StepExcepted,
			Value: x.ID, By: x.By, second: x.Second, Why: fmt.Sprintf("risk accepted until %s: %s", stamp(x.Expires), x.Reason),
		}
	}
	for _, c := range a.farm.Claims {
		if c.Server == s.Name && (c.Step == "" || c.Step == st.Step) && st.Status == StepOpen && !c.At.Before(st.Observed) {
			st.Status, st.By = StepClaimed, c.By
		}
	}
	return st
}

// note remembers the earliest moment after now at which time alone changes something.
func (a *assessor) note(t time.Time) {
	if t.After(a.now) && (a.until.IsZero() || t.Before(a.until)) {
		a.until = t
	}
}
