package discordfake

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Call is one call of the API, as it came and as it was answered.
type Call struct {
	At time.Time
	// Route is "POST /channels/{channel}/messages"; empty when there is none.
	Route  string
	Method string
	Path   string // tokens are taken out
	Body   []byte
	// Status is 0 when the connection was closed without an answer.
	Status, Code int
	Fault        string
	Took         time.Duration
}

func (c Call) String() string {
	s := fmt.Sprintf("%s %s -> %d", c.Method, c.Path, c.Status)
	if c.Code != 0 {
		s += fmt.Sprintf(" (%d)", c.Code)
	}
	if c.Fault != "" {
		s += " [" + c.Fault + "]"
	}
	return s
}

// Ack is a first response to an interaction, or an attempt at one.
type Ack struct {
	Interaction string
	// Type is that of the response: 4 message, 5 deferred, 6 and 7 updates, 8
	// autocomplete, 9 modal.
	Type int
	// Latency is the time since the interaction was sent.
	Latency time.Duration
	// Accepted is false for one that came too late or twice.
	Accepted bool
	// Private: the response is for one person.
	Private bool
}

func (f *Fake) record(req *request, status, code int, fault *Fault) {
	c := Call{
		At: req.at, Method: req.http.Method, Path: req.shownPath(), Body: bytes.Clone(req.raw),
		Status: status, Code: code, Took: time.Since(req.at),
	}
	if req.route != nil {
		c.Route = req.route.String()
	}
	if fault != nil {
		c.Fault = fault.name
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, c)
	f.change()
}

// Calls are all calls of a route, in order; "" is every route.
func (f *Fake) Calls(routeName string) []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	want := parameter.ReplaceAllString(routeName, "{}")
	return slices.DeleteFunc(slices.Clone(f.calls), func(c Call) bool {
		return want != "" && parameter.ReplaceAllString(c.Route, "{}") != want
	})
}

// Acks are the first responses to interactions, in order.
func (f *Fake) Acks() []Ack {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.acks)
}

// Rule is something that a good client keeps to.
type Rule string

// The rules whose breach fails a test.
const (
	Unanswered    Rule = "every interaction is answered within 3 seconds"
	AnsweredTwice Rule = "an interaction is answered once"
	EarlyEdit     Rule = "nothing is edited or followed up before the first response"
	Hasty         Rule = "after a 429 nothing is asked before Retry-After is over"
	Unguarded     Rule = "every message says in allowed_mentions whom it may notify"
	Leaked        Rule = "no token is in a log or in an address"
	Reidentified  Rule = "a session that can be resumed is resumed"
	Flooded       Rule = "a gateway connection takes 120 sends a minute"
	TokenReset    Rule = "a token takes 1000 IDENTIFYs a day"
	Banned        Rule = "an address takes 10,000 invalid calls in ten minutes"
	Forgeable     Rule = "a request with a bad signature is answered with 401"
	FutileNonce   Rule = "a nonce does nothing on a forum post"
)

// Offence is a breach of a rule.
type Offence struct {
	Rule Rule
	Text string
}

func (o Offence) Error() string { return fmt.Sprintf("%s: %s", o.Rule, o.Text) }

// Allow says that a test provokes breaches of some rules.
func (f *Fake) Allow(rules ...Rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range rules {
		f.allowed[r] = true
	}
}

// Offences are the breaches so far, allowed ones too.
func (f *Fake) Offences() []Offence {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire()
	return slices.Clone(f.offences)
}

// offend notes a breach. The lock is held.
func (f *Fake) offend(rule Rule, format string, args ...any) {
	f.offences = append(f.offences, Offence{rule, f.redact(fmt.Sprintf(format, args...))})
	f.change()
}

// standing are the breaches that nobody allowed. The lock is held.
func (f *Fake) standing() []Offence {
	return slices.DeleteFunc(slices.Clone(f.offences), func(o Offence) bool { return f.allowed[o.Rule] })
}

// redact takes the bot's token out of a text.
func (f *Fake) redact(s string) string { return strings.ReplaceAll(s, f.app.Token, "[token]") }

// noteLeaks finds the bot's token in an address.
func (f *Fake) noteLeaks(r *http.Request) {
	if strings.Contains(r.URL.String(), f.app.Token) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.offend(Leaked, "the bot's token is in the address of %s", r.Method)
	}
}

// lastLook finds what can only be seen at the end: interactions without an answer,
// tokens in the logs.
func (f *Fake) lastLook() {
	logs := ""
	if f.opt.Logs != nil {
		logs = f.opt.Logs()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expire()
	for _, i := range f.asked {
		if !i.acked && !i.failed && i.delivered {
			i.failed = true
			f.offend(Unanswered, "%s has no answer at the end %s", i.about(), i.refused)
		}
	}
	if strings.Contains(logs, f.app.Token) {
		f.offend(Leaked, "the bot's token is in the logs")
	}
	for token := range f.interactions {
		if strings.Contains(logs, token) {
			f.offend(Leaked, "the token of an interaction is in the logs")
			break
		}
	}
	for token := range f.hooks {
		if strings.Contains(logs, token) {
			f.offend(Leaked, "the token of a webhook is in the logs")
			break
		}
	}
}
