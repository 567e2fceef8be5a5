package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/allclear-bot/allclear/bot/discord"
	"github.com/allclear-bot/allclear/state"
)

// communities are the places that belong to others, by their ids: "slack:T0123",
// "slack:T0123:C0456", "discord:789". They see what the operator says, CLEAR unless
// that is GREEN.
type communities struct {
	named map[string]state.TLP
	// guilds are what the operator says of guilds: those that are not the team's own
	// are communities, whether they are named or not.
	guilds map[string]discord.Guild
}

// of tells to which community a place belongs, "" when it is the team's own.
func (c communities) of(_ context.Context, p state.Place) (id string, ceiling state.TLP, err error) {
	workspace, channel := state.CommunityID(p)
	for _, id := range []string{channel, workspace} {
		if tlp, ok := c.named[id]; ok {
			return id, tlp, nil
		}
	}
	if p.Platform == discord.Name && p.Workspace != "" && !c.guilds[p.Workspace].Team {
		ceiling := state.TLPClear
		if c.guilds[p.Workspace].Ceiling == state.TLPGreen {
			ceiling = state.TLPGreen
		}
		return workspace, ceiling, nil
	}
	return "", 0, nil
}

// communityFile is one community of the configuration file.
type communityFile struct {
	ID  string `yaml:"id"`
	TLP string `yaml:"tlp"`
}

// communitiesOf turns the text into values.
func communitiesOf(file []communityFile, guilds map[string]discord.Guild, wrong func(format string, args ...any)) communities {
	out := communities{named: map[string]state.TLP{}, guilds: guilds}
	for i, c := range file {
		tlp := state.TLPClear
		if c.TLP != "" {
			var err error
			if tlp, err = state.ParseTLP(c.TLP); err != nil || tlp < state.TLPGreen {
				wrong("communities[%d]: tlp %q: want clear or green", i, c.TLP)
			}
		}
		_, known := out.named[c.ID]
		switch n := strings.Count(c.ID, ":"); {
		case n < 1 || n > 2 || strings.HasPrefix(c.ID, ":"):
			wrong("communities[%d]: id %q: want a workspace or a channel of one, like slack:T0123:C0456 or discord:789", i, c.ID)
		case known:
			wrong("communities[%d]: id %q is there twice", i, c.ID)
		}
		out.named[c.ID] = tlp
	}
	return out
}

// publisherFile is who exported advisories are from.
type publisherFile struct {
	Name      string `yaml:"name"`
	Namespace string `yaml:"namespace"`
}

func (f publisherFile) check(wrong func(format string, args ...any)) {
	if (f.Name == "") != (f.Namespace == "") || f.Namespace != "" && !strings.HasPrefix(f.Namespace, "https://") {
		wrong("publisher: give both, a name and a namespace like https://cert.example.com, got %s", fmt.Sprintf("%q and %q", f.Name, f.Namespace))
	}
}
