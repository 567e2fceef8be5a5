package slackfake

import (
	"fmt"
	"strings"
)

// Kind is a class of complaints, to be allowed where a test provokes it.
type Kind string

// What the fake complains of. Unknown and Malformed fail the test at once, the
// others when the fake closes.
const (
	Unknown     Kind = "unknown method"
	Malformed   Kind = "malformed request"
	Unacked     Kind = "not acknowledged in time"
	StrangeAck  Kind = "acknowledgement of nothing"
	StrangeEdit Kind = "edit of what cannot be edited"
	TooFast     Kind = "called again before Retry-After was over"
	Deprecated  Kind = "deprecated method"
	NoFallback  Kind = "blocks without fallback text"
	TokenInURL  Kind = "token in an address"
	Ignored     Kind = "argument that Slack ignores"
	ViewError   Kind = "answer to a view that Slack cannot use"
	BadBlocks   Kind = "blocks or a view that break Slack's rules"
	Leaked      Kind = "a token was shown to people"
)

// Complaint is something that Slack would have punished, or ignored in silence.
type Complaint struct {
	Kind Kind
	Text string
	told bool
}

func (c Complaint) String() string { return string(c.Kind) + ": " + c.Text }

// Allow says that a test provokes complaints of these kinds.
func (s *Slack) Allow(kinds ...Kind) {
	s.do(func() {
		for _, k := range kinds {
			s.allowed[k] = true
		}
	})
}

// Complaints are all that were not allowed.
func (s *Slack) Complaints() []Complaint {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Complaint
	for _, c := range s.complaints {
		if !s.allowed[c.Kind] {
			out = append(out, c)
		}
	}
	return out
}

func (s *Slack) complain(kind Kind, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.complainLocked(kind, format, args...)
}

func (s *Slack) complainLocked(kind Kind, format string, args ...any) {
	c := Complaint{Kind: kind, Text: s.hush(fmt.Sprintf(format, args...))}
	if loud := kind == Unknown || kind == Malformed; loud && !s.allowed[kind] && s.t != nil && !s.closed {
		c.told = true
		s.t.Errorf("slackfake: %s", c)
	}
	s.complaints = append(s.complaints, c)
	s.wake()
}

// leaks complains when a token is somewhere in what the app says. The lock is held.
func (s *Slack) leaks(where string, v any) {
	switch v := v.(type) {
	case string:
		if s.hush(v) != v {
			s.complainLocked(Leaked, "%s", where)
		}
	case object:
		for _, e := range v {
			s.leaks(where, e)
		}
	case []any:
		for _, e := range v {
			s.leaks(where, e)
		}
	}
}

// hushed is a JSON value without tokens in its texts.
func (s *Slack) hushed(v any) any {
	switch v := v.(type) {
	case string:
		return s.hush(v)
	case object:
		for k, e := range v {
			v[k] = s.hushed(e)
		}
	case []any:
		for i, e := range v {
			v[i] = s.hushed(e)
		}
	}
	return v
}

// hush takes the tokens out of a text.
func (s *Slack) hush(text string) string {
	for secret := range s.tokens {
		text = strings.ReplaceAll(text, secret, "[token]")
	}
	return text
}
