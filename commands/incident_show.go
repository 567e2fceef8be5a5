package commands

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// maxProposals is how many requests for a second person are shown.
const maxProposals = 10

// incidentShow tells what an incident demands and how it stands.
type incidentShow struct {
	store  knower
	people state.People
	now    func() time.Time
}

// knower reads, and tells what is out of date in what it reads.
type knower interface {
	Reader
	Sweeper
}

func (incidentShow) Spec() chat.Spec {
	return chat.Spec{
		Path: "incident show", Summary: "Show what the incident demands, how it stands, and what waits for a second person",
		Args:     []chat.Arg{{Name: "incident", Help: "its name; without it, the only open one", Type: chat.Incident, Optional: true}},
		Examples: []chat.Example{{Line: "incident show", Does: "shows the rules in force, the counts and what waits"}},
		Role:     state.RoleViewer,
	}
}

func (c incidentShow) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	counts, err := c.store.Counts(ctx, inc.ID, state.Filter{})
	if err != nil {
		return chat.Message{}, err
	}
	waiting, err := c.store.Proposals(ctx, inc.ID)
	if err != nil {
		return chat.Message{}, err
	}
	now := c.now()
	late, err := overdueIn(ctx, c.store, inc, now)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.H(drillMark(inc), chat.C(inc.ID), ": ", chat.C(inc.Title)))
	m.Add(chat.P(c.standing(facts{inc: inc, counts: counts, overdue: late, now: now})...), chat.P(fmt.Sprintf("%s: %s.", plural(counts.Total(), "server"), countsLine(counts))))
	if unseen := unseenLine(counts); unseen != "" {
		m.Add(chat.P(chat.B("Not seen: "), unseen, "."))
	}
	m.Add(demanded(inc.Rules)...)
	m.Add(chat.F(
		chat.Field{Name: "Opened", Value: chat.T(timeOf(inc.Opened, now), " by ", chat.C(c.who(inc.OpenedBy)))},
		chat.Field{Name: "Reminders", Value: chat.T("every " + spanWords(inc.Cadence))},
		chat.Field{Name: "Places", Value: chat.T(placeNames(inc))},
	))
	m.Add(c.waiting(inc.ID, waiting, now)...)
	return m, nil
}

// standing is the one sentence that says whether it is over.
func (c incidentShow) standing(f facts) []any {
	inc, counts, now := f.inc, f.counts, f.now
	switch d := inc.Clear; {
	case !inc.Closed.IsZero() && d == nil:
		return []any{chat.B("Closed "), timeOf(inc.Closed, now), " by ", chat.C(c.who(inc.ClosedBy)), ", not declared clear."}
	case d != nil && !f.clear(), d == nil && counts.MayClear() && f.overdue > 0:
		sentence, _ := f.verdict()
		return []any{sentence}
	case d != nil:
		return []any{
			chat.B(d.Words()), ", declared ", timeOf(d.At, now), " by ", chat.C(c.who(d.By)), " and ", chat.C(c.who(d.Second)),
			fmt.Sprintf(": %d confirmed, %d excepted, %d retired; board ", d.Confirmed, d.Exceptions, d.Retired), chat.C(shortHash(d.Hash)), ".",
		}
	case counts.MayClear():
		return []any{chat.B("Not declared clear"), ", and nothing stands in the way: ", chat.C("incident clear"), "."}
	}
	return []any{chat.B("Not clear"), fmt.Sprintf(": %d of %d servers are open.", counts.Open(), counts.Total())}
}

func (c incidentShow) who(id state.PersonID) string {
	if p, ok := c.people.ByID(id); ok && p.Name != "" {
		return p.Name
	}
	if id == "" {
		return "nobody known"
	}
	return string(id)
}

// demanded is the playbook in force: fix lines, then steps.
func demanded(r state.Rules) []chat.Part {
	due := ""
	if !r.Due.IsZero() {
		due = ", due " + r.Due.Format("2 Jan 2006")
	}
	steps := chat.L()
	for _, s := range r.Steps {
		word := s.Scope.String()
		if s.Scope == state.ScopeItem && r.Item != "" {
			word = r.Item
		}
		t := chat.T(chat.C(s.ID), " "+s.Title, chat.D(", each "+word))
		switch s.Need {
		case state.NeedCompromised:
			t = append(t, chat.D(", only after a sign of an attacker"))
		case state.NeedNever:
			t = append(t, chat.D(", advised"))
		}
		if len(s.After) > 0 {
			t = append(t, chat.D(", after "+strings.Join(s.After, ", ")))
		}
		steps.Items = append(steps.Items, t)
	}
	return []chat.Part{
		chat.P(chat.B("In force: "), chat.C(r.Playbook), fmt.Sprintf(" revision %d%s. Fix lines:", r.Revision, due)), linesPart(fixLines(r)),
		chat.P(chat.B("Steps, in the order of work:")), steps,
	}
}

func placeNames(inc state.Incident) string {
	if len(inc.Places) == 0 {
		return "none: nobody hears of it"
	}
	var names []string
	for _, p := range inc.Places {
		name := p.Platform + " " + p.Channel
		var of []string
		for _, g := range slices.Sorted(maps.Keys(inc.GroupPlaces)) {
			if inc.GroupPlaces[g] == p.Key() {
				of = append(of, g)
			}
		}
		if len(of) > 0 {
			name += " (of " + strings.Join(of, ", ") + ")"
		}
		names = append(names, name)
	}
	return fewOf(names, 5)
}

// waiting lists what waits for a second person, with a button each.
func (c incidentShow) waiting(incident string, refs []state.ProposalRef, now time.Time) []chat.Part {
	list, row := chat.L(), chat.Row()
	for _, p := range refs {
		if !now.Before(p.Expires) {
			continue
		}
		if len(list.Items) == maxProposals {
			list.More++
			continue
		}
		about := p.Server
		if about == "" {
			about = incident
		}
		list.Items = append(list.Items, chat.T(chat.C(p.ID), " "+string(p.Kind)+" ", chat.C(about), ", asked for by ", chat.C(c.who(p.By)),
			" "+ago(p.At, now)+", ends "+when(p.Expires, now)))
		if len(row.Buttons) < 5 {
			row.Buttons = append(row.Buttons, press("Approve "+p.ID, incident, "approve", p.ID))
		}
	}
	if len(list.Items) == 0 {
		return nil
	}
	return []chat.Part{chat.P(chat.B("Waits for a second person:")), list, row}
}
