package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// one approves one request, and says what that did.
func (c approve) one(ctx context.Context, call chat.Call, r state.ProposalRef) (chat.Message, error) {
	if need := approverRole(r.Kind); call.Request.Actor.Role < need {
		return chat.Message{}, &chat.Problem{
			What: fmt.Sprintf("%s needs the role %s to approve; you are %s.", r.ID, need, call.Request.Actor.Role),
			Try:  whoMay(c.people, r.Kind, r.By),
		}
	}
	if r.Kind == state.ProposePublish {
		return author{store: c.store, people: c.people, now: c.now}.approved(ctx, call, r.ID)
	}
	if r.Kind == state.ProposeClear {
		return declareClear(ctx, c.store, call, c.now(), r.ID)
	}
	var p state.Proposal
	var before state.ServerAssessment
	out, err := c.store.Update(ctx, call.Work(approveStep(r.ID), c.now()), call.Incident, []string{r.Farm}, func(tx *state.Tx) error {
		f, err := tx.Farm(r.Farm)
		if err != nil {
			return err
		}
		before, _ = f.Assess(tx.Incident.Rules, tx.Work.At).Server(r.Server)
		p, err = tx.Approve(r.ID)
		return err
	})
	var no *state.Refusal
	switch {
	case errors.As(err, &no):
		return chat.Message{}, c.refusal(no, r, before.Deciders)
	case errors.Is(err, state.ErrNotFound):
		return chat.Message{}, notWaiting(r.ID, nil)
	case err != nil:
		return chat.Message{}, err
	case out.Already:
		return approvedBefore(r.ID), nil
	}
	return c.said(ctx, call.Incident, r.Farm, p, before.SetAside())
}

// refusal adds who may approve to why this person may not.
func (c approve) refusal(no *state.Refusal, r state.ProposalRef, deciders []state.PersonID) error {
	not := []state.PersonID{r.By}
	if r.Kind == state.ProposeConfirm {
		not = append(not, deciders...)
	}
	return &chat.Problem{What: no.Why, Try: no.Next + " " + whoMay(c.people, r.Kind, not...)}
}

// said is what the approval did, with how the server is now, and what a confirmation set aside.
func (c approve) said(ctx context.Context, incident, farm string, p state.Proposal, aside []string) (chat.Message, error) {
	row, err := c.store.Row(ctx, incident, p.Server)
	if err != nil {
		return chat.Message{}, err
	}
	now := chat.T(" ", chat.C(p.Server), " is "+row.Status.String()+" now.")
	var what chat.Text
	switch p.Kind {
	case state.ProposeConfirm:
		what = chat.T("Confirmed on facts ", chat.C(shortHash(p.Hash)), ", asked by ", chat.C(string(p.By)), ":")
		for _, line := range aside {
			now = append(now, chat.T(" ", chat.C(line), ".")...)
		}
	case state.ProposeAttest:
		what = append(chat.T("Attested by ", chat.C(string(p.By)), " and you: "), evidenceLine(farm, *p.Evidence)...)
		what = append(what, chat.Span{Text: "."})
	case state.ProposeExcept:
		what = chat.T("Risk accepted until ", fullTime(p.Exception.Expires), ", asked by ", chat.C(string(p.By)), ".")
	case state.ProposeRetire:
		what = chat.T("Retired, asked by ", chat.C(string(p.By)), ".")
	}
	m := chat.Say(chat.P(append(what, now...)))
	if row.Status.Settled() {
		m.Tone = chat.ToneGood
	}
	return m, nil
}
