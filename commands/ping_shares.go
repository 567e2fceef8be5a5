package commands

import (
	"cmp"
	"context"
	"maps"
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

// pinger finds out who is to be reminded of what. What it reads of an owner is at most
// what they have open, and for one reader nothing of the others.
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

// question is what the reminders of an incident depend on now, all of them.
func (c pinger) question(ctx context.Context, inc state.Incident, slot time.Time) (state.PingQuestion, error) {
	q, err := c.blank(ctx, inc, slot)
	if err != nil {
		return q, err
	}
	own, err := c.owned(ctx, inc.ID)
	if err != nil {
		return q, err
	}
	more, err := c.escalated(ctx, inc.ID, q.Phase)
	return c.asked(inc, q, slices.Concat(own, more)), err
}

// questionOf is the same for one reader, as far as it is about some owners, and about
// what they are told of in other roles. It costs what is theirs.
func (c pinger) questionOf(ctx context.Context, inc state.Incident, slot time.Time, to string, owners, as []string) (state.PingQuestion, error) {
	q, err := c.blank(ctx, inc, slot, to)
	if err != nil {
		return q, err
	}
	open := map[string]int{}
	for _, o := range owners {
		counts, err := c.store.Counts(ctx, inc.ID, state.Filter{Owner: o})
		if err != nil {
			return q, err
		}
		if n := counts.Open(); n > 0 && o != "" {
			open[o] = n
		}
	}
	shares, err := c.shares(ctx, inc.ID, "owner", open)
	for i, s := range shares {
		shares[i].To = c.to(s.To)
	}
	if err != nil {
		return q, err
	}
	more, err := c.inRoles(ctx, inc.ID, q.Phase, to, as)
	return c.asked(inc, q, slices.Concat(shares, more)), err
}

// blank is a question before it is known who is answerable for what, with what is
// remembered of some, or of all.
func (c pinger) blank(ctx context.Context, inc state.Incident, slot time.Time, of ...string) (q state.PingQuestion, err error) {
	now := c.now()
	q = state.PingQuestion{Now: now, Slot: slot, Cadence: c.cadenceOf(inc), Phase: state.PhaseOf(inc.Deadline(), now), Readers: map[string]state.PingReader{}}
	q.Memory, err = c.store.Pings(ctx, inc.ID, of...)
	return q, err
}

func (c pinger) asked(inc state.Incident, q state.PingQuestion, shares []state.PingShare) state.PingQuestion {
	q.Shares = shares
	for _, s := range shares {
		if _, ok := q.Readers[s.To]; !ok {
			q.Readers[s.To] = c.reader(inc, s.To)
		}
	}
	return q
}

// owned are the shares of owners, and of what has none.
func (c pinger) owned(ctx context.Context, incident string) ([]state.PingShare, error) {
	tallies, err := c.store.Tallies(ctx, incident, "owner", true)
	if err != nil {
		return nil, err
	}
	open, nobodys := map[string]int{}, 0
	for _, t := range tallies {
		if t.Name == "" {
			nobodys = t.Counts.Open()
		} else {
			open[t.Name] = t.Counts.Open()
		}
	}
	shares, err := c.shares(ctx, incident, "owner", open)
	if err != nil {
		return nil, err
	}
	for i, s := range shares {
		shares[i].To = c.to(s.To)
	}
	unowned, err := c.unowned(ctx, incident, nobodys)
	return append(shares, unowned...), err
}

// shares are the most urgent open servers of each owner or group that has some open,
// those with most first. To is the name of it.
func (c pinger) shares(ctx context.Context, incident, by string, open map[string]int) ([]state.PingShare, error) {
	most := make(map[string]int, len(open))
	for name, n := range open {
		most[name] = min(n, maxLooked)
	}
	rows, err := c.store.First(ctx, incident, by, most)
	if err != nil {
		return nil, err
	}
	names := slices.SortedFunc(maps.Keys(open), func(a, b string) int { return cmp.Or(cmp.Compare(open[b], open[a]), cmp.Compare(a, b)) })
	out := make([]state.PingShare, 0, len(names))
	for _, name := range names {
		out = append(out, shareOf(rows[name], open[name], name))
	}
	return out, nil
}

func shareOf(rows []state.Row, open int, to string) state.PingShare {
	rows = slices.DeleteFunc(rows, func(r state.Row) bool { return r.Status.Settled() })
	return state.PingShare{To: to, Rows: rows, More: max(0, open-len(rows))}
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
	for _, r := range rows {
		if r.Owner != "" || r.Status.Settled() || found == 4*maxLooked {
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
		open := map[string]int{}
		for _, t := range tallies {
			if t.Name != "" {
				open[t.Name] = t.Counts.Open()
			}
		}
		if out, err = c.shares(ctx, incident, "group", open); err != nil {
			return nil, err
		}
		for i, s := range out {
			out[i].To, out[i].As = "group:"+s.To, asGroup
		}
	}
	for _, l := range c.leads(phase) {
		s, err := c.all(ctx, incident)
		if err != nil {
			return nil, err
		}
		s.To, s.As = personTo(l.who), l.as
		out = append(out, s)
	}
	return out, nil
}

// lead is who is told of everything, and in which role.
type lead struct {
	who state.PersonID
	as  string
}

// leads are those who are told of everything in a phase.
func (c pinger) leads(phase state.Phase) []lead {
	var out []lead
	if phase >= state.PhaseAfter && c.policy.Duty != "" {
		out = append(out, lead{c.policy.Duty, asDuty})
	}
	if phase >= state.PhaseLate && c.policy.Manager != "" {
		out = append(out, lead{c.policy.Manager, asManager})
	}
	return out
}

// inRoles are the shares of one reader of what is not their own, in some roles, as far
// as they have these in a phase.
func (c pinger) inRoles(ctx context.Context, incident string, phase state.Phase, to string, as []string) ([]state.PingShare, error) {
	var out []state.PingShare
	group, isGroup := strings.CutPrefix(to, "group:")
	for _, role := range as {
		switch {
		case role == asNobodys:
			tallies, err := c.store.Tallies(ctx, incident, "owner", true)
			if err != nil {
				return nil, err
			}
			open := 0
			if i := slices.IndexFunc(tallies, func(t state.Tally) bool { return t.Name == "" }); i >= 0 {
				open = tallies[i].Counts.Open()
			}
			some, err := c.unowned(ctx, incident, open)
			if err != nil {
				return nil, err
			}
			out = append(out, slices.DeleteFunc(some, func(s state.PingShare) bool { return s.To != to })...)
		case role == asGroup && isGroup && phase >= state.PhaseAt:
			counts, err := c.store.Counts(ctx, incident, state.Filter{Group: group})
			if err != nil {
				return nil, err
			}
			some, err := c.shares(ctx, incident, "group", map[string]int{group: counts.Open()})
			if err != nil {
				return nil, err
			}
			some[0].To, some[0].As = to, asGroup
			out = append(out, some...)
		case slices.ContainsFunc(c.leads(phase), func(l lead) bool { return l.as == role && personTo(l.who) == to }):
			s, err := c.all(ctx, incident)
			if err != nil {
				return nil, err
			}
			s.To, s.As = to, role
			out = append(out, s)
		}
	}
	return out, nil
}

// all is the share of somebody who answers for everything.
func (c pinger) all(ctx context.Context, incident string) (state.PingShare, error) {
	counts, err := c.store.Counts(ctx, incident, state.Filter{})
	if err != nil {
		return state.PingShare{}, err
	}
	rows, _, err := c.store.List(ctx, incident, state.Filter{}, 0, maxLooked)
	return shareOf(rows, counts.Open(), ""), err
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

// place is the one place in which somebody is reminded: the one of the group, the first
// one that may see names and where they have an identity, else the first one that may
// see names.
func (c pinger) place(inc state.Incident, to string) state.Place {
	id, _ := strings.CutPrefix(to, "person:")
	p, _ := c.people.ByID(state.PersonID(id))
	group, isGroup := strings.CutPrefix(to, "group:")
	var first state.Place
	for _, place := range inc.Places {
		if !place.Sees(state.TLPAmberStrict) {
			continue
		}
		if first.Platform == "" {
			first = place
		}
		if isGroup && inc.GroupPlaces[group] == place.Key() ||
			slices.ContainsFunc(p.Links, func(l string) bool { return strings.HasPrefix(l, place.Platform+":") }) {
			return place
		}
	}
	if first.Platform == "" && len(inc.Places) > 0 {
		return inc.Places[0]
	}
	return first
}

// placeKey is where somebody is reminded, or nowhere when no place may see names.
func (c pinger) placeKey(inc state.Incident, to string) string {
	if p := c.place(inc, to); p.Sees(state.TLPAmberStrict) {
		return p.Key()
	}
	return nowhere
}
