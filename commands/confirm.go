package commands

import (
	"context"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// maxConfirmed is how many servers of a group one request takes on.
const maxConfirmed = 200

// confirm asks a second person to accept the proof of servers, or is that second
// person's word when somebody else has asked.
type confirm struct {
	store interface {
		Changer
		Reader
	}
	people state.People
	now    func() time.Time
}

func (confirm) Spec() chat.Spec {
	return chat.Spec{
		Path: "confirm", Summary: "Ask for a confirmation of servers that are ready; the second person who says it confirms",
		Args: []chat.Arg{{Name: "server", Help: "its name or the beginning of it", Type: chat.Server, Optional: true}},
		Flags: []chat.Arg{
			{Name: "farm", Help: "all servers of a farm", Type: chat.Farm},
			{Name: "group", Help: "all servers of a group", Type: chat.Group},
			{Name: "facts", Help: "only on these facts, by the beginning of their hash as the server's card shows it"},
		},
		Examples: []chat.Example{
			{Line: "confirm sp-fin-01", Does: "asks a second person to accept the proof of sp-fin-01"},
			{Line: "confirm --farm fin", Does: "the same for each server of the farm that is ready, and says what the others lack"},
		},
		Role: state.RoleResponder,
	}
}

func (c confirm) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	sel, err := c.choose(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	var all []standing
	for _, farm := range sel.farms {
		some, err := c.farm(ctx, call, farm, sel.servers[farm])
		if err != nil {
			if len(all) == 0 {
				return chat.Message{}, err
			}
			some = undone(sel.servers[farm])
		}
		all = append(all, some...)
	}
	m := c.message(call, sel, all)
	if !slices.ContainsFunc(all, standing.holds) || slices.ContainsFunc(all, func(s standing) bool { return s.failed }) {
		return m, notDone(m)
	}
	return m, nil
}

// undone says of servers that nothing was done, because the store did not answer.
func undone(servers []string) []standing {
	var out []standing
	for _, s := range servers {
		out = append(out, standing{server: s, did: notReady, failed: true, why: "not done: the store did not answer; ask again"})
	}
	return out
}

// farm does for the servers of a farm, in one step, what can be done.
func (c confirm) farm(ctx context.Context, call chat.Call, farm string, servers []string) ([]standing, error) {
	me := call.Request.Actor.Person
	var all []standing
	out, err := c.store.Update(ctx, call.Work("confirm "+farm, c.now()), call.Incident, []string{farm}, func(tx *state.Tx) error {
		all = all[:0]
		f, err := tx.Farm(farm)
		if err != nil {
			return err
		}
		a := f.Assess(tx.Incident.Rules, tx.Work.At)
		for _, name := range servers {
			s := stand(f.Farm, a, name, me, tx.Work.At)
			s.hold(call.Values.String("facts"))
			if err := s.act(tx); err != nil {
				return err
			}
			all = append(all, s)
		}
		return nil
	})
	if err != nil || !out.Already {
		return all, err
	}
	return c.look(ctx, call, farm, servers)
}

// look is how the servers stand, without doing anything.
func (c confirm) look(ctx context.Context, call chat.Call, farm string, servers []string) ([]standing, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return nil, err
	}
	f, err := c.store.Farm(ctx, call.Incident, farm)
	if err != nil {
		return nil, err
	}
	now := c.now()
	a := f.Assess(inc.Rules, now)
	var all []standing
	for _, name := range servers {
		all = append(all, stand(f.Farm, a, name, call.Request.Actor.Person, now))
	}
	return all, nil
}
