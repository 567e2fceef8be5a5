package discord

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// examined is what is looked at of the application.
type examined struct {
	ID       string `json:"id"`
	Key      string `json:"verify_key"`
	Endpoint string `json:"interactions_endpoint_url"`
}

// Examine looks whether the app is set up so that all works: its token, how its
// interactions come, its guilds, and its rights in the channels that are to be written to.
// It changes nothing and does not connect. What it says holds no token.
func (p *Platform) Examine(ctx context.Context, places []state.Place) []bot.Finding {
	var app examined
	err := p.rest.call(ctx, "GET", "applications/@me", nil, &app)
	f := bot.Finding{What: "the token of the bot"}
	switch {
	case refusedToken(err):
		f.Wrong, f.Do = "Discord refuses it.", "Take a new one in the Developer Portal, under Bot, Reset Token, and set ALLCLEAR_DISCORD_TOKEN."
	case err != nil:
		f.Wrong, f.Do = "Discord did not answer: "+hushed(err).Error(), "See that this process reaches discord.com over HTTPS, then look again."
	}
	out := []bot.Finding{f}
	if err != nil {
		return out
	}
	p.me.Store(&self{app: app.ID})
	out = append(out, p.transportFinding(app))
	out = append(out, p.guildFindings(ctx, app.ID)...)
	seen := map[string]bool{}
	for _, place := range places {
		if place.Platform == Name && place.Channel != "" && !seen[place.Channel] {
			seen[place.Channel] = true
			out = append(out, p.channelFinding(ctx, place))
		}
	}
	return out
}

// transportFinding compares how interactions come with how we take them.
func (p *Platform) transportFinding(app examined) bot.Finding {
	f := bot.Finding{What: "how interactions come"}
	switch {
	case p.overHTTP() && app.Endpoint == "":
		f.Wrong = "public_key is set, and Discord sends them over the gateway."
		f.Do = "Enter the public address of allclear, ending in /discord/interactions, as Interactions Endpoint URL in the Developer Portal; or take public_key out."
	case p.overHTTP() && app.Key != p.opt.PublicKey:
		f.Wrong = "public_key is not that of this application."
		f.Do = "Copy it from the Developer Portal, General Information."
	case !p.overHTTP() && app.Endpoint != "":
		f.Wrong = "Discord sends them to " + chat.Clean(fmt.Sprintf("%.100s", app.Endpoint)) + ", and nobody here hears of them."
		f.Do = "Empty the Interactions Endpoint URL in the Developer Portal, or set public_key (ALLCLEAR_DISCORD_PUBLIC_KEY)."
	}
	return f
}

// guildFindings say whether we are where we should be.
func (p *Platform) guildFindings(ctx context.Context, app string) []bot.Finding {
	f := bot.Finding{What: "the servers of the team"}
	if err := p.whereAmI(ctx); err != nil {
		f.Wrong, f.Do = "They cannot be listed: "+hushed(err).Error(), "Look again in a minute."
		return []bot.Finding{f}
	}
	invite, _ := Invite(app, false)
	var out []bot.Finding
	in, teams := p.dir.in(), 0
	for _, id := range slices.Sorted(maps.Keys(p.opt.Guilds)) {
		what := "the server " + id
		if p.opt.Guilds[id].Team {
			what, teams = what+", the team's", teams+1
		}
		f := bot.Finding{What: what}
		if !slices.Contains(in, id) {
			f.Wrong, f.Do = "The bot is not in it.", "Open "+invite
		}
		out = append(out, f)
	}
	if teams == 0 {
		f.Wrong, f.Warning = "None is named, so that no server can run the response.", true
		f.Do = "Name it: discord: guilds: {ID: {team: true}}, or ALLCLEAR_DISCORD_TEAM."
		out = append(out, f)
	}
	return out
}

// channelFinding says whether we may do in a channel what we must.
func (p *Platform) channelFinding(ctx context.Context, place state.Place) bot.Finding {
	f := bot.Finding{What: "the channel " + chat.Clean(place.Channel)}
	var c struct {
		Name    string      `json:"name"`
		GuildID string      `json:"guild_id"`
		Rules   []overwrite `json:"permission_overwrites"`
	}
	switch err := p.rest.call(ctx, "GET", "channels/"+place.Channel, nil, &c); {
	case codeOf(err) == unknownChannel:
		f.Wrong, f.Do = "There is no such channel any more.", "Name another one: incident bind for an incident; setup advisories or setup triage in the other channel for the rest."
		return f
	case codeOf(err) == missingAccess:
		f.Wrong, f.Do = "The bot does not see it.", "Add the bot, or its role, to the channel's permissions."
		return f
	case err != nil:
		f.Wrong, f.Do = "It cannot be looked at: "+hushed(err).Error(), "See what is wrong above, then look again."
		return f
	}
	f.What = fmt.Sprintf("the channel #%s (%s)", chat.Clean(c.Name), place.Channel)
	have, err := p.rightsIn(ctx, c.GuildID, c.Rules)
	if err != nil {
		f.Wrong, f.Do, f.Warning = "Its permissions cannot be looked at: "+hushed(err).Error(), "Look again in a minute.", true
		return f
	}
	for _, r := range rights() {
		if have&r.bit == 0 && (!r.team || p.dir.guild(c.GuildID).Team) {
			f.Wrong, f.Do = "The bot lacks "+r.name+": "+r.without+".", "Grant it to the bot's role in the settings of the channel or of the server."
			return f
		}
	}
	return f
}

// overwrite changes the rights of a role or a member in one channel.
type overwrite struct {
	ID    string `json:"id"`
	Allow string `json:"allow"`
	Deny  string `json:"deny"`
}

// rightsIn are our rights in a channel
// (docs.discord.com/developers/topics/permissions#permission-overwrites).
func (p *Platform) rightsIn(ctx context.Context, guild string, rules []overwrite) (uint64, error) {
	var roles []struct{ ID, Permissions string }
	var who user
	if err := p.rest.call(ctx, "GET", "users/@me", nil, &who); err != nil {
		return 0, err
	}
	var m member
	if err := p.rest.call(ctx, "GET", "guilds/"+guild+"/members/"+who.ID, nil, &m); err != nil {
		return 0, err
	}
	if err := p.rest.call(ctx, "GET", "guilds/"+guild+"/roles", nil, &roles); err != nil {
		return 0, err
	}
	bits := func(s string) uint64 { n, _ := strconv.ParseUint(s, 10, 64); return n }
	var all uint64
	for _, r := range roles {
		if r.ID == guild || slices.Contains(m.Roles, r.ID) {
			all |= bits(r.Permissions)
		}
	}
	if all&administrator != 0 {
		return ^uint64(0), nil
	}
	var allow, deny uint64
	for _, o := range rules {
		switch {
		case o.ID == guild:
			all = all&^bits(o.Deny) | bits(o.Allow)
		case slices.Contains(m.Roles, o.ID):
			allow, deny = allow|bits(o.Allow), deny|bits(o.Deny)
		}
	}
	all = all&^deny | allow
	for _, o := range rules {
		if o.ID == who.ID {
			all = all&^bits(o.Deny) | bits(o.Allow)
		}
	}
	return all, nil
}
