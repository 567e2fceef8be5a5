package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

const (
	maxReminded = 5 // servers that a reminder names
	maxAsked    = 3 // entries of the record that are looked at for a server
)

// reminder is what one owner is to be reminded of.
type reminder struct {
	owner string
	rows  []state.Row // open, most urgent first
	open  int
	loud  bool // something in it is not disconnected, so the owner is mentioned
}

// reminders makes them from what is true now.
type reminders struct {
	store   Reader
	audit   Auditor
	now     time.Time
	cadence time.Duration
}

// of is the reminder of an owner, or why there is none. A server that somebody
// worked on within the cadence is left out; what it hides, it only hides when
// nothing else is open.
func (r reminders) of(ctx context.Context, incident, owner string) (reminder, string, error) {
	counts, err := r.store.Counts(ctx, incident, state.Filter{Owner: owner})
	if err != nil {
		return reminder{}, "", err
	}
	out := reminder{owner: owner, open: counts.Open()}
	if out.open == 0 {
		return out, "nothing open", nil
	}
	rows, _, err := r.store.List(ctx, incident, state.Filter{Owner: owner}, 0, 2*maxReminded)
	if err != nil {
		return out, "", err
	}
	quiet, last := 0, time.Time{}
	for _, row := range rows {
		if row.Status.Settled() {
			continue
		}
		at, err := r.acted(ctx, incident, row)
		if err != nil {
			return out, "", err
		}
		if !at.IsZero() {
			quiet++
			if at.After(last) {
				last = at
			}
			continue
		}
		if len(out.rows) < maxReminded {
			out.rows = append(out.rows, row)
			out.loud = out.loud || row.Status != state.StatusContained
		}
	}
	if quiet == out.open {
		return out, "somebody worked on it " + ago(last, r.now), nil
	}
	out.open -= quiet
	return out, "", nil
}

// acted is when somebody last worked on a server within the cadence; zero: nobody
// did, or things have become so bad that it does not matter.
func (r reminders) acted(ctx context.Context, incident string, row state.Row) (time.Time, error) {
	if row.Status == state.StatusCompromised || row.Status == state.StatusSuspected {
		return time.Time{}, nil
	}
	entries, err := r.audit.AuditOf(ctx, incident, row.Name, maxAsked)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return time.Time{}, fmt.Errorf("read the record of %q: %w", row.Name, err)
	}
	for _, e := range entries {
		after := !e.At.Before(row.Since) || row.Status.Rank() >= state.StatusInProgress.Rank()
		if e.By != "" && after && r.now.Sub(e.At) < r.cadence && worked(e, row.Name) {
			return e.At, nil
		}
	}
	return time.Time{}, nil
}

// worked reports whether an entry shows that a person did something about a
// server: a claim, evidence from inside, a request. A scan is not work.
func worked(e state.AuditEntry, server string) bool {
	for _, ev := range e.Events {
		if ev.Server != server {
			continue
		}
		switch ev.Type {
		case "claim", "proposed":
			return true
		case "evidence":
			var seen state.Evidence
			if json.Unmarshal(ev.Data, &seen) == nil && seen.Source.Inside() {
				return true
			}
		}
	}
	return false
}

// message is the reminder in words: what is open, one next action each.
func (r reminder) message(incident string) chat.Message {
	head := chat.H(chat.C(r.owner), ": "+are(r.open, "server")+" open in ", chat.C(incident))
	list := chat.L()
	for _, row := range r.rows {
		t := chat.T(mark(row.Status)+" ", chat.C(row.Name), " "+row.Status.String())
		if row.Next != "" {
			t = append(t, chat.T(" · ", nextAction(row.Next))...)
		}
		list.Items = append(list.Items, t)
	}
	list.More = max(0, r.open-len(r.rows))
	m := chat.Say(head, list).With(chat.ToneWarn)
	if r.loud {
		m.Notify = mention(r.owner, "")
	}
	if len(r.rows) > 0 {
		name := r.rows[0].Name
		m.Add(chat.Row(press("I work on "+name, incident, "claim", name), press("I patched, verify "+name, incident, "verify", name)))
	}
	return m
}

// ping is a reminder at delivery. When its owner has nothing open any more, or
// worked on it since, there is nothing to say.
func (v *Voice) ping(ctx context.Context, n state.Notice) (chat.Message, error) {
	inc, err := v.store.Incident(ctx, n.Incident)
	if errors.Is(err, state.ErrNotFound) || err == nil && !inc.Closed.IsZero() {
		return chat.Message{}, nil
	}
	if err != nil {
		return chat.Message{}, err
	}
	r, why, err := reminders{v.store, v.audit, v.now(), facts{inc: inc}.reminders(v.limit)}.of(ctx, n.Incident, n.Owner)
	if err != nil || why != "" {
		return chat.Message{}, err
	}
	return r.message(n.Incident), nil
}
