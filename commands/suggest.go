package commands

import (
	"context"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Names completes the names of an incident: what is suggested while somebody
// types. It reads an index and costs the same at any number of servers.
func Names(r interface {
	namer
	Incident(ctx context.Context, id string) (state.Incident, error)
},
) func(ctx context.Context, incident string, t chat.Type, prefix string, limit int) ([]string, error) {
	kinds := map[chat.Type]string{chat.Owner: "owner", chat.Group: "group", chat.Farm: "farm"}
	return func(ctx context.Context, incident string, t chat.Type, prefix string, limit int) ([]string, error) {
		switch t {
		case chat.Server:
			return r.Complete(ctx, incident, prefix, limit)
		case chat.Owner, chat.Group, chat.Farm:
			return r.Names(ctx, incident, kinds[t], prefix, limit)
		case chat.Step:
			inc, err := r.Incident(ctx, incident)
			var out []string
			for _, s := range inc.Rules.Steps {
				if len(out) < limit && strings.HasPrefix(s.ID, strings.ToLower(prefix)) {
					out = append(out, s.ID)
				}
			}
			return out, err
		}
		return nil, nil
	}
}
