package state

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Approve is the second person's word on a proposal about a server. It is
// refused to whoever asked, and for a confirmation to whoever claimed or
// attested what it rests on; and when the deciding facts have changed since.
func (tx *Tx) Approve(id string) (Proposal, error) {
	if err := tx.open(); err != nil {
		return Proposal{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(tx.farms)) {
		f := tx.farms[name]
		i := slices.IndexFunc(f.Farm.Proposals, func(p Proposal) bool { return p.ID == id })
		if i < 0 {
			continue
		}
		p := f.Farm.Proposals[i]
		if err := tx.mayApprove(p); err != nil {
			return p, err
		}
		if err := tx.enact(f, p); err != nil {
			return p, err
		}
		f.Farm.Proposals = slices.Delete(slices.Clone(f.Farm.Proposals), i, i+1)
		tx.event("approved", f.Farm.Name, p.Server, map[string]string{"proposal": id, "kind": string(p.Kind)})
		return p, nil
	}
	return Proposal{}, fmt.Errorf("proposal %q: %w", id, ErrNotFound)
}

func (tx *Tx) mayApprove(p Proposal) error {
	switch {
	case tx.Work.By == "":
		return refuse("Only a known person can approve.", "A lead must link your identity first.")
	case tx.Work.By == p.By:
		return refuse("You asked for this yourself.", "It takes a second person.")
	case !Distinct(p.By, p.Via, tx.Work.By, tx.Work.Via):
		return refuse(fmt.Sprintf("It is not known whether you and %s are two persons.", p.By), "A lead must name both of you in the configuration.")
	case !tx.Work.At.Before(p.Expires):
		return refuse(fmt.Sprintf("This request ended %s.", stamp(p.Expires)), "Ask again.")
	}
	return nil
}

func (tx *Tx) enact(f *FarmState, p Proposal) error {
	i := slices.IndexFunc(f.Farm.Servers, func(s Server) bool { return s.Name == p.Server })
	switch {
	case i < 0:
		return fmt.Errorf("server %q: %w", p.Server, ErrNotFound)
	case f.Farm.Servers[i].Retired != nil:
		return refuse(fmt.Sprintf("%s is retired.", p.Server), "")
	case p.Kind == ProposeAttest && p.Evidence == nil, p.Kind == ProposeExcept && p.Exception == nil:
		return fmt.Errorf("proposal %q has nothing to %s", p.ID, p.Kind)
	}
	switch p.Kind {
	case ProposeConfirm:
		return tx.confirm(f, p)
	case ProposeAttest:
		e := *p.Evidence
		e.Source, e.By, e.Second = SourceAttestation, p.By, tx.Work.By
		return tx.record(f, []Evidence{e})
	case ProposeExcept:
		x := *p.Exception
		for _, id := range tx.missing(f, p.Server) {
			if len(x.Steps) == 0 && !slices.Contains(p.Missing, id) {
				return refuse(fmt.Sprintf("More is missing on %s than when this was asked for: %s.", p.Server, id), "Look at it, and ask again.")
			}
		}
		x.ID, x.Server, x.By, x.Second, x.At = p.ID, p.Server, p.By, tx.Work.By, tx.Work.At
		f.Farm.Exceptions = append(f.Farm.Exceptions, x)
		tx.event("exception", f.Farm.Name, p.Server, x)
	case ProposeRetire:
		f.Farm.Servers[i].Retired = &Retirement{Reason: p.Reason, By: p.By, Second: tx.Work.By, At: tx.Work.At}
		tx.event("retired", f.Farm.Name, p.Server, f.Farm.Servers[i].Retired)
	default:
		return fmt.Errorf("proposal %q has kind %q", p.ID, p.Kind)
	}
	return nil
}

func (tx *Tx) confirm(f *FarmState, p Proposal) error {
	a, _ := f.Assess(tx.Incident.Rules, tx.Work.At).Server(p.Server)
	if a.Hash == "" || a.Hash != p.Hash {
		return refuse(fmt.Sprintf("What %s was to be confirmed on has changed since; it is %s now.", p.Server, a.Status), "Look at it, and ask again.")
	}
	for _, d := range a.Deciders {
		switch {
		case d == tx.Work.By:
			return refuse("You claimed, attested, seconded or handed in something that this rests on.", "It takes a person who did not.")
		case !Distinct(d, string(d), tx.Work.By, tx.Work.Via):
			return refuse(fmt.Sprintf("It is not known whether you and %s, whose word this rests on, are two persons.", d), "A lead must name both of you in the configuration.")
		}
	}
	c := Confirmation{Server: p.Server, Hash: p.Hash, By: p.By, Second: tx.Work.By, At: tx.Work.At}
	f.Farm.Confirmations = slices.DeleteFunc(slices.Clone(f.Farm.Confirmations), func(o Confirmation) bool { return o.Server == p.Server })
	f.Farm.Confirmations = append(f.Farm.Confirmations, c)
	tx.event("confirmed", f.Farm.Name, p.Server, c)
	return nil
}

// Board is all servers of an incident at one moment, as far as clear depends on it.
type Board struct {
	Counts Counts
	Hash   string // over name, status and hash of deciding facts of every server
	// Rev is the store's count of changes to the board; the declaration holds only
	// if it is the same when it is written.
	Rev int64
	// Overdue is how many farms wait to be assessed anew.
	Overdue int
}

func (tx *Tx) proposeClear(p Proposal) error {
	if tx.Incident.Clear != nil {
		return refuse(fmt.Sprintf("It was declared clear %s.", stamp(tx.Incident.Clear.At)), "")
	}
	if p.Hash == "" {
		return refuse("To declare clear needs the board that it is declared on.", "")
	}
	p.Server, p.Evidence, p.Exception = "", nil, nil
	ps, err := tx.waiting(tx.Incident.Proposals, p)
	if err != nil {
		return err
	}
	tx.Incident.Proposals, tx.incident = ps, true
	tx.event("proposed", "", "", p)
	return nil
}

// MayClear refuses a board on which something stands in the way.
func (b Board) MayClear() error {
	switch {
	case b.Overdue > 0:
		return refuse(fmt.Sprintf("%d farms wait to be assessed anew.", b.Overdue), "Ask again in a moment.")
	case !b.Counts.MayClear() && b.Counts.Total() == 0:
		return refuse("There are no servers in this incident.", "")
	case !b.Counts.MayClear() && b.Counts.Open() == 0:
		return refuse("The counts of servers are wrong.", "Tell whoever runs allclear; see doctor.")
	case !b.Counts.MayClear():
		return refuse(fmt.Sprintf("Not clear: %d of %d servers are open.", b.Counts.Open(), b.Counts.Total()), "See status.")
	}
	return nil
}

// DeclareClear is the second person's word on the board that the first one saw.
func (tx *Tx) DeclareClear(id string, b Board) error {
	if err := tx.open(); err != nil {
		return err
	}
	i := slices.IndexFunc(tx.Incident.Proposals, func(p Proposal) bool { return p.ID == id })
	if i < 0 {
		return fmt.Errorf("proposal %q: %w", id, ErrNotFound)
	}
	if len(tx.events) > 0 {
		return errors.New("clear is declared in a change of its own: the board does not show what was changed before")
	}
	p := tx.Incident.Proposals[i]
	if p.Kind != ProposeClear {
		return fmt.Errorf("proposal %q has kind %q", p.ID, p.Kind)
	}
	if err := cmp.Or(tx.mayApprove(p), b.MayClear()); err != nil {
		return err
	}
	if b.Hash == "" || p.Hash != b.Hash {
		return refuse("The board has changed since this was asked for.", "Look at it, and ask again.")
	}
	d := &Declaration{
		Hash: b.Hash, By: p.By, Second: tx.Work.By, At: tx.Work.At,
		Confirmed: b.Counts.Status[StatusConfirmed], Exceptions: b.Counts.Status[StatusExcepted], Retired: b.Counts.Status[StatusRetired],
	}
	tx.Incident.Clear, tx.Incident.Proposals, tx.incident = d, nil, true
	tx.boardRev = b.Rev
	tx.event("declared clear", "", "", d)
	return nil
}

// Words is what a declaration says; never ALL CLEAR when a risk is accepted.
func (d Declaration) Words() string {
	switch d.Exceptions {
	case 0:
		return "ALL CLEAR"
	case 1:
		return "CLEAR WITH 1 EXCEPTION"
	}
	return fmt.Sprintf("CLEAR WITH %d EXCEPTIONS", d.Exceptions)
}
