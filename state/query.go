package state

import "time"

// Outcome is what a change came to.
type Outcome struct {
	// Already says that this request had made this change before; nothing was written now.
	Already bool
	Seq     int64 // of its audit entry; 0 when nothing was written
	Changes []Transition
}

// Filter chooses servers; empty fields do not choose. At most one of Owner,
// Group and Farm is set.
type Filter struct {
	Status *Status
	Owner  string
	Group  string
	Farm   string
}

// IncidentHead is an incident in a list.
type IncidentHead struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Playbook string    `json:"playbook"`
	Opened   time.Time `json:"opened"`
	Clear    bool      `json:"clear,omitempty"`
	Closed   time.Time `json:"closed,omitzero"`
}

// Stretch is the time over which a Pace counts.
const Stretch = 15 * time.Minute

// Pace is how many servers of a group ceased to be open in a Stretch, less those
// that opened again. Group is "" for servers without one.
type Pace struct {
	From  time.Time
	Group string
	Done  int
}

// ProposalRef is a proposal in the list of those that wait for a second person.
type ProposalRef struct {
	ID      string       `json:"id"`
	Kind    ProposalKind `json:"kind"`
	Farm    string       `json:"farm,omitempty"` // empty: about the incident
	Server  string       `json:"server,omitempty"`
	By      PersonID     `json:"by"`
	At      time.Time    `json:"at"`
	Expires time.Time    `json:"expires"`
}

// Scan is one scan of an incident, running or ended.
type Scan struct {
	ID        string    `json:"id"`
	Incident  string    `json:"incident"`
	Selection string    `json:"selection"` // "all", "group emea", "server sp-01"
	By        PersonID  `json:"by"`
	Started   time.Time `json:"started"`
	Ended     time.Time `json:"ended,omitzero"`
	Complete  bool      `json:"complete,omitempty"`
	Total     int       `json:"total"`
	Looked    int       `json:"looked"`
	Reached   int       `json:"reached"`
	// Changes are the status changes that it caused.
	Changes []Transition `json:"changes,omitempty"`
	// Unreached are servers that did not answer; at most 50 are kept, NotReached counts all.
	Unreached  []string `json:"unreached,omitempty"`
	NotReached int      `json:"notReached,omitempty"`
	Note       string   `json:"note,omitempty"`
}

// Fate is what became of a letter. All false and zero: nothing is known of it any more.
type Fate struct {
	Letter    string
	Delivered time.Time
	Waiting   bool
	Dead      bool
	Why       string // why it waits or was given up
}
