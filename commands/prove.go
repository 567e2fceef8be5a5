package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// prove shows the chain of evidence that decided each step of a server or a farm, and
// hands it out as a file that can be checked anywhere.
type prove struct {
	store pastStore
	now   func() time.Time
}

func (prove) Spec() chat.Spec {
	return chat.Spec{
		Path: "prove", Summary: "Prove a server or a farm: the evidence that decided each step, and a file that anybody can check",
		Args:  []chat.Arg{{Name: "server", Help: "its name or the beginning of it", Type: chat.Server, Optional: true}},
		Flags: []chat.Arg{{Name: "farm", Help: "a whole farm instead", Type: chat.Farm}},
		Examples: []chat.Example{
			{Line: "prove sp-fin-01", Does: "shows what decided each step of sp-fin-01: source, time, who and digest, with the file"},
			{Line: "prove --farm fin", Does: "does so for all servers of a farm"},
		},
		Role: state.RoleResponder, Private: true,
	}
}

func (c prove) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	farm, servers, err := c.what(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	p, raw, err := makeProof(ctx, c.store, call.Incident, farm, servers, c.now())
	var gone *missingEntries
	if errors.As(err, &gone) {
		return chat.Message{}, &chat.Problem{What: "There is no proof without the whole record: " + gone.Error() + ".", Try: "Bring it back from an export, or prove it from one: allclear import, then prove."}
	}
	if err != nil {
		return chat.Message{}, err
	}
	return p.message(raw), nil
}

func (c prove) what(ctx context.Context, call chat.Call) (farm string, servers []string, err error) {
	server, named := call.Values.String("server"), call.Values.String("farm")
	switch {
	case (server == "") == (named == ""):
		return "", nil, &chat.Problem{What: "Name a server, or a farm with --farm.", Try: "Usage: " + c.Spec().Usage()}
	case named != "":
		farm, err = otherName(ctx, c.store, call.Incident, "farm", named, func(n string) string { return press("", call.Incident, "prove", "--farm", n).Line })
		return farm, nil, err
	}
	name, err := serverName(ctx, c.store, call.Incident, server, func(n string) string { return press("", call.Incident, "prove", n).Line })
	if err != nil {
		return "", nil, err
	}
	row, err := c.store.Row(ctx, call.Incident, name)
	return row.Farm, []string{name}, err
}

// Prove makes the proof of a server, or of a farm when no server is named, as a file.
func Prove(ctx context.Context, s interface {
	Reader
	Auditor
}, incident, farm, server string, now time.Time,
) (name string, raw []byte, err error) {
	var servers []string
	if server != "" {
		row, err := s.Row(ctx, incident, server)
		if errors.Is(err, state.ErrNotFound) {
			return "", nil, &state.Refusal{Why: fmt.Sprintf("There is no server %.80q in %s.", server, incident), Next: "See: server list"}
		}
		if err != nil {
			return "", nil, fmt.Errorf("server %q of %s: %w", server, incident, err)
		}
		farm, servers = row.Farm, []string{server}
	}
	p, raw, err := makeProof(ctx, s, incident, farm, servers, now)
	if err != nil {
		return "", nil, err
	}
	return proofName(p), raw, nil
}
