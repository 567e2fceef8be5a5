package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// maxMine is how many servers of a person a home names, of each incident.
const maxMine = 10

// home is what concerns one person: the servers that they must act on, and for
// leads each incident as a whole.
type home struct {
	store   boardStore
	people  state.People
	now     func() time.Time
	cadence time.Duration
}

func (home) Spec() chat.Spec {
	return chat.Spec{
		Path: "home", Summary: "Show my servers in every open incident, and for leads the incidents as a whole",
		Examples: []chat.Example{{Line: "home", Does: "shows what you must act on, the most urgent first"}},
		Role:     state.RoleViewer, Private: true, Global: true,
	}
}

func (c home) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	heads, err := c.store.Incidents(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	actor := call.Request.Actor
	m := chat.Say()
	for _, h := range heads {
		if !h.Closed.IsZero() {
			continue
		}
		parts, err := c.incident(ctx, h.ID, actor)
		if err != nil {
			return chat.Message{}, err
		}
		m.Add(parts...)
	}
	if len(m.Parts) == 0 {
		m.Add(chat.P("No incident is open."))
	}
	if actor.Person == "" {
		m.Add(chat.N("You are not linked to a person yet, so it is not known which servers are yours. Ask a lead to link ", chat.C(actor.Link), "."))
	}
	m.Add(chat.N("As of ", asOfTime(c.now().UTC()), ". More with ", chat.C("menu"), " and ", chat.C("help"), "."))
	return m, nil
}

func (c home) incident(ctx context.Context, id string, actor chat.Actor) ([]chat.Part, error) {
	var parts []chat.Part
	if actor.Role >= state.RoleLead {
		card, err := Card(ctx, c.store, id, c.now(), c.cadence)
		if err != nil {
			return nil, err
		}
		parts = append(parts, card.Parts...)
	} else {
		f, err := readFacts(ctx, c.store, id, c.now())
		f.now = c.now() // one clock for several incidents
		if err != nil {
			return nil, err
		}
		verdict, _ := f.verdict()
		parts = append(parts, f.heading(), chat.P(verdict))
	}
	mine, err := c.mine(ctx, id, actor.Person)
	return append(parts, mine...), err
}

// mine are the servers of a person that are open, the most urgent first.
func (c home) mine(ctx context.Context, id string, person state.PersonID) ([]chat.Part, error) {
	if person == "" {
		return nil, nil
	}
	var rows []state.Row
	open := 0
	for _, owner := range c.owners(person) {
		some, err := c.ofOwner(ctx, id, owner)
		if errors.Is(err, state.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		counts, err := c.store.Counts(ctx, id, state.Filter{Owner: owner})
		if err != nil {
			return nil, err
		}
		rows, open = append(rows, some...), open+counts.Open()
	}
	if open == 0 {
		return []chat.Part{chat.P("None of your servers is open.")}, nil
	}
	parts := []chat.Part{chat.P(chat.B(fmt.Sprintf("My servers: %s open", are(open, "server"))))}
	for _, r := range rows[:min(len(rows), maxMine)] {
		line := chat.T(mark(r.Status)+" ", chat.C(r.Name), fmt.Sprintf(" %s since %s", r.Status, when(r.Since, c.now())))
		if r.Next != "" {
			line = append(line, chat.T(" · ", nextAction(r.Next))...)
		}
		parts = append(parts, chat.P(line), chat.Row(
			press("I work on it", id, "claim", r.Name), press("I patched, verify now", id, "verify", r.Name), handOver(id, r.Name), cannot(id, r.Name),
		))
	}
	if more := open - min(len(rows), maxMine); more > 0 {
		parts = append(parts, chat.N(fmt.Sprintf("and %d more: ", more), chat.C("server list --owner …")))
	}
	return parts, nil
}

func (c home) ofOwner(ctx context.Context, id, owner string) ([]state.Row, error) {
	rows, _, err := c.store.List(ctx, id, state.Filter{Owner: owner}, 0, maxMine)
	var open []state.Row
	for _, r := range rows {
		if !r.Status.Settled() {
			open = append(open, r)
		}
	}
	return open, err
}

// owners are the names by which the inventory calls a person.
func (c home) owners(person state.PersonID) []string {
	if p, ok := c.people.ByID(person); ok {
		return p.OwnerNames()
	}
	return []string{string(person)}
}
