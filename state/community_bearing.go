package state

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Bearing is that sources say something that bears on an open incident: a proposed
// advisory update and, when a fix line moved, a proposed playbook revision. A lead
// accepts it or not; the same is never proposed twice.
type Bearing struct {
	ID       string    `json:"id"` // "F3"
	Key      string    `json:"key"`
	Incident string    `json:"incident"`
	Source   string    `json:"source"` // "kev", "cve CVE-2025-53770"
	At       time.Time `json:"at"`
	TLP      TLP       `json:"tlp"` // of what the source says
	Lines    []string  `json:"lines"`
	// Playbook is a revision whose fix lines are what the source says; "": none is needed.
	Playbook string    `json:"playbook,omitempty"`
	Diff     []string  `json:"diff,omitempty"` // what the revision would change
	Decided  string    `json:"decided,omitempty"`
	By       PersonID  `json:"by,omitempty"`
	Closed   time.Time `json:"closed,omitzero"`
}

// MaxBearings is how many are remembered.
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
	d.Head.LastBearing++
	b.ID, b.At, b.Incident = fmt.Sprintf("F%d", d.Head.LastBearing), tx.Work.At, tx.Incident.ID
	d.Head.Bearings = append(slices.Clone(d.Head.Bearings), b.Key+" "+b.ID)
	if over := len(d.Head.Bearings) - MaxBearings; over > 0 {
		for _, e := range d.Head.Bearings[:over] {
			_, id, _ := strings.Cut(e, " ")
			delete(d.Bearings, id)
			note(&d.changed.Bearings, id)
		}
		d.Head.Bearings = d.Head.Bearings[over:]
	}
	d.changed.Head = true
	d.putBearing(b)
	tx.event("bearing", "", "", b)
	tx.tellBearing(b)
	return b, true, nil
}

// tellBearing tells those places of the incident that see what is internal.
func (tx *Tx) tellBearing(b Bearing) {
	card := "bearing " + b.ID
	n := Notice{
		Key: fmt.Sprintf("%s %s", card, b.Decided), Kind: NoticeBearing, Incident: tx.Incident.ID, At: tx.Work.At, Card: card, Coalesce: card,
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
		return b, refuse(fmt.Sprintf("%s was %s %s.", id, b.Decided, stamp(b.Closed)), "")
	}
	b.Decided, b.By, b.Closed = decided, tx.Work.By, tx.Work.At
	d.putBearing(b)
	tx.event("bearing "+decided, "", "", map[string]string{"bearing": id})
	tx.tellBearing(b)
	return b, nil
}
