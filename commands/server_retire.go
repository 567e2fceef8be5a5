package commands

import (
	"context"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// serverRetire asks that a server be taken out of the incident: it is gone.
type serverRetire struct {
	store  inventoryStore
	people state.People
	now    func() time.Time
}

func (serverRetire) Spec() chat.Spec {
	return chat.Spec{
		Path: "server retire", Summary: "Ask that a server that is gone for good be taken out; a second person approves",
		Args:     []chat.Arg{{Name: "server", Help: "its name or the beginning of it", Type: chat.Server}},
		Flags:    []chat.Arg{{Name: "reason", Help: "what became of it", Needed: true}},
		Examples: []chat.Example{{Line: `server retire sp-fin-01 --reason "switched off and wiped, CHG-4711"`, Does: "asks a second person to take sp-fin-01 out"}},
		Role:     state.RoleResponder,
	}
}

func (c serverRetire) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	reason := strings.TrimSpace(call.Values.String("reason"))
	if reason == "" {
		return chat.Message{}, &chat.Problem{What: "What became of it?", Try: `Say: --reason "switched off and wiped"`}
	}
	name, err := serverName(ctx, c.store, call.Incident, call.Values.String("server"), func(n string) string {
		return press("", call.Incident, "server retire", n, "--reason", reason).Line
	})
	if err != nil {
		return chat.Message{}, err
	}
	look, err := readCard(ctx, c.store, call.Incident, name, c.now())
	if err != nil {
		return chat.Message{}, err
	}
	p := state.Proposal{ID: proposalID("r", name, call.Request.ID), Kind: state.ProposeRetire, Server: name, Reason: reason}
	_, err = c.store.Update(ctx, call.Work("retire", c.now()), call.Incident, []string{look.server.Farm}, func(tx *state.Tx) error { return tx.Propose(p) })
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.P("Asked a second person to retire ", chat.C(name), ": ", chat.C(p.ID), ". Reason: ", chat.C(reason)))
	if len(look.a.Signs) > 0 || look.a.Status == state.StatusCompromised {
		m.Add(chat.P(chat.B("It has a sign of an attacker. "), "Retiring it does not say where else they were; keep what can be examined."))
		m.Tone = chat.ToneWarn
	}
	if !look.a.LastReached.IsZero() && c.now().Sub(look.a.LastReached) < 24*time.Hour {
		m.Add(chat.P("It answered " + ago(look.a.LastReached, c.now()) + "."))
	}
	m.Add(chat.P(whoMay(c.people, state.ProposeRetire, call.Request.Actor.Person)), chat.Row(press("Approve", call.Incident, "approve", p.ID)),
		chat.N("A retired server counts no more, and is not scanned any more: no scan tells if it answers again. Its record stays."))
	return m, nil
}
