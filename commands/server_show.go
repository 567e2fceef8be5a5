package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// serverShow is the whole card of a server.
type serverShow struct {
	store  Reader
	people state.People
	now    func() time.Time
}

func (serverShow) Spec() chat.Spec {
	return chat.Spec{
		Path: "server show", Summary: "Show a server's card: every step with its proof, what is missing, and what to do next",
		Args:     []chat.Arg{{Name: "server", Help: "its name or the beginning of it", Type: chat.Server}},
		Examples: []chat.Example{{Line: "server show sp-fin-01", Does: "shows all that is known of sp-fin-01, and who says so"}},
		Role:     state.RoleViewer, Private: true,
	}
}

func (c serverShow) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	name, err := serverName(ctx, c.store, call.Incident, call.Values.String("server"), func(n string) string {
		return press("", call.Incident, "server show", n).Line
	})
	if err != nil {
		return chat.Message{}, err
	}
	look, err := readCard(ctx, c.store, call.Incident, name, c.now())
	if err != nil {
		return chat.Message{}, err
	}
	m := look.message(c.people)
	m.About = chat.About{Incident: look.inc.ID, Server: name}
	return m, nil
}

// serverCard is all that is known of a server at one moment.
type serverCard struct {
	inc    state.Incident
	farm   state.Farm
	server state.Server
	row    state.Row
	a      state.ServerAssessment
	now    time.Time

	evidence []state.Evidence
}

func readCard(ctx context.Context, r Reader, incident, name string, now time.Time) (serverCard, error) {
	c := serverCard{now: now}
	inc, err := r.Incident(ctx, incident)
	if err != nil {
		return c, err
	}
	farm, err := farmOf(ctx, r, incident, name)
	if err != nil {
		return c, err
	}
	f, err := r.Farm(ctx, incident, farm)
	if err != nil {
		return c, err
	}
	s, ok := f.Farm.Server(name)
	if !ok {
		return c, fmt.Errorf("server %q in farm %q: %w", name, farm, state.ErrNotFound)
	}
	c.inc, c.farm, c.server, c.row, c.evidence = inc, f.Farm, s, f.Rows[name], f.Evidence
	c.a, _ = f.Assess(inc.Rules, now).Server(name)
	return c, nil
}
