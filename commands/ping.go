package commands

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// ping reminds owners of what is open: one message an owner, once in a slot.
type ping struct {
	store interface {
		Changer
		Reader
		Auditor
	}
	now     func() time.Time
	cadence time.Duration
}

func (ping) Spec() chat.Spec {
	return chat.Spec{
		Path: "ping", Summary: "Show the reminders that are due, or send them",
		Flags: []chat.Arg{
			{Name: "owner", Help: "only this owner", Type: chat.Owner},
			{Name: "send", Help: "send them; without it they are only shown", Type: chat.Switch},
		},
		Examples: []chat.Example{
			{Line: "ping", Does: "shows each reminder as it would be sent, and who would get none, and why"},
			{Line: "ping --send", Does: "sends them, each owner once in a slot however often it is asked"},
		},
		Role: state.RoleResponder,
	}
}

func (c ping) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	if !inc.Closed.IsZero() {
		return chat.Message{}, &chat.Problem{What: fmt.Sprintf("Incident %s is closed; nobody is reminded.", inc.ID)}
	}
	cadence := cmp.Or(inc.Cadence, c.cadence, 4*time.Hour)
	at := cmp.Or(call.Request.At, c.now()) // the same when the request is run again
	due, skipped, unowned, err := c.due(ctx, call, reminders{c.store, c.store, c.now(), cadence})
	if err != nil {
		return chat.Message{}, err
	}
	if call.Values.Bool("send") {
		return c.send(ctx, call, due, skipped, unowned, slotOf(at, cadence), cadence)
	}
	var m chat.Message
	for _, r := range due {
		m.Add(drill(inc, r.message(inc.ID)).Parts...)
		if len(m.Parts) > 4*maxShown {
			m.Add(chat.N(fmt.Sprintf("%d reminders in all; only the first are shown.", len(due))))
			break
		}
	}
	if len(due) == 0 {
		m.Add(chat.P("Nobody is to be reminded now."))
	}
	m.Add(leftOut(skipped, unowned)...)
	if len(due) > 0 {
		m.Add(chat.Row(press("Send", call.Incident, "ping", "--send")))
	}
	return m, nil
}

// due are the reminders of all owners, or of the one that is named.
func (c ping) due(ctx context.Context, call chat.Call, r reminders) (due []reminder, skipped []string, unowned int, err error) {
	only := ""
	if call.Values.Has("owner") {
		only, err = otherName(ctx, c.store, call.Incident, "owner", call.Values.String("owner"), func(n string) string {
			return press("", call.Incident, "ping", "--owner", n).Line
		})
		if err != nil {
			return nil, nil, 0, err
		}
	}
	return r.all(ctx, call.Incident, only)
}

// all are the reminders of all owners, or of one. It names who gets none, and
// counts the open servers without an owner.
func (r reminders) all(ctx context.Context, incident, only string) (due []reminder, skipped []string, unowned int, err error) {
	tallies, err := r.store.Tallies(ctx, incident, "owner", only == "")
	if err != nil {
		return nil, nil, 0, err
	}
	for _, t := range tallies {
		switch {
		case t.Name == "":
			unowned = t.Counts.Open()
			continue
		case only != "" && t.Name != only:
			continue
		}
		one, why, err := r.of(ctx, incident, t.Name)
		if err != nil {
			return nil, nil, 0, err
		}
		if why != "" {
			skipped = append(skipped, t.Name+" ("+why+")")
		} else {
			due = append(due, one)
		}
	}
	if only != "" {
		unowned = 0
	}
	return due, skipped, unowned, nil
}

// slotOf is the beginning of the slot that a moment lies in.
func slotOf(at time.Time, cadence time.Duration) time.Time { return at.UTC().Truncate(cadence) }

// send stores a notice for each owner. Its key is of the owner and the slot, so
// that whoever asks again in the slot makes no second one.
func (c ping) send(ctx context.Context, call chat.Call, due []reminder, skipped []string, unowned int, slot time.Time, cadence time.Duration) (chat.Message, error) {
	if len(due) > 0 {
		_, err := c.store.Update(ctx, call.Work("ping", c.now()), call.Incident, nil, notify(due, slot))
		if err != nil {
			return chat.Message{}, err
		}
	}
	var owners []string
	for _, r := range due {
		owners = append(owners, r.owner)
	}
	m := chat.Say(chat.P("Nobody is to be reminded now."))
	if len(due) > 0 {
		m = chat.Say(chat.P(plural(len(due), "reminder")+" on the way: ", chat.C(fewOf(owners, maxShown)), "."),
			chat.N(fmt.Sprintf("One for each owner in the slot from %s to %s UTC; who had it already gets no second one.", slot.Format("15:04"), slot.Add(cadence).Format("15:04"))))
	}
	m.Add(leftOut(skipped, unowned)...)
	return m, nil
}

// notify stores a notice for each reminder.
func notify(due []reminder, slot time.Time) func(*state.Tx) error {
	return func(tx *state.Tx) error {
		for _, r := range due {
			key := fmt.Sprintf("ping %s %s %s", tx.Incident.ID, slot.Format(time.RFC3339), r.owner)
			tx.Notify(state.Notice{Key: key, Kind: NoticePing, Owner: r.owner, Facts: map[string]string{"slot": slot.Format(time.RFC3339)}})
		}
		return nil
	}
}

// leftOut names who gets no reminder, and why.
func leftOut(skipped []string, unowned int) []chat.Part {
	var out []chat.Part
	if len(skipped) > 0 {
		out = append(out, chat.N("Not reminded: ", chat.C(fewOf(skipped, maxShown)), "."))
	}
	if unowned > 0 {
		out = append(out, chat.N(are(unowned, "open server")+" without an owner, so nobody is reminded. Assign one with ", chat.C("server assign"), "."))
	}
	return out
}
