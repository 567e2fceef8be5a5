package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// advisoryPublish puts the draft of an advisory in force, or asks for a second person.
type advisoryPublish struct{ author }

func (advisoryPublish) Spec() chat.Spec {
	return chat.Spec{
		Path: "advisory publish", Summary: "Publish the draft of an advisory everywhere that may see it; outside of the organisation that takes two persons",
		Args:     []chat.Arg{numberArg()},
		Examples: []chat.Example{{Line: "advisory publish 1", Does: "publishes it, or asks for a second person on the exact text; what is published already is sent again where it is missing"}},
		Role:     state.RoleLead, Global: true,
	}
}

func (c advisoryPublish) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	a, err := c.one(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	if a.Draft == nil && a.Live != nil {
		return c.again(ctx, call, a)
	}
	out, err := c.update(ctx, call, "publish", a, func(tx *state.Tx) (err error) {
		id := ""
		if d := tx.Desk().Advisories[a.Number].Draft; d != nil {
			id = proposalID("pub", fmt.Sprint(a.Number), d.Hash())
		}
		a, _, err = tx.Publish(a.Number, id, c.people)
		return err
	})
	if err != nil {
		return chat.Message{}, err
	}
	if out.Already {
		if a, err = c.one(ctx, call); err != nil {
			return chat.Message{}, err
		}
	}
	if a.Draft == nil {
		return c.published(ctx, a)
	}
	return c.asked(a), nil
}

// update is a change of an advisory with everything that decides where it goes.
func (w author) update(ctx context.Context, call chat.Call, step string, a state.Advisory, change func(*state.Tx) error) (state.Outcome, error) {
	return w.store.UpdateDesk(ctx, call.Work(step, w.now()), a.Incident, state.DeskNeed{Advisories: []int{a.Number}, All: true}, change)
}

func (c advisoryPublish) asked(a state.Advisory) chat.Message {
	id := proposalID("pub", fmt.Sprint(a.Number), a.Draft.Hash())
	return chat.Say(
		chat.P(chat.B("Not published yet: "), fmt.Sprintf("advisory %d, version %d, ", a.Number, a.Draft.Version), a.Draft.TLP, ", leaves the organisation or reaches a wider audience."),
		chat.P("It takes a second person on the exact text ", chat.C(shortHash(a.Draft.Hash())), ": ", chat.C("approve "+id), ". ", whoMay(c.people, state.ProposePublish, c.asker(a))),
		chat.Row(press("Approve "+id, a.Incident, "approve", id), chat.Button{Label: "Preview", Line: typed("advisory", "preview", fmt.Sprint(a.Number))}),
	).With(chat.ToneWarn)
}

// asker is who wrote the text: as far as this answer knows, who asks.
func (c advisoryPublish) asker(a state.Advisory) state.PersonID { return a.Draft.By }

// published says where it goes. It is on its way, and not there yet.
func (w author) published(ctx context.Context, a state.Advisory) (chat.Message, error) {
	last := a.Past[len(a.Past)-1]
	by := chat.T("Published by ", chat.C(string(last.By)))
	if last.Second != "" {
		by = append(by, chat.T(" and ", chat.C(string(last.Second)))...)
	}
	m := chat.Say(chat.P(by, fmt.Sprintf(": advisory %d, version %d, ", a.Number, last.Version), last.TLP, ". On its way to ", plural(len(a.Places), "place"), "."))
	if len(a.Places) == 0 {
		m.Add(chat.P("No place hears of it: bind one with ", chat.C("incident bind"), ", or a community's with ", chat.C("setup advisories"), "."))
		m.Tone = chat.ToneWarn
	}
	m.Add(chat.N("How far that is: ", chat.C(fmt.Sprintf("advisory show %d", a.Number))))
	return m, nil
}

// again sends what is published to places where it is missing.
func (c advisoryPublish) again(ctx context.Context, call chat.Call, a state.Advisory) (chat.Message, error) {
	to, _, err := c.audience(ctx, a, *a.Live)
	if err != nil {
		return chat.Message{}, err
	}
	copies, err := c.copies(ctx, a)
	if err != nil {
		return chat.Message{}, err
	}
	missing := slices.ContainsFunc(copies, func(s copyState) bool { return s.wrong })
	if a.Withdrawn == nil {
		missing = missing || slices.ContainsFunc(to.Places, func(p state.Place) bool { return !a.Has(p.Key()) })
	}
	if !missing {
		return chat.Message{}, &chat.Problem{
			What: fmt.Sprintf("Version %d of advisory %d is published already, and no copy is wrong.", a.Live.Version, a.Number),
			Try:  fmt.Sprintf("Write the next version with: advisory update %d", a.Number),
		}
	}
	_, err = c.update(ctx, call, "again", a, func(tx *state.Tx) (err error) {
		a, err = tx.Resend(a.Number, c.people)
		return err
	})
	if err != nil {
		return chat.Message{}, err
	}
	return chat.Say(chat.P(fmt.Sprintf("Version %d of advisory %d is sent again to where it is missing; the other copies stay as they are.", a.Live.Version, a.Number))), nil
}

// approved is the second person's word on the text of an advisory.
func (w author) approved(ctx context.Context, call chat.Call, id string) (chat.Message, error) {
	inc, err := w.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	i := slices.IndexFunc(inc.Proposals, func(p state.Proposal) bool { return p.ID == id })
	if i < 0 {
		return chat.Message{}, notWaiting(id, nil)
	}
	a := state.Advisory{Number: inc.Proposals[i].Advisory, Incident: inc.ID}
	out, err := w.update(ctx, call, approveStep(id), a, func(tx *state.Tx) (err error) {
		a, err = tx.ApprovePublish(id, w.people)
		return err
	})
	switch {
	case err != nil:
		return chat.Message{}, err
	case out.Already:
		return approvedBefore(id), nil
	}
	return w.published(ctx, a)
}

// advisoryWithdraw strikes every copy of an advisory.
type advisoryWithdraw struct{ author }

func (advisoryWithdraw) Spec() chat.Spec {
	return chat.Spec{
		Path: "advisory withdraw", Summary: "Withdraw an advisory: every copy is struck, and says why",
		Args:     []chat.Arg{numberArg(), {Name: "reason", Help: "why it is not to be followed any more", Rest: true}},
		Examples: []chat.Example{{Line: "advisory withdraw 1 the vendor has taken the update back", Does: "strikes every copy, everywhere"}},
		Role:     state.RoleLead, Global: true,
	}
}

func (c advisoryWithdraw) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	a, err := c.one(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	reason := strings.Join(strings.Fields(call.Values.String("reason")), " ")
	why, err := c.birth(ctx, a.Incident, reason, a.Newest().Sources)
	if err != nil {
		return chat.Message{}, err
	}
	tlp := a.Newest().TLP
	if why != "" {
		tlp = min(tlp, state.TLPAmberStrict)
	}
	number := a.Number
	_, err = c.update(ctx, call, "withdraw", a, func(tx *state.Tx) (err error) {
		a, err = tx.Withdraw(number, reason, tlp, c.people)
		return err
	})
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.P(fmt.Sprintf("Withdrawn: advisory %d. It is being struck in %s.", number, plural(len(a.Places), "place"))))
	if why != "" {
		m.Add(chat.N("The reason ", chat.C(why), ", and is told to nobody outside."))
	}
	return m, nil
}
