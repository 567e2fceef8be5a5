package commands

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// proposals lists what waits for a second person.
type proposals struct {
	store Reader
	now   func() time.Time
}

func (proposals) Spec() chat.Spec {
	return chat.Spec{
		Path: "proposals", Summary: "List what waits for a second person",
		Examples: []chat.Example{{Line: "proposals", Does: "shows each request with its id, who asked, and until when it waits"}},
		Role:     state.RoleViewer,
	}
}

func (c proposals) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	refs, err := waiting(ctx, c.store, call.Incident, c.now())
	if err != nil {
		return chat.Message{}, err
	}
	if len(refs) == 0 {
		return chat.Say(chat.P("Nothing waits for a second person.")), nil
	}
	slices.SortStableFunc(refs, func(x, y state.ProposalRef) int { return x.At.Compare(y.At) })
	m := chat.Say(chat.P(plural(len(refs), "request"), " for a second person, oldest first:"))
	list := chat.L()
	var buttons []chat.Button
	farms := map[string]state.FarmState{}
	for _, r := range refs {
		if len(list.Items) == 2*maxShown {
			list.More++
			continue
		}
		detail, err := c.detail(ctx, call.Incident, r, farms)
		if err != nil {
			return chat.Message{}, err
		}
		list.Items = append(list.Items, c.line(r, detail))
		if may(call.Request.Actor, r) && len(buttons) < 4 {
			buttons = append(buttons, press("Approve "+r.ID, call.Incident, "approve", r.ID))
		}
	}
	if m.Add(list); len(buttons) > 0 {
		m.Add(chat.Row(buttons...))
	}
	return m, nil
}

// may reports whether this person could be the second one, as far as a list can tell.
func may(a chat.Actor, r state.ProposalRef) bool {
	return a.Person != "" && a.Person != r.By && a.Role >= approverRole(r.Kind)
}

func (c proposals) line(r state.ProposalRef, detail chat.Text) chat.Text {
	about := r.Server
	if about == "" {
		about = "the incident"
	}
	t := chat.T(chat.C(r.ID), " "+string(r.Kind)+" ", chat.C(about))
	t = append(t, detail...)
	return append(t, chat.D(fmt.Sprintf(" · asked by %s %s, ends %s", r.By, ago(r.At, c.now()), when(r.Expires, c.now()))))
}

// detail is what a second person should see before approving.
func (c proposals) detail(ctx context.Context, incident string, r state.ProposalRef, farms map[string]state.FarmState) (chat.Text, error) {
	if r.Farm == "" {
		return nil, nil
	}
	f, ok := farms[r.Farm]
	if !ok {
		var err error
		if f, err = c.store.Farm(ctx, incident, r.Farm); err != nil {
			return nil, err
		}
		farms[r.Farm] = f
	}
	i := slices.IndexFunc(f.Farm.Proposals, func(p state.Proposal) bool { return p.ID == r.ID })
	if i < 0 {
		return nil, nil
	}
	p := f.Farm.Proposals[i]
	var t chat.Text
	switch {
	case p.Evidence != nil:
		t = append(chat.T(" · "), evidenceLine(r.Farm, *p.Evidence)...)
		t = append(t, chat.T(" · ", chat.C(p.Evidence.Reference))...)
	case p.Exception != nil:
		t = chat.T(" · until ", fullTime(p.Exception.Expires))
		if len(p.Exception.Steps) > 0 {
			t = append(t, chat.T(" · steps ", chat.C(fewOf(p.Exception.Steps, 4)))...)
		}
	case p.Hash != "":
		t = chat.T(" · facts ", chat.C(shortHash(p.Hash)))
		inc, err := c.store.Incident(ctx, incident)
		if err != nil {
			return nil, err
		}
		a, _ := f.Assess(inc.Rules, c.now()).Server(r.Server)
		for _, line := range a.SetAside() {
			t = append(t, chat.T(" · ", chat.C(line))...)
		}
	}
	if p.Reason != "" {
		t = append(t, chat.T(" · ", chat.C(p.Reason))...)
	}
	return t, nil
}
