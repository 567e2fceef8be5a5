package state

import (
	"fmt"
	"time"
)

// NoticeKind says what a notice is about.
type NoticeKind string

// The kinds of notices that changes cause by themselves. Commands add their own.
const (
	NoticeRegressed   NoticeKind = "regressed"   // was fixed or better, is vulnerable
	NoticeReopened    NoticeKind = "reopened"    // was confirmed or excepted, is not
	NoticeCompromised NoticeKind = "compromised" // first sign of an attacker
	NoticeRevised     NoticeKind = "revised"     // a revision of the playbook changed servers of an owner
	NoticeRevoked     NoticeKind = "revoked"     // the declaration of clear is revoked
	NoticeChanged     NoticeKind = "changed"     // the status of servers changed; said in their thread only, to nobody in particular
	NoticeThread      NoticeKind = "thread"      // the message at the head of a thread
)

// Notice is that something must be said. It is stored with the change that
// caused it and rendered when it is delivered, so that it says what is true then.
type Notice struct {
	// Key is unique to the cause: the same cause never makes a second notice.
	Key      string            `json:"key"`
	Kind     NoticeKind        `json:"kind"`
	Incident string            `json:"incident,omitempty"`
	Servers  []string          `json:"servers,omitempty"`
	Owner    string            `json:"owner,omitempty"`
	Group    string            `json:"group,omitempty"`
	Facts    map[string]string `json:"facts,omitempty"` // what was true at the moment of the cause
	// Payload is a finished document, for answers that cannot be made again.
	Payload []byte    `json:"payload,omitempty"`
	At      time.Time `json:"at"`
	// Coalesce joins notices of one place into one message when they wait together.
	Coalesce string `json:"coalesce,omitempty"`
	// Except is the key of the place that hears it another way: as an answer.
	Except string `json:"except,omitempty"`
	// Only is the key of the one place that hears it; "": all do.
	Only string `json:"only,omitempty"`
	// Term is how often Only had been unbound when this was addressed to it: what waits
	// there is for others when it is unbound, also when it is bound again.
	Term int `json:"term,omitempty"`
	// NotBefore holds it back: in quiet hours, until they end.
	NotBefore time.Time `json:"notBefore,omitzero"`
	// Card makes later notices of the same card edit one message instead of posting.
	Card string `json:"card,omitempty"`
	// Pin keeps the message at the top of its place.
	Pin bool `json:"pin,omitempty"`
	// Thread is the card of the message under which this is said, where places have threads.
	Thread string `json:"thread,omitempty"`
	// Changes are what NoticeChanged tells, at most MaxTold; More counts the others.
	Changes []Transition `json:"changes,omitempty"`
	More    int          `json:"more,omitempty"`
}

// MaxTold is how many changes one notice lists.
const MaxTold = 20

// CoalesceWindow is how long notices that may be joined wait for each other.
const CoalesceWindow = 10 * time.Second

// Letter is one notice for one place: a row of the outbox.
type Letter struct {
	ID      string    `json:"id"` // Notice.Key and the place
	Notice  Notice    `json:"notice"`
	Place   Place     `json:"place"`
	Due     time.Time `json:"due"`
	Tries   int       `json:"tries,omitempty"`
	Held    string    `json:"held,omitempty"` // why it waits, for people
	Created time.Time `json:"created"`
}

// Lane names what letters wait for each other in: those of a place go out in their
// order. A card that stands for itself holds nobody up and waits for nobody; what
// is said quietly in a thread comes behind the head of its thread.
func (l Letter) Lane() string {
	switch n := l.Notice; {
	case n.Kind == NoticeChanged:
		return l.Place.Key() + " " + n.Thread
	case n.Card != "" && n.Payload == nil:
		return l.Place.Key() + " " + n.Card
	}
	return l.Place.Key()
}

// Quiet reports whether a notice is said in a thread or not at all.
func (n Notice) Quiet() bool { return n.Kind == NoticeChanged || n.Kind == NoticeThread }

// Address makes the letters of a notice, one for each place. Those that may be
// joined are due together, at the end of their window. What is quiet goes only
// where there are threads.
func (n Notice) Address(places []Place) []Letter {
	due := n.At
	if n.Coalesce != "" && n.Card == "" && n.Payload == nil {
		due = n.At.Truncate(CoalesceWindow).Add(CoalesceWindow)
	}
	if n.NotBefore.After(due) {
		due = n.NotBefore
	}
	var out []Letter
	for _, p := range places {
		if p.Key() != n.Except && (n.Only == "" || p.Key() == n.Only) && (p.Threads || !n.Quiet()) {
			out = append(out, Letter{ID: n.id(p), Notice: n, Place: p, Due: due, Created: n.At})
		}
	}
	return out
}

// id names the letter of a notice for a place.
func (n Notice) id(p Place) string {
	if n.Term > 0 {
		return fmt.Sprintf("%s @ %s term %d", n.Key, p.Key(), n.Term)
	}
	return n.Key + " @ " + p.Key()
}

// To addresses a notice to one place of an incident alone, by its key.
func (n Notice) To(i Incident, key string) Notice {
	n.Only, n.Term = key, i.Left[key]
	return n
}

// Heard reports whether a notice is for a place of its incident as it has its places now.
func (n Notice) Heard(i Incident, key string) bool {
	return n.Only == "" || n.Term == i.Left[key]
}

// Transition is that a server's status changed.
type Transition struct {
	Server string `json:"server"`
	Owner  string `json:"owner,omitempty"`
	Group  string `json:"group,omitempty"`
	From   Status `json:"from"`
	To     Status `json:"to"`
	Why    string `json:"why,omitempty"`
	New    bool   `json:"new,omitempty"` // the server is new to the incident
	// Revision is that of the playbook when the server was assessed by it for the first time.
	Revision int `json:"revision,omitempty"`
}
