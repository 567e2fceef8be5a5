package commands

import (
	"context"
	"slices"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// candidates are the servers of a request, by farm. Open servers of a group that
// are not ready are counted, and the most urgent of them shown.
type candidates struct {
	what    string // "sp-fin-01", "farm fin", "group emea"
	farms   []string
	servers map[string][]string
	others  []state.Row
	more    int // open servers that are neither taken nor shown
}

func (s *candidates) add(farm, server string) {
	if !slices.Contains(s.farms, farm) {
		s.farms = append(s.farms, farm)
	}
	s.servers[farm] = append(s.servers[farm], server)
}

func (c confirm) choose(ctx context.Context, call chat.Call) (candidates, error) {
	v := call.Values
	given := 0
	for _, name := range []string{"server", "farm", "group"} {
		if v.Has(name) {
			given++
		}
	}
	switch {
	case given != 1:
		return candidates{}, &chat.Problem{What: "Confirm needs one of: a server, --farm, --group.", Try: "Usage: " + c.Spec().Usage()}
	case v.Has("farm"):
		return c.ofFarm(ctx, call.Incident, v.String("farm"))
	case v.Has("group"):
		return c.ofGroup(ctx, call.Incident, v.String("group"))
	}
	name, err := serverName(ctx, c.store, call.Incident, v.String("server"), func(n string) string {
		return press("", call.Incident, "confirm", n).Line
	})
	if err != nil {
		return candidates{}, err
	}
	farm, err := farmOf(ctx, c.store, call.Incident, name)
	s := candidates{what: name, servers: map[string][]string{}}
	s.add(farm, name)
	return s, err
}

func (c confirm) ofFarm(ctx context.Context, incident, given string) (candidates, error) {
	name, err := otherName(ctx, c.store, incident, "farm", given, func(n string) string {
		return press("", incident, "confirm", "--farm", n).Line
	})
	if err != nil {
		return candidates{}, err
	}
	f, err := c.store.Farm(ctx, incident, name)
	s := candidates{what: "farm " + name, servers: map[string][]string{}}
	for _, srv := range f.Farm.Servers {
		if srv.Retired == nil {
			s.add(name, srv.Name)
		}
	}
	return s, err
}

func (c confirm) ofGroup(ctx context.Context, incident, given string) (candidates, error) {
	name, err := otherName(ctx, c.store, incident, "group", given, func(n string) string {
		return press("", incident, "confirm", "--group", n).Line
	})
	if err != nil {
		return candidates{}, err
	}
	s := candidates{what: "group " + name, servers: map[string][]string{}}
	ready := state.StatusReady
	rows, _, err := c.store.List(ctx, incident, state.Filter{Group: name, Status: &ready}, 0, maxConfirmed)
	if err != nil {
		return s, err
	}
	for _, r := range rows {
		s.add(r.Farm, r.Name)
	}
	counts, err := c.store.Counts(ctx, incident, state.Filter{Group: name})
	if err != nil {
		return s, err
	}
	worst, _, err := c.store.List(ctx, incident, state.Filter{Group: name}, 0, 5)
	for _, r := range worst {
		if !r.Status.Settled() && r.Status != state.StatusReady {
			s.others = append(s.others, r)
		}
	}
	s.more = max(0, counts.Open()-len(rows)-len(s.others))
	return s, err
}
