package discord

import (
	"context"
	"fmt"
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
		if line = strings.TrimSpace(chat.Cut(chat.Clean(line), maxTitleLen)); line != "" {
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

// postForum begins a post, called and tagged as the topic of the message says. Discord
// takes no nonce there: after a crash it is looked for.
func (p *Platform) postForum(ctx context.Context, forum channel, m chat.Message, r rendered) (string, error) {
	var made channel
	post := forumPost{Name: titleOf(m), Archive: archiveDays, Tags: tagsOf(forum, m), Message: r.draft}
	if err := p.rest.call(ctx, "POST", "channels/"+forum.ID+"/threads", post, &made, r.files...); err != nil {
		return "", p.told("begin a post", err)
	}
	if !snowflake.MatchString(made.ID) {
		return "", errGarbled
	}
	return made.ID, nil
}

// retitle makes a post what the topic of its message says now.
func (p *Platform) retitle(ctx context.Context, forum channel, id string, m chat.Message) error {
	if m.Topic.Title == "" {
		return nil
	}
	change := map[string]any{"name": titleOf(m), "applied_tags": tagsOf(forum, m)}
	return p.told("rename a post", p.rest.call(ctx, "PATCH", "channels/"+id, change, nil))
}

// titleOf is what a post is called: the topic, or the first that the message says.
func titleOf(m chat.Message) string {
	texts := []string{m.Topic.Title}
	for _, part := range m.Parts {
		switch part := part.(type) {
		case chat.Heading:
			texts = append(texts, part.Text.Plain())
		case chat.Para:
			texts = append(texts, part.Text.Plain())
		}
	}
	for _, t := range texts {
		if t = strings.TrimSpace(chat.Clean(t)); t != "" {
			return chat.Cut(t, maxTitleLen)
		}
	}
	return "allclear"
}

// tagsOf are those of the tags of a message that its forum has. One that wants a tag and
// has none of them gets its first.
func tagsOf(forum channel, m chat.Message) []string {
	ids := []string{}
	for _, name := range m.Topic.Tags {
		for _, t := range forum.Tags {
			if strings.EqualFold(t.Name, name) && len(ids) < maxTags {
				ids = append(ids, t.ID)
			}
		}
	}
	if len(ids) == 0 && forum.Flags&needsTag != 0 && len(forum.Tags) > 0 {
		ids = append(ids, forum.Tags[0].ID)
	}
	return ids
}

// needsTag is the flag of a forum whose posts must have a tag
// (docs.discord.com/developers/resources/channel#channel-object-channel-flags).
const needsTag = 1 << 4

// flagCrossposted is the flag of a message that was published
// (docs.discord.com/developers/resources/message#message-object-message-flags).
const flagCrossposted = 1 << 0

// publish sends a message of an announcement channel to those that follow it. To publish
// one again is no error.
func (p *Platform) publish(ctx context.Context, channel, id string) error {
	err := p.rest.call(ctx, "POST", publishing(channel, id), nil, nil)
	if codeOf(err) == crossposted {
		return nil
	}
	return err
}

func publishing(channel, id string) string {
	return "channels/" + channel + "/messages/" + id + "/crosspost"
}

// announce posts into an announcement channel, and publishes. Discord lets few be published
// in an hour: what could not be is not posted before it can.
func (p *Platform) announce(ctx context.Context, channel string, r rendered, key string) (string, error) {
	if wait := p.rest.limits.left("POST", publishing(channel, "1")); wait > 0 {
		p.opt.Count("rate limited")
		return "", &chat.RetryAfter{After: wait}
	}
	id, err := p.send(ctx, channel, r, key)
	if err != nil {
		return "", err
	}
	if err := p.publish(ctx, channel, id); err != nil {
		return "", fmt.Errorf("discord: a message is there and not published: %s", hushed(err)) // Find goes on with it
	}
	return id, nil
}
