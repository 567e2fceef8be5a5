package discord

import (
	"context"
	"errors"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// How far back a message is looked for.
const (
	lookPage  = 100
	lookPages = 10
)

// Find looks for a message that was posted with a key: of an interaction at its answer, of
// a channel or thread among the newest 1,000 messages, of a forum among its open posts and
// the 100 that were archived last. What one person saw in a channel cannot be looked up
// when the 15 minutes of its interaction are over, or when it was not the first answer.
func (p *Platform) Find(ctx context.Context, place state.Place, key string) (string, bool, error) {
	hash := hashOf(key)
	if t, live := p.ticket(place.Reply); live {
		m, err := p.firstResponse(ctx, t)
		switch {
		case errors.Is(err, errUnanswered):
		case err != nil:
			return "", false, err
		case m.keyOf() == hash:
			return nameOf(place, m), true, nil
		case m.Flags&flagLoading != 0:
			return "", false, nil
		case place.Person != "":
			return "", false, chat.ErrCannotLook
		}
	} else if place.Person != "" && place.Reply != "" {
		return "", false, chat.ErrCannotLook
	}
	if c, err := p.dir.channel(ctx, place.Channel); place.Person == "" && place.Thread == "" && err == nil && c.Type == forumChannel {
		return p.findPost(ctx, c, hash)
	}
	channels, err := p.whereIs(ctx, place, chat.Message{}, "")
	if err != nil {
		return "", false, err
	}
	for _, channel := range channels {
		m, err := p.seek(ctx, channel, hash)
		switch {
		case codeOf(err) == unknownChannel && place.Thread == channel: // it was not begun
		case codeOf(err) == missingAccess || codeOf(err) == missingRight:
			return "", false, chat.ErrCannotLook
		case err != nil:
			return "", false, p.told("look for a message", err)
		case m.ID != "":
			return p.found(ctx, channel, m)
		}
	}
	return "", false, ctx.Err()
}

// found is a message that was looked for. In an announcement channel it is complete when it
// was published.
func (p *Platform) found(ctx context.Context, channel string, m message) (string, bool, error) {
	if c, err := p.dir.channel(ctx, channel); err != nil || c.Type != announcement || m.Flags&flagCrossposted != 0 {
		return m.ID, true, p.told("look at a channel", err)
	}
	if err := p.publish(ctx, channel, m.ID); err != nil {
		return "", false, p.told("publish a message", err)
	}
	return m.ID, true, nil
}

// seek finds the message of a channel with the hash of a key. It has no id when there is
// none.
func (p *Platform) seek(ctx context.Context, channel, hash string) (message, error) {
	before := ""
	for range lookPages {
		path := "channels/" + channel + "/messages?limit=100"
		if before != "" {
			path += "&before=" + before
		}
		var page []message
		if err := p.rest.call(ctx, "GET", path, nil, &page); err != nil {
			return message{}, err
		}
		for _, m := range page {
			if m.keyOf() == hash {
				return m, nil
			}
			before = m.ID
		}
		if len(page) < lookPage {
			break
		}
	}
	return message{}, nil
}

// findPost finds the post of a forum whose first message has the hash of a key.
func (p *Platform) findPost(ctx context.Context, forum channel, hash string) (string, bool, error) {
	var open, archived struct {
		Threads []channel `json:"threads"`
	}
	if err := p.rest.call(ctx, "GET", "guilds/"+forum.GuildID+"/threads/active", nil, &open); err != nil {
		return "", false, p.told("look at the posts of a forum", err)
	}
	if err := p.rest.call(ctx, "GET", "channels/"+forum.ID+"/threads/archived/public?limit=100", nil, &archived); err != nil {
		return "", false, p.told("look at the posts of a forum", err)
	}
	for _, t := range append(open.Threads, archived.Threads...) {
		if t.ParentID != forum.ID {
			continue
		}
		var first message
		err := p.rest.call(ctx, "GET", "channels/"+t.ID+"/messages/"+t.ID, nil, &first)
		switch {
		case codeOf(err) == unknownMessage: // somebody took it away
		case err != nil:
			return "", false, p.told("look at a post", err)
		case first.keyOf() == hash:
			return t.ID, true, nil
		}
	}
	return "", false, nil
}
