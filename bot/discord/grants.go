package discord

import (
	"context"
	"slices"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Grants is the role that the roles of guilds give an identity: the highest of those that
// the configuration names. What could not be looked up for ten minutes gives none.
func (p *Platform) Grants(ctx context.Context, link string) (state.Role, error) {
	who := userOf(link)
	role := state.RoleViewer
	if who == "" {
		return role, nil
	}
	for l, gives := range p.opt.Roles {
		guild, id, ok := roleOf(l)
		if !ok || gives <= role {
			continue
		}
		s, err := p.dir.member(ctx, guild, who, rolesStale)
		if err != nil {
			p.opt.Count("member unknown")
			p.opt.Logger.Warn("discord: it is not known which roles somebody has", "error", err)
			continue
		}
		if s.member && slices.Contains(s.roles, id) {
			role = gives
		}
	}
	return role, nil
}

// Limit is the most that an identity may be, whoever it is linked to: a viewer when it is
// no member of a guild of the team's, a bot, or has not accepted the rules there. When
// Discord does not say in time who it is now, what was known in the last day counts.
func (p *Platform) Limit(ctx context.Context, link string) (state.Role, error) {
	who := userOf(link)
	if who == "" {
		return state.RoleViewer, nil
	}
	for id, g := range p.opt.Guilds {
		if !g.Team {
			continue
		}
		s, err := p.dir.member(ctx, id, who, memberStale)
		if err != nil {
			p.opt.Count("member unknown")
			p.opt.Logger.Warn("discord: it is not known whether somebody is a member", "error", err)
			continue
		}
		if s.member {
			return state.RoleLead, nil
		}
	}
	return state.RoleViewer, nil
}

var _ chat.Ceiler = (*Platform)(nil)

// Ceiling is what a place may see now: what its guild may, and an announcement channel,
// whose messages go on to others, only what is TLP:CLEAR.
func (p *Platform) Ceiling(ctx context.Context, place state.Place) (state.TLP, error) {
	if place.Person != "" && place.Channel == "" {
		return place.Ceiling, ctx.Err()
	}
	if place.Workspace == "" {
		return state.TLPClear, ctx.Err()
	}
	c, err := p.dir.channel(ctx, place.Channel)
	switch {
	case codeOf(err) == unknownChannel:
		return p.ceiling(place.Workspace, textChannel), nil // whoever posts there is told
	case err != nil:
		return state.TLPClear, p.told("look at a channel", err)
	case c.GuildID != "" && c.GuildID != place.Workspace:
		return state.TLPClear, nil
	}
	return p.ceiling(place.Workspace, c.Type), nil
}

// ceiling is what a kind of channel in a guild may see.
func (p *Platform) ceiling(guild string, kind int) state.TLP {
	g := p.dir.guild(guild)
	ceiling := g.Ceiling
	if ceiling == state.TLPRed {
		ceiling = state.TLPClear
		if g.Team {
			ceiling = state.TLPAmberStrict
		}
	}
	if kind == announcement || kind == announcementThread {
		return state.TLPClear
	}
	if !g.Team { // whatever is said of it, names of servers are not for communities
		return state.Narrower(ceiling, state.TLPGreen)
	}
	return ceiling
}
