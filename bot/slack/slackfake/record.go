package slackfake

import (
	"slices"
	"time"
)

// Call is a call of the Web API as it was seen. It never holds a token.
type Call struct {
	Method string
	Args   map[string]any
	At     time.Time
	Took   time.Duration
	// Error is why it was refused, empty when it was done. It is "fault" when the
	// test broke it.
	Error    string
	Problems []string // of blocks
	Status   int      // of HTTP, 200 when 0
}

// shown are the arguments without the token.
func (a args) shown() map[string]any {
	out := make(map[string]any, len(a))
	for k, v := range a {
		if k != "token" {
			out[k] = cloneAny(v)
		}
	}
	return out
}

func (s *Slack) finish(rec *Call, began time.Time) {
	s.do(func() {
		rec.Took = s.clock.Now().Sub(began)
		s.hushed(rec.Args)
		s.calls = append(s.calls, rec)
	})
}

// Calls are the finished calls of some methods, or of all.
func (s *Slack) Calls(methods ...string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Call
	for _, c := range s.calls {
		if len(methods) == 0 || slices.Contains(methods, c.Method) {
			out = append(out, *c)
		}
	}
	return out
}
