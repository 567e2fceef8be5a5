package slack

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot"
)

// happened is an event: somebody writes to us, or something changes that we remember.
// What is of no use to us is acknowledged.
func (p *Platform) happened(ctx context.Context, desk bot.Desk, me *self, d delivery) taken {
	switch d.event.kind {
	case "app_mention", "message":
		return p.heard(ctx, desk, me, d)
	case "app_home_opened":
		return p.homeOpened(ctx, desk, me, d)
	case "app_uninstalled":
		p.end(errors.New("slack: the app was removed from the workspace"))
	case "tokens_revoked":
		p.revoked(me, d)
	case "channel_archive", "channel_unarchive", "channel_shared", "channel_unshared", "channel_left", "channel_deleted", "channel_id_changed",
		"group_archive", "group_unarchive", "group_left", "group_deleted", "member_joined_channel", "member_left_channel":
		p.moved(d)
	case "subteam_updated", "subteam_members_changed", "subteam_created":
		p.regrouped(d)
	case "user_change":
		p.userChanged(d)
	}
	if d.event.Type == "app_rate_limited" {
		p.opt.Count("events limited")
		p.opt.Logger.Warn("slack: it does not deliver all events any more, for there are too many")
	}
	return taken{}
}

// end makes Run return an error.
func (p *Platform) end(err error) {
	select {
	case p.in.fatal <- err:
	default: // it ends already
	}
}

// revoked ends Run when the token is ours that was taken away.
func (p *Platform) revoked(me *self, d delivery) {
	var e struct {
		Tokens struct {
			Bot []string `json:"bot"`
		} `json:"tokens"`
	}
	if err := json.Unmarshal(d.event.Event, &e); err != nil {
		p.malformed("event", shape(err))
	}
	if slices.Contains(e.Tokens.Bot, me.user) {
		p.end(errors.New("slack: the bot token was taken away"))
	}
}

// moved forgets who can read a channel: it is shared, or somebody came or went.
func (p *Platform) moved(d delivery) {
	var e struct {
		Channel string `json:"channel"`
		Old     string `json:"old_channel_id"`
	}
	if err := json.Unmarshal(d.event.Event, &e); err != nil {
		p.malformed("event", shape(err))
		return
	}
	for _, id := range []string{e.Channel, e.Old} {
		if id != "" && p.dir.channels.has(id) {
			p.dir.channels.drop(id)
			p.dir.send(errand{aChannel, id})
		}
		if id != "" && p.dir.members.has(id) {
			p.dir.members.drop(id)
			p.dir.send(errand{theMembers, id})
		}
	}
}

// regrouped takes roles away at once, and has the groups read again.
func (p *Platform) regrouped(d delivery) {
	var e struct {
		Group   string   `json:"subteam_id"`
		Removed []string `json:"removed_users"`
	}
	if err := json.Unmarshal(d.event.Event, &e); err != nil {
		p.malformed("event", shape(err))
	}
	p.dir.leave(e.Group, e.Removed)
	p.dir.regroup()
}

// userChanged learns who somebody is now, when we remember them.
func (p *Platform) userChanged(d delivery) {
	var e struct {
		User slackgo.User `json:"user"`
	}
	if err := json.Unmarshal(d.event.Event, &e); err != nil {
		p.malformed("event", shape(err))
		return
	}
	if p.dir.users.has(e.User.ID) {
		p.dir.users.put(e.User.ID, entry[identity]{value: identityOf(e.User), at: p.opt.Now()})
	}
}

// malformed notes that Slack sent something that cannot be read. The error holds
// nothing of what was in it.
func (p *Platform) malformed(what string, err error) {
	p.opt.Count("malformed")
	p.opt.Logger.Warn("slack: a payload that cannot be read", "payload", what, "error", err)
}
