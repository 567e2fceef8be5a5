package state

import (
	"errors"
	"time"
)

// ErrLeaseLost says that somebody else has taken over what was leased.
var ErrLeaseLost = errors.New("the lease was lost to another replica")

// Job is a request taken from the inbox under a lease. Attempt fences it: what a
// holder of an earlier attempt writes is refused.
type Job struct {
	ID       string
	Payload  []byte
	Attempt  int
	Accepted time.Time
}

// ClaimedLetter is a letter taken from the outbox for delivery. Claims counts how
// often it was taken: above 1, somebody may have delivered it and died.
type ClaimedLetter struct {
	Letter Letter
	Token  string
	Claims int
}

// Receipt is where a letter went.
type Receipt struct {
	Place     Place     `json:"place"`
	MessageID string    `json:"messageID"`
	At        time.Time `json:"at"`
	Card      string    `json:"card,omitempty"`
	Hash      string    `json:"hash,omitempty"` // of what was shown
}
