package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// incidentClose ends an incident. Nothing can be changed in it afterwards.
type incidentClose struct {
	store clearStore
	now   func() time.Time
}

func (incidentClose) Spec() chat.Spec {
	return chat.Spec{
		Path: "incident close", Summary: "End the incident; if it is not declared clear, say why",
		Args:     []chat.Arg{{Name: "reason", Help: "why it ends although it is not clear", Optional: true, Rest: true}},
		Examples: []chat.Example{{Line: "incident close moved to the successor of this incident", Does: "ends the incident without calling it clear"}},
		Role:     state.RoleLead,
	}
}

func (c incidentClose) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	reason := call.Values.String("reason")
	now := c.now()
	if err := c.meant(ctx, call.Incident, reason); err != nil {
		return chat.Message{}, err
	}
	if err := c.upToDate(ctx, call, now); err != nil {
		return chat.Message{}, err
	}
	_, err := c.store.Update(ctx, call.Work("close", now), call.Incident, nil, func(tx *state.Tx) error {
		if err := tx.CloseIncident(reason); err != nil {
			return err
		}
		tx.Notify(state.Notice{
			Key: "closed " + tx.Incident.ID, Kind: NoticeClosed, Except: call.Request.Place.Key(), Facts: map[string]string{"reason": reason},
		})
		return nil
	})
	if err != nil {
		return chat.Message{}, err
	}
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	counts, err := c.store.Counts(ctx, call.Incident, state.Filter{})
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.H(drillMark(inc)+"Incident ", chat.C(inc.ID), " is closed"))
	if inc.Clear != nil {
		m.Add(chat.P("It was declared ", chat.B(inc.Clear.Words()), " ", timeOf(inc.Clear.At, now), "."))
	} else {
		m.Add(chat.P(chat.B("It is not clear. "), "Reason: ", chat.C(reason)))
		m.Tone = chat.ToneWarn
	}
	m.Add(chat.P("As it stood: ", countsLine(counts), "."), chat.N("Nobody is reminded any more, and nothing is scanned. The record stays."))
	return m, nil
}

// meant refuses a reason that is the name of an incident: whoever types it means that one.
func (c incidentClose) meant(ctx context.Context, incident, reason string) error {
	named, err := c.store.Incident(ctx, reason)
	switch {
	case reason == "" || errors.Is(err, state.ErrNotFound) || err == nil && named.ID == incident:
		return nil
	case err != nil:
		return err
	}
	return &state.Refusal{Why: fmt.Sprintf("This would close %s; %s would be its reason.", incident, named.ID), Next: "To close that one: incident close --incident " + named.ID}
}

// upToDate assesses anew what waits for it: what time has voided is not closed as
// clear. What never was declared is closed whatever is known of it.
func (c incidentClose) upToDate(ctx context.Context, call chat.Call, now time.Time) error {
	_, err := sweep(ctx, c.store, call.Incident, now, func(step string) state.Work { return call.Work(step, now) })
	if err == nil {
		return nil
	}
	inc, again := c.store.Incident(ctx, call.Incident)
	if again == nil && inc.Clear == nil {
		return nil
	}
	return err
}
