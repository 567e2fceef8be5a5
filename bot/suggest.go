package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// MaxSuggestions is how many names are suggested: what Discord shows at most
// (discord.com/developers/docs, application commands, autocomplete).
const MaxSuggestions = 25

// Question is an argument that is being typed.
type Question struct {
	Link    string // who types, proved by the platform
	Place   state.Place
	Command string // "scan"
	Arg     string // the name of the argument
	Prefix  string // what was typed so far; hostile
	// Incident is the one that the same line names already, if it does.
	Incident string
}

// Suggest completes an argument. Names of servers, owners and groups are shown
// only to those who may run the command, in places that may see such names.
func (r *Router) Suggest(ctx context.Context, q Question) ([]string, error) {
	command, ok := r.commands[q.Command]
	if !ok {
		return nil, nil
	}
	spec := withIncident(command.Spec())
	arg, ok := argOf(spec, q.Arg)
	if !ok {
		return nil, nil
	}
	if r.opt.Community != nil {
		id, _, err := r.opt.Community(ctx, q.Place)
		if err != nil || id != "" && !spec.Community {
			return nil, err
		}
	}
	if len(arg.Choices) > 0 {
		return beginning(arg.Choices, q.Prefix), nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.opt.AcceptTimeout)
	defer cancel()
	actor, err := r.actor(ctx, chat.Request{Actor: chat.Actor{Link: q.Link}})
	if err != nil {
		return nil, err
	}
	if actor.Role < spec.Role || !q.Place.Ceiling.Allows(state.TLPAmberStrict) || r.opt.Names == nil {
		return nil, nil
	}
	open, err := r.opt.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up open incidents: %w", err)
	}
	if arg.Type == chat.Incident {
		return beginning(open, q.Prefix), nil
	}
	incident := q.Incident
	if incident == "" && len(open) == 1 {
		incident = open[0]
	}
	if incident == "" {
		return nil, nil
	}
	return r.opt.Names(ctx, byPrefix(incident, open), arg.Type, q.Prefix, MaxSuggestions)
}

func argOf(s chat.Spec, name string) (chat.Arg, bool) {
	all := append(slices.Clone(s.Args), s.Flags...)
	i := slices.IndexFunc(all, func(a chat.Arg) bool { return a.Name == name })
	if i < 0 {
		return chat.Arg{}, false
	}
	return all[i], true
}

func beginning(names []string, prefix string) []string {
	var out []string
	for _, n := range names {
		if len(out) < MaxSuggestions && strings.HasPrefix(strings.ToLower(n), strings.ToLower(prefix)) {
			out = append(out, n)
		}
	}
	return out
}
