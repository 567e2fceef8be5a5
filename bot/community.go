package bot

import (
	"context"
	"fmt"
	"slices"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// community finds out whether the place of a request is a community's, and returns
// what can be asked for there. What the platform said of it does not count.
func (r *Router) community(ctx context.Context, req *chat.Request) ([]chat.Spec, error) {
	req.Community = ""
	if r.opt.Community == nil || req.Trigger == chat.TriggerSchedule {
		return r.specs, nil
	}
	id, ceiling, err := r.opt.Community(ctx, req.Place)
	if err != nil {
		return nil, notTaken{fmt.Errorf("look up whose place it is: %w", err)}
	}
	if id == "" {
		return r.specs, nil
	}
	req.Community = id
	req.Place.Ceiling = state.Narrower(req.Place.Top(), ceiling)
	return specsIn(r.specs, id), nil
}

// specsIn are the commands that there are in a place of a community, or (no id) of
// the team.
func specsIn(specs []chat.Spec, community string) []chat.Spec {
	if community == "" {
		return specs
	}
	return slices.DeleteFunc(slices.Clone(specs), func(s chat.Spec) bool { return !s.Community })
}
