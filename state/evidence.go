package state

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Scope is what a step or a piece of evidence is about.
type Scope uint8

// The scopes. The zero value is a server.
const (
	ScopeServer Scope = iota
	ScopeFarm
	ScopeItem
)

var scopeNames = []string{"server", "farm", "item"}

func (s Scope) String() string { return nameOf(scopeNames, int(s)) }

// MarshalText makes a scope its word in JSON.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *Scope) UnmarshalText(b []byte) error {
	i, err := indexOf(scopeNames, "scope", string(b))
	*s = Scope(i)
	return err
}

// Subject names a server, an item or, when both are empty, the farm itself.
type Subject struct {
	Server string `json:"server,omitempty"`
	Item   string `json:"item,omitempty"`
}

// Scope tells which of the three the subject is.
func (s Subject) Scope() Scope {
	switch {
	case s.Server != "":
		return ScopeServer
	case s.Item != "":
		return ScopeItem
	}
	return ScopeFarm
}

func (s Subject) String() string {
	switch s.Scope() {
	case ScopeServer:
		return s.Server
	case ScopeItem:
		return s.Item
	default:
		return "farm"
	}
}

// Kind names what evidence is about ("build", "psconfig", "rotation"). Playbooks
// use kinds in their proofs; the ones below have a meaning of their own.
type Kind string

// Kinds that the rules themselves know.
const (
	// KindBuild is a build read from outside; its value is a Version.
	KindBuild Kind = "build"
	// KindItems lists the items of the farm, one a line; farm scope.
	KindItems Kind = "items"
	// KindReach says whether a look reached the server: "answered" or "no". It proves nothing.
	KindReach Kind = "reach"
	// KindContained says whether the server is disconnected: "yes" or "no".
	KindContained Kind = "contained"
	// KindEviction is a dated event: the attacker was evicted, or the server rebuilt.
	// It counts when its value is one that the playbook accepts, else EvictionEvicted or EvictionRebuilt.
	KindEviction Kind = "eviction"
	// KindStale is a second person's note that an outside build (its value) is stale.
	KindStale Kind = "stale"
	// KindHunt is a sweep for signs: "clean" or "hit", with the window it covered.
	KindHunt Kind = "hunt"
	// KindIndicator is an indicator path asked for: "found", "absent" or "unclear". Tool is its id.
	KindIndicator Kind = "indicator"
	// KindReported is what an outside tool says of a server, in the values that begin
	// with Reported. Tool names the tool and its rule.
	KindReported Kind = "reported"
)

// Values of KindEviction, for playbooks that do not list their own.
const (
	EvictionEvicted = "evicted"
	EvictionRebuilt = "rebuilt"
)

// Source is where evidence comes from, in order of trust.
type Source uint8

// The sources. Probe and Import look from outside; the others from inside. The
// zero value is trusted least.
const (
	SourceProbe Source = iota
	SourceImport
	SourceAttestation
	SourceCollector
	SourceHunt
)

var sourceNames = []string{"probe", "import", "attestation", "collector", "hunt"}

func (s Source) String() string { return nameOf(sourceNames, int(s)) }

// Inside reports whether the source saw the server from inside.
func (s Source) Inside() bool { return s >= SourceAttestation }

// MarshalText makes a source its word in JSON.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *Source) UnmarshalText(b []byte) error {
	i, err := indexOf(sourceNames, "source", string(b))
	*s = Source(i)
	return err
}

// Evidence is one immutable observation.
type Evidence struct {
	ID      string  `json:"id"`
	Subject Subject `json:"subject"`
	Kind    Kind    `json:"kind"`
	Value   string  `json:"value"` // canonical; hostile when the source is outside
	Source  Source  `json:"source"`
	// Tool names the observer, collector or rule, with its version where it has one.
	Tool string `json:"tool,omitempty"`
	// At is when the event itself happened, for dated kinds.
	At time.Time `json:"at,omitzero"`
	// From and To are what a hunt covered.
	From     time.Time `json:"from,omitzero"`
	To       time.Time `json:"to,omitzero"`
	Observed time.Time `json:"observed"`
	Recorded time.Time `json:"recorded"`
	By       PersonID  `json:"by,omitempty"`
	// Second is who seconded an attestation.
	Second    PersonID `json:"second,omitempty"`
	Reference string   `json:"reference,omitempty"` // ticket or change number
	Digest    string   `json:"digest,omitempty"`    // SHA-256 of the raw input, hex
	Detail    string   `json:"detail,omitempty"`    // a short excerpt for people; hostile
}

// NewID derives the identity of evidence from all its content but the ID and
// the time of recording: the same observation told twice is one.
func (e Evidence) NewID() string {
	e.ID, e.Recorded = "", time.Time{}
	b, err := json.Marshal(e)
	if err != nil { // a year that JSON cannot write: no two of them may become one
		b = fmt.Appendf(nil, "%q", fmt.Sprintf("%#v", e))
	}
	sum := sha256.Sum256(b)
	return "e" + hex.EncodeToString(sum[:8])
}
