package state

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Limits of being left alone.
const (
	MaxSnooze = 7 * 24 * time.Hour
	// ClaimLife is for how long a claim stands until its holder is asked, and
	// ClaimGrace how long the holder then has to answer.
	ClaimLife  = 4 * time.Hour
	ClaimGrace = 30 * time.Minute
)

// Snooze is that nobody is reminded of a server for a while, with the reason. A sign
// of an attacker that comes to be known later ends it.
type Snooze struct {
	Server string    `json:"server"`
	Reason string    `json:"reason"`
	By     PersonID  `json:"by"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until"`
}

// Holds reports whether a server is snoozed now, given when it was attacked last.
func (s Snooze) Holds(attacked, now time.Time) bool {
	return now.Before(s.Until) && !attacked.After(s.At)
}

// Kinds of notices about claims.
const (
	NoticeClaimAsked NoticeKind = "claim asked" // its holder is asked whether it stands
	NoticeClaimEnded NoticeKind = "claim ended" // there was no answer
)

// Snooze leaves a server out of reminders for a while. An until that is not ahead ends it.
func (tx *Tx) Snooze(server, reason string, until time.Time) error {
	if err := tx.open(); err != nil {
		return err
	}
	f, s, err := tx.farmOf(server)
	if err != nil {
		return err
	}
	n := Snooze{Server: s.Name, Reason: wellFormed(strings.TrimSpace(reason)), By: PersonID(wellFormed(string(tx.Work.By))), At: tx.Work.At, Until: plain(until)}
	switch {
	case n.Until.After(n.At) && n.Reason == "":
		return refuse("A snooze needs a reason.", "Say what it waits for.")
	case len(n.Reason) > MaxReason:
		return refuse("The reason is too long.", "")
	case n.Until.Sub(n.At) > MaxSnooze:
		return refuse(fmt.Sprintf("Nobody is left alone for more than %d days.", MaxSnooze/(24*time.Hour)), "If the risk is accepted, ask with: except")
	}
	f.Farm.Snoozes = slices.DeleteFunc(slices.Clone(f.Farm.Snoozes), func(o Snooze) bool { return o.Server == n.Server || !tx.Work.At.Before(o.Until) })
	if !n.Until.After(n.At) {
		tx.event("snooze ended", f.Farm.Name, s.Name, n)
		return nil
	}
	f.Farm.Snoozes = append(f.Farm.Snoozes, n)
	tx.event("snoozed", f.Farm.Name, s.Name, n)
	return nil
}

// ageClaims asks the holders of old claims whether they still stand, and ends those
// that got no answer. It returns when that is to be looked at again; zero: never.
func (tx *Tx) ageClaims(f *FarmState) time.Time {
	var next time.Time
	var kept []Claim
	changed := false
	for _, c := range f.Farm.Claims {
		due := c.At.Add(ClaimLife)
		if !c.Asked.IsZero() {
			due = c.Asked.Add(ClaimGrace)
		}
		settled := f.Rows[c.Server].Status.Settled() && f.Rows[c.Server].Name != ""
		switch over := !tx.Work.At.Before(due); {
		case settled:
		case over && c.Asked.IsZero():
			c.Asked, changed, due = tx.Work.At, true, tx.Work.At.Add(ClaimGrace)
			tx.aboutClaim(f, NoticeClaimAsked, c)
		case over:
			changed = true
			tx.aboutClaim(f, NoticeClaimEnded, c)
			tx.event("claim ended", f.Farm.Name, c.Server, c)
			continue
		}
		if !settled && (next.IsZero() || due.Before(next)) {
			next = due
		}
		kept = append(kept, c)
	}
	if changed {
		f.Farm.Claims = kept
	}
	return next
}

func (tx *Tx) aboutClaim(f *FarmState, kind NoticeKind, c Claim) {
	s, _ := f.Farm.Server(c.Server)
	t := Transition{Server: s.Name, Owner: s.Owner, Group: s.Group}
	n := Notice{
		Key:  fmt.Sprintf("%s %s %s %s %s %d", kind, tx.Incident.ID, c.Server, c.Step, c.By, c.At.UnixMilli()),
		Kind: kind, Incident: tx.Incident.ID, Servers: []string{c.Server}, Owner: s.Owner, Group: s.Group, At: tx.Work.At,
		Facts:    map[string]string{"by": string(c.By), "step": c.Step, "at": c.At.Format(time.RFC3339)},
		Coalesce: fmt.Sprintf("%s %s %s", kind, tx.Incident.ID, c.By), Thread: tx.threadOf(t),
	}
	tx.head(t)
	tx.notices = append(tx.notices, n)
}

// pinged puts into a row what reminders go by.
func (f *FarmState) pinged(r Row, s Server, signs map[string]time.Time, acted map[string]bool, old Row, now time.Time) Row {
	r.Added, r.Attacked, r.Acted = s.Added, latest(signs[s.Name], signs[""]), old.Acted
	if acted[s.Name] || acted[""] {
		r.Acted = now
	}
	var newest Claim
	for _, c := range f.Farm.Claims {
		if c.Server == s.Name && !c.At.Before(newest.At) {
			newest = c
		}
	}
	r.ClaimedBy, r.ClaimedAt = PersonID(wellFormed(string(newest.By))), newest.At
	for _, z := range f.Farm.Snoozes {
		if z.Server == s.Name && now.Before(z.Until) {
			r.Snooze = z
		}
	}
	r.Risk = Risk{}
	for _, x := range f.Farm.Exceptions {
		if x.Server == s.Name && now.Before(x.Expires) && (r.Risk.Until.IsZero() || x.Expires.Before(r.Risk.Until)) {
			r.Risk = Risk{x.Expires, wellFormed(x.Reason)}
		}
	}
	return r
}

// signsIn are when the newest sign of an attacker came to be known, by server; "" is
// for all servers of the farm. What is harmless is none.
func (f *FarmState) signsIn(r Rules, now time.Time) map[string]time.Time {
	out := map[string]time.Time{}
	signs := slices.Concat(r.Signs, attackSigns())
	var worked *assessor // only where something may be harmless
	for i := range f.Evidence {
		e := &f.Evidence[i]
		if !slices.ContainsFunc(signs, func(s Sign) bool { return s.Kind == e.Kind && slices.Contains(s.Values, e.Value) }) {
			continue
		}
		if e.Kind == KindAttack && e.Value == AttackLate {
			if worked == nil {
				worked = f.worked(r, now)
			}
			if worked.harmless(e.Subject.Server, e) {
				continue
			}
		}
		out[e.Subject.Server] = latest(out[e.Subject.Server], e.Recorded)
	}
	return out
}

// actedOn are the servers that the person of this change did something about; "" is
// for all servers of the farm. A look from outside is not work, nor is what comes with
// a token: a collector that runs by itself would keep everybody from being reminded.
func (tx *Tx) actedOn(f *FarmState) map[string]bool {
	out := map[string]bool{}
	if tx.Work.By == "" || strings.HasPrefix(tx.Work.Via, TokenLink) {
		return out
	}
	for _, e := range f.Evidence {
		if e.By == tx.Work.By && e.Recorded.Equal(tx.Work.At) && e.Source.Inside() {
			out[e.Subject.Server] = true
		}
	}
	for _, e := range tx.events {
		if e.Farm == f.Farm.Name && e.Server != "" && (e.Type == "claim" || e.Type == "proposed") {
			out[e.Server] = true
		}
	}
	return out
}

// wellFormed is a text in the form in which it comes back from JSON, so that records compare equal.
func wellFormed(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
