package state

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Bearing is that sources say something that bears on an open incident: a proposed
// advisory update and, when a fix line moved, a proposed playbook revision. A lead
// accepts it or not.
type Bearing struct {
	ID       string    `json:"id"` // "F3"
	Key      string    `json:"key"`
	Incident string    `json:"incident"`
	Source   string    `json:"source"` // "kev", "cve CVE-2025-53770"
	At       time.Time `json:"at"`
	TLP      TLP       `json:"tlp"` // of what the source says
	Lines    []string  `json:"lines"`
	Facts    []Fact    `json:"facts,omitempty"` // what the lines say, to know it again
	// Moved are the fix lines that the source puts higher; none: no revision is proposed.
	// Playbook is the proposed one, told by its differences to revision Base.
	Moved    []MovedLine `json:"moved,omitempty"`
	Playbook string      `json:"playbook,omitempty"`
	Base     int         `json:"base,omitempty"`
	Diff     []string    `json:"diff,omitempty"` // what the revision would change
	Decided  string      `json:"decided,omitempty"`
	By       PersonID    `json:"by,omitempty"`
	Closed   time.Time   `json:"closed,omitzero"`
}

// Hash names the proposed revision and what it was put on; "" when none is proposed. Who
// accepts it says which one they were shown.
func (b Bearing) Hash() string {
	if b.Playbook == "" {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", b.Base, b.Playbook))
	return hex.EncodeToString(sum[:8])
}

// Fact is one thing that a source says, by which it is known again whatever else changes.
type Fact struct {
	Of   string `json:"of"`   // "CVE-2025-53770 cve fix line of SharePoint Server 2019"
	Says string `json:"says"` // the content, or its hash
}

// MovedLine is a fix line that a source puts higher than the rules in force.
type MovedLine struct {
	Product string  `json:"product"`
	Old     Version `json:"old"`
	New     Version `json:"new"`
}

// MaxBearings is how many are remembered: of those that are decided the newest, and all
// that wait.
const MaxBearings = 1000

// Bear notes what a source says, once, and tells the places of the incident.
func (tx *Tx) Bear(b Bearing) (Bearing, bool, error) {
	d, err := tx.onDesk()
	if err != nil {
		return b, false, err
	}
	if err := tx.open(); err != nil {
		return b, false, err
	}
	for _, id := range d.Head.Bearings {
		if key, ok := strings.CutPrefix(id, b.Key+" "); ok {
			return d.Bearings[key], false, nil
		}
	}
	kept, gone := forget(d.Head.Bearings, MaxBearings, func(e string) bool {
		_, id, _ := strings.Cut(e, " ")
		return slices.Contains(d.Head.BearingsWaiting, id)
	})
	if len(kept) >= MaxBearings {
		return b, false, refuse(fmt.Sprintf("%d proposals wait for a decision, the most there may be; nothing more is proposed until some are decided.", len(d.Head.BearingsWaiting)), "See: feeds list")
	}
	for _, e := range gone {
		_, id, _ := strings.Cut(e, " ")
		delete(d.Bearings, id)
		note(&d.changed.Bearings, id)
	}
	d.Head.LastBearing++
	b.ID, b.At, b.Incident = fmt.Sprintf("F%d", d.Head.LastBearing), tx.Work.At, tx.Incident.ID
	d.Head.Bearings = append(kept, b.Key+" "+b.ID)
	d.Head.BearingsWaiting = append(slices.Clone(d.Head.BearingsWaiting), b.ID)
	d.changed.Head = true
	d.putBearing(b)
	tx.event("bearing", "", "", b)
	tx.tellBearing(b)
	return b, true, nil
}

// tellBearing tells those places of the incident that see what is internal, once for each
// revision that it proposes.
func (tx *Tx) tellBearing(b Bearing) {
	card := "bearing " + b.ID
	n := Notice{
		Key: strings.Join([]string{card, b.Decided, b.Hash()}, " "), Kind: NoticeBearing, Incident: tx.Incident.ID, At: tx.Work.At, Card: card, Coalesce: card,
		Facts: map[string]string{"bearing": b.ID},
	}
	for _, p := range tx.Incident.Places {
		if p.Sees(TLPAmberStrict) {
			tx.letters = append(tx.letters, n.Address([]Place{p})...)
		}
	}
}

// DecideBearing accepts or rejects what a source says.
func (tx *Tx) DecideBearing(id, decided string) (Bearing, error) {
	d, err := tx.onDesk()
	if err != nil {
		return Bearing{}, err
	}
	b, ok := d.Bearings[id]
	switch {
	case !ok:
		return b, refuse(fmt.Sprintf("No source said anything that is called %.20q.", id), "See: feeds list")
	case b.Decided != "":
		return b, refuse(fmt.Sprintf("%s was %s %s UTC.", id, b.Decided, stamp(b.Closed)), "")
	}
	b.Decided, b.By, b.Closed = decided, tx.Work.By, tx.Work.At
	d.Head.BearingsWaiting = without(d.Head.BearingsWaiting, id)
	d.changed.Head = true
	d.putBearing(b)
	tx.event("bearing "+decided, "", "", map[string]string{"bearing": id})
	tx.tellBearing(b)
	return b, nil
}

// Rebase puts a proposal that waits on top of the revision that is in force by now, and
// tells the places of the incident.
func (tx *Tx) Rebase(id string, base int, playbook string, diff []string) (Bearing, error) {
	d, err := tx.onDesk()
	if err != nil {
		return Bearing{}, err
	}
	b, ok := d.Bearings[id]
	switch {
	case !ok || b.Decided != "":
		return b, refuse(fmt.Sprintf("%.20q does not wait for a decision.", id), "See: feeds list")
	case base != tx.Incident.Rules.Revision:
		return b, refuse(fmt.Sprintf("Revision %d is in force by now.", tx.Incident.Rules.Revision), "Try again.")
	}
	b.Base, b.Playbook, b.Diff = base, playbook, diff
	d.putBearing(b)
	tx.event("bearing rebased", "", "", map[string]any{"bearing": id, "base": base})
	tx.tellBearing(b)
	return b, nil
}
