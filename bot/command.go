package bot

import (
	"context"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Command is one thing that people can ask for.
type Command interface {
	// Spec says all that is known of the command without running it. It is
	// always the same.
	Spec() chat.Spec
	// Run does it and returns the answer. It may be called by several goroutines,
	// ends soon after the context does, and may be run again with the same
	// request after a crash. A *chat.Problem and a *state.Refusal are shown to
	// the person as they are.
	Run(ctx context.Context, call chat.Call) (chat.Message, error)
}

// Limited is a Command that may take longer, or less long, than others.
type Limited interface {
	// TimeLimit is how long one run may take.
	TimeLimit() time.Duration
}

// Desk is the process as platforms see it; the Router is one. Its methods may be
// called by several goroutines and end with their context.
type Desk interface {
	// Handle takes a request; see Router.Handle.
	Handle(ctx context.Context, req chat.Request) (Ack, error)
	// Specs are the commands as they are understood.
	Specs() []chat.Spec
	// Suggest completes an argument that is being typed, with at most
	// MaxSuggestions names; none to those who may not see them.
	Suggest(ctx context.Context, q Question) ([]string, error)
}

// Ack is what can be said about a request at once.
type Ack struct {
	// Message is shown at once, when it has parts. An accepted request has none:
	// its answer comes through the outbox.
	Message chat.Message
	// Private says that only the person who asked may see the answer, from the
	// first response on.
	Private bool
	// Accepted: the request is in the inbox and will be answered.
	Accepted bool
	// Duplicate: it was there already.
	Duplicate bool
	// Reference is in the log with all that concerns the request.
	Reference string
}

// Platform is somewhere people talk to the bot. bottest holds the suite that
// every platform must pass.
type Platform interface {
	chat.Poster
	// Run takes requests to the desk until the context ends, and returns nil then.
	// It returns an error when it can no longer work. It gives back no request
	// that the desk did not accept.
	Run(ctx context.Context, desk Desk) error
}

// Inbox is where requests wait, in a store. Every method ends with its context.
type Inbox interface {
	// Accept writes a request down; fresh is false when its id is known.
	Accept(ctx context.Context, id string, payload []byte, at time.Time) (fresh bool, err error)
	// Lease takes the request that waits longest, or one whose lease expired.
	Lease(ctx context.Context, holder string, now time.Time, ttl time.Duration) (state.Job, bool, error)
	// Renew prolongs a lease; state.ErrLeaseLost when it is somebody else's.
	Renew(ctx context.Context, id, holder string, attempt int, now time.Time, ttl time.Duration) error
	// Finish ends a request and stores the letters in the same step, or answers
	// state.ErrLeaseLost and does nothing.
	Finish(ctx context.Context, id, holder string, attempt int, letters []state.Letter, now time.Time) error
	// Waiting counts the requests that nobody has taken, and says since when the
	// oldest waits.
	Waiting(ctx context.Context) (n int, oldest time.Time, err error)
	// Post stores letters that are not the end of a request, each once.
	Post(ctx context.Context, letters []state.Letter) error
}
