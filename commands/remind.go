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

// NoticePhase is that the deadline has come nearer, or has passed.
const NoticePhase state.NoticeKind = "deadline"

// Tend tells those who are answerable when the deadline of an incident enters another
// phase, each once, and how many it told. It may be called at any time, by several
// replicas.
func Tend(ctx context.Context, p Parts, incident string, now time.Time) (told int, err error) {
	inc, err := p.Store.Incident(ctx, incident)
	phase := state.PhaseOf(inc.Deadline(), now)
	if err != nil || !inc.Closed.IsZero() || phase == inc.Phase || max(phase, inc.Phase) <= state.PhaseBefore {
		return 0, err
	}
	var notices []state.Notice
	c := newPinger(p)
	if clear, err := knownClear(ctx, p.Store, inc, now); err != nil {
		return 0, err
	} else if !clear && phase > max(inc.Phase, state.PhaseBefore) {
		if c.placeKey(inc, "") == nowhere {
			return 0, nil // it is told when a place hears of it
		}
		if notices, err = c.phase(ctx, inc, phase); err != nil {
			return 0, err
		}
	}
	work := state.Work{Request: fmt.Sprintf("phase %s %s %d", inc.ID, phase, inc.Deadline().Unix()), Step: "tell", Via: "reminders", At: now}
	_, err = p.Store.Update(ctx, work, inc.ID, nil, func(tx *state.Tx) error {
		told = 0
		fresh, err := tx.EnterPhase(phase)
		for _, n := range notices {
			if n = n.To(tx.Incident, c.placeKey(tx.Incident, n.Facts["to"])); fresh && len(n.Address(tx.Incident.Places)) > 0 {
				tx.Notify(n)
				told++
			}
		}
		return err
	})
	return told, err
}

// phase are the notices of a phase: one for each who has something open.
func (c pinger) phase(ctx context.Context, inc state.Incident, phase state.Phase) ([]state.Notice, error) {
	q, err := c.question(ctx, inc, c.now())
	if err != nil {
		return nil, err
	}
	rows := map[string][]state.Row{}
	as := map[string]string{}
	var order []string
	for _, s := range q.Shares {
		if len(s.Rows)+s.More == 0 || s.To == "" {
			continue
		}
		if _, ok := rows[s.To]; !ok {
			order, as[s.To] = append(order, s.To), s.As
		}
		rows[s.To] = append(rows[s.To], s.Rows...)
	}
	var out []state.Notice
	for _, to := range order {
		reader := q.Readers[to]
		n := state.Notice{
			Key: fmt.Sprintf("deadline %s %s %d %s", inc.ID, phase, inc.Deadline().Unix(), to), Kind: NoticePhase, Owner: readerName(to),
			Thread: threadFor(inc, rows[to]),
			Facts:  map[string]string{"to": to, "as": as[to], "phase": phase.String()},
		}
		if !reader.Leads {
			n.NotBefore = state.QuietUntil(reader.Quiet, q.Now)
		}
		out = append(out, n)
	}
	return out, nil
}

// threadFor is the thread in which servers are told of, when it is one.
func threadFor(inc state.Incident, rows []state.Row) string {
	if len(rows) == 0 {
		return ""
	}
	thread := inc.ThreadOf(rows[0].Name, rows[0].Group)
	for _, r := range rows {
		if inc.ThreadOf(r.Name, r.Group) != thread {
			return ""
		}
	}
	return thread
}

// deadline is a notice about a phase at delivery: what is open then.
func (v *Voice) deadline(ctx context.Context, n state.Notice) (chat.Message, error) {
	inc, err := v.store.Incident(ctx, n.Incident)
	if errors.Is(err, state.ErrNotFound) || err == nil && !inc.Closed.IsZero() {
		return chat.Message{}, nil
	}
	if err != nil {
		return chat.Message{}, err
	}
	to, now := n.Facts["to"], v.now()
	q, err := v.pings.again(ctx, inc, n, to)
	if err != nil {
		return chat.Message{}, err
	}
	p := state.Ping{To: to, Loud: true, As: []string{n.Facts["as"]}}
	for _, s := range q.Shares {
		if s.To != to {
			continue
		}
		if s.As == "" {
			p.More += s.More
		} else {
			p.More = max(p.More, s.More)
		}
		for _, r := range s.Rows {
			if !slices.ContainsFunc(p.Rows, func(o state.Row) bool { return o.Name == r.Name }) {
				p.Rows = append(p.Rows, r)
			}
		}
	}
	if len(p.Rows)+p.More == 0 || q.Phase < state.PhaseAt {
		return chat.Message{}, nil
	}
	m := v.pings.reminder(inc, p, now)
	words := deadlineWords(inc, now)
	m.Parts[0] = chat.H(chat.B(words), " · ", chat.C(readerName(to)), ": "+are(len(p.Rows)+p.More, "server")+" open in ", chat.C(inc.ID))
	if why, ok := m.Parts[1].(chat.Para); ok { // the deadline is in the heading
		if rest := strings.TrimSpace(strings.TrimPrefix(why.Text.Plain(), words+".")); rest != "" {
			m.Parts[1] = chat.P(rest)
		} else {
			m.Parts = slices.Delete(m.Parts, 1, 2)
		}
	}
	if who := v.pings.toldToo(q.Phase); who != "" {
		m.Add(chat.N("From now on reminders go to " + who + " too."))
	}
	if q.Phase >= state.PhaseAfter {
		m.Tone = chat.ToneBad
	}
	return m, nil
}

// toldToo is who is told in a phase, beside the owners.
func (c pinger) toldToo(phase state.Phase) string {
	who := []string{"the groups"}
	if phase >= state.PhaseAfter && c.policy.Duty != "" {
		who = append(who, string(c.policy.Duty)+" (duty lead)")
	}
	if phase >= state.PhaseLate && c.policy.Manager != "" {
		who = append(who, string(c.policy.Manager)+" (manager)")
	}
	return strings.Join(who, ", ")
}

// claims are questions to the holders of claims whether they still stand, or that
// there was no answer.
func (v *Voice) claims(ctx context.Context, ns []state.Notice) (chat.Message, error) {
	n, now := ns[len(ns)-1], v.now()
	by := n.Facts["by"]
	asked := n.Kind == state.NoticeClaimAsked
	var m chat.Message
	list := chat.L()
	var buttons []chat.Part
	for _, one := range ns {
		for _, name := range one.Servers {
			row, err := v.store.Row(ctx, one.Incident, name)
			at, _ := time.Parse(time.RFC3339, one.Facts["at"])
			renewed := row.ClaimedAt.Sub(at) >= time.Second
			if errors.Is(err, state.ErrNotFound) || err == nil && (row.Status.Settled() || asked && (renewed || row.ClaimedBy == "")) {
				continue
			}
			if err != nil {
				return m, err
			}
			list.Items = append(list.Items, pingLine(row, now))
			if len(buttons) < maxPressed && asked {
				still := []string{name}
				if step := one.Facts["step"]; step != "" {
					still = append(still, step)
				}
				buttons = append(buttons, chat.Row(press("Still on "+name, n.Incident, "claim", still...), press("Verify now", n.Incident, "verify", name), handOver(n.Incident, name)))
			} else if len(buttons) < maxPressed {
				buttons = append(buttons, chat.Row(press("Claim "+name, n.Incident, "claim", name)))
			}
		}
	}
	if len(list.Items) == 0 {
		return m, nil
	}
	if asked {
		m = chat.Say(chat.H(chat.C(by), ": still on it? You claimed this more than "+spanWords(state.ClaimLife)+" ago, and nothing shows it done"))
		m.Notify = []string{"person:" + by}
	} else {
		m = chat.Say(chat.H("Back in the pool: ", chat.C(by), " claimed it and did not answer"))
	}
	m.Add(list)
	m.Add(buttons...)
	if asked {
		m.Add(chat.N("Without an answer it goes back to the pool at ", timeOf(n.At.Add(state.ClaimGrace), now), "."))
	}
	return m.With(chat.ToneWarn), nil
}

// knownClear reports whether an incident is declared clear, and nothing is known
// to speak against it or waits to be assessed anew.
func knownClear(ctx context.Context, s knower, inc state.Incident, now time.Time) (bool, error) {
	if inc.Clear == nil {
		return false, nil
	}
	counts, err := s.Counts(ctx, inc.ID, state.Filter{})
	if err != nil {
		return false, err
	}
	late, err := overdueIn(ctx, s, inc, now)
	return facts{inc: inc, counts: counts, overdue: late}.clear(), err
}
