package commands

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// doing is what confirm can do about a server, and then what it did.
type doing uint8

const (
	notReady doing = iota // something is missing
	askable               // ready, and nobody has asked
	asked
	waits // asked before by the same person, on the same facts
	approvable
	approved
	already // confirmed before on the same facts
)

// standing is how far the confirmation of a server is.
type standing struct {
	server string
	did    doing
	id     string // of the proposal
	by     state.PersonID
	me     state.PersonID
	why    string // what is missing, or why it was refused
	failed bool   // the store did not answer
	now    state.ServerAssessment
}

// holds reports whether what was asked for is done, or on its way.
func (s standing) holds() bool {
	return s.did == asked || s.did == waits || s.did == approved || s.did == already
}

// stand finds out how a server stands, for this person.
func stand(f state.Farm, a state.Assessment, server string, me state.PersonID, now time.Time) standing {
	s := standing{server: server, me: me}
	s.now, _ = a.Server(server)
	if s.now.Hash == "" {
		s.why = firstMissing(s.now)
		return s
	}
	if i := slices.IndexFunc(f.Confirmations, func(c state.Confirmation) bool {
		return c.Server == server && c.Hash == s.now.Hash && s.now.Status.Settled()
	}); i >= 0 {
		c := f.Confirmations[i]
		s.did, s.why = already, fmt.Sprintf("confirmed %s by %s and %s", when(c.At, now), c.By, c.Second)
		return s
	}
	s.did, s.id = askable, proposalID("c", server, s.now.Hash)
	for _, p := range f.Proposals {
		if p.Kind != state.ProposeConfirm || p.Server != server || p.Hash != s.now.Hash || !now.Before(p.Expires) {
			continue
		}
		if p.By != me {
			s.did, s.id, s.by = approvable, p.ID, p.By
			break
		}
		s.did, s.id, s.by = waits, p.ID, p.By
	}
	return s
}

// firstMissing is the first thing that stands in the way of a confirmation.
func firstMissing(a state.ServerAssessment) string {
	switch missing := a.Missing(); {
	case a.Status == state.StatusRetired:
		return "it is retired"
	case len(a.Signs) > 0:
		return "sign of an attacker: " + a.Signs[0]
	case len(missing) > 0 && missing[0].Why != "":
		return stepName(missing[0]) + ": " + missing[0].Why
	case len(missing) > 0:
		return stepName(missing[0]) + " is " + missing[0].Status.String()
	case len(a.Contradictions) > 0:
		return "contradicts: " + a.Contradictions[0]
	}
	return a.Reason
}

// hold does nothing about a server whose deciding facts are not those that the
// person saw.
func (s *standing) hold(facts string) {
	if facts != "" && s.now.Hash != "" && !strings.HasPrefix(s.now.Hash, facts) && s.did != already {
		s.did, s.why = notReady, "what decides it has changed since you looked: look again"
	}
}

// act asks or approves. A refusal is noted, and stops nothing else.
func (s *standing) act(tx *state.Tx) error {
	var err error
	switch s.did {
	case askable:
		if err = tx.Propose(state.Proposal{ID: s.id, Kind: state.ProposeConfirm, Server: s.server}); err == nil {
			s.did = asked
		}
	case approvable:
		if _, err = tx.Approve(s.id); err == nil {
			s.did, s.now.Status = approved, confirmedAs(s.now)
		}
	}
	var r *state.Refusal
	if errors.As(err, &r) {
		s.why = r.Error()
		return nil
	}
	return err
}

// confirmedAs is the status that a confirmation gives.
func confirmedAs(a state.ServerAssessment) state.Status {
	if slices.ContainsFunc(a.Steps, func(st state.StepState) bool { return st.Status == state.StepExcepted }) {
		return state.StatusExcepted
	}
	return state.StatusConfirmed
}
