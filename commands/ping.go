package commands

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// ping reminds those who are answerable of what is open: one message a person, once
// in a slot.
type ping struct {
	store interface {
		Changer
		Reader
		Sweeper
	}
	pinger
}

func (ping) Spec() chat.Spec {
	return chat.Spec{
		Path: "ping", Summary: "Show who would be reminded of what, and who would not and why; or remind them",
		Flags: []chat.Arg{
			{Name: "owner", Help: "only this owner", Type: chat.Owner},
			{Name: "send", Help: "send them; without it they are only shown", Type: chat.Switch},
		},
		Examples: []chat.Example{
			{Line: "ping", Does: "shows each reminder as it would be sent, and who would get none, and why"},
			{Line: "ping --send", Does: "sends them, each person once in a slot however often it is asked"},
		},
		Role: state.RoleResponder,
	}
}

func (c ping) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	slotted := call.Request.Trigger == chat.TriggerSchedule
	if over, err := c.over(ctx, inc); err != nil || over != "" {
		if slotted || err != nil {
			return chat.Message{}, err
		}
		return chat.Message{}, &chat.Problem{What: over}
	}
	at := cmp.Or(call.Request.At, c.now()) // the same when the request is run again
	slot := at.UTC()
	if !slotted {
		slot = slotOf(at, c.cadenceOf(inc))
	}
	plan, err := c.plan(ctx, call, inc, slot, slotted)
	if err != nil {
		return chat.Message{}, err
	}
	if len(plan.Pings) > 0 && c.placeKey(inc, plan.Pings[0].To) == nowhere {
		return chat.Message{}, unheardOf(inc.ID, nil)
	}
	if call.Values.Bool("send") {
		return c.send(ctx, call, inc, plan, slot, slotted)
	}
	return c.preview(call, inc, plan), nil
}

// over is why nobody is reminded at all; "": somebody may be.
func (c ping) over(ctx context.Context, inc state.Incident) (string, error) {
	if !inc.Closed.IsZero() {
		return fmt.Sprintf("Incident %s is closed; nobody is reminded.", inc.ID), nil
	}
	clear, err := knownClear(ctx, c.store, inc, c.now())
	if clear {
		return fmt.Sprintf("Incident %s is declared clear; nobody is reminded, until something re-opens.", inc.ID), err
	}
	return "", err
}

// slotOf is the beginning of the slot that a moment lies in.
func slotOf(at time.Time, cadence time.Duration) time.Time { return at.UTC().Truncate(cadence) }

func (c ping) plan(ctx context.Context, call chat.Call, inc state.Incident, slot time.Time, slotted bool) (state.PingPlan, error) {
	if call.Values.Has("owner") {
		owner, err := otherName(ctx, c.store, call.Incident, "owner", call.Values.String("owner"), func(n string) string {
			return press("", call.Incident, "ping", "--owner", n).Line
		})
		if err != nil {
			return state.PingPlan{}, err
		}
		to := c.to(owner)
		q, err := c.questionOf(ctx, inc, slot, to, c.ownersOf(to), nil)
		q.Asked = !slotted
		return state.PlanPings(q), err
	}
	q, err := c.question(ctx, inc, slot)
	q.Asked = !slotted
	return state.PlanPings(q), err
}

// preview shows what would be sent, and what would not.
func (c ping) preview(call chat.Call, inc state.Incident, plan state.PingPlan) chat.Message {
	var m chat.Message
	now := c.now()
	for _, p := range plan.Pings {
		m.Add(drill(inc, c.reminder(inc, p, now)).Parts...)
		if !p.NotBefore.IsZero() {
			m.Add(chat.N("This one waits until ", timeOf(p.NotBefore, now), ": quiet hours of ", chat.C(readerName(p.To)), "."))
		}
		if len(m.Parts) > 8*maxShown {
			m.Add(chat.N(fmt.Sprintf("%d reminders in all; only the first are shown.", len(plan.Pings))))
			break
		}
	}
	if len(plan.Pings) == 0 {
		m.Add(chat.P("Nobody is to be reminded now."))
	}
	m.Add(held(plan.Holds, now)...)
	if len(plan.Pings) > 0 {
		m.Add(chat.Row(press("Send", call.Incident, "ping", "--send")))
	}
	return m
}

// pingsAtOnce is how many reminders are stored in one change.
const pingsAtOnce = 200

// send stores a notice for each reminder. Its key is of the reader and the slot, so
// that whoever asks again in the slot makes no second one.
func (c ping) send(ctx context.Context, call chat.Call, inc state.Incident, plan state.PingPlan, slot time.Time, slotted bool) (chat.Message, error) {
	left := plan.Left
	var unheard []string
	for some := range slices.Chunk(append([]state.Ping{}, plan.Pings...), pingsAtOnce) {
		lost, err := c.note(ctx, call, some, left, slot)
		if err != nil {
			return chat.Message{}, err
		}
		left, unheard = nil, append(unheard, lost...)
	}
	if len(left) > 0 {
		if _, err := c.note(ctx, call, nil, left, slot); err != nil {
			return chat.Message{}, err
		}
	}
	if len(unheard) > 0 {
		return chat.Message{}, unheardOf(inc.ID, unheard)
	}
	if slotted {
		return chat.Message{}, nil // the reminders speak for themselves
	}
	return c.sent(plan, slot, c.cadenceOf(inc)), nil
}

// unheardOf says that readers were not reminded because no place takes it.
func unheardOf(incident string, to []string) error {
	var names []string
	for _, t := range to {
		names = append(names, readerName(t))
	}
	who := "Nobody can be reminded"
	if len(names) > 0 {
		who = "Not reminded: " + fewOf(names, maxShown)
	}
	return &chat.Problem{
		What: fmt.Sprintf("%s: no place of %s may see the names of servers.", who, incident), Try: "Bind a private channel of the team there with: incident bind",
	}
}

// note stores some reminders, and what to remember. Where they go is decided by the
// places that the incident has when they are stored, not by those of the plan.
func (c ping) note(ctx context.Context, call chat.Call, some []state.Ping, left map[string]state.PingMemory, slot time.Time) (unheard []string, err error) {
	var readers []string
	for _, p := range some {
		readers = append(readers, p.To)
	}
	readers = slices.Sorted(slices.Values(slices.AppendSeq(readers, maps.Keys(left))))
	step := "ping " + digestOf(readers) // the same readers again are the same step
	_, err = c.store.Update(ctx, call.Work(step, c.now()), call.Incident, nil, func(tx *state.Tx) (err error) {
		memory := maps.Clone(left)
		if memory == nil {
			memory = map[string]state.PingMemory{}
		}
		notices := make([]state.Notice, 0, len(some))
		for _, p := range some {
			notices = append(notices, c.notice(tx.Incident, p, slot))
			memory[p.To] = p.Next
		}
		unheard, err = tx.Remind(slot, notices, memory)
		return err
	})
	return unheard, err
}

// nowhere is the key of no place at all.
const nowhere = "nowhere"

func (c pinger) notice(inc state.Incident, p state.Ping, slot time.Time) state.Notice {
	stamp := slot.UTC().Format(time.RFC3339)
	n := state.Notice{
		Key: fmt.Sprintf("ping %s %s %s", inc.ID, stamp, p.To), Kind: NoticePing, Owner: readerName(p.To), NotBefore: p.NotBefore,
		Facts: map[string]string{"slot": stamp, "to": p.To, "as": strings.Join(p.As, ","), "why": p.Why},
	}
	return n.To(inc, c.placeKey(inc, p.To))
}

// sent says what came of it: whom a reminder goes to now, whom later, and whom not.
func (c ping) sent(plan state.PingPlan, slot time.Time, cadence time.Duration) chat.Message {
	now := c.now()
	var soon, later []string
	for _, p := range plan.Pings {
		name := readerName(p.To)
		if p.NotBefore.IsZero() {
			soon = append(soon, name)
		} else {
			later = append(later, name+" at "+when(p.NotBefore, now))
		}
	}
	m := chat.Say(chat.P("Nobody is reminded now."))
	if len(soon)+len(later) > 0 {
		m = chat.Message{}
	}
	if len(soon) > 0 {
		m.Add(chat.P(plural(len(soon), "reminder")+" on the way: ", chat.C(fewOf(soon, maxShown)), "."))
	}
	if len(later) > 0 {
		m.Add(chat.P(plural(len(later), "reminder")+" held by quiet hours: ", chat.C(fewOf(later, maxShown)), "."))
	}
	if len(plan.Pings) > 0 {
		m.Add(chat.N(fmt.Sprintf("One for each person in the slot from %s to %s UTC.", slot.Format("15:04"), slot.Add(cadence).Format("15:04"))))
	}
	m.Add(held(plan.Holds, now)...)
	return m
}
