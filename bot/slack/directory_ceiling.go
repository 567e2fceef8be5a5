package slack

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

var _ chat.Ceiler = (*Platform)(nil)

// firstLook is how long somebody who waits for an acknowledgement waits because
// something of a channel is not known.
const firstLook = 500 * time.Millisecond

// How long finding out takes, and how old it may be when something is delivered:
// that a channel was shared, or that a guest came, is told to one replica only.
const (
	ceilingTime = 8 * time.Second
	learnTime   = 4 * time.Second // who the people in a channel are
	learnHands  = 4
	ceilingAge  = time.Minute
)

// Ceiling is what a place may see, as far as Slack says who is in it: less where it
// is shared with other organisations, where guests are, or somebody of whom that is
// not known, and next to nothing where there is no such place. What one person sees
// in a channel is also no more than that person may see. The error says that it
// could not be found out just now.
func (p *Platform) Ceiling(ctx context.Context, place state.Place) (state.TLP, error) {
	me, err := p.knows(place)
	if err != nil {
		return state.TLPClear, err
	}
	ctx, cancel := context.WithTimeout(ctx, ceilingTime)
	defer cancel()
	if user, ok := alone(place); ok {
		return p.ceilingOf(ctx, me, user)
	}
	c, err := p.ceilingIn(ctx, me, place.Channel, ceilingAge, learnTime)
	if errors.Is(err, errSomebody) {
		err = ctx.Err()
	}
	if err != nil || place.Person == "" {
		return c, err
	}
	_, user, ok := splitLink(place.Person)
	if !ok {
		return state.TLPClear, nil
	}
	own, err := p.ceilingOf(ctx, me, user)
	return state.Narrower(c, own), err
}

// knows is who we are, when that place is one of ours.
func (p *Platform) knows(place state.Place) (*self, error) {
	me := p.me.Load()
	switch {
	case place.Platform != Name:
		return nil, fmt.Errorf("slack: a place of %q", place.Platform)
	case me == nil:
		return nil, errors.New("slack: it is not known yet who we are")
	}
	return me, nil
}

// What else can be unknown of a channel than the channel.
var (
	errMembers  = errors.New("slack: it is not known who is in a channel")
	errSomebody = errors.New("slack: it is not known who somebody in a channel is")
)

// ceilingIn is what a channel may see, by what is no older than that. People who are
// not known are looked up for a while; who remains unknown counts as a guest.
func (p *Platform) ceilingIn(ctx context.Context, me *self, channel string, age, learn time.Duration) (state.TLP, error) {
	a, err := p.dir.channels.fresh(ctx, channel, age)
	switch {
	case err != nil && lasting(err):
		return state.TLPClear, nil
	case err != nil:
		return state.TLPClear, fmt.Errorf("slack: look up a channel: %w", hushed(err))
	case a.im != "":
		return p.ceilingOf(ctx, me, a.im)
	case a.shared:
		return p.opt.SharedCeiling, nil
	}
	members, err := p.dir.members.fresh(ctx, channel, age)
	switch {
	case err != nil && lasting(err), len(members) > mostMembers:
		return p.opt.SharedCeiling, nil
	case err != nil:
		return p.opt.SharedCeiling, fmt.Errorf("%w: %w", errMembers, hushed(err))
	}
	p.dir.learn(ctx, members, learn)
	switch guest, unknown := p.guests(me, members); {
	case guest:
		return p.opt.SharedCeiling, nil
	case unknown:
		return p.opt.SharedCeiling, errSomebody
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

// guests reports whether somebody is no full member, and whether somebody is not
// known. Bots do not count, and neither do those who left.
func (p *Platform) guests(me *self, members []string) (guest, unknown bool) {
	for _, id := range members {
		who, known := p.dir.users.glance(id)
		switch {
		case id == me.user:
		case !known:
			unknown = true
		case !who.bot && !who.deleted && !me.full(who):
			guest = true
		}
	}
	return guest, unknown
}

// learn looks up who people are that are not known yet, for a while.
func (d *directory) learn(ctx context.Context, ids []string, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	unknown := make(chan string, len(ids))
	for _, id := range ids {
		if _, known := d.users.recall(id); !known {
			unknown <- id
		}
	}
	close(unknown)
	var asking sync.WaitGroup
	for range min(learnHands, len(unknown)) {
		asking.Go(func() {
			for id := range unknown {
				if _, err := d.users.get(ctx, id); err != nil && !lasting(err) {
					return // it is not the time to ask for more
				}
			}
		})
	}
	asking.Wait()
}

// ceiling is what a place may see, for somebody there who waits. What is delivered
// sees no more than Ceiling says by then, so this may come from memory: where it is
// not known soon enough who is in a channel, it is what that person may see, and
// where nothing is known of a channel, next to nothing.
func (p *Platform) ceiling(ctx context.Context, place state.Place, user string) state.TLP {
	c, err := p.soon(ctx, place)
	switch {
	case err == nil:
		return c
	case errors.Is(err, errMembers), errors.Is(err, errSomebody):
		if who, known := p.dir.users.glance(user); known && p.me.Load().full(who) {
			return p.opt.Ceiling
		}
		return p.opt.SharedCeiling
	}
	p.opt.Count("ceiling unknown")
	p.opt.Logger.Warn("slack: it is not known who can read a place; it may see next to nothing", "error", err)
	return state.TLPClear
}

// soon is what a place may see, found out while somebody waits.
func (p *Platform) soon(ctx context.Context, place state.Place) (state.TLP, error) {
	me, err := p.knows(place)
	if err != nil {
		return state.TLPClear, err
	}
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	if user, ok := alone(place); ok {
		return p.ceilingOf(ctx, me, user)
	}
	return p.ceilingIn(ctx, me, place.Channel, directoryStale, firstLook)
}

// noSuchGroup reports whether a user group was switched off, or never was.
func noSuchGroup(err error) bool {
	var said slackgo.SlackErrorResponse
	return errors.As(err, &said) && (said.Err == "no_such_subteam" || said.Err == "subteam_not_found")
}
