package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// maxApproved is how many requests one person approves at once.
const maxApproved = 100

// approve is the second person's word on what somebody asked for.
type approve struct {
	store  Store
	people state.People
	now    func() time.Time
}

func (approve) Spec() chat.Spec {
	return chat.Spec{
		Path: "approve", Summary: "Be the second person: approve what somebody else asked for",
		Args:     []chat.Arg{{Name: "id", Help: "one or more ids as proposals shows them, or all", Rest: true}},
		Examples: []chat.Example{{Line: "approve all", Does: "approves all that waits for a second person and that you may approve, except declaring clear"}},
		Role:     state.RoleResponder,
	}
}

func (c approve) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	refs, err := waiting(ctx, c.store, call.Incident, c.now())
	if err != nil {
		return chat.Message{}, err
	}
	ids := strings.Fields(call.Values.String("id"))
	if len(ids) == 1 && ids[0] == "all" {
		return c.all(ctx, call, refs)
	}
	var chosen []string
	for _, id := range ids {
		if !slices.Contains(chosen, id) {
			chosen = append(chosen, id)
		}
	}
	if len(chosen) == 1 {
		return c.named(ctx, call, chosen[0], refs)
	}
	m, done, err := c.each(ctx, call, chosen, refs, nil)
	if err == nil && done < len(chosen) {
		err = notDone(m) // each was named
	}
	return m, err
}

// named approves what waits as this id, or tells that this very request has done
// so before it was cut off.
func (c approve) named(ctx context.Context, call chat.Call, id string, refs []state.ProposalRef) (chat.Message, error) {
	if i := slices.IndexFunc(refs, func(r state.ProposalRef) bool { return r.ID == id }); i >= 0 {
		return c.one(ctx, call, refs[i])
	}
	before := func(step string) (bool, error) {
		out, err := c.store.Update(ctx, call.Work(step, c.now()), call.Incident, nil, func(*state.Tx) error { return notWaiting(id, refs) })
		return out.Already, err
	}
	if done, err := before(approveStep(id)); done {
		return approvedBefore(id), err
	}
	done, err := before(declareStep(id))
	if done {
		return declareClear(ctx, c.store, call, c.now(), id)
	}
	return chat.Message{}, err
}

// The steps of a request that approves: by them it finds what it has done.
func approveStep(id string) string { return "approve " + id }
func declareStep(id string) string { return "declare clear " + id }

func approvedBefore(id string) chat.Message {
	return chat.Say(chat.P(chat.C(id), " was approved by you before."))
}

// waiting is what waits for a second person now.
func waiting(ctx context.Context, r Reader, incident string, now time.Time) ([]state.ProposalRef, error) {
	refs, err := r.Proposals(ctx, incident)
	return slices.DeleteFunc(refs, func(p state.ProposalRef) bool { return !now.Before(p.Expires) }), err
}

// notWaiting says that an id means nothing any more, or never did.
func notWaiting(id string, refs []state.ProposalRef) error {
	var ids []string
	for _, r := range refs {
		ids = append(ids, r.ID)
	}
	p := &chat.Problem{What: fmt.Sprintf("Nothing waits as %.60q: it was approved, it ended, or it never was.", id), Try: "See: proposals"}
	begins := slices.DeleteFunc(slices.Clone(ids), func(o string) bool { return !strings.HasPrefix(o, id) })
	if near := chat.Nearest(id, ids); near != "" {
		p.Try = "Did you mean: " + near
	} else if len(begins) > 0 {
		p.Try = "Did you mean: " + fewOf(begins, 3)
	}
	return p
}

// all approves what this person may; declaring clear is never done in passing.
func (c approve) all(ctx context.Context, call chat.Call, refs []state.ProposalRef) (chat.Message, error) {
	var chosen []string
	var left chat.Text
	own, high, clear, publish, more := 0, 0, 0, 0, 0
	for _, r := range refs {
		switch {
		case r.Kind == state.ProposeClear:
			clear++
		case r.Kind == state.ProposePublish:
			publish++
		case r.By == call.Request.Actor.Person:
			own++
		case call.Request.Actor.Role < approverRole(r.Kind):
			high++
		case len(chosen) == maxApproved:
			more++
		default:
			chosen = append(chosen, r.ID)
		}
	}
	for _, part := range []struct {
		n    int
		what string
	}{{own, "asked for by you"}, {high, "for a lead"}, {clear, "to declare clear: approve it by its id"}, {publish, "to publish an advisory: read it, and approve it by its id"}, {more, "more; ask again"}} {
		if part.n > 0 {
			left = append(left, chat.T(fmt.Sprintf("Left: %d %s. ", part.n, part.what))...)
		}
	}
	if len(chosen) == 0 {
		return chat.Message{}, notDone(chat.Say(chat.P("Nothing waits that you may approve. ", left)))
	}
	m, done, err := c.each(ctx, call, chosen, refs, left)
	if err == nil && done == 0 {
		err = notDone(m)
	}
	return m, err
}

// each approves several, and counts those that are approved. What is refused is
// said, and stops nothing else.
func (c approve) each(ctx context.Context, call chat.Call, ids []string, refs []state.ProposalRef, left chat.Text) (_ chat.Message, done int, _ error) {
	list := chat.L()
	for _, id := range ids {
		m, err := c.named(ctx, call, id, refs)
		var p *chat.Problem
		switch {
		case err == nil:
			done++
			list.Items = append(list.Items, firstLine(m))
		case errors.As(err, &p) || refused(err):
			list.Items = append(list.Items, chat.T(chat.C(id), " not approved: "+firstLineOf(err.Error())))
		default:
			if done == 0 {
				return chat.Message{}, 0, err
			}
			list.Items = append(list.Items, chat.T(chat.C(id), " not done: the store did not answer; ask again."))
		}
	}
	if len(list.Items) > 2*maxShown {
		list.More, list.Items = len(list.Items)-2*maxShown, list.Items[:2*maxShown]
	}
	m := chat.Say(chat.P(fmt.Sprintf("%d of %d approved.", done, len(ids))), list)
	if len(left) > 0 {
		m.Add(chat.N(left))
	}
	return m, done, nil
}

func firstLine(m chat.Message) chat.Text {
	for _, p := range m.Parts {
		switch p := p.(type) {
		case chat.Heading:
			return p.Text
		case chat.Para:
			return p.Text
		}
	}
	return chat.T("done")
}
