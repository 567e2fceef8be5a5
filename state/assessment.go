package state

import (
	"slices"
	"time"
)

// Assessment is what the rules conclude about a farm at one moment, explained.
type Assessment struct {
	Servers []ServerAssessment `json:"servers"`
	// Items are the items of the farm; ItemsKnown is false when nobody listed them.
	Items      []string `json:"items,omitempty"`
	ItemsKnown bool     `json:"itemsKnown"`
	// Until is when the passing of time alone may next change something; zero: never.
	Until time.Time `json:"until,omitzero"`
}

// Server returns the assessment of the server with this name.
func (a Assessment) Server(name string) (ServerAssessment, bool) {
	i := slices.IndexFunc(a.Servers, func(s ServerAssessment) bool { return s.Name == name })
	if i < 0 {
		return ServerAssessment{}, false
	}
	return a.Servers[i], true
}

// ServerAssessment is what is known of one server, and why.
type ServerAssessment struct {
	Name    string  `json:"name"`
	Status  Status  `json:"status"`
	Product string  `json:"product,omitempty"`
	Verdict Verdict `json:"verdict"`
	Basis   string  `json:"basis,omitempty"`
	Reason  string  `json:"reason,omitempty"`
	// Steps are those that this server must prove, with those of its farm and items,
	// in the order of work.
	Steps []StepState `json:"steps"`
	// Advised are steps that are shown but never asked for.
	Advised []StepState `json:"advised,omitempty"`
	// Next is the next action, in the imperative; "" when nothing is missing.
	Next string `json:"next,omitempty"`
	// Signs are the signs of an attacker that are not cleared, a line each.
	Signs []string `json:"signs,omitempty"`
	// Contradictions are sources that disagree and are not settled, a line each.
	Contradictions []string `json:"contradictions,omitempty"`
	// Stale are outside answers that still say what speaks against the server, and that
	// two persons set aside, a line each.
	Stale []string `json:"stale,omitempty"`
	// Unlisted are items of the farm that were listed once and of which nothing is asked any
	// more, a line each, at most three.
	Unlisted []string `json:"unlisted,omitempty"`
	// Notes are worth knowing and block nothing, a line each.
	Notes     []string `json:"notes,omitempty"`
	Contained bool     `json:"contained,omitempty"`
	Claimed   bool     `json:"claimed,omitempty"`
	// Hash is of the deciding facts: "" until every step is done.
	Hash string `json:"hash,omitempty"`
	// Deciders are the persons whose word decided a step: they may not approve.
	Deciders    []PersonID `json:"deciders,omitempty"`
	LastLook    time.Time  `json:"lastLook,omitzero"`
	LastReached time.Time  `json:"lastReached,omitzero"`
	Seen        Seen       `json:"seen,omitempty"`
}

// voids reports whether this ends a confirmation on these deciding facts for good:
// they have changed, or something speaks against them. Proof that is only too old,
// or waits for another server, does not: the same facts shown again restore it.
func (s ServerAssessment) voids(hash string) bool {
	return s.Hash != "" && s.Hash != hash || s.Verdict == VerdictVulnerable || len(s.Signs)+len(s.Contradictions) > 0 ||
		slices.ContainsFunc(s.Steps, StepState.contradicted)
}

// Missing are the steps that are not done.
func (s ServerAssessment) Missing() []StepState {
	var m []StepState
	for _, st := range s.Steps {
		if !st.Status.Done() {
			m = append(m, st)
		}
	}
	return m
}

// StepState is how far one step of one subject is, and which evidence says so.
type StepState struct {
	Step    string     `json:"step"`
	Title   string     `json:"title"`
	Subject Subject    `json:"subject"`
	Status  StepStatus `json:"status"`
	// Value, Source and Evidence are of the evidence that decided.
	Value    string   `json:"value,omitempty"`
	Source   Source   `json:"source,omitempty"`
	Evidence string   `json:"evidence,omitempty"`
	By       PersonID `json:"by,omitempty"`
	// Since is when it was complete, for the order of steps.
	Since time.Time `json:"since,omitzero"`
	// Observed is when the deciding evidence was last seen.
	Observed time.Time `json:"observed,omitzero"`
	// Until is when it becomes stale; zero: it does not.
	Until time.Time `json:"until,omitzero"`
	// Why says in one line what is missing, or what the evidence says against it.
	Why string `json:"why,omitempty"`

	second PersonID // who seconded By
	// handedIn is who brought the deciding evidence: nobody vouches for a collector's
	// document but them.
	handedIn PersonID
	looks    []look // of a step that makes a server fixed: what proves it, and for when
}

// contradicted reports whether evidence in force says that the step is not done.
func (s StepState) contradicted() bool {
	return !s.Observed.IsZero() && (s.Status == StepOpen || s.Status == StepClaimed)
}

// ran reports that the step has proof in force, fresh or not: what the order of
// steps is about. An exception is no proof, so nothing that comes after counts.
func (s StepState) ran() bool {
	return s.Status == StepVerified || s.Status == StepAttested || s.Status == StepStale
}

// SetAside is what whoever vouches for the server should know that nothing asks about: what
// two persons set aside, and what is not listed any more. A line each.
func (s ServerAssessment) SetAside() []string { return slices.Concat(s.Stale, s.Unlisted) }
