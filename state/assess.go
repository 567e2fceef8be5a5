package state

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Assess says what is known of each server of a farm, by these rules, from this
// evidence, at this moment. It is pure and total. The order of evidence does not
// matter; evidence that was observed after now is left out.
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
	a.listProducts()
	return a
}

// admit takes in what can count. What was observed in the future counts when its
// time comes; one person's word never does.
func (a *assessor) admit(e *Evidence) {
	if e.Source == SourceAttestation && (e.By == "" || e.Second == "" || e.By == e.Second) {
		return
	}
	if e.Observed.After(a.now) {
		a.note(e.Observed)
		return
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

// listItems takes the newest list of each inside source together: an item is
// forgotten only when every source that lists them has dropped it.
func (a *assessor) listItems() {
	type lister struct {
		source Source
		tool   string
	}
	lists := a.by[subjectKind{Subject{}, KindItems}]
	newest := map[lister]time.Time{}
	for _, e := range lists {
		newest[lister{e.Source, e.Tool}] = e.Observed
	}
	for _, e := range lists {
		if !e.Source.Inside() || !e.Observed.Equal(newest[lister{e.Source, e.Tool}]) {
			continue
		}
		for line := range strings.Lines(e.Value) {
			if name := strings.TrimSpace(line); name != "" && !slices.Contains(a.items, name) {
				a.items = append(a.items, name)
			}
		}
	}
	slices.Sort(a.items)
	a.itemsKnown = len(a.items) > 0
}

// subjects are the ones that a step is about in this farm.
func (a *assessor) subjects(st Step) []Subject {
	out, ok := a.concerned[st.ID]
	if !ok {
		out = a.listSubjects(st)
		a.concerned[st.ID] = out
	}
	return out
}

func (a *assessor) listSubjects(st Step) []Subject {
	switch st.Scope {
	case ScopeFarm:
		return []Subject{{}}
	case ScopeItem:
		var out []Subject
		for _, i := range a.items {
			out = append(out, Subject{Item: i})
		}
		return out
	}
	var out []Subject
	for _, s := range a.active {
		if a.applies(st, s) {
			out = append(out, Subject{Server: s.Name})
		}
	}
	return out
}

// applies reports whether a server must prove a server's step. It must, unless
// its product is known and not concerned, or the step is for compromised servers
// and there was never a sign.
func (a *assessor) applies(st Step, s Server) bool {
	if st.Need == NeedCompromised {
		if hit, _ := a.lastSigns(s.Name); hit == nil {
			return false
		}
	}
	if len(st.Products) == 0 {
		return true
	}
	// Only inside evidence can excuse a server from a step: a header may lie.
	seen := a.inside[s.Name]
	return len(seen) == 0 || slices.ContainsFunc(seen, func(p string) bool { return slices.Contains(st.Products, p) })
}

// listProducts notes which products the evidence says each server may be, from
// inside and from outside (under "" for the address that a farm shares).
func (a *assessor) listProducts() {
	for k, es := range a.by {
		if k.subject.Item != "" || k.kind != KindBuild && !slices.Contains(a.fixKinds, k.kind) {
			continue // a number in other evidence must not excuse a server from a step
		}
		for _, e := range es {
			p := a.judgeValue(e.Value).Product
			if p == "" || !a.affected(p) {
				continue
			}
			if !e.Source.Inside() {
				a.out[k.subject.Server] = append(a.out[k.subject.Server], p)
			} else {
				a.inside[k.subject.Server] = append(a.inside[k.subject.Server], p)
			}
		}
	}
	for _, m := range []map[string][]string{a.inside, a.out} {
		for s, ps := range m {
			slices.Sort(ps)
			m[s] = slices.Compact(ps)
		}
	}
}

func (a *assessor) affected(product string) bool {
	p, _ := a.productByID(product)
	return p.Affected
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
		if hit, _ := a.lastSigns(s.Name); !a.evicted(s.Name).After(hit.Observed) {
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
	if hit, _ := a.lastSigns(sub.Server); st.Need == NeedCompromised && hit != nil {
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
		out.Status, out.Reason = StatusRetired, s.Retired.Reason
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

// exceptions returns which exception covers a step of this server now, and
// whether one accepts the risk of the whole server.
func (a *assessor) exceptions(server string) (covers func(step string) *Exception, blanket bool) {
	var live []Exception
	for _, x := range a.farm.Exceptions {
		if x.Server != server || x.By == x.Second || x.By == "" || x.Second == "" {
			continue
		}
		a.note(x.At)
		if !x.At.After(a.now) && a.now.Before(x.Expires) {
			live = append(live, x)
			a.note(x.Expires)
			blanket = blanket || len(x.Steps) == 0
		}
	}
	// The one that lasts longest covers a step, so that time alone never changes which.
	slices.SortStableFunc(live, func(x, y Exception) int {
		return cmp.Or(y.Expires.Compare(x.Expires), strings.Compare(x.ID, y.ID))
	})
	return func(step string) *Exception {
		for i, x := range live {
			if slices.Contains(x.Steps, step) {
				return &live[i]
			}
		}
		return nil
	}, blanket
}

// note remembers the earliest moment after now at which time alone changes something.
func (a *assessor) note(t time.Time) {
	if t.After(a.now) && (a.until.IsZero() || t.Before(a.until)) {
		a.until = t
	}
}

// decide derives the status from everything else; see Status for the words.
func (a *assessor) decide(out *ServerAssessment, s Server, compromised, suspected, blanket bool) {
	missing := len(out.Missing())
	ready := missing == 0 && len(out.Steps) > 0 && out.Verdict != VerdictVulnerable &&
		len(out.Contradictions) == 0 && !compromised && !suspected
	if ready {
		out.Hash, out.Deciders = decidingHash(out.Steps), a.deciders(s, out.Steps)
	}
	switch {
	case compromised:
		out.Status = StatusCompromised
	case suspected:
		out.Status = StatusSuspected
	case ready && a.confirmed(s.Name, out.Hash):
		out.Status = StatusConfirmed
		if slices.ContainsFunc(out.Steps, func(st StepState) bool { return st.Status == StepExcepted }) {
			out.Status = StatusExcepted
		}
	case blanket:
		out.Status = StatusExcepted
	case ready:
		out.Status = StatusReady
	case out.Contained:
		out.Status = StatusContained
	case out.Verdict == VerdictVulnerable:
		out.Status = StatusExposed
	case out.Verdict == VerdictFixed || a.anyFixDone(s):
		out.Status = StatusInProgress
	default:
		out.Status = StatusUnknown
	}
}

func (a *assessor) confirmed(server, hash string) bool {
	return slices.ContainsFunc(a.farm.Confirmations, func(c Confirmation) bool {
		a.note(c.At)
		return c.Server == server && c.Hash == hash && c.By != c.Second && c.By != "" && c.Second != "" && !c.At.After(a.now)
	})
}

// decidingHash covers step, subject, value and kind of source, never times: a
// refresh with the same value keeps it, a different value does not.
func decidingHash(steps []StepState) string {
	lines := make([]string, 0, len(steps))
	for _, s := range steps {
		lines = append(lines, fmt.Sprintf("%q %q %q %q %q %s", s.Step, s.Subject.Server, s.Subject.Item, s.Status, s.Value, s.Source))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// deciders are those who claimed, attested or seconded something that the
// confirmation rests on: a step, what all servers of the farm share, or the end of
// a sign or of a contradiction.
func (a *assessor) deciders(s Server, steps []StepState) []PersonID {
	var out []PersonID
	add := func(p PersonID) {
		if p != "" && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, c := range a.farm.Claims {
		st, _ := a.rules.Step(c.Step)
		if c.Server == s.Name || st.Scope != ScopeServer {
			add(c.By)
		}
	}
	for _, st := range steps {
		add(st.By)
		add(st.second)
	}
	for _, sub := range []Subject{{Server: s.Name}, {}} {
		for _, k := range []Kind{KindStale, KindEviction, KindHunt, KindItems} {
			for _, e := range a.by[subjectKind{sub, k}] {
				if e.Source == SourceAttestation {
					add(e.By)
					add(e.Second)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// next is the first thing to do.
func (a *assessor) next(out ServerAssessment) string {
	switch out.Status {
	case StatusConfirmed, StatusExcepted, StatusRetired:
		return ""
	case StatusReady:
		return "Ask for confirmation; a second person approves it."
	case StatusExposed:
		if p, ok := a.productByID(out.Product); ok && p.Affected && p.Branches[0].Fixed.IsZero() {
			return "Disconnect it: " + p.Name + " has no fix. Replace or retire it."
		}
	}
	for _, st := range out.Missing() {
		if s, ok := a.rules.Step(st.Step); ok {
			return s.Advice
		}
	}
	if len(out.Contradictions) > 0 {
		return "Settle: " + out.Contradictions[0]
	}
	if len(out.Signs) > 0 {
		return "Hunt and evict: " + out.Signs[0]
	}
	return ""
}

func (a *assessor) productByID(id string) (Product, bool) {
	i := slices.IndexFunc(a.rules.Products, func(p Product) bool { return p.ID == id })
	if i < 0 {
		return Product{}, false
	}
	return a.rules.Products[i], true
}
