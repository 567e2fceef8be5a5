package commands

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
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
	Pings(ctx context.Context, incident string, of ...string) (map[string]state.PingMemory, error)
	// PingsLeft is how many reminders were left to the digest, by whose they were.
	PingsLeft(ctx context.Context, incident string) (map[string]int, error)
}

// leftToDigest names those who had so many mentions that reminders of theirs were left
// to the digest.
func leftToDigest(ctx context.Context, s Reminded, incident string) ([]chat.Part, error) {
	left, err := s.PingsLeft(ctx, incident)
	if err != nil || len(left) == 0 {
		return nil, err
	}
	var names []string
	for _, to := range slices.Sorted(maps.Keys(left)) {
		names = append(names, fmt.Sprintf("%s (%d)", readerName(to), left[to]))
	}
	return []chat.Part{chat.P("Had enough mentions for an hour, so reminders were left to this digest: ", chat.C(fewOf(names, maxShown)), ".")}, nil
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
