package state

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Values of KindReach.
const (
	ReachAnswered = "answered"
	ReachNo       = "no"
)

// lastHit is the newest proof of compromise of a server, cleared or not; nil: none.
func (a *assessor) lastHit(server string) *Evidence {
	var hit *Evidence
	for _, sign := range a.rules.Signs {
		if !sign.Proves {
			continue
		}
		for _, e := range a.by[subjectKind{Subject{Server: server}, sign.Kind}] {
			if slices.Contains(sign.Values, e.Value) {
				hit = newer(hit, e)
			}
		}
	}
	return hit
}

// lastSuspicion is the newest suspicion about a server, cleared or not; nil: none. A
// proof that only a shared address or an item gave is one about each server of the farm.
func (a *assessor) lastSuspicion(server string) *Evidence {
	var suspicion *Evidence
	for _, sign := range a.rules.Signs {
		if sign.Proves {
			continue
		}
		for _, e := range a.by[subjectKind{Subject{Server: server}, sign.Kind}] {
			if slices.Contains(sign.Values, e.Value) && !a.harmless(server, e) {
				suspicion = newer(suspicion, e)
			}
		}
	}
	if n := len(a.shared); n > 0 {
		suspicion = newer(suspicion, a.shared[n-1])
	}
	return suspicion
}

func newer(old, e *Evidence) *Evidence {
	if old == nil || e.Observed.After(old.Observed) {
		return e
	}
	return old
}

func (a *assessor) isSign(e *Evidence) bool {
	return slices.ContainsFunc(a.rules.Signs, func(s Sign) bool {
		return s.Kind == e.Kind && slices.Contains(s.Values, e.Value)
	})
}

// evicted is when the last eviction of this server, or of its whole farm, was
// done, by two persons' word.
func (a *assessor) evicted(server string) time.Time {
	var at time.Time
	for _, sub := range []Subject{{Server: server}, {}} {
		for _, e := range a.by[subjectKind{sub, KindEviction}] {
			if e.Source == SourceAttestation && a.evicts(e.Value) && e.At.After(at) && !e.At.After(e.Observed) {
				at = e.At
			}
		}
	}
	return at
}

// evicts reports whether a value says that the attacker is out: what the playbook
// takes as proof of it, else the words of KindEviction.
func (a *assessor) evicts(value string) bool {
	listed := false
	for _, st := range a.rules.Steps {
		for _, p := range st.Proof {
			if p.Kind == KindEviction && slices.Contains(p.Good, value) {
				return true
			}
			listed = listed || p.Kind == KindEviction
		}
	}
	return !listed && (value == EvictionEvicted || value == EvictionRebuilt)
}

// signs are the signs of an attacker that are not cleared. A compromise is
// cleared by a later eviction. A suspicion is cleared by that, or by a clean
// hunt that covers it, on two persons' word. A patch clears neither, and nor
// does an indicator that is no longer found.
func (a *assessor) signs(server string) (hits, suspicions []string) {
	hit, suspicion := a.lastHit(server), a.lastSuspicion(server)
	out := a.evicted(server)
	if hit != nil && !out.After(hit.Observed) {
		hits = append(hits, describeSign(*hit))
	}
	if suspicion != nil && !out.After(suspicion.Observed) && !a.huntCleared(server, *suspicion) {
		suspicions = append(suspicions, describeSign(*suspicion))
	}
	return hits, suspicions
}

func (a *assessor) huntCleared(server string, suspicion Evidence) bool {
	return slices.ContainsFunc(a.by[subjectKind{Subject{Server: server}, KindHunt}], func(e *Evidence) bool {
		return e.Source == SourceAttestation && e.Value == "clean" && e.Observed.After(suspicion.Observed) &&
			!e.From.IsZero() && !e.From.After(a.rules.Window) && !e.To.Before(suspicion.Observed) && !e.To.After(e.Observed)
	})
}

func describeSign(e Evidence) string {
	value := e.Value
	if e.Kind == KindAttack && value == AttackLate {
		value = "answered, and not shown to be fixed before it"
	}
	what := cmp.Or(e.Tool, string(e.Kind)) + " " + value
	where := ""
	if e.Subject.Server == "" {
		where = " at the farm's shared address"
	}
	if e.Subject.Item != "" {
		where = " on " + e.Subject.Item
	}
	return fmt.Sprintf("%s%s (%s, %s)", what, where, e.Source, stamp(e.Observed))
}
