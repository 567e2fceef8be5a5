package state

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Commit is everything that one change writes, to be applied whole or not at all.
type Commit struct {
	Work     Work
	Incident Incident
	// IncidentChanged says that the incident record must be written. Its Rev is
	// the one that was read; a store checks it in any case, for it guards the rules.
	IncidentChanged bool
	Farms           []FarmCommit
	Entry           AuditEntry // unsealed
	Letters         []Letter
	// Pings is what to remember of reminders, by who got them.
	Pings map[string]PingMemory
	// BoardRev, when not negative, must be the board's revision still.
	BoardRev int64
	// Desk is the desk when it was loaded, and DeskChange what is different in it.
	Desk       *Desk
	DeskChange DeskChange
	// Empty: nothing was changed, and nothing needs to be written.
	Empty bool
}

// FarmCommit is one farm as it is to be written. State.Rev is the one that was read.
type FarmCommit struct {
	State FarmState
	// Before and After are the rows that differ, by server.
	Before, After map[string]Row
	// OldUntil is when it was due before.
	OldUntil time.Time
	// OldRevision is the playbook revision of the assessment before.
	OldRevision int
}

// BoardChanged reports whether something that clear depends on is different.
func (f FarmCommit) BoardChanged() bool {
	for name, after := range f.After {
		before, ok := f.Before[name]
		if !ok || before.Status != after.Status || before.Hash != after.Hash {
			return true
		}
	}
	return false
}

// Commit works out all that follows from the change: the farms are assessed,
// status changes become transitions and notices, and a re-open revokes clear.
func (tx *Tx) Commit() Commit {
	c := Commit{Work: tx.Work, BoardRev: tx.boardRev, Pings: tx.pings}
	var changes []Transition
	for _, name := range slices.Sorted(maps.Keys(tx.touched)) {
		fc, ts := tx.settleFarm(tx.farms[name])
		c.Farms = append(c.Farms, fc)
		changes = append(changes, ts...)
	}
	tx.consequences(changes)
	tx.log(changes)
	tx.holdClear(c.Farms)
	c.Incident, c.IncidentChanged = tx.Incident, tx.incident
	if tx.desk != nil {
		c.Desk, c.DeskChange = tx.desk, tx.desk.changed
	}
	c.Letters = tx.letters
	c.Empty = !tx.incident && !c.DeskChange.Any() && len(tx.letters) == 0 && len(tx.events) == 0 && len(tx.notices) == 0 && len(tx.pings) == 0 && !c.rowsChanged()
	c.Entry = AuditEntry{
		At: tx.Work.At.UTC(), By: tx.Work.By, Via: tx.Work.Via, Request: tx.Work.Request,
		Incident: tx.Incident.ID, Events: tx.events, Changes: changes,
	}
	for _, n := range tx.notices {
		c.Letters = append(c.Letters, n.Address(tx.Incident.Places)...)
	}
	return c
}

func (c Commit) rowsChanged() bool {
	return slices.ContainsFunc(c.Farms, func(f FarmCommit) bool {
		return len(f.After) > 0 || !f.OldUntil.Equal(f.State.Until) || f.OldRevision != f.State.Revision
	})
}

func (tx *Tx) settleFarm(f *FarmState) (FarmCommit, []Transition) {
	fc := FarmCommit{Before: map[string]Row{}, After: map[string]Row{}, OldUntil: f.Until, OldRevision: f.Revision}
	if tx.closed { // nothing changes any more, and time changes nothing
		f.Until, f.Revision = time.Time{}, tx.Incident.Rules.Revision
		fc.State = *f
		return fc, nil
	}
	asked := tx.ageClaims(f)
	a := f.Assess(tx.Incident.Rules, tx.Work.At)
	tx.endConfirmations(f, a)
	if !asked.IsZero() && (a.Until.IsZero() || asked.Before(a.Until)) {
		a.Until = asked
	}
	signs, acted := f.signsIn(tx.Incident.Rules, tx.Work.At), tx.actedOn(f)
	rows := map[string]Row{}
	var changes []Transition
	for i, s := range f.Farm.Servers {
		old, known := f.Rows[s.Name]
		row := f.pinged(rowOf(s, a.Servers[i], old, tx.Work.At), s, signs, acted, old, tx.Work.At)
		rows[s.Name] = row
		if known && row == old {
			continue
		}
		if known {
			fc.Before[s.Name] = old
		}
		fc.After[s.Name] = row
		if !known || old.Status != row.Status {
			t := Transition{
				Server: s.Name, Owner: s.Owner, Group: s.Group, From: old.Status, To: row.Status, Why: whyNow(a.Servers[i]), New: !known,
			}
			if known && fc.OldRevision != tx.Incident.Rules.Revision {
				t.Revision = tx.Incident.Rules.Revision
			}
			changes = append(changes, t)
		}
	}
	f.Rows, f.Until, f.Revision = rows, a.Until, tx.Incident.Rules.Revision
	fc.State = *f
	return fc, changes
}

// endConfirmations takes back confirmations that the assessment voids, so that they
// do not come back into force when what voided them is gone: after a regression two
// persons look again.
func (tx *Tx) endConfirmations(f *FarmState, a Assessment) {
	f.Farm.Confirmations = slices.DeleteFunc(slices.Clone(f.Farm.Confirmations), func(c Confirmation) bool {
		s, ok := a.Server(c.Server)
		ends := !ok || s.Status != StatusRetired && s.voids(c.Hash)
		if ends {
			tx.event("confirmation ended", f.Farm.Name, c.Server, c)
		}
		return ends
	})
}

// whyNow is the one line that explains a status.
func whyNow(a ServerAssessment) string {
	if len(a.Signs) > 0 {
		return a.Signs[0]
	}
	if a.Status == StatusExposed || a.Status == StatusUnknown {
		return a.Reason
	}
	for _, m := range a.Missing() {
		if m.Why != "" {
			return m.Title + ": " + m.Why
		}
	}
	return a.Reason
}

// consequences are the notices that status changes cause, and the end of clear.
func (tx *Tx) consequences(changes []Transition) {
	for _, t := range changes {
		// What a revision did, its owners are told together when all is assessed; an attacker waits for nothing, and of a farm
		// that could not be assessed then it is told when it is.
		if kind, ok := noticeFor(t); ok && (t.Revision == 0 || kind == NoticeCompromised || tx.Incident.told()) {
			tx.notices = append(tx.notices, Notice{
				Key:  fmt.Sprintf("%s %s %s %s %s", kind, tx.Incident.ID, t.Server, tx.Work.Request, tx.Work.Step),
				Kind: kind, Incident: tx.Incident.ID, Servers: []string{t.Server}, Owner: t.Owner, Group: t.Group, At: tx.Work.At,
				Facts:    map[string]string{"from": t.From.String(), "to": t.To.String(), "why": t.Why},
				Coalesce: fmt.Sprintf("%s %s %s", kind, tx.Incident.ID, t.Owner), Thread: tx.threadOf(t),
			})
			tx.head(t)
		}
		// A risk that is accepted later was not part of what was declared.
		if t.To == StatusExcepted && t.From != StatusExcepted {
			tx.revoke(fmt.Sprintf("%s is %s", t.Server, t.To))
		}
	}
}

// holdClear revokes a declaration that a server of a changed farm stands against.
func (tx *Tx) holdClear(farms []FarmCommit) {
	if tx.closed {
		return
	}
	for _, f := range farms {
		for _, s := range f.State.Farm.Servers {
			if row := f.State.Rows[s.Name]; !row.Status.Settled() {
				tx.revoke(fmt.Sprintf("%s is %s", s.Name, row.Status))
				return
			}
		}
	}
}

func noticeFor(t Transition) (NoticeKind, bool) {
	switch {
	case t.To == StatusCompromised || t.To == StatusSuspected && t.From != StatusCompromised:
		return NoticeCompromised, true
	case t.New:
		return "", false
	case t.From.Settled() && !t.To.Settled():
		return NoticeReopened, true
	case t.To == StatusExposed && t.From.Rank() >= StatusInProgress.Rank():
		return NoticeRegressed, true
	}
	return "", false
}
