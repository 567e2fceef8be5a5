package commands

import (
	"context"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Reminders is whom reminders escalate to, and how often they may mention somebody.
// The zero value escalates to nobody, and has no limit.
type Reminders struct {
	// Duty is told when a deadline has passed, and of what is nobody's; Manager some
	// hours later.
	Duty, Manager state.PersonID
	// Mentions is how often reminders mention a person in an hour; 0: no limit.
	Mentions int
	// Reach reports whether somebody can be mentioned for an owner of the inventory;
	// nil: it is not known.
	Reach func(owner string) bool
}

// Reminded reads what is remembered of reminders, by who got them.
type Reminded interface {
	Pings(ctx context.Context, incident string) (map[string]state.PingMemory, error)
}

// deadlineWords are where the work stands against its deadline; "" when there is none.
func deadlineWords(inc state.Incident, now time.Time) string {
	d := inc.Deadline()
	whose := "Deadline"
	if inc.Due.IsZero() {
		whose = "Date of the authorities"
	}
	switch state.PhaseOf(d, now) {
	case state.PhaseNone:
		return ""
	case state.PhaseBefore, state.PhaseAt:
		return whose + " in " + span(d.Sub(now))
	}
	return whose + " passed " + ago(d, now)
}
