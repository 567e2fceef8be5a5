// Package checks is what can be found out about a server from outside: the
// contract of a check, the runner that bounds it and the guarded HTTP client
// that it must use.
//
// Its promise: harmless by construction. Only GET and HEAD, only to servers of
// the inventory, within a budget of requests, bytes and time, never a path that
// looks like the attack. A check never decides a status; it produces evidence
// and says why it could not.
//
// Two decisions would surprise. The client is a small one of its own, over
// net/http's parser: net/http's transport shares connections and time-outs
// between servers, and loses answers now and then; here each server has its own
// connection, bounds and bytes. And it accepts any certificate and TLS 1.0: old
// servers with certificates of their own are exactly those in danger. What it
// accepted is recorded with the answer.
package checks

import (
	"context"
	"regexp"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Check looks at one server. It must use the client for everything that it asks,
// must return soon after ctx ends, and may be called from many goroutines.
// Whatever goes wrong is part of the result.
type Check interface {
	Look(ctx context.Context, t Target, c *Client) Result
}

// Observer is one harmless request and what its answer can reveal.
type Observer struct {
	ID     string
	Method string // GET or HEAD
	Path   string
	// Read says where in the answer the build is; with a Header it is there.
	Read   Extract
	Header string
	// Pattern has one group: the version as the server writes it. Stamps and a
	// status have none.
	Pattern *regexp.Regexp
	// Parts says which numbers of the captured version, counted from 0, make the
	// build; nil: all. The header "16.0.0.10417" is the build 16.0.10417: {0, 1, 3}.
	// A part that is left out must be 0, or the value is not understood.
	Parts []int
	// Precision is how many numbers a build of this observer has; a value of
	// another length is not understood. 0: any.
	Precision int
	// Stamps is for ExtractStamp.
	Stamps Stamps
	// Status and Means are for ExtractStatus: what this status is the sign of.
	Status int
	Means  state.Version
	// Caveat is what a reader must know of a build from this observer.
	Caveat string
	// Lookalikes are values by which other software is known that answers alike.
	Lookalikes []Lookalike
}

// Reads is the extractor of the observer.
func (o Observer) Reads() Extract {
	if o.Header != "" {
		return ExtractHeader
	}
	return o.Read
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

// Target is a server of the inventory, as a scan sees it. Targets makes them.
type Target struct {
	Server state.Server
	// Scope is ScopeFarm when what answers may be another server of the farm.
	Scope state.Scope
	// Shared says why, in one line: "a balancer answers (lb01)".
	Shared string
}

// Result is what one look at one server found. Absence of a value means not
// known; Error or Judgement.Reason says why. Its texts hold no control
// characters, whatever the server sent.
type Result struct {
	Server  string
	URL     string
	Scope   state.Scope // farm, when a balancer or shared address answered
	Reached bool        // an HTTP answer came
	// Observed is the build that the judgement is about, the worst of what the observers read.
	Observed  string
	Basis     string // which observer says so
	Judgement state.Judgement
	// Contradiction tells, in one line, of observers that disagree; "" if none.
	Contradiction string
	// Compromised is nil when it could not be looked at; Doubt says why.
	Compromised *bool
	Doubt       string
	Indicators  []Hit // found ones
	Error       string
	// Notes are what a reader must know of how the answers came about.
	Notes    []string
	Took     time.Duration
	Requests int
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

// Summary is a scan in numbers. Looked and NotLooked add up to Targets, the
// three verdicts to Looked. Complete is false when the scan was cancelled or ran
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

// Add counts a result.
func (s *Summary) Add(r Result) {
	s.Looked++
	if r.Reached {
		s.Reached++
	}
	switch r.Judgement.Verdict {
	case state.VerdictVulnerable:
		s.Vulnerable++
	case state.VerdictFixed:
		s.Fixed++
	default:
		s.Unknown++
	}
	if r.Compromised != nil && *r.Compromised {
		s.Compromised++
	}
}
