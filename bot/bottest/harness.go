package bottest

import (
	"context"
	"testing"
	"time"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/state"
)

// Harness is a platform with the outside world around it. What is nil, or empty,
// does not apply to the platform, and what would test it is skipped aloud.
type Harness struct {
	// Platform is new and does not run.
	Platform bot.Platform
	// Place is where it can post without being asked.
	Place state.Place

	// Type sends a command line from outside, as a person would. It returns when it
	// is sent.
	Type func(t *testing.T, line string)
	// Link is the identity of who types.
	Link string
	// Shown are the messages that people can see, in order, an edited one as it is
	// now.
	Shown func() []Shown
	// Logs are all that the platform and its library logged.
	Logs func() string

	// Acked counts the requests that the outside saw acknowledged.
	Acked func() int
	// AckWithin is how long an acknowledgement may take.
	AckWithin time.Duration
	// Again delivers the last request once more, as a platform that saw no
	// acknowledgement does.
	Again func(t *testing.T)
	// Cut breaks the connection.
	Cut func(t *testing.T)
	// BadCredentials is the same platform with credentials that are refused.
	BadCredentials func(t *testing.T) bot.Platform
	// Token is a secret that the platform was given.
	Token string
	// Refuse makes every call that the platform makes fail.
	Refuse func(t *testing.T)
	// LimitRunes is how long one message may be.
	LimitRunes int
	// Fence begins and ends code in what people see, when it can be broken: "```".
	Fence string
	// Redraws: edited messages change where they are. Otherwise they are shown again.
	Redraws bool
}

// Shown is a message as people see it.
type Shown struct {
	ID string
	// Text is what is read, after the platform made what it makes of markup.
	Text string
	// Private: only one person can see it.
	Private bool
	// Pings are whom the platform notifies, in its own words.
	Pings []string
}

// Make makes a harness for one test. It cleans up after itself.
type Make func(t *testing.T) Harness

// Patience is how long the suite waits for what must come.
const patience = 10 * time.Second

// running is a context that ends with the test, and what happens in it.
func running(t *testing.T, run func(context.Context) error) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	var result error
	stopped := false
	stop = func() error {
		if stopped {
			return result
		}
		stopped = true
		cancel()
		select {
		case result = <-done:
		case <-time.After(patience):
			t.Error("Run does not return when its context ends")
		}
		return result
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}
