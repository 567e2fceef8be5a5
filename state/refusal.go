package state

import "errors"

// What a store may answer. Consumers branch on these.
var (
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("somebody else changed it at the same time")
	ErrTooBig      = errors.New("too much for one change")
	ErrUnavailable = errors.New("the store is not available")
	ErrNewer       = errors.New("the store was written by a newer version of allclear")
)

// Refusal is a "no" of the rules, in words for the person who asked.
type Refusal struct {
	Why  string // what is wrong
	Next string // the nearest thing that works; may be empty
}

func (r *Refusal) Error() string {
	if r.Next == "" {
		return r.Why
	}
	return r.Why + " " + r.Next
}

func refuse(why, next string) error { return &Refusal{Why: why, Next: next} }
