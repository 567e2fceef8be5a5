package state

import "time"

// Incident is one emergency being worked.
type Incident struct {
	ID     string  `json:"id"` // short and typed by people: "toolshell-1"
	Title  string  `json:"title"`
	Rules  Rules   `json:"rules"` // the playbook at the revision in force
	Places []Place `json:"places,omitempty"`
	// GroupPlaces are the keys of the places in which groups are reminded, by group.
	GroupPlaces map[string]string `json:"groupPlaces,omitempty"`
	// Left is how often places were unbound, by their keys.
	Left     map[string]int `json:"left,omitempty"`
	Cadence  time.Duration  `json:"cadence"` // between reminders
	Opened   time.Time      `json:"opened"`
	OpenedBy PersonID       `json:"openedBy"`
	Drill    bool           `json:"drill,omitempty"`
	// Zone is the time zone of its digests, quiet hours and dates, by its IANA name; "" is UTC.
	Zone string `json:"zone,omitempty"`
	// Due is by when it is to be done; zero: by the date of the playbook, if there is one.
	Due time.Time `json:"due,omitzero"`
	// Phase is the phase of the deadline that was told last.
	Phase Phase `json:"phase,omitempty"`
	// Jobs is its schedule.
	Jobs []Scheduled `json:"jobs,omitempty"`
	// Clear is the declaration in force; nil: not declared clear.
	Clear *Declaration `json:"clear,omitempty"`
	// Revised tells when each newer revision of the playbook was put in force.
	Revised []Revision `json:"revised,omitempty"`
	// ByGroup: threads are of owner groups, for there are more than MaxThreads servers.
	ByGroup bool `json:"byGroup,omitempty"`
	// Servers counts those that were ever put in, until ByGroup.
	Servers int `json:"servers,omitempty"`
	// Closed ends the incident; nothing can be changed after it.
	Closed   time.Time `json:"closed,omitzero"`
	ClosedBy PersonID  `json:"closedBy,omitempty"`
	// Proposals that wait for a second person about the incident as a whole.
	Proposals []Proposal `json:"proposals,omitempty"`
	// Told is what the digest of the schedule said last, by the keys of places.
	Told map[string]Told `json:"told,omitempty"`
	Rev  int64           `json:"rev"`
}

// Exposure says who can reach a server. The zero value is not known.
type Exposure uint8

// The exposures. For the order of work, unknown counts as reachable from the internet.
const (
	ExposureUnknown Exposure = iota
	ExposureInternet
	ExposureInternal
)

var exposureNames = []string{"unknown", "internet", "internal"}

func (e Exposure) String() string { return nameOf(exposureNames, int(e)) }

// MarshalText makes an exposure its word in JSON.
func (e Exposure) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads the word.
func (e *Exposure) UnmarshalText(b []byte) error {
	i, err := indexOf(exposureNames, "exposure", string(b))
	*e = Exposure(i)
	return err
}

// Server is what is remediated. Its name is unique in the incident.
type Server struct {
	Name string `json:"name"`
	URL  string `json:"url,omitempty"` // empty: it serves nothing that can be asked
	// Addresses, when given, are the only ones that may be dialled for it.
	Addresses []string `json:"addresses,omitempty"`
	// Via names the balancer or shared address that answers for the URL: what it
	// answers is about the farm, never about this server.
	Via      string   `json:"via,omitempty"`
	Farm     string   `json:"farm"` // its own name when it has no farm
	Owner    string   `json:"owner,omitempty"`
	Group    string   `json:"group,omitempty"`
	Exposure Exposure `json:"exposure,omitempty"`
	// Tags are the columns of the inventory that allclear does not know.
	Tags    map[string]string `json:"tags,omitempty"`
	Added   time.Time         `json:"added"`
	Retired *Retirement       `json:"retired,omitempty"`
}

// Retirement takes a server out of the incident: decommissioned, by two persons.
type Retirement struct {
	Reason string    `json:"reason"`
	By     PersonID  `json:"by"`
	Second PersonID  `json:"second"`
	At     time.Time `json:"at"`
}

// Claim is somebody's word that a step (or, with no step, the server) is done.
// It is shown, and never counts as proof.
type Claim struct {
	Server string    `json:"server"`
	Step   string    `json:"step,omitempty"`
	By     PersonID  `json:"by"`
	At     time.Time `json:"at"`
	Note   string    `json:"note,omitempty"`
	// Asked is when its holder was asked whether it still stands.
	Asked time.Time `json:"asked,omitzero"`
}

// Exception is a risk that somebody accepts for a while. It ends by itself.
type Exception struct {
	ID      string    `json:"id"`
	Server  string    `json:"server"`
	Steps   []string  `json:"steps,omitempty"` // empty: all that are missing, but never a compromise
	Reason  string    `json:"reason"`
	By      PersonID  `json:"by"`
	Second  PersonID  `json:"second"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`
}

// Confirmation says that two persons accepted the deciding facts of a server.
// It holds while their hash does.
type Confirmation struct {
	Server string    `json:"server"`
	Hash   string    `json:"hash"`
	By     PersonID  `json:"by"`
	Second PersonID  `json:"second"`
	At     time.Time `json:"at"`
}

// Declaration says that two persons declared the incident clear on a board.
type Declaration struct {
	Hash       string    `json:"hash"`
	By         PersonID  `json:"by"`
	Second     PersonID  `json:"second"`
	At         time.Time `json:"at"`
	Confirmed  int       `json:"confirmed"`
	Exceptions int       `json:"exceptions"`
	Retired    int       `json:"retired"`
}

// ProposalKind is what a first person asked for.
type ProposalKind string

// What needs a second person.
const (
	ProposeConfirm ProposalKind = "confirm"
	ProposeAttest  ProposalKind = "attest"
	ProposeExcept  ProposalKind = "except"
	ProposeRetire  ProposalKind = "retire"
	ProposeClear   ProposalKind = "clear"
	ProposePublish ProposalKind = "publish"
)

// Proposal waits for a second person. Approving it is refused when what it was
// made on has changed since.
type Proposal struct {
	ID     string       `json:"id"`
	Kind   ProposalKind `json:"kind"`
	Server string       `json:"server,omitempty"`
	By     PersonID     `json:"by"`
	// Via is the platform identity by which the person asked.
	Via     string    `json:"via,omitempty"`
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`
	// Hash is of the deciding facts (confirm) or of the board (clear).
	Hash      string     `json:"hash,omitempty"`
	Reason    string     `json:"reason,omitempty"`
	Evidence  *Evidence  `json:"evidence,omitempty"`
	Exception *Exception `json:"exception,omitempty"`
	// Missing are the steps that were missing when all of them were asked to be
	// excepted: what is missing since was not looked at.
	Missing []string `json:"missing,omitempty"`
	// Advisory is the number of the advisory whose exact text Hash is of (publish).
	Advisory int `json:"advisory,omitempty"`
}

// Farm is what Assess looks at together: servers that share keys and
// configuration, and the decisions about them. A server with no farm is a farm
// of one.
type Farm struct {
	Name          string         `json:"name"`
	Servers       []Server       `json:"servers"`
	Claims        []Claim        `json:"claims,omitempty"`
	Snoozes       []Snooze       `json:"snoozes,omitempty"`
	Exceptions    []Exception    `json:"exceptions,omitempty"`
	Confirmations []Confirmation `json:"confirmations,omitempty"`
	Proposals     []Proposal     `json:"proposals,omitempty"`
	// Tokens let tools hand in evidence about the farm. They decide nothing.
	Tokens []Token `json:"tokens,omitempty"`
}

// Server returns the server with this name.
func (f Farm) Server(name string) (Server, bool) {
	for _, s := range f.Servers {
		if s.Name == name {
			return s, true
		}
	}
	return Server{}, false
}
