package discord

import (
	"context"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Limits of threads (docs.discord.com/developers/resources/channel).
const (
	maxTitleLen = 100 // characters of the name of a thread
	maxTags     = 5   // of a post
	archiveDays = 10080
)

// postThread posts into a thread. That of a message is called as the message is; when it
// was not begun yet, it is.
func (p *Platform) postThread(ctx context.Context, place state.Place, r rendered, key string) (string, error) {
	id, err := p.deliver(ctx, place.Thread, r, key)
	if codeOf(err) != unknownChannel {
		return id, p.told("post into a thread", err)
	}
	path := "channels/" + place.Channel + "/messages/" + place.Thread
	var head message
	if err := p.rest.call(ctx, "GET", path, nil, &head); err != nil {
		return "", p.told("look at the head of a thread", err)
	}
	begin := map[string]any{"name": head.title(), "auto_archive_duration": archiveDays}
	if err := p.rest.call(ctx, "POST", path+"/threads", begin, nil); err != nil && codeOf(err) != hasThread {
		return "", p.told("begin a thread", err)
	}
	return p.send(ctx, place.Thread, r, key)
}

// title is the beginning of what a message says, as the name of its thread.
func (m message) title() string {
	for _, e := range m.Embeds {
		line, _, _ := strings.Cut(e.Description, "\n")
		line = strings.NewReplacer(`\`, "", "*", "", "`", "").Replace(line)
		if line = strings.TrimSpace(cut(chat.Clean(line), maxTitleLen)); line != "" {
			return line
		}
	}
	return "log"
}

// forumPost is a new post of a forum.
type forumPost struct {
	Name    string   `json:"name"`
	Archive int      `json:"auto_archive_duration"`
	Tags    []string `json:"applied_tags,omitempty"`
	Message draft    `json:"message"`
}

// postForum begins a post. Discord takes no nonce there: after a crash it is looked for.
func (p *Platform) postForum(ctx context.Context, place state.Place, m chat.Message, r rendered) (string, error) {
	var made channel
	post := forumPost{Name: summary(m), Archive: archiveDays, Message: r.draft}
	if err := p.rest.call(ctx, "POST", "channels/"+place.Channel+"/threads", post, &made, r.files...); err != nil {
		return "", p.told("begin a post", err)
	}
	if !snowflake.MatchString(made.ID) {
		return "", errGarbled
	}
	return made.ID, nil
}

// summary is the first that a message says.
func summary(m chat.Message) string {
	for _, part := range m.Parts {
		var t chat.Text
		switch part := part.(type) {
		case chat.Heading:
			t = part.Text
		case chat.Para:
			t = part.Text
		}
		if s := strings.TrimSpace(chat.Clean(t.Plain())); s != "" {
			return cut(s, maxTitleLen)
		}
	}
	return "allclear"
}

// Kind is what kind of channel a place is.
type Kind uint8

// The kinds.
const (
	KindOther        Kind = iota
	KindText              // messages
	KindAnnouncement      // messages that can be published to the channels that follow
	KindForum             // posts
)

// Kind looks up what kind of channel a place is.
func (p *Platform) Kind(ctx context.Context, place state.Place) (Kind, error) {
	c, err := p.dir.channel(ctx, place.Channel)
	if err != nil {
		return KindOther, p.told("look at a channel", err)
	}
	switch c.Type {
	case textChannel:
		return KindText, nil
	case announcement:
		return KindAnnouncement, nil
	case forumChannel:
		return KindForum, nil
	}
	return KindOther, nil
}

// Publish sends a message of an announcement channel to the channels that follow it. To
// publish one again is no error.
func (p *Platform) Publish(ctx context.Context, place state.Place, messageID string) error {
	if !snowflake.MatchString(messageID) || !snowflake.MatchString(place.Channel) {
		return errGone
	}
	err := p.rest.call(ctx, "POST", "channels/"+place.Channel+"/messages/"+messageID+"/crosspost", nil, nil)
	if codeOf(err) == crossposted {
		return nil
	}
	return p.told("publish a message", err)
}

// Tag gives a post of a forum those of the tags that the forum has, by name, and no other.
func (p *Platform) Tag(ctx context.Context, place state.Place, postID string, names []string) error {
	if !snowflake.MatchString(postID) {
		return errGone
	}
	var forum channel
	if err := p.rest.call(ctx, "GET", "channels/"+place.Channel, nil, &forum); err != nil {
		return p.told("look at a forum", err)
	}
	p.dir.put(forum)
	ids := []string{}
	for _, name := range names {
		for _, t := range forum.Tags {
			if strings.EqualFold(t.Name, name) && len(ids) < maxTags {
				ids = append(ids, t.ID)
			}
		}
	}
	return p.told("tag a post", p.rest.call(ctx, "PATCH", "channels/"+postID, map[string]any{"applied_tags": ids}, nil))
}
