package commands

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

const (
	maxReminded = 5 // servers that a reminder names
	maxPressed  = 2 // of them with buttons
)

// readerName is who a reminder is for, in words.
func readerName(to string) string {
	kind, name, _ := strings.Cut(to, ":")
	switch kind {
	case "":
		return "nobody"
	case "group":
		return "group " + name
	}
	return name
}

// reminder is a ping in words: what is open, one next action each.
func (c pinger) reminder(inc state.Incident, p state.Ping, now time.Time) chat.Message {
	open := len(p.Rows) + p.More
	head := chat.H(chat.C(readerName(p.To)), ": "+are(open, "server")+" open in ", chat.C(inc.ID))
	if p.To == "" {
		head = chat.H(are(open, "server")+" open in ", chat.C(inc.ID), ", and nobody's")
	}
	m := chat.Say(head).With(chat.ToneWarn)
	if why := c.whyMe(inc, p, now); len(why) > 0 {
		m.Add(chat.P(why))
	}
	list := chat.L()
	for _, r := range p.Rows[:min(len(p.Rows), maxReminded)] {
		list.Items = append(list.Items, pingLine(r, now))
	}
	list.More = open - len(list.Items)
	m.Add(list)
	pressed := maxPressed
	if !slices.Contains(p.As, "") && len(p.As) > 0 {
		pressed = 1 // they are told; others do it
	}
	for i, r := range p.Rows[:min(len(p.Rows), pressed)] {
		m.Add(chat.Row(pingButtons(inc.ID, r.Name, i == 0)...))
	}
	if slices.Contains(p.As, asNobodys) {
		m.Add(chat.N("Without an owner nobody is asked to act. Give each one with ", chat.C("server assign"), "."))
	}
	if p.Loud {
		m.Notify = []string{p.To}
		if owner, ok := strings.CutPrefix(p.To, "owner:"); ok && !c.reaches(owner) && len(p.Rows) > 0 && p.Rows[0].Group != "" {
			m.Notify = append(m.Notify, "group:"+p.Rows[0].Group) // nobody is linked to the owner
		}
	}
	return m
}

func (c pinger) reaches(owner string) bool { return c.policy.Reach == nil || c.policy.Reach(owner) }

// whyMe says where the deadline is, and why somebody is told of what is not theirs,
// or at this hour.
func (c pinger) whyMe(inc state.Incident, p state.Ping, now time.Time) chat.Text {
	var parts []string
	if state.PhaseOf(inc.Deadline(), now) > state.PhaseBefore {
		parts = append(parts, deadlineWords(inc, now)+".")
	}
	for _, as := range []string{asGroup, asDuty, asManager} {
		if slices.Contains(p.As, as) {
			parts = append(parts, "You are told as "+as+".")
		}
	}
	if p.Why != "" {
		parts = append(parts, "Sent "+p.Why+".")
	}
	if len(parts) == 0 {
		return nil
	}
	return chat.T(strings.Join(parts, " "))
}

// pingLine is a server of a reminder: how it is, why it matters, what to do next.
func pingLine(r state.Row, now time.Time) chat.Text {
	t := chat.T(mark(r.Status)+" ", chat.C(r.Name), " "+r.Status.String())
	if !r.Attacked.IsZero() && now.Sub(r.Attacked) < 24*time.Hour {
		t = append(t, chat.T(", ", chat.B("attacked "+ago(r.Attacked, now)))...)
	}
	if r.Exposure == state.ExposureInternet && !r.Contained {
		t = append(t, chat.T(", open to the internet")...)
	}
	if r.ClaimedBy != "" {
		t = append(t, chat.T(", claimed by ", chat.C(string(r.ClaimedBy)), " "+ago(r.ClaimedAt, now))...)
	}
	if r.Snooze.Until.After(now) {
		t = append(t, chat.T(", its snooze ended early")...)
	}
	if r.Next != "" {
		t = append(t, chat.T(" · ", nextAction(r.Next))...)
	}
	return t
}

// pingButtons are what somebody can do about a server at once.
func pingButtons(incident, name string, first bool) []chat.Button {
	claim, verify := press("Claim "+name, incident, "claim", name), press("Verify now", incident, "verify", name)
	snooze := press("Snooze 4 h", incident, "snooze", name, "4h")
	snooze.Ask = []string{"reason"}
	over, no := handOver(incident, name), cannot(incident, name)
	over.Label, no.Label = "Hand over", "Can't"
	if !first {
		verify.Label, snooze.Label, over.Label, no.Label = "Verify "+name, "Snooze "+name, "Hand over "+name, "Can't "+name
	}
	return []chat.Button{claim, verify, snooze, over, no}
}

// ping is a reminder at delivery: what is true then of what it was about. When there is
// nothing to say any more, or something newer was said meanwhile, it has no parts.
func (v *Voice) ping(ctx context.Context, n state.Notice) (chat.Message, error) {
	inc, err := v.store.Incident(ctx, n.Incident)
	if errors.Is(err, state.ErrNotFound) || err == nil && !inc.Closed.IsZero() {
		return chat.Message{}, nil
	}
	if err != nil {
		return chat.Message{}, err
	}
	to := n.Facts["to"]
	if n.Facts == nil {
		to = v.pings.to(n.Owner)
	}
	q, err := v.pings.again(ctx, inc, n, to)
	if err != nil {
		return chat.Message{}, err
	}
	if m, ok := q.Memory[to]; ok && newerThan(m, n) {
		return chat.Message{}, nil
	}
	q.Memory, q.Readers = nil, nil // that it is to be sent was decided
	for _, p := range state.PlanPings(q).Pings {
		if p.To == to {
			p.Why = n.Facts["why"]
			return v.pings.reminder(inc, p, q.Now), nil
		}
	}
	return chat.Message{}, nil
}

// newerThan reports whether a reminder of a later slot was sent and does not wait.
func newerThan(m state.PingMemory, n state.Notice) bool {
	slot, err := time.Parse(time.RFC3339, n.Facts["slot"])
	return err == nil && m.Slot.After(slot) && m.Until.IsZero()
}

// again asks the question of one reader anew.
func (c pinger) again(ctx context.Context, inc state.Incident, n state.Notice, to string) (state.PingQuestion, error) {
	return c.questionOf(ctx, inc, c.now(), to, c.ownersOf(to), strings.Split(n.Facts["as"], ","))
}

// ownersOf are the owners of the inventory for whom somebody is reminded.
func (c pinger) ownersOf(to string) []string {
	if id, ok := strings.CutPrefix(to, "person:"); ok {
		if p, known := c.people.ByID(state.PersonID(id)); known {
			return p.OwnerNames()
		}
	}
	if name, ok := strings.CutPrefix(to, "owner:"); ok {
		return []string{name}
	}
	return nil
}

// held says in words why readers are not reminded: a line for each reason of each.
func held(holds []state.PingHold, now time.Time) []chat.Part {
	type key struct{ to, why string }
	var order []key
	names, until := map[key][]string{}, map[key]time.Time{}
	more := map[key]bool{}
	for _, h := range holds {
		k := key{h.To, h.Why}
		if _, ok := until[k]; !ok {
			order = append(order, k)
		}
		if until[k].IsZero() || !h.Until.IsZero() && h.Until.Before(until[k]) {
			until[k] = h.Until
		}
		if h.Server == "" {
			more[k] = true
		} else {
			names[k] = append(names[k], h.Server)
		}
	}
	if len(order) == 0 {
		return nil
	}
	list := chat.L()
	for _, k := range order[:min(len(order), 2*maxShown)] {
		what := fewOf(names[k], 3)
		if more[k] {
			what = strings.TrimPrefix(what+" and more", " and ")
		}
		t := chat.T(chat.C(readerName(k.to)), " of ", chat.C(what), ": "+k.why)
		if u := until[k]; u.After(now) {
			t = append(t, chat.T(", until ", timeOf(u, now))...)
		}
		list.Items = append(list.Items, t)
	}
	list.More = len(order) - len(list.Items)
	return []chat.Part{chat.P(chat.B("Not reminded")), list}
}
