package state

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// AdvisoryState is how far a version of an advisory has come.
type AdvisoryState string

// The states.
const (
	AdvisoryDraft      AdvisoryState = "draft"
	AdvisoryReview     AdvisoryState = "in review" // a second person is asked about its exact text
	AdvisoryPublished  AdvisoryState = "published"
	AdvisorySuperseded AdvisoryState = "superseded"
	AdvisoryWithdrawn  AdvisoryState = "withdrawn"
)

// Advisory is a numbered document with versions and many copies. It outlives its incident.
type Advisory struct {
	Number   int    `json:"number"`
	Incident string `json:"incident"`
	Drill    bool   `json:"drill,omitempty"` // of an exercise: it stays with the places of the incident
	// Draft is the version that is being written; nil: none. Review is the hash of
	// the exact text about which a second person is asked.
	Draft  *AdvisoryText `json:"draft,omitempty"`
	Review string        `json:"review,omitempty"`
	// Live is the version in force.
	Live *AdvisoryText `json:"live,omitempty"`
	// Past are the published versions, oldest first; the last one is Live.
	Past      []AdvisoryVersion `json:"past,omitempty"`
	Withdrawn *Withdrawal       `json:"withdrawn,omitempty"`
	// Places are those that have a copy, or were to get one.
	Places []Place `json:"places,omitempty"`
	// Sent is the letter by which the copies became, or are to become, what they should be.
	Sent string `json:"sent,omitempty"`
	// Readers are whom parts marked TLP:RED are shown to, each alone.
	Readers []PersonID `json:"readers,omitempty"`
	// Origin is the community that handed it in; nil: it is our own.
	Origin *AdvisoryOrigin `json:"origin,omitempty"`
	// Sightings counts accepted reports that it was seen elsewhere.
	Sightings int `json:"sightings,omitempty"`
}

// AdvisoryVersion is what is kept of a published version beside the audit record.
type AdvisoryVersion struct {
	Version int       `json:"version"`
	Title   string    `json:"title"`
	TLP     TLP       `json:"tlp"`
	Hash    string    `json:"hash"`
	Changed string    `json:"changed,omitempty"`
	By      PersonID  `json:"by"`
	Second  PersonID  `json:"second,omitempty"`
	At      time.Time `json:"at"`
}

// Withdrawal is that an advisory is no longer to be followed.
type Withdrawal struct {
	Reason string    `json:"reason"`
	TLP    TLP       `json:"tlp"` // of the reason
	By     PersonID  `json:"by"`
	At     time.Time `json:"at"`
}

// AdvisoryOrigin says who handed an advisory in. It goes no further than they said.
type AdvisoryOrigin struct {
	Community string `json:"community"`
	Name      string `json:"name"`
	Report    string `json:"report"`
	TLP       TLP    `json:"tlp"`
}

// AdvisoryText is one version of an advisory, whole: what two persons decide on.
type AdvisoryText struct {
	Version int    `json:"version"`
	Title   string `json:"title"`
	// TLP is the widest audience of any part; the title and the number have it.
	TLP     TLP         `json:"tlp"`
	Summary []Paragraph `json:"summary,omitempty"`
	// Marks narrow the parts that are lists: PartProducts and so on.
	Marks map[string]TLP `json:"marks,omitempty"`
	// What follows is taken from the playbook, never typed.
	Playbook   string            `json:"playbook"`
	Revision   int               `json:"revision"`
	CVEs       []string          `json:"cves,omitempty"`
	Products   []AdvisoryProduct `json:"products,omitempty"`
	Actions    []string          `json:"actions,omitempty"` // in the order of work
	Indicators []Indicator       `json:"indicators,omitempty"`
	Sources    []AdvisorySource  `json:"sources,omitempty"`
	// Changed is one line on what is different from the version before.
	Changed string `json:"changed,omitempty"`
	Credit  string `json:"credit,omitempty"`

	By PersonID  `json:"by"`
	At time.Time `json:"at"`
}

// The parts of an advisory that are lists.
const (
	PartSummary    = "summary"
	PartProducts   = "products"
	PartActions    = "actions"
	PartIndicators = "indicators"
	PartSources    = "sources"
)

// AdvisoryParts are the parts that can be marked by themselves.
func AdvisoryParts() []string {
	return []string{PartSummary, PartProducts, PartActions, PartIndicators, PartSources}
}

// Paragraph is prose with the marking that it was born with.
type Paragraph struct {
	Text string `json:"text"`
	TLP  TLP    `json:"tlp"`
	Why  string `json:"why,omitempty"` // why it is marked narrower than was asked for
}

// AdvisoryProduct is an affected product with its fix lines.
type AdvisoryProduct struct {
	Name     string           `json:"name"`
	Note     string           `json:"note,omitempty"`
	Branches []AdvisoryBranch `json:"branches,omitempty"`
}

// AdvisoryBranch is a range of builds and the first fixed one in it.
type AdvisoryBranch struct {
	From     string `json:"from"`
	Below    string `json:"below"`
	Fixed    string `json:"fixed,omitempty"` // "": no fix exists
	KB       string `json:"kb,omitempty"`
	Released string `json:"released,omitempty"`
}

// Indicator is something that an attacker leaves behind, as it is, not defanged.
type Indicator struct {
	Type   string `json:"type"`
	Value  string `json:"value"`
	Role   string `json:"role,omitempty"`
	Grade  string `json:"grade,omitempty"`
	Source string `json:"source,omitempty"`
	Seen   string `json:"seen,omitempty"`
}

// AdvisorySource is where something is from.
type AdvisorySource struct {
	Title string `json:"title"`
	At    string `json:"at"`
}

// Mark is how far a part may go: never further than the advisory as a whole.
func (t AdvisoryText) Mark(part string) TLP {
	if m, ok := t.Marks[part]; ok {
		return min(m, t.TLP) // markings are ordered from the narrowest on
	}
	return t.TLP
}

// Narrow is the marking of a paragraph within its advisory.
func (t AdvisoryText) Narrow(p Paragraph) TLP { return min(p.TLP, t.Mark(PartSummary)) }

// Hash names the exact text: all that somebody would read, and how far each part may go.
func (t AdvisoryText) Hash() string {
	t.By, t.At = "", time.Time{}
	raw, err := json.Marshal(t)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// State is how far the newest version has come.
func (a Advisory) State() AdvisoryState {
	switch {
	case a.Withdrawn != nil:
		return AdvisoryWithdrawn
	case a.Draft != nil && a.Review != "" && a.Review == a.Draft.Hash():
		return AdvisoryReview
	case a.Draft != nil:
		return AdvisoryDraft
	}
	return AdvisoryPublished
}

// Newest is the version that was written last: the draft, or what is in force.
func (a Advisory) Newest() AdvisoryText {
	switch {
	case a.Draft != nil:
		return *a.Draft
	case a.Live != nil:
		return *a.Live
	}
	return AdvisoryText{}
}

// Card is the name under which every copy is shown and edited.
func (a Advisory) Card() string { return AdvisoryCard(a.Number) }

// AdvisoryCard is Card of the advisory with this number.
func AdvisoryCard(number int) string { return fmt.Sprintf("advisory %d", number) }

// Has reports whether a place has a copy, or was to get one.
func (a Advisory) Has(key string) bool {
	return slices.ContainsFunc(a.Places, func(p Place) bool { return p.Key() == key })
}

// Seconded reports whether two persons put the version in force: one alone publishes
// within the organisation.
func (a Advisory) Seconded() bool { return len(a.Past) > 0 && a.Past[len(a.Past)-1].Second != "" }

// Widens reports whether a text reaches an audience that the one before did not:
// as a whole, or with a part that is in both.
func (t AdvisoryText) Widens(before *AdvisoryText) bool {
	if before == nil || t.TLP > before.TLP {
		return true
	}
	for _, part := range AdvisoryParts() {
		if t.Mark(part) > before.Mark(part) {
			return true
		}
	}
	for _, p := range t.Summary {
		if slices.ContainsFunc(before.Summary, func(o Paragraph) bool { return o.Text == p.Text && t.Narrow(p) > before.Narrow(o) }) {
			return true
		}
	}
	return false
}
