package chat

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// KindAnswer is the kind of the notice that carries the answer to a request.
const KindAnswer state.NoticeKind = "answer"

// AnswerKey is the key of the notice that carries the answer to a request.
func AnswerKey(requestID string) string { return "answer " + requestID }

// Reference is the short name of a request or of a letter: in an answer, and in
// the log. It tells nothing of what it names.
func Reference(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base32.StdEncoding.EncodeToString(sum[:])[:8]
}

// Poster is how messages reach a platform. Its methods may be called by several
// goroutines, end when the context does, and classify what went wrong: RetryAfter,
// Refused and Permanent say that nothing was posted, any other error means that it is
// not known whether the message arrived.
//
// The message was already reduced to what the place may see. The key names the
// message for ever: whoever posts it again after a crash uses the same key.
type Poster interface {
	// Post shows a message and returns the platform's name for it.
	Post(ctx context.Context, place state.Place, m Message, key string) (messageID string, err error)
	// Edit replaces a message. Permanent: it is gone, or can be edited no more.
	Edit(ctx context.Context, place state.Place, messageID string, m Message, key string) error
	// Find looks for a message that was posted with this key, ErrCannotLook when
	// the platform has no way to look there.
	Find(ctx context.Context, place state.Place, key string) (messageID string, found bool, err error)
}

// Pinner is a Poster that can keep a message at the top of its place. To pin a
// message again is no error.
type Pinner interface {
	Pin(ctx context.Context, place state.Place, messageID string) error
}

// Ceiler is a Poster that knows who is in a place now. The ceiling of a message is
// that of its place, or this one when it lets less through.
type Ceiler interface {
	Ceiling(ctx context.Context, place state.Place) (state.TLP, error)
}

// ErrCannotLook says that messages of this place cannot be looked up.
var ErrCannotLook = errors.New("messages of this place cannot be looked up")

// RetryAfter says that nothing was posted, for we ask too often.
type RetryAfter struct {
	After time.Duration
	Err   error // what the platform said; may be nil
}

func (r *RetryAfter) Error() string {
	if r.Err == nil {
		return fmt.Sprintf("asked too often, again in %s", r.After)
	}
	return fmt.Sprintf("asked too often, again in %s: %v", r.After, r.Err)
}

// Unwrap returns what the platform said.
func (r *RetryAfter) Unwrap() error { return r.Err }

// Refused says that nothing was posted for a reason that somebody may repair, like a
// right that is missing.
type Refused struct{ Err error }

func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap returns what the platform said.
func (r *Refused) Unwrap() error { return r.Err }

// Permanent says that nothing was posted, and that trying again is of no use.
type Permanent struct{ Err error }

func (p *Permanent) Error() string { return p.Err.Error() }

// Unwrap returns what the platform said.
func (p *Permanent) Unwrap() error { return p.Err }
