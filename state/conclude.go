package state

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

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

// deciders are those who claimed, attested, seconded or handed in something that the
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
		add(st.handedIn)
	}
	for _, sub := range []Subject{{Server: s.Name}, {}} {
		for _, k := range []Kind{KindStale, KindEviction, KindHunt, KindItems} {
			for _, e := range a.by[subjectKind{sub, k}] {
				if e.Source.Inside() && (e.Source == SourceAttestation || k == KindItems) {
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
