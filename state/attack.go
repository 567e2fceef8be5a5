package state

// KindAttack is attack traffic of one kind in the logs of a server, in the values that
// begin with Attack. Observed is the last such request, At the first. What a log does
// not show was not seen: there is no value for that.
const KindAttack Kind = "attack"

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
