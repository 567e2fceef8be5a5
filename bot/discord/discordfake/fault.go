package discordfake

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// Fault is something that goes wrong with a call.
type Fault struct {
	name                        string
	answer                      *apiError
	wait                        time.Duration
	dropBefore, dropAfter, hang bool
	garbage                     bool
}

// TooMany answers 429; asking again earlier is an offence.
func TooMany(retryAfter time.Duration) Fault {
	return Fault{name: "429", answer: &apiError{Status: http.StatusTooManyRequests, Message: "You are being rate limited.", After: retryAfter, Scope: "user"}}
}

// TooManyGlobally answers 429 for the whole API.
func TooManyGlobally(retryAfter time.Duration) Fault {
	return Fault{name: "429 global", answer: &apiError{Status: http.StatusTooManyRequests, Message: "You are being rate limited.", After: retryAfter, Scope: "global", Global: true}}
}

// TooManyShared answers 429 for a resource that others use too.
func TooManyShared(retryAfter time.Duration) Fault {
	return Fault{name: "429 shared", answer: &apiError{Status: http.StatusTooManyRequests, Message: "The resource is being rate limited.", After: retryAfter, Scope: "shared"}}
}

// Answer answers with a status and an error code, and does nothing.
func Answer(status, code int, message string) Fault {
	return Fault{name: fmt.Sprint(status), answer: &apiError{Status: status, Code: code, Message: message}}
}

// ServerError answers 500, 502, 503 … and does nothing.
func ServerError(status int) Fault {
	return Answer(status, 0, fmt.Sprintf("%d: %s", status, http.StatusText(status)))
}

// DropBefore closes the connection; the call was not executed.
func DropBefore() Fault { return Fault{name: "dropped before", dropBefore: true} }

// DropAfter executes the call and closes the connection without an answer.
func DropAfter() Fault { return Fault{name: "dropped after", dropAfter: true} }

// Hang never answers; the call was not executed.
func Hang() Fault { return Fault{name: "hung", hang: true} }

// Slow executes the call after a time.
func Slow(wait time.Duration) Fault { return Fault{name: "slow", wait: wait} }

// Garbage executes the call and answers with JSON that breaks off.
func Garbage() Fault { return Fault{name: "garbage", garbage: true} }

// planned is a fault that waits for its calls.
type planned struct {
	route string
	left  int
	fault Fault
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

// NextCalls makes the next n calls of a route go wrong. The route is written as
// "POST /channels/{channel}/messages"; "" is every route.
func (f *Fake) NextCalls(routeName string, n int, fault Fault) error {
	plain := func(s string) string { return parameter.ReplaceAllString(s, "{}") }
	known := func(r *route) bool { return plain(r.String()) == plain(routeName) }
	if routeName != "" && !slices.ContainsFunc(f.routes, known) {
		return fmt.Errorf("there is no route %q", routeName)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &planned{plain(routeName), n, fault})
	return nil
}

// fault takes the fault that waits for a call of the route.
func (f *Fake) fault(r *route) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := parameter.ReplaceAllString(r.String(), "{}")
	for _, p := range f.faults {
		if p.left > 0 && (p.route == "" || p.route == name) {
			p.left--
			return &p.fault
		}
	}
	return nil
}

// before does what comes before the call; true means that it is over then.
func (p *Fault) before(f *Fake, w http.ResponseWriter, r *http.Request) bool {
	if p.wait > 0 {
		t := time.NewTimer(p.wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-f.ended.Done():
		}
	}
	if p.hang {
		select {
		case <-r.Context().Done():
		case <-f.ended.Done():
		}
	}
	if p.dropBefore || p.hang {
		hangUp(w)
		return true
	}
	return false
}
