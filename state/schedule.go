package state

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// CatchUp says what becomes of slots that passed while nobody could fire them. The
// zero value is CatchUpLast.
type CatchUp uint8

// The policies: of several slots that were missed only the last is fired, or each of
// them, or the last unless it is older than Scheduled.Late.
const (
	CatchUpLast CatchUp = iota
	CatchUpAll
	CatchUpSkip
)

var catchUpNames = []string{"last", "all", "skip"}

func (c CatchUp) String() string { return nameOf(catchUpNames, int(c)) }

// MarshalText makes a policy its word in JSON.
func (c CatchUp) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the word.
func (c *CatchUp) UnmarshalText(b []byte) error {
	i, err := indexOf(catchUpNames, "policy for slots that were missed", string(b))
	*c = CatchUp(i)
	return err
}

// Scheduled is a job of the schedule: a command line that is run by a time table.
type Scheduled struct {
	Name string `json:"name"`
	Spec string `json:"spec"`           // as package bot/schedule reads it
	Zone string `json:"zone,omitempty"` // IANA name; "" is UTC
	Line string `json:"line"`
	// Place is where the answer goes; without a platform it is the first place that
	// hears of the incident.
	Place   Place         `json:"place,omitzero"`
	CatchUp CatchUp       `json:"catchUp,omitempty"`
	Late    time.Duration `json:"late,omitempty"` // for CatchUpSkip
	Paused  bool          `json:"paused,omitempty"`
	By      PersonID      `json:"by,omitempty"`
	// Since is when it was made, edited or resumed: slots behind that are its own.
	Since time.Time `json:"since"`
	// Edition is another one whenever Since is.
	Edition int64 `json:"edition"`
}

// Key names the job of an incident in the store, for its cursor.
func (j Scheduled) Key(incident string) string { return incident + "/" + j.Name }

// Limits of the schedule of an incident.
const (
	MaxJobs = 30
	MaxLine = 1000 // bytes of a command line
)

// Cursor is how far a job was fired: the slot that comes next, of one edition of the job.
type Cursor struct {
	Next    time.Time
	Edition int64
}

// Firing moves a job from a cursor to the next, and causes what the slot causes.
type Firing struct {
	Job string // its Key
	// Incident and Rev are what the job was read from; Rev 0: it does not matter.
	Incident string
	Rev      int64
	Was, Is  Cursor
	Letters  []Letter
	Requests []Job
}

// Job finds a job of the incident by its name.
func (i Incident) Job(name string) (Scheduled, bool) {
	n := slices.IndexFunc(i.Jobs, func(j Scheduled) bool { return j.Name == name })
	if n < 0 {
		return Scheduled{}, false
	}
	return i.Jobs[n], true
}

// Schedule makes a job, or replaces the one of its name.
func (tx *Tx) Schedule(j Scheduled) error {
	if err := tx.open(); err != nil {
		return err
	}
	switch {
	case j.Name == "" || strings.TrimSpace(j.Line) == "" || j.Spec == "":
		return refuse("A job needs a name, a time table and a command line.", "")
	case len(j.Spec) > MaxReason || len(j.Zone) > MaxReason:
		return refuse(fmt.Sprintf("The time table is longer than %d characters.", MaxReason), "")
	case len(j.Line) > MaxLine:
		return refuse(fmt.Sprintf("The line is longer than %d characters.", MaxLine), "")
	}
	if err := checkName("name of the job", j.Name, true); err != nil {
		return err
	}
	j.By, j.Since, j.Edition = tx.Work.By, tx.Work.At, tx.Incident.Rev+1
	jobs := slices.Clone(tx.Incident.Jobs)
	if n := slices.IndexFunc(jobs, func(o Scheduled) bool { return o.Name == j.Name }); n >= 0 {
		jobs[n] = j
	} else if len(jobs) >= MaxJobs {
		return refuse(fmt.Sprintf("%s has %d jobs already, the most there may be.", tx.Incident.ID, MaxJobs), "Remove one first.")
	} else {
		jobs = append(jobs, j)
	}
	tx.Incident.Jobs, tx.incident = jobs, true
	tx.event("job scheduled", "", "", j)
	return nil
}

// Unschedule removes a job.
func (tx *Tx) Unschedule(name string) error {
	if err := tx.open(); err != nil {
		return err
	}
	j, ok := tx.Incident.Job(name)
	if !ok {
		return refuse(fmt.Sprintf("There is no job %.60q.", name), "")
	}
	tx.Incident.Jobs = slices.DeleteFunc(slices.Clone(tx.Incident.Jobs), func(o Scheduled) bool { return o.Name == name })
	tx.incident = true
	tx.event("job removed", "", "", j)
	return nil
}

// SetCadence sets the time between reminders.
func (tx *Tx) SetCadence(d time.Duration) {
	if tx.Incident.Cadence != d {
		tx.Incident.Cadence, tx.incident = d, true
	}
}
