package state

import "time"

// Row is what lists, cards and digests show of a server: its place in the
// inventory and the outcome of its last assessment.
type Row struct {
	Name           string    `json:"name"`
	Farm           string    `json:"farm"`
	Owner          string    `json:"owner,omitempty"`
	Group          string    `json:"group,omitempty"`
	Exposure       Exposure  `json:"exposure,omitempty"`
	Status         Status    `json:"status"`
	Product        string    `json:"product,omitempty"`
	Verdict        Verdict   `json:"verdict"`
	Basis          string    `json:"basis,omitempty"`
	Reason         string    `json:"reason,omitempty"`
	Next           string    `json:"next,omitempty"`
	Hash           string    `json:"hash,omitempty"`
	Done           int       `json:"done"`  // steps done
	Steps          int       `json:"steps"` // steps asked for
	Claimed        bool      `json:"claimed,omitempty"`
	Contained      bool      `json:"contained,omitempty"`
	Contradictions int       `json:"contradictions,omitempty"`
	Since          time.Time `json:"since"` // of the status
	LastLook       time.Time `json:"lastLook,omitzero"`
	LastReached    time.Time `json:"lastReached,omitzero"`
	// Seen is what looks from outside showed of it; "" in rows of before it was kept.
	Seen  Seen      `json:"seen,omitempty"`
	Added time.Time `json:"added,omitzero"` // to the incident
	// Attacked is when the newest sign of an attacker came to be known.
	Attacked time.Time `json:"attacked,omitzero"`
	// Acted is when a person last did something about it: a claim, evidence from inside, a request.
	Acted     time.Time `json:"acted,omitzero"`
	ClaimedBy PersonID  `json:"claimedBy,omitempty"` // whose claim is the newest
	ClaimedAt time.Time `json:"claimedAt,omitzero"`
	Snooze    Snooze    `json:"snooze,omitzero"`
	Risk      Risk      `json:"risk,omitzero"`
}

// Risk is the accepted risk of a server that ends first. The zero value: none is accepted.
type Risk struct {
	Until  time.Time `json:"until"`
	Reason string    `json:"reason"`
}

// Ending is something about servers that ends by itself, after which they are open
// again or somebody else's.
type Ending string

// What ends by itself.
const (
	EndingRisk  Ending = "risk"
	EndingClaim Ending = "claim"
)

// Endings are all of them.
func Endings() []Ending { return []Ending{EndingRisk, EndingClaim} }

// Ends is when it does; zero: there is nothing that ends.
func (r Row) Ends(e Ending) time.Time {
	switch {
	case e == EndingRisk && r.Status != StatusRetired:
		return r.Risk.Until
	case e == EndingClaim && r.Claimed && !r.Status.Settled() && !r.ClaimedAt.IsZero():
		return r.ClaimedAt.Add(ClaimLife + ClaimGrace)
	}
	return time.Time{}
}

// Flags are the properties of a row that are counted beside its status.
func (r Row) Flags() []string {
	var out []string
	if r.Claimed && !r.Status.Settled() {
		out = append(out, FlagClaimed)
	}
	if r.Contained {
		out = append(out, FlagContained)
	}
	if r.Contradictions > 0 {
		out = append(out, FlagContradicted)
	}
	switch {
	case r.Seen == SeenThrough, r.Seen == SeenNever, r.Seen == SeenSilent:
		out = append(out, string(r.Seen))
	case r.Seen != "": // it answered, is disconnected or retired
	case r.LastLook.IsZero():
		out = append(out, FlagNeverLooked)
	case r.LastReached.Before(r.LastLook):
		out = append(out, FlagNotReached)
	}
	return out
}

// Counted flags.
const (
	FlagClaimed      = "claimed"
	FlagContained    = "disconnected"
	FlagContradicted = "contradicted"
	FlagNeverLooked  = "never looked at"
	FlagNotReached   = "not reached"
	FlagThrough      = "seen through a balancer"
)

// Priority orders servers by what should be done first: worst status, then who
// can reach them. Higher is more urgent; the value fits a float64 exactly.
func (r Row) Priority() int64 {
	p := int64(len(statusNames)-r.Status.Rank()) * 10
	if r.Contained {
		p -= 5
	}
	if r.Exposure != ExposureInternal {
		p += 4
	}
	return p
}

func rowOf(s Server, a ServerAssessment, old Row, now time.Time) Row {
	r := Row{
		Name: s.Name, Farm: s.Farm, Owner: s.Owner, Group: s.Group, Exposure: s.Exposure,
		Status: a.Status, Product: a.Product, Verdict: a.Verdict, Basis: a.Basis, Reason: a.Reason,
		Next: a.Next, Hash: a.Hash, Steps: len(a.Steps), Done: len(a.Steps) - len(a.Missing()),
		Claimed: a.Claimed, Contained: a.Contained, Contradictions: len(a.Contradictions),
		LastLook: a.LastLook, LastReached: a.LastReached, Seen: a.Seen, Since: old.Since,
	}
	if len(a.Signs) > 0 {
		r.Reason = a.Signs[0]
	}
	if old.Name == "" || old.Status != r.Status {
		r.Since = now
	}
	return r
}

// Counts is how many servers are in each status, and how many carry each flag.
type Counts struct {
	Status map[Status]int `json:"status"`
	Flags  map[string]int `json:"flags,omitempty"`
}

// Total is the number of servers that are not retired.
func (c Counts) Total() int {
	n := 0
	for s, k := range c.Status {
		if s != StatusRetired {
			n += k
		}
	}
	return n
}

// Open is the number of servers that stand in the way of clear.
func (c Counts) Open() int {
	n := 0
	for s, k := range c.Status {
		if !s.Settled() {
			n += k
		}
	}
	return n
}

// MayClear reports whether the playbook's rule for all clear holds: there are
// servers, and each is confirmed, excepted or retired. Counts below zero are
// wrong, and could hide an open server in a sum.
func (c Counts) MayClear() bool {
	for _, k := range c.Status {
		if k < 0 {
			return false
		}
	}
	return c.Open() == 0 && c.Status[StatusConfirmed]+c.Status[StatusExcepted] > 0
}

// Tally is the counts of one owner or group.
type Tally struct {
	Name   string
	Counts Counts
}

// Point is the counts at one moment of the past.
type Point struct {
	At     time.Time
	Counts Counts
}
