package state

import (
	"slices"
	"time"
)

// KindAttack is attack traffic of one kind in the logs of a server, in the values that
// begin with Attack. Observed is the last such request, At the first. What a log does
// not show was not seen: there is no value for that.
const KindAttack Kind = "attack"

// ToolLogs is the tool of a hunt in logs: what it says to be clean lies between lines
// that it read, so that stretches which touch add up.
const ToolLogs = "hunt/logs"

// Values of KindAttack, from nothing to the worst. The last three are signs of an
// attacker in every playbook.
const (
	// AttackContact: an address that is known for attacks asked for something harmless.
	AttackContact = "contact"
	// AttackAttempt: it was refused.
	AttackAttempt = "attempt"
	// AttackOdd: a person must look at it; no conclusion is drawn from it.
	AttackOdd = "odd"
	// AttackLate: it was not refused, and when it was handed in the server was on record
	// as fixed at that time. It is as AttackAnswered wherever the rules in force, which may
	// have moved the fix line since, do not show the server fixed at At.
	AttackLate = "late"
	// AttackKeys: who attacked posts to pages and is answered, as with stolen keys. It
	// raises suspicion.
	AttackKeys = "keys"
	// AttackAnswered: it was not refused. It raises suspicion.
	AttackAnswered = "answered"
	// AttackShell: a web shell answered in the server's own log. It proves compromise.
	AttackShell = "shell"
)

// attackSigns are the signs that every playbook has. Of AttackLate, see harmless.
func attackSigns() []Sign {
	return []Sign{
		{Kind: KindReported, Values: []string{ReportedCompromised}},
		{Kind: KindAttack, Values: []string{AttackKeys, AttackAnswered, AttackLate}},
		{Kind: KindAttack, Values: []string{AttackShell}, Proves: true},
	}
}

// attackSign reports whether a value of KindAttack can be a sign of an attacker.
func attackSign(value string) bool {
	return slices.ContainsFunc(attackSigns(), func(s Sign) bool { return s.Kind == KindAttack && slices.Contains(s.Values, value) })
}

// harmless reports whether an attack on a server was answered when the server was fixed,
// by these rules and by what was on record when the attack was: no evidence that comes
// later clears a suspicion.
func (a *assessor) harmless(server string, e *Evidence) bool {
	return e.Kind == KindAttack && e.Value == AttackLate && !e.At.IsZero() && !e.At.After(e.Observed) && a.fixedAt(server, e.At, e.Recorded)
}

// fixedAt reports whether all that makes a server fixed was shown from inside for a
// moment, by what was on record at another, and never found undone since. Until all
// steps are worked out nothing is.
func (a *assessor) fixedAt(server string, at, recorded time.Time) bool {
	covers := func(p StepState) bool {
		return p.ran() && slices.ContainsFunc(p.looks, func(l look) bool {
			return l.from.Before(at) && (l.until.IsZero() || at.Before(l.until)) && !l.recorded.After(recorded)
		})
	}
	return a.eachFix(server, covers)
}

// eachFix reports whether something is so of each step that makes a server fixed.
func (a *assessor) eachFix(server string, is func(StepState) bool) bool {
	s, ok := a.farm.Server(server)
	if !ok {
		return false
	}
	any := false
	for _, st := range a.rules.Steps {
		states, done := a.states[st.ID]
		switch {
		case !st.Fix || done && st.Scope == ScopeServer && !a.applies(st, s):
			continue
		case !done:
			return false
		}
		any = false
		for sub, p := range states {
			if sub.Server != "" && sub.Server != server {
				continue
			}
			if any = is(p); !any {
				return false
			}
		}
		if !any {
			return false
		}
	}
	return any
}

// FixedAt reports whether the evidence shows that a server was fixed at a moment.
func (f FarmState) FixedAt(r Rules, server string, at, now time.Time) bool {
	return f.worked(r, now).fixedAt(server, at, now)
}

// worked has worked out all steps.
func (f FarmState) worked(r Rules, now time.Time) *assessor {
	a := newAssessor(r, f.Farm, f.Evidence, now)
	for _, st := range r.Steps {
		a.step(st)
	}
	return a
}

// Settled says from when on an attack in a server's logs is told apart from those that
// were dealt with: evicted is when two persons last vouched that the attacker is out;
// fixed is since when all that makes the server fixed is shown from inside, however old
// the proof is. Zero: never.
func (f FarmState) Settled(r Rules, server string, now time.Time) (evicted, fixed time.Time) {
	a := f.worked(r, now)
	if !a.eachFix(server, func(p StepState) bool { fixed = latest(fixed, p.Since); return p.ran() }) {
		fixed = time.Time{}
	}
	return a.evicted(server), fixed
}
