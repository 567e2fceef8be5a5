package state

import "time"

// Phase is where the work stands against its deadline. The zero value has none.
type Phase uint8

// The phases: the deadline is more than PhaseMargin away, is near, is over, and is
// over for more than PhaseMargin.
const (
	PhaseNone Phase = iota
	PhaseBefore
	PhaseAt
	PhaseAfter
	PhaseLate
)

// PhaseMargin is how long before a deadline others are told too, and how long after
// it still others.
const PhaseMargin = 4 * time.Hour

var phaseNames = []string{"none", "before", "at", "after", "late"}

func (p Phase) String() string { return nameOf(phaseNames, int(p)) }

// MarshalText makes a phase its word in JSON.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the word.
func (p *Phase) UnmarshalText(b []byte) error {
	i, err := indexOf(phaseNames, "phase", string(b))
	*p = Phase(i)
	return err
}

// PhaseOf is the phase of a deadline at a moment.
func PhaseOf(deadline, now time.Time) Phase {
	switch {
	case deadline.IsZero():
		return PhaseNone
	case now.Before(deadline.Add(-PhaseMargin)):
		return PhaseBefore
	case now.Before(deadline):
		return PhaseAt
	case now.Before(deadline.Add(PhaseMargin)):
		return PhaseAfter
	}
	return PhaseLate
}

// Location is the time zone of the incident.
func (i Incident) Location() *time.Location { return zoneOf(i.Zone) }

// zoneOf is a time zone by its name. One that this machine does not know is UTC.
func zoneOf(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return loc
}

// Deadline is by when the work is to be done: what the incident says, else the end of
// the day that an authority gave for the campaign, where the incident is. A day that
// had passed before the incident was opened is none, and then it is zero.
func (i Incident) Deadline() time.Time {
	if !i.Due.IsZero() || i.Rules.Due.IsZero() {
		return i.Due
	}
	y, m, d := i.Rules.Due.Date()
	end := time.Date(y, m, d+1, 0, 0, 0, 0, i.Location()).UTC()
	if end.Before(i.Opened) {
		return time.Time{}
	}
	return end
}

// SetDue sets by when the work is to be done; zero: by the date of the playbook.
func (tx *Tx) SetDue(due time.Time) error {
	if err := tx.open(); err != nil {
		return err
	}
	due = plain(due)
	if tx.Incident.Due.Equal(due) {
		return nil
	}
	tx.Incident.Due, tx.incident = due, true
	tx.event("deadline set", "", "", map[string]time.Time{"due": due})
	return nil
}

// EnterPhase notes that a phase of the deadline was told. It reports whether it is a
// new one.
func (tx *Tx) EnterPhase(p Phase) (bool, error) {
	if err := tx.open(); err != nil || tx.Incident.Phase == p {
		return false, err
	}
	was := tx.Incident.Phase
	tx.Incident.Phase, tx.incident = p, true
	tx.event("phase of the deadline", "", "", map[string]Phase{"from": was, "to": p})
	return true, nil
}
