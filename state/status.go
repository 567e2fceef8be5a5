package state

// Status is what is known of a server, derived by Assess and never set. The
// zero value is unknown.
type Status uint8

// The statuses, in the words of the design.
const (
	StatusUnknown Status = iota
	StatusExposed
	StatusSuspected
	StatusCompromised
	StatusContained
	StatusInProgress
	StatusReady
	StatusConfirmed
	StatusExcepted
	StatusRetired
)

var statusNames = []string{"unknown", "exposed", "suspected", "compromised", "contained", "in progress", "ready", "confirmed", "excepted", "retired"}

// Statuses lists all statuses in the order in which they are shown: worst first.
func Statuses() []Status {
	return []Status{
		StatusCompromised, StatusSuspected, StatusExposed, StatusUnknown, StatusContained,
		StatusInProgress, StatusReady, StatusExcepted, StatusConfirmed, StatusRetired,
	}
}

func (s Status) String() string { return nameOf(statusNames, int(s)) }

// MarshalText makes a status its words in JSON.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the words.
func (s *Status) UnmarshalText(b []byte) error {
	i, err := indexOf(statusNames, "status", string(b))
	*s = Status(i)
	return err
}

// Settled reports whether a server of this status stands in the way of clear no more.
func (s Status) Settled() bool {
	return s == StatusConfirmed || s == StatusExcepted || s == StatusRetired
}

// Rank orders statuses from worst (0) to best: no unknown, no unreached look and
// no passing of time may raise it.
func (s Status) Rank() int {
	for i, o := range Statuses() {
		if o == s {
			return i
		}
	}
	return 0
}

// StepStatus is how far one step of one subject is. The zero value is open.
type StepStatus uint8

// The step statuses.
const (
	StepOpen StepStatus = iota
	StepClaimed
	StepVerified
	StepAttested
	StepStale
	StepExcepted
)

var stepStatusNames = []string{"open", "claimed", "verified", "attested", "stale", "excepted"}

func (s StepStatus) String() string { return nameOf(stepStatusNames, int(s)) }

// Done reports whether the step needs nothing more now.
func (s StepStatus) Done() bool {
	return s == StepVerified || s == StepAttested || s == StepExcepted
}

// MarshalText makes a step status its word in JSON.
func (s StepStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *StepStatus) UnmarshalText(b []byte) error {
	i, err := indexOf(stepStatusNames, "step status", string(b))
	*s = StepStatus(i)
	return err
}
