package state

import (
	"fmt"
	"slices"
	"time"
)

// Values of KindReach.
const (
	ReachAnswered = "answered"
	ReachNo       = "no"
)

// lastSigns are the newest proof of compromise and the newest suspicion about a
// server, cleared or not. A proof that only a shared address gave is a
// suspicion about each server behind it.
func (a *assessor) lastSigns(server string) (hit, suspicion *Evidence) {
	newer := func(old *Evidence, e Evidence) *Evidence {
		if old == nil || e.Observed.After(old.Observed) {
			return &e
		}
		return old
	}
	for _, sign := range a.rules.Signs {
		for _, sub := range []Subject{{Server: server}, {}} {
			for _, e := range a.by[subjectKind{sub, sign.Kind}] {
				if !slices.Contains(sign.Values, e.Value) {
					continue
				}
				if sign.Proves && sub.Server != "" {
					hit = newer(hit, e)
				} else {
					suspicion = newer(suspicion, e)
				}
			}
		}
	}
	return hit, suspicion
}

// evicted is when the last eviction of this server, or of its whole farm, was
// done, by two persons' word.
func (a *assessor) evicted(server string) time.Time {
	var at time.Time
	for _, sub := range []Subject{{Server: server}, {}} {
		for _, e := range a.by[subjectKind{sub, KindEviction}] {
			if e.Source == SourceAttestation && e.At.After(at) {
				at = e.At
			}
		}
	}
	return at
}

// signs are the signs of an attacker that are not cleared. A compromise is
// cleared by a later eviction. A suspicion is cleared by that, or by a clean
// hunt that covers it, on two persons' word. A patch clears neither, and nor
// does an indicator that is no longer found.
func (a *assessor) signs(server string) (hits, suspicions []string) {
	hit, suspicion := a.lastSigns(server)
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
	return slices.ContainsFunc(a.by[subjectKind{Subject{Server: server}, KindHunt}], func(e Evidence) bool {
		return e.Source == SourceAttestation && e.Value == "clean" && e.Observed.After(suspicion.Observed) &&
			!e.From.IsZero() && !e.From.After(a.rules.Window) && !e.To.Before(suspicion.Observed)
	})
}

func describeSign(e Evidence) string {
	what := string(e.Kind) + " " + e.Value
	if e.Tool != "" {
		what = e.Tool + " " + e.Value
	}
	where := ""
	if e.Subject.Server == "" {
		where = " at the farm's shared address"
	}
	return fmt.Sprintf("%s%s (%s, %s)", what, where, e.Source, stamp(e.Observed))
}
