package state

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// PingShare is a part of what is open, as one of those who can be reminded is
// answerable for it.
type PingShare struct {
	// To is who is reminded: "person:alice", "owner:alice" (linked to nobody),
	// "group:emea", or "" for a channel at large.
	To string
	// As says in which role: "" their own servers, else "group", "duty lead", "manager", "nobody's".
	As string
	// Rows are open servers, and More those beyond them that were not looked at.
	Rows []Row
	More int
}

// PingReader is somebody who can be reminded.
type PingReader struct {
	Quiet  []Hours // of the person, and of the channel that they are reminded in
	Budget int     // mentions in an hour; 0: no limit
	// Leads: a deadline that has passed breaks through their quiet hours.
	Leads bool
}

// PingMemory is what was said to somebody before. The zero value: nothing.
type PingMemory struct {
	Slot  time.Time `json:"slot,omitzero"`  // of the last reminder
	At    time.Time `json:"at,omitzero"`    // when that was decided
	Until time.Time `json:"until,omitzero"` // it waits in quiet hours until then
	Facts string    `json:"facts,omitempty"`
	Phase Phase     `json:"phase,omitempty"`
	// Level counts how often the same was said again, up to 2: the pause doubles with each.
	Level    int         `json:"level,omitempty"`
	Mentions []time.Time `json:"mentions,omitempty"` // of the last hour
	// Left counts reminders in a row that were left to the digest.
	Left int `json:"left,omitempty"`
	// Broke is when one last broke through quiet hours or a budget, and Why says why.
	Broke time.Time `json:"broke,omitzero"`
	Why   string    `json:"why,omitempty"`
}

// PingQuestion is all that the reminders of an incident at one slot depend on.
type PingQuestion struct {
	Now, Slot time.Time
	Cadence   time.Duration
	Phase     Phase
	// Asked: somebody asks for them, so nobody is spared a repetition.
	Asked   bool
	Shares  []PingShare
	Readers map[string]PingReader
	Memory  map[string]PingMemory
}

// Ping is one message to one reader. It tells of Rows, the most exposed first, and
// that there are More.
type Ping struct {
	To   string
	As   []string
	Rows []Row
	More int
	// Loud: it mentions them.
	Loud bool
	// NotBefore: it waits until quiet hours end; zero: it does not.
	NotBefore time.Time
	// Why says why it breaks through quiet hours or a budget; "": it does not.
	Why string
	// Next is what to remember of it.
	Next PingMemory
}

// PingHold is that a reader is not reminded of a server now, with the reason.
// Server "" stands for servers that were not looked at.
type PingHold struct {
	To, Server, Why string
	Until           time.Time // zero: not known
}

// PingPlan is who is reminded of what at a slot, and who is not, and why.
type PingPlan struct {
	Pings []Ping
	Holds []PingHold
	// Left are readers whose reminder is left to the digest, with what to remember.
	Left map[string]PingMemory
}

// maxPingLevel is how often the pause between reminders of the same doubles.
const maxPingLevel = 2

// PlanPings decides the reminders of one slot. It is pure and total: each open server
// of each share is in a ping to its reader, or held with a reason; nobody gets two.
func PlanPings(q PingQuestion) PingPlan {
	plan := PingPlan{Left: map[string]PingMemory{}}
	merged := map[string]*Ping{}
	var order []string
	for _, s := range q.Shares {
		p, ok := merged[s.To]
		if !ok {
			p = &Ping{To: s.To}
			merged[s.To] = p
			order = append(order, s.To)
		}
		plan.Holds = append(plan.Holds, p.take(q, s)...)
	}
	for _, to := range order {
		p := merged[to]
		if len(p.Rows)+p.More == 0 {
			continue
		}
		slices.SortStableFunc(p.Rows, byExposure(q.Now))
		if h := p.decide(q); h != nil {
			plan.hold(*p, *h)
			if p.Next.Left > 0 {
				plan.Left[to] = p.Next
			}
			continue
		}
		plan.Pings = append(plan.Pings, *p)
	}
	return plan
}

func (plan *PingPlan) hold(p Ping, h PingHold) {
	for _, r := range p.Rows {
		plan.Holds = append(plan.Holds, PingHold{p.To, r.Name, h.Why, h.Until})
	}
	if p.More > 0 {
		plan.Holds = append(plan.Holds, PingHold{p.To, "", h.Why, h.Until})
	}
}

// take adds a share to a ping, but for what is quiet by itself. A server is told of
// once.
func (p *Ping) take(q PingQuestion, s PingShare) (holds []PingHold) {
	if !slices.Contains(p.As, s.As) && len(s.Rows)+s.More > 0 {
		p.As = append(p.As, s.As)
	}
	for _, r := range s.Rows {
		if r.Status.Settled() || slices.ContainsFunc(p.Rows, func(o Row) bool { return o.Name == r.Name }) {
			continue
		}
		if why, until := r.QuietNow(q.Now, q.Cadence); why != "" {
			holds = append(holds, PingHold{s.To, r.Name, why, until})
			continue
		}
		p.Rows = append(p.Rows, r)
	}
	if s.As == "" {
		p.More += s.More
	} else {
		p.More = max(p.More, s.More) // the same servers may be behind several of these
	}
	return holds
}

// QuietNow is why nobody is to be reminded of a server now, and until when; "": there
// is no reason not to.
func (r Row) QuietNow(now time.Time, cadence time.Duration) (why string, until time.Time) {
	acute := r.Status == StatusCompromised || r.Status == StatusSuspected
	switch {
	case r.Snooze.Holds(r.Attacked, now):
		return fmt.Sprintf("snoozed by %s: %s", r.Snooze.By, r.Snooze.Reason), r.Snooze.Until
	case !acute && !r.Acted.IsZero() && r.settledIn() && now.Sub(r.Acted) < cadence:
		return "somebody worked on it", r.Acted.Add(cadence)
	}
	return "", time.Time{}
}

// settledIn reports whether the work on a server was about how it is now: a server
// that has become worse since is not spared.
func (r Row) settledIn() bool {
	return !r.Acted.Before(r.Since) || r.Status.Rank() >= StatusInProgress.Rank()
}

// byExposure orders servers by what an attacker can reach: whom the internet reaches,
// who was attacked in the last day, the worse status, the longer open.
func byExposure(now time.Time) func(a, b Row) int {
	attacked := func(r Row) int {
		if !r.Attacked.IsZero() && now.Sub(r.Attacked) < 24*time.Hour {
			return 0
		}
		return 1
	}
	reached := func(r Row) int {
		if r.Exposure != ExposureInternal && !r.Contained {
			return 0
		}
		return 1
	}
	return func(a, b Row) int {
		return cmp.Or(
			cmp.Compare(reached(a), reached(b)), cmp.Compare(attacked(a), attacked(b)), cmp.Compare(a.Status.Rank(), b.Status.Rank()),
			a.Added.Compare(b.Added), strings.Compare(a.Name, b.Name),
		)
	}
}

// decide completes a ping, or says why it is not sent.
func (p *Ping) decide(q PingQuestion) *PingHold {
	m, reader := q.Memory[p.To], q.Readers[p.To]
	facts, fresh := p.facts(), p.freshAttack(m.At)
	phase := q.Phase != m.Phase && q.Phase > PhaseBefore
	p.Loud = p.To != "" && slices.ContainsFunc(p.Rows, func(r Row) bool { return r.Status != StatusContained }) || p.To != "" && len(p.Rows) == 0
	p.Next = PingMemory{Slot: q.Slot, At: q.Now, Facts: facts, Phase: q.Phase, Mentions: recent(m.Mentions, q.Now), Broke: m.Broke, Why: m.Why}
	if !m.Slot.IsZero() && m.Facts == facts && fresh == "" && !phase {
		p.Next.Level = min(m.Level+1, maxPingLevel)
	}
	again := m.Slot.Add(q.Cadence << p.Next.Level)
	switch {
	case !m.Slot.IsZero() && !m.Slot.Before(q.Slot):
		return &PingHold{Why: "had a reminder in this slot already", Until: q.Slot.Add(q.Cadence)}
	case m.Until.After(q.Now) && fresh == "":
		return &PingHold{Why: "a reminder waits for the end of quiet hours", Until: m.Until}
	case !q.Asked && p.Next.Level > 0 && q.Slot.Before(again):
		return &PingHold{Why: "it would say the same as " + m.Slot.UTC().Format("15:04") + " UTC", Until: again}
	}
	if end := QuietUntil(reader.Quiet, q.Now); !end.IsZero() {
		switch {
		case fresh != "":
			p.Why = "in your quiet hours, because " + fresh + " shows new signs of an attacker"
		case reader.Leads && q.Phase >= PhaseAfter && q.Phase != m.Phase:
			p.Why = "in your quiet hours, because the deadline has passed"
		default:
			p.NotBefore, p.Next.Until = end, end
		}
	}
	if p.Loud && reader.Budget > 0 && len(p.Next.Mentions) >= reader.Budget {
		if fresh == "" {
			until := p.Next.Mentions[0].Add(time.Hour)
			p.Next = m
			p.Next.Left++
			return &PingHold{Why: fmt.Sprintf("had %d mentions in an hour: left to the digest", reader.Budget), Until: until}
		}
		p.Why = cmp.Or(p.Why, "above your mentions for an hour, because "+fresh+" shows new signs of an attacker")
	}
	if p.Why != "" {
		p.Next.Broke, p.Next.Why = q.Now, p.Why
	}
	if p.Loud {
		p.Next.Mentions = append(p.Next.Mentions, cmp.Or(p.NotBefore, q.Now))
	}
	return nil
}

// recent are the mentions of the last hour, and those that are still to come.
func recent(mentions []time.Time, now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(mentions), func(t time.Time) bool { return now.Sub(t) >= time.Hour })
}

// freshAttack is the first server of a ping with a sign of an attacker that came to be
// known after a moment; "" at the first ping, which tells of all of them anyway.
func (p *Ping) freshAttack(since time.Time) string {
	for _, r := range p.Rows {
		if !since.IsZero() && r.Attacked.After(since) {
			return r.Name
		}
	}
	return ""
}

// facts is a short name for what a ping says: the same facts, the same name.
func (p *Ping) facts() string {
	h := sha256.New()
	rows := slices.Clone(p.Rows)
	slices.SortFunc(rows, func(a, b Row) int { return strings.Compare(a.Name, b.Name) })
	for _, r := range rows {
		fmt.Fprintf(h, "%q %s %q %q %t %t %q\n", r.Name, r.Status, r.Next, r.Reason, r.Contained, r.Claimed, r.ClaimedBy)
	}
	fmt.Fprint(h, p.More)
	return hex.EncodeToString(h.Sum(nil)[:8])
}
