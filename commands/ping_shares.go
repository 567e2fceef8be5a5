package commands

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

const (
	maxLooked  = 25   // servers of one share that are looked at; the others are counted
	maxUnowned = 1000 // servers among which those without an owner are looked for
)

// The roles in which somebody is reminded of what is not their own.
const (
	asGroup   = "group"
	asDuty    = "duty lead"
	asManager = "manager"
	asNobodys = "nobody's"
)

// pinger finds out who is to be reminded of what. What it reads grows with the number
// of owners, never with that of servers.
type pinger struct {
	store interface {
		Reader
		Reminded
	}
	people  state.People
	policy  Reminders
	now     func() time.Time
	cadence time.Duration // when the incident does not say
}

func newPinger(p Parts) pinger { return pinger{p.Store, p.People, p.Reminders, p.Now, p.Cadence} }

func (c pinger) cadenceOf(inc state.Incident) time.Duration {
	return cmp.Or(inc.Cadence, c.cadence, 4*time.Hour)
}

// to is who is reminded for an owner of the inventory: the person who acts for them,
// so that one person of several owners is one.
func (c pinger) to(owner string) string {
	if p, ok := c.people.ByOwner(owner); ok {
		return "person:" + string(p.ID)
	}
	return "owner:" + owner
}

func personTo(id state.PersonID) string {
	if id == "" {
		return ""
	}
	return "person:" + string(id)
}

// question is what the reminders of an incident depend on now. With owners only
// theirs are asked for.
func (c pinger) question(ctx context.Context, inc state.Incident, slot time.Time, owners ...string) (state.PingQuestion, error) {
	now := c.now()
	q := state.PingQuestion{
		Now: now, Slot: slot, Cadence: c.cadenceOf(inc), Phase: state.PhaseOf(inc.Deadline(), now), Readers: map[string]state.PingReader{},
	}
	var err error
	if q.Memory, err = c.store.Pings(ctx, inc.ID); err != nil {
		return q, err
	}
	if q.Shares, err = c.owned(ctx, inc.ID, owners); err != nil {
		return q, err
	}
	if len(owners) == 0 {
		more, err := c.escalated(ctx, inc.ID, q.Phase)
		if err != nil {
			return q, err
		}
		q.Shares = append(q.Shares, more...)
	}
	for _, s := range q.Shares {
		q.Readers[s.To] = c.reader(inc, s.To)
	}
	return q, nil
}

// owned are the shares of owners, and of what has none.
func (c pinger) owned(ctx context.Context, incident string, owners []string) ([]state.PingShare, error) {
	tallies, err := c.store.Tallies(ctx, incident, "owner", true)
	if err != nil {
		return nil, err
	}
	var out []state.PingShare
	for _, t := range tallies {
		switch {
		case t.Name == "" && len(owners) == 0:
			some, err := c.unowned(ctx, incident, t.Counts.Open())
			if err != nil {
				return nil, err
			}
			out = append(out, some...)
		case t.Name != "" && (len(owners) == 0 || slices.Contains(owners, t.Name)):
			s, err := c.share(ctx, incident, state.Filter{Owner: t.Name}, t.Counts.Open())
			if err != nil {
				return nil, err
			}
			s.To = c.to(t.Name)
			out = append(out, s)
		}
	}
	return out, nil
}

// share reads the most urgent open servers of a filter.
func (c pinger) share(ctx context.Context, incident string, f state.Filter, open int) (state.PingShare, error) {
	rows, _, err := c.store.List(ctx, incident, f, 0, maxLooked)
	rows = openOf(rows)
	return state.PingShare{Rows: rows, More: max(0, open-len(rows))}, err
}

func openOf(rows []state.Row) []state.Row {
	return slices.DeleteFunc(rows, func(r state.Row) bool { return r.Status.Settled() })
}

// unowned are the shares of what has no owner: of its group, else of the duty lead.
func (c pinger) unowned(ctx context.Context, incident string, open int) ([]state.PingShare, error) {
	if open == 0 {
		return nil, nil
	}
	rows, _, err := c.store.List(ctx, incident, state.Filter{}, 0, maxUnowned)
	if err != nil {
		return nil, err
	}
	nobody := state.PingShare{To: personTo(c.duty()), As: asNobodys}
	groups := map[string]*state.PingShare{}
	var names []string
	found := 0
	for _, r := range openOf(rows) {
		if r.Owner != "" || found == 4*maxLooked {
			continue
		}
		found++
		if r.Group == "" {
			nobody.Rows = append(nobody.Rows, r)
			continue
		}
		if groups[r.Group] == nil {
			groups[r.Group] = &state.PingShare{To: "group:" + r.Group, As: asNobodys}
			names = append(names, r.Group)
		}
		groups[r.Group].Rows = append(groups[r.Group].Rows, r)
	}
	nobody.More = max(0, open-found)
	out := []state.PingShare{nobody}
	for _, n := range names {
		out = append(out, *groups[n])
	}
	return out, nil
}

// duty is who is told of what nobody else is: the duty lead, else the manager.
func (c pinger) duty() state.PersonID { return cmp.Or(c.policy.Duty, c.policy.Manager) }

// escalated are the shares of those who are told by the phase of the deadline: near
// it the groups, behind it the duty lead, and later the manager.
func (c pinger) escalated(ctx context.Context, incident string, phase state.Phase) ([]state.PingShare, error) {
	var out []state.PingShare
	if phase >= state.PhaseAt {
		tallies, err := c.store.Tallies(ctx, incident, "group", true)
		if err != nil {
			return nil, err
		}
		for _, t := range tallies {
			if t.Name == "" {
				continue
			}
			s, err := c.share(ctx, incident, state.Filter{Group: t.Name}, t.Counts.Open())
			if err != nil {
				return nil, err
			}
			s.To, s.As = "group:"+t.Name, asGroup
			out = append(out, s)
		}
	}
	for _, l := range []struct {
		from state.Phase
		who  state.PersonID
		as   string
	}{{state.PhaseAfter, c.policy.Duty, asDuty}, {state.PhaseLate, c.policy.Manager, asManager}} {
		if phase < l.from || l.who == "" {
			continue
		}
		s, err := c.all(ctx, incident)
		if err != nil {
			return nil, err
		}
		s.To, s.As = personTo(l.who), l.as
		out = append(out, s)
	}
	return out, nil
}

// all is the share of somebody who answers for everything.
func (c pinger) all(ctx context.Context, incident string) (state.PingShare, error) {
	counts, err := c.store.Counts(ctx, incident, state.Filter{})
	if err != nil {
		return state.PingShare{}, err
	}
	return c.share(ctx, incident, state.Filter{}, counts.Open())
}

// reader is when somebody may be reminded, and how often.
func (c pinger) reader(inc state.Incident, to string) state.PingReader {
	r := state.PingReader{Budget: c.policy.Mentions}
	if h, err := state.ParseHours(c.place(inc, to).Quiet, inc.Zone); err == nil {
		r.Quiet = append(r.Quiet, h)
	}
	id, ok := strings.CutPrefix(to, "person:")
	if p, known := c.people.ByID(state.PersonID(id)); ok && known {
		if h, err := state.ParseHours(p.Quiet, cmp.Or(p.Zone, inc.Zone)); err == nil {
			r.Quiet = append(r.Quiet, h)
		}
		r.Leads = p.ID == c.policy.Duty || p.ID == c.policy.Manager
	}
	return r
}

// place is the one place in which somebody is reminded: the first one that may see
// names and where they have an identity, else the first one that may see names.
func (c pinger) place(inc state.Incident, to string) state.Place {
	id, _ := strings.CutPrefix(to, "person:")
	p, _ := c.people.ByID(state.PersonID(id))
	var first state.Place
	for _, place := range inc.Places {
		if !place.Sees(state.TLPAmberStrict) {
			continue
		}
		if first.Platform == "" {
			first = place
		}
		if slices.ContainsFunc(p.Links, func(l string) bool { return strings.HasPrefix(l, place.Platform+":") }) {
			return place
		}
	}
	if first.Platform == "" && len(inc.Places) > 0 {
		return inc.Places[0]
	}
	return first
}
