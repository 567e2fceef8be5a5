package state

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Propose asks for a second person. What it is about is checked now and again
// when it is approved.
func (tx *Tx) Propose(p Proposal) error {
	if err := tx.open(); err != nil {
		return err
	}
	if tx.Work.By == "" {
		return refuse("Only a known person can ask for this.", "A lead must link your identity first.")
	}
	p.By, p.Via, p.At, p.Expires = tx.Work.By, tx.Work.Via, tx.Work.At, tx.Work.At.Add(ProposalLife)
	if len(p.Reason) > MaxReason {
		return refuse("The reason is too long.", "")
	}
	if p.Kind == ProposeClear {
		return tx.proposeClear(p)
	}
	f, s, err := tx.farmOf(p.Server)
	if err != nil {
		return err
	}
	if s.Retired != nil {
		return refuse(fmt.Sprintf("%s is retired.", s.Name), "")
	}
	if p, err = tx.checked(f, p); err != nil {
		return err
	}
	if f.Farm.Proposals, err = tx.waiting(f.Farm.Proposals, p); err != nil {
		return err
	}
	tx.event("proposed", f.Farm.Name, s.Name, p)
	return nil
}

// checked is a proposal about a server with what its kind needs, and nothing else.
func (tx *Tx) checked(f *FarmState, p Proposal) (Proposal, error) {
	var err error
	e, x := p.Evidence, p.Exception
	p.Evidence, p.Exception, p.Missing = nil, nil, nil
	switch p.Kind {
	case ProposeConfirm:
		p.Hash, err = tx.confirmable(f, p.Server)
	case ProposeAttest:
		p.Evidence, err = tx.attestable(f, p, e)
	case ProposeExcept:
		if p.Exception, err = tx.exceptable(p, x); err == nil && len(p.Exception.Steps) == 0 {
			p.Missing = tx.missing(f, p.Server)
		}
	case ProposeRetire:
		if strings.TrimSpace(p.Reason) == "" {
			err = refuse("To retire a server needs a reason.", "")
		}
	default:
		err = refuse(fmt.Sprintf("Nobody can ask for %.40q.", p.Kind), "")
	}
	return p, err
}

func (tx *Tx) attestable(f *FarmState, p Proposal, given *Evidence) (*Evidence, error) {
	if given == nil {
		return nil, refuse("An attestation needs what is attested.", "")
	}
	e := *given
	e.Source, e.By, e.Second, e.Recorded = SourceAttestation, p.By, p.By+" and another", p.At
	if err := tx.checkEvidence(f, e); err != nil {
		return nil, err
	}
	if e.Subject.Server != "" && e.Subject.Server != p.Server {
		return nil, refuse(fmt.Sprintf("The attestation is about %s, the request about %s.", e.Subject.Server, p.Server), "")
	}
	e.Second = ""
	return &e, nil
}

// missing are the steps of a server that are not done now.
func (tx *Tx) missing(f *FarmState, server string) []string {
	a, _ := f.Assess(tx.Incident.Rules, tx.Work.At).Server(server)
	var out []string
	for _, st := range a.Missing() {
		if !slices.Contains(out, st.Step) {
			out = append(out, st.Step)
		}
	}
	return out
}

func (tx *Tx) exceptable(p Proposal, given *Exception) (*Exception, error) {
	if given == nil {
		return nil, refuse("An exception needs a reason and an end.", "")
	}
	x := *given
	x.Reason, x.Expires = cmp.Or(x.Reason, p.Reason), plain(x.Expires)
	switch {
	case strings.TrimSpace(x.Reason) == "":
		return nil, refuse("An exception needs a reason.", "")
	case len(x.Reason) > MaxReason:
		return nil, refuse("The reason is too long.", "")
	case !x.Expires.After(tx.Work.At):
		return nil, refuse("An exception must end in the future.", "")
	case x.Expires.After(tx.Work.At.Add(MaxException)):
		return nil, refuse("An exception may last a year at most.", "Choose an earlier end; it can be renewed.")
	}
	for _, id := range x.Steps {
		if _, ok := tx.Incident.Rules.Step(id); !ok {
			return nil, refuse(fmt.Sprintf("The playbook has no step %.40q.", id), "")
		}
	}
	return &x, nil
}

// waiting adds a proposal to those that wait. An id means one proposal only, and
// the same person's request to confirm the same server takes the place of an older one.
func (tx *Tx) waiting(ps []Proposal, p Proposal) ([]Proposal, error) {
	ps = slices.DeleteFunc(tx.live(ps), func(o Proposal) bool {
		return p.Kind == ProposeConfirm && o.Kind == p.Kind && o.Server == p.Server && o.By == p.By
	})
	switch {
	case p.ID == "" || slices.ContainsFunc(ps, func(o Proposal) bool { return o.ID == p.ID }):
		return nil, refuse(fmt.Sprintf("There is a request %q already.", p.ID), "Ask again.")
	case len(ps) >= MaxProposals:
		return nil, refuse(fmt.Sprintf("%d requests wait for a second person already.", len(ps)), "Approve some first; each ends after a day.")
	}
	return append(ps, p), nil
}

// live leaves out proposals that ended.
func (tx *Tx) live(ps []Proposal) []Proposal {
	return slices.DeleteFunc(slices.Clone(ps), func(p Proposal) bool { return !tx.Work.At.Before(p.Expires) })
}

// confirmable returns the hash of the deciding facts of a server that is ready.
func (tx *Tx) confirmable(f *FarmState, server string) (string, error) {
	a, _ := f.Assess(tx.Incident.Rules, tx.Work.At).Server(server)
	switch {
	case a.Status == StatusConfirmed:
		return "", refuse(server+" is confirmed already.", "")
	case a.Hash == "":
		next := ""
		if a.Next != "" {
			next = "Next: " + a.Next
		}
		return "", refuse(fmt.Sprintf("%s is %s: %d of %d steps are proved.", server, a.Status, len(a.Steps)-len(a.Missing()), len(a.Steps)), next)
	}
	return a.Hash, nil
}
