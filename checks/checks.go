// Package checks is what can be found out about a server from outside: the
// contract of a check, the runner that bounds it and the guarded HTTP client
// that it must use.
//
// Its promise: harmless by construction. Only GET and HEAD, only to servers of
// the inventory, within a budget of requests, bytes and time, never a path that
// looks like the attack. A check never decides a status; it produces evidence
// and says why it could not.
package checks

import (
	"regexp"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Observer is one harmless request and what its answer can reveal.
type Observer struct {
	ID     string
	Method string // GET or HEAD
	Path   string
	// From is where the pattern is looked for: a header's name, or "" for the body.
	Header string
	// Pattern has one group: the version as the server writes it.
	Pattern *regexp.Regexp
	// Parts says which numbers of the captured version, counted from 0, make the
	// build; nil: all. The header "16.0.0.10417" is the build 16.0.10417: {0, 1, 3}.
	Parts []int
	// Caveat is what a reader must know of a build from this observer.
	Caveat string
	// Lookalikes are values by which other software is known that answers alike.
	Lookalikes []Lookalike
}

// Lookalike names other software by the value that it sends.
type Lookalike struct {
	Pattern *regexp.Regexp
	Name    string
}

// Indicator is a path that exists only on a server where an attacker was.
type Indicator struct {
	ID   string
	Path string
	// Grade is how well the fact is sourced, A (best) to D.
	Grade string
}

// Plan is what a scan asks each server.
type Plan struct {
	Rules      state.Rules
	Observers  []Observer
	Indicators []Indicator
}

// Target is a server of the inventory, as a scan sees it.
type Target struct {
	Server state.Server
}

// Result is what one look at one server found. Absence of a value means not
// known; Error or Judgement.Reason says why.
type Result struct {
	Server  string
	URL     string
	Scope   state.Scope // farm, when a balancer or shared address answered
	Reached bool
	// Observed is the build that the judgement is about, the worst of what the observers read.
	Observed  string
	Basis     string // which observer says so
	Judgement state.Judgement
	// Contradiction tells, in one line, of observers that disagree; "" if none.
	Contradiction string
	// Compromised is nil when it could not be looked at.
	Compromised *bool
	Indicators  []Hit // found ones
	Error       string
	Took        time.Duration
	Requests    int
	// Evidence is what the store should remember, without ID, Recorded and By.
	Evidence []state.Evidence
}

// Hit is an indicator that answered, with controls that rule out a server that
// answers everything.
type Hit struct {
	ID     string `json:"id"`
	URL    string `json:"url"`
	Status int    `json:"status"`
}

// Summary is a scan in numbers. Complete is false when it was cancelled or ran
// into its deadline: what it did not look at is unknown.
type Summary struct {
	Targets, Looked, Reached   int
	Vulnerable, Fixed, Unknown int
	Compromised                int
	NotLooked                  int
	Complete                   bool
	Started                    time.Time
	Took                       time.Duration
}
