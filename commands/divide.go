package commands

import (
	"context"
	"errors"

	"github.com/allclear-bot/allclear/state"
)

// divided does something with all names in one change. What is too much for one
// is done in halves, down to one name; what fails then keeps no other from its turn.
func divided(names []string, do func(names []string) error) error {
	return halved(names, do, func(err error) bool { return errors.Is(err, state.ErrTooBig) })
}

// apart is divided that looks for the names that fail by themselves: whatever
// fails is done in halves, unless nothing else would go better.
func apart(names []string, do func(names []string) error) error {
	return halved(names, do, func(err error) bool { return !hopeless(err) })
}

func halved(names []string, do func([]string) error, again func(error) bool) error {
	err := do(names)
	if err == nil || len(names) < 2 || !again(err) {
		return err
	}
	half := len(names) / 2
	err = halved(names[:half], do, again)
	if err != nil && hopeless(err) {
		return err
	}
	return errors.Join(err, halved(names[half:], do, again))
}

// hopeless reports whether an error is about the store or the request as a whole,
// so that trying with something else is of no use.
func hopeless(err error) bool {
	return errors.Is(err, state.ErrUnavailable) || errors.Is(err, state.ErrNewer) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
