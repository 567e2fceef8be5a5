package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// incidents finds incidents by name.
type incidents interface {
	Incident(ctx context.Context, id string) (state.Incident, error)
	Incidents(ctx context.Context) ([]state.IncidentHead, error)
}

// inNamed is a command that says so, with the names there are, when a line names an
// incident that is not there.
type inNamed struct {
	Command
	incidents incidents
}

// TimeLimit is that of the command; 0: it has none of its own.
func (n inNamed) TimeLimit() time.Duration {
	if l, ok := n.Command.(interface{ TimeLimit() time.Duration }); ok {
		return l.TimeLimit()
	}
	return 0
}

func (n inNamed) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	if call.Values.Has("incident") {
		if err := n.find(ctx, call.Incident); err != nil {
			return chat.Message{}, err
		}
	}
	return n.Command.Run(ctx, call)
}

func (n inNamed) find(ctx context.Context, name string) error {
	_, err := n.incidents.Incident(ctx, name)
	if !errors.Is(err, state.ErrNotFound) {
		return err
	}
	heads, err := n.incidents.Incidents(ctx)
	if err != nil {
		return err
	}
	var all, open []string
	for _, h := range heads {
		all = append(all, h.ID)
		if h.Closed.IsZero() {
			open = append(open, h.ID)
		}
	}
	p := &chat.Problem{What: fmt.Sprintf("There is no incident %.60q.", name), Try: "None is open."}
	near := chat.Nearest(name, all)
	if begin := slices.DeleteFunc(slices.Clone(open), func(id string) bool { return !strings.HasPrefix(id, name) }); len(begin) > 1 {
		near = fewOf(begin, maxShown)
	}
	switch {
	case near != "":
		p.Try = "Did you mean: " + near
	case len(open) > 0:
		p.Try = "Open: " + fewOf(open, maxShown)
	case len(all) > 0:
		p.Try += " Closed: " + fewOf(all, maxShown)
	}
	p.Try = strings.TrimSpace(p.Try)
	return p
}
