package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// server is the short card of a server: each step, what decided it, what is next.
func (c status) server(ctx context.Context, call chat.Call, name string) (chat.Message, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	row, err := c.store.Row(ctx, call.Incident, name)
	if err != nil {
		return chat.Message{}, err
	}
	f, err := c.store.Farm(ctx, call.Incident, row.Farm)
	if err != nil {
		return chat.Message{}, err
	}
	now := c.now()
	a, _ := f.Assess(inc.Rules, now).Server(name)
	m := chat.Say(
		chat.H(drillMark(inc)+mark(a.Status)+" ", chat.C(name), " "+a.Status.String()),
		chat.F(serverFields(row, a, now)...),
	).With(toneOf(a.Status))
	if len(a.Steps) > 0 {
		list := chat.L(stepLines(listed(a), f.Evidence)...)
		if len(list.Items) > 3*maxShown {
			list.More, list.Items = len(list.Items)-3*maxShown, list.Items[:3*maxShown]
		}
		m.Add(list)
	}
	for _, line := range slices.Concat(a.Contradictions, a.Unlisted, a.Notes) {
		m.Add(chat.N(chat.C(line)))
	}
	if a.Next != "" {
		m.Add(chat.P(chat.B("Next: "), nextInFull(a.Next)))
	}
	m.Add(waitingFor(f.Farm, name, now)...)
	m.Add(chat.Row(serverButtons(call, f.Farm, a, now)...))
	m.About = chat.About{Incident: inc.ID, Server: name}
	return m, nil
}

func serverFields(r state.Row, a state.ServerAssessment, now time.Time) []chat.Field {
	fields := []chat.Field{
		{Name: "Since", Value: chat.T(when(r.Since, now))},
		{Name: "Farm", Value: chat.T(chat.C(r.Farm))},
	}
	if r.Owner != "" || r.Group != "" {
		fields = append(fields, chat.Field{Name: "Owner", Value: chat.T(chat.C(strings.Trim(r.Owner+" · "+r.Group, " ·")))})
	}
	if a.Status != state.StatusRetired {
		why := a.Verdict.String()
		if a.Reason != "" {
			why += ": " + a.Reason
		}
		fields = append(fields, chat.Field{Name: "Fix", Value: chat.T(chat.C(why))})
	}
	for _, s := range a.Signs {
		fields = append(fields, chat.Field{Name: "Sign of an attacker", Value: chat.T(chat.C(s))})
	}
	look := "not looked at"
	switch {
	case a.Seen == state.SeenThrough:
		look = "through a balancer or shared address only: what answered there is about the farm"
	case a.LastLook.IsZero() && a.Seen == state.SeenSilent:
		look = "through a balancer or shared address only, not reached"
	case a.LastLook.IsZero():
	case a.LastReached.Before(a.LastLook):
		look = fmt.Sprintf("%s, not reached; last answer %s", ago(a.LastLook, now), ago(a.LastReached, now))
	default:
		look = ago(a.LastLook, now) + ", answered"
	}
	return append(fields, chat.Field{Name: "Looked at", Value: chat.T(look)})
}

// waitingFor are the requests about a server that wait for a second person, and
// the confirmation that holds.
func waitingFor(f state.Farm, server string, now time.Time) []chat.Part {
	var out []chat.Part
	for _, c := range f.Confirmations {
		if c.Server == server {
			out = append(out, chat.N("Confirmed ", when(c.At, now), " by ", chat.C(string(c.By)), " and ", chat.C(string(c.Second)), " on facts ", chat.C(shortHash(c.Hash)), "."))
		}
	}
	for _, x := range f.Exceptions {
		if x.Server == server && now.Before(x.Expires) {
			out = append(out, chat.N("Risk accepted until ", fullTime(x.Expires), " by ", chat.C(string(x.By)), " and ", chat.C(string(x.Second)), ": ", chat.C(x.Reason)))
		}
	}
	for _, p := range f.Proposals {
		if p.Server == server && now.Before(p.Expires) {
			out = append(out, chat.N(chat.C(p.ID), " ("+string(p.Kind)+") waits for a second person; asked by ", chat.C(string(p.By)), " "+ago(p.At, now)+"."))
		}
	}
	return out
}

// serverButtons are what this person could do next about a server.
func serverButtons(call chat.Call, f state.Farm, a state.ServerAssessment, now time.Time) []chat.Button {
	var out []chat.Button
	switch {
	case a.Status == state.StatusReady:
		out = append(out, press("Confirm", call.Incident, "confirm", "--facts", shortHash(a.Hash), a.Name))
	case !a.Status.Settled():
		out = append(out, press("I work on it", call.Incident, "claim", a.Name), press("I patched, verify now", call.Incident, "verify", a.Name),
			handOver(call.Incident, a.Name), cannot(call.Incident, a.Name))
	}
	for _, p := range f.Proposals {
		ref := state.ProposalRef{ID: p.ID, Kind: p.Kind, By: p.By}
		if p.Server == a.Name && p.Kind != state.ProposeConfirm && now.Before(p.Expires) && may(call.Request.Actor, ref) && len(out) < 5 {
			out = append(out, press("Approve "+p.ID, call.Incident, "approve", p.ID))
		}
	}
	return append(out, press("Record", call.Incident, "audit", a.Name))
}

func toneOf(s state.Status) chat.Tone {
	switch s {
	case state.StatusCompromised, state.StatusSuspected, state.StatusExposed:
		return chat.ToneBad
	case state.StatusConfirmed, state.StatusRetired:
		return chat.ToneGood
	}
	return chat.ToneWarn
}

// some is a group, an owner or a farm: its counts, and what is most urgent in it.
func (c status) some(ctx context.Context, incident, kind, name string) (chat.Message, error) {
	filter := map[string]state.Filter{"group": {Group: name}, "owner": {Owner: name}, "farm": {Farm: name}}[kind]
	counts, err := c.store.Counts(ctx, incident, filter)
	if err != nil {
		return chat.Message{}, err
	}
	rows, total, err := c.store.List(ctx, incident, filter, 0, maxShown)
	if err != nil {
		return chat.Message{}, err
	}
	late, err := overdue(ctx, c.store, incident, c.now())
	if err != nil {
		return chat.Message{}, err
	}
	f := facts{counts: counts}
	m := chat.Say(
		chat.H(kind+" ", chat.C(name), fmt.Sprintf(" · %d of %d open", counts.Open(), counts.Total())),
		chat.Bar(counts.Status[state.StatusConfirmed], counts.Total(), f.legend()),
	).With(f.tone())
	if late > 0 {
		m.Add(chat.P(chat.B("Not known: "), farmsWait(late)+" to be assessed anew; these numbers are from before."))
	}
	list := chat.L()
	for _, r := range rows {
		list.Items = append(list.Items, rowLine(r))
	}
	list.More = max(0, total-len(rows))
	if m.Add(list); counts.Status[state.StatusReady] > 0 && kind != "owner" {
		m.Add(chat.Row(press("Confirm what is ready", incident, "confirm", "--"+kind, name)))
	}
	if counts.Open() == 0 && counts.Total() > 0 && late == 0 {
		m.Tone = chat.ToneGood
	}
	return m, nil
}
