package state

import "time"

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
	// AttackKeys: who attacked posts to pages and is answered, as with stolen keys. It
	// raises suspicion.
	AttackKeys = "keys"
	// AttackAnswered: it was not refused. It raises suspicion.
	AttackAnswered = "answered"
	// AttackShell: a web shell answered in the server's own log. It proves compromise.
	AttackShell = "shell"
)

// attackSigns are the signs that every playbook has.
func attackSigns() []Sign {
	return []Sign{
		{Kind: KindReported, Values: []string{ReportedCompromised}},
		{Kind: KindAttack, Values: []string{AttackKeys, AttackAnswered}},
		{Kind: KindAttack, Values: []string{AttackShell}, Proves: true},
	}
}

// attackSign reports whether a value of KindAttack is a sign of an attacker.
func attackSign(value string) bool {
	return value == AttackKeys || value == AttackAnswered || value == AttackShell
}

// Settled says from when on an attack in a server's logs is told apart from those that
// were dealt with: evicted is when two persons last vouched that the attacker is out;
// fixed is since when all that makes the server fixed is shown from inside, however old
// the proof is. Zero: never.
func (f FarmState) Settled(r Rules, server string, now time.Time) (evicted, fixed time.Time) {
	a := newAssessor(r, f.Farm, f.Evidence, now)
	for _, st := range r.Steps {
		a.step(st)
	}
	evicted = a.evicted(server)
	for _, st := range r.Steps {
		if !st.Fix {
			continue
		}
		p := a.states[st.ID][Subject{Server: server}]
		s, ok := f.Farm.Server(server)
		switch {
		case !ok || !a.applies(st, s):
		case !p.ran():
			return evicted, time.Time{}
		case p.Since.After(fixed):
			fixed = p.Since
		}
	}
	return evicted, fixed
}
