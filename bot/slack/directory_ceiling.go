package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

var _ chat.Ceiler = (*Platform)(nil)

// firstLook is how long somebody who waits for an acknowledgement waits because a
// channel was never heard of before.
const firstLook = 500 * time.Millisecond

// Ceiling is what a place may see, as far as Slack says who is in it: less where it
// is shared with other organisations or where guests are, and next to nothing where
// that is not known. The error says that it could not be found out just now.
func (p *Platform) Ceiling(ctx context.Context, place state.Place) (state.TLP, error) {
	if place.Platform != Name {
		return state.TLPClear, fmt.Errorf("slack: a place of %q", place.Platform)
	}
	me := p.me.Load()
	if me == nil {
		return state.TLPClear, errors.New("slack: it is not known yet who we are")
	}
	if user, ok := alone(place); ok {
		return p.ceilingOf(ctx, me, user)
	}
	a, err := p.dir.channels.get(ctx, place.Channel)
	switch {
	case err != nil && lasting(err):
		return state.TLPClear, nil
	case err != nil:
		return state.TLPClear, fmt.Errorf("slack: look up a channel: %w", hushed(err))
	case a.im != "":
		return p.ceilingOf(ctx, me, a.im)
	case a.shared || p.guests(me, place.Channel):
		return p.opt.SharedCeiling, nil
	}
	return p.opt.Ceiling, nil
}

// alone is the user of a place that only one person can read, besides direct
// messages, which are channels.
func alone(place state.Place) (user string, ok bool) {
	switch {
	case place.Channel == homeChannel || place.Channel == "":
		_, user, ok = splitLink(place.Person)
		return user, ok
	case strings.HasPrefix(place.Channel, "U"), strings.HasPrefix(place.Channel, "W"):
		return place.Channel, true
	}
	return "", false
}

// ceilingOf is what one person may see.
func (p *Platform) ceilingOf(ctx context.Context, me *self, user string) (state.TLP, error) {
	who, err := p.dir.users.get(ctx, user)
	switch {
	case err != nil && lasting(err):
		return state.TLPClear, nil
	case err != nil:
		return state.TLPClear, fmt.Errorf("slack: look up a user: %w", hushed(err))
	case me.full(who):
		return p.opt.Ceiling, nil
	}
	return p.opt.SharedCeiling, nil
}

// guests reports whether somebody in a channel is known to be no full member. Bots
// do not count, and who is not known yet is looked up for the next time.
func (p *Platform) guests(me *self, channel string) bool {
	members, known := p.dir.members.peek(channel)
	if !known {
		return false
	}
	found := false
	for _, id := range members {
		who, known := p.dir.users.glance(id)
		if known && !who.bot && !who.deleted && !me.full(who) {
			found = true
		}
	}
	return found
}

// ceiling is what a place may see, for somebody who waits: what is not known soon
// enough may see next to nothing.
func (p *Platform) ceiling(ctx context.Context, place state.Place) state.TLP {
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	c, err := p.Ceiling(ctx, place)
	if err != nil {
		p.opt.Count("ceiling unknown")
		p.opt.Logger.Warn("slack: it is not known who can read a place; it may see next to nothing", "error", err)
		return state.TLPClear
	}
	return c
}

// noSuchGroup reports whether a user group was switched off, or never was.
func noSuchGroup(err error) bool {
	var said slackgo.SlackErrorResponse
	return errors.As(err, &said) && (said.Err == "no_such_subteam" || said.Err == "subteam_not_found")
}
