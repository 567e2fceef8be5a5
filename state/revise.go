package state

import (
	"fmt"
	"slices"
	"time"
)

// Revision is that a newer revision of the playbook was put in force.
type Revision struct {
	Revision int       `json:"revision"`
	At       time.Time `json:"at"`
	By       PersonID  `json:"by"`
	// Why is what moved, a line each.
	Why []string `json:"why,omitempty"`
	// After is an entry of the record before which nothing follows from it.
	After int64 `json:"after,omitempty"`
	// Told: every farm was assessed by it, and the owners were told.
	Told time.Time `json:"told,omitzero"`
}

// Revise puts a newer revision of the playbook in force. Every farm is assessed
// anew afterwards; until then it may not be declared clear.
func (tx *Tx) Revise(r Rules) error { return tx.ReviseFor(r, nil, 0) }

// ReviseFor is Revise with what moved, and the last entry of the record before it.
func (tx *Tx) ReviseFor(r Rules, why []string, after int64) error {
	if err := tx.open(); err != nil {
		return err
	}
	old := tx.Incident.Rules
	if r.Playbook != old.Playbook || r.Revision <= old.Revision {
		return refuse(fmt.Sprintf("%s revision %d is not newer than revision %d of %s, which is in force.", r.Playbook, r.Revision, old.Revision, old.Playbook), "")
	}
	tx.Incident.Rules, tx.incident = r, true
	tx.Incident.Revised = append(slices.Clone(tx.Incident.Revised), Revision{Revision: r.Revision, At: tx.Work.At, By: tx.Work.By, Why: why, After: after})
	tx.Incident.Proposals = nil // they were made on another board
	tx.event("playbook revised", "", "", r)
	tx.revoke(fmt.Sprintf("%s revision %d is in force", r.Playbook, r.Revision))
	return nil
}

// TellRevision stores the notices to owners of what the revision in force did, once.
// With more to come it must be called again. It does nothing when all were told, or
// when another revision is in force.
func (tx *Tx) TellRevision(revision int, ns []Notice, more bool) error {
	if err := tx.open(); err != nil {
		return err
	}
	i := len(tx.Incident.Revised) - 1
	if i < 0 || tx.Incident.Revised[i].Revision != revision || !tx.Incident.Revised[i].Told.IsZero() {
		return nil
	}
	for _, n := range ns {
		tx.Notify(n)
	}
	if !more {
		tx.Incident.Revised = slices.Clone(tx.Incident.Revised)
		tx.Incident.Revised[i].Told, tx.incident = tx.Work.At, true
	}
	return nil
}

// told reports whether the owners were told what the revision in force did.
func (i Incident) told() bool {
	n := len(i.Revised)
	return n > 0 && !i.Revised[n-1].Told.IsZero()
}
