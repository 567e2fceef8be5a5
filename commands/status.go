package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// boardStore is what the board is read from.
type boardStore interface {
	pastStore
	Sweeper
	Scans
	Queue
}

// status shows how things are: the incident, a part of it, or one server.
type status struct {
	store boardStore
	now   func() time.Time
	// cadence is between reminders when the incident does not say.
	cadence time.Duration
}

func (status) Spec() chat.Spec {
	return chat.Spec{
		Path: "status", Summary: "Show how things are: the incident, a group, an owner, a farm or a server",
		Args: []chat.Arg{{Name: "what", Help: "a server, group, owner or farm; leave it out for the incident", Type: chat.Server, Optional: true}},
		Flags: []chat.Arg{
			{Name: "group", Help: "a group", Type: chat.Group},
			{Name: "owner", Help: "an owner", Type: chat.Owner},
			{Name: "farm", Help: "a farm", Type: chat.Farm},
			{Name: "at", Help: `as it was then: 2025-07-21T18:00 (UTC), 2025-07-21T18:00+02:00`, Type: chat.Time},
		},
		Examples: []chat.Example{
			{Line: "status", Does: "shows the incident: counts, the worst servers, what waits, and how fresh that is"},
			{Line: "status sp-fin-01", Does: "shows each step of one server, with the evidence that decided it"},
			{Line: "status --at 2025-07-21T10:00+02:00", Does: "shows the board as it was then, rebuilt from the record"},
		},
		Role: state.RoleViewer,
	}
}

func (c status) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	kind, name, err := c.what(ctx, call)
	switch {
	case err != nil:
		return chat.Message{}, err
	case call.Values.Has("at"):
		return c.past(ctx, call, kind, name)
	case kind == "":
		return Card(ctx, c.store, call.Incident, c.now(), c.cadence)
	case kind == "server":
		return c.server(ctx, call, name)
	}
	return c.some(ctx, call.Incident, kind, name)
}

// what is asked about: a kind and a full name; no kind is the incident.
func (c status) what(ctx context.Context, call chat.Call) (kind, name string, err error) {
	given := call.Values.String("what")
	n := 0
	for _, k := range []string{"group", "owner", "farm"} {
		if call.Values.Has(k) {
			kind, n = k, n+1
		}
	}
	switch {
	case n > 1 || n == 1 && given != "":
		return "", "", &chat.Problem{What: "One thing at a time: a name, --group, --owner or --farm.", Try: "Usage: " + c.Spec().Usage()}
	case n == 1:
		name, err = otherName(ctx, c.store, call.Incident, kind, call.Values.String(kind), func(f string) string {
			return press("", call.Incident, "status", "--"+kind, f).Line
		})
		return kind, name, err
	case given == "":
		return "", "", nil
	}
	return c.named(ctx, call.Incident, given)
}

// named finds what a bare name means: a server of this name, then anything else
// of this name, then whatever begins with it.
func (c status) named(ctx context.Context, incident, given string) (kind, name string, err error) {
	servers, err := c.store.Complete(ctx, incident, given, maxCandidates+1)
	if err != nil {
		return "", "", err
	}
	if s, ok := equalFold(given, servers); ok {
		return "server", s, nil
	}
	var exact, begins []chat.Button
	for _, k := range []string{"group", "owner", "farm"} {
		found, err := c.store.Names(ctx, incident, k, given, maxCandidates+1)
		if err != nil {
			return "", "", err
		}
		for _, f := range found {
			b := chat.Button{Label: k + " " + f, Line: press("", incident, "status", "--"+k, f).Line}
			begins = append(begins, b)
			if _, ok := equalFold(given, []string{f}); ok {
				exact = append(exact, b)
				kind, name = k, f
			}
		}
		if len(found) == 1 && len(exact) == 0 {
			kind, name = k, found[0]
		}
	}
	switch {
	case len(exact) == 1, len(servers) == 0 && len(exact) == 0 && len(begins) == 1:
		return kind, name, nil
	case len(exact) > 1:
		return "", "", &chat.Problem{What: fmt.Sprintf("More than one thing is called %.60q.", given), Try: "Say which: --group, --owner or --farm.", Offer: exact}
	case len(servers) == 0 && len(begins) > 1:
		return "", "", &chat.Problem{What: fmt.Sprintf("More than one thing begins with %.60q.", given), Try: "Say which.", Offer: begins[:min(len(begins), maxCandidates)]}
	}
	name, err = serverName(ctx, c.store, incident, given, func(n string) string { return press("", incident, "status", n).Line })
	return "server", name, err
}
