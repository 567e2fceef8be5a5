package slack

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// How far back a message is looked for. Slack recommends pages of at most 200, and
// bears more (docs.slack.dev/reference/methods/conversations.history).
const (
	lookPage  = 200
	lookPages = 10
	// lookBack is what is looked at first of a thread, for Slack shows its beginning
	// first, and a message that is looked for is most often a new one.
	lookBack = time.Hour
)

// Find looks for a message with this key among the newest 2,000 of a channel; of a
// thread among the first 2,000 of the last hour, and the first 2,000 before. A
// message is found when it is there with all that belongs to it: otherwise Post
// goes on with it. An App Home is published again instead: that doubles nothing.
func (p *Platform) Find(ctx context.Context, place state.Place, key string) (string, bool, error) {
	t, err := p.target(ctx, place)
	if err != nil {
		return "", false, err
	}
	switch t.surface {
	case unseen:
		return "", false, chat.ErrCannotLook
	case inHome:
		return "", false, ctx.Err()
	}
	ts, found, err := p.look(ctx, t, key)
	switch {
	case outside(err) && t.reply != "":
		return "", false, chat.ErrCannotLook
	case wordOf(err) == "missing_scope":
		p.opt.Logger.Warn("slack: it cannot be looked whether a message arrived; it may be posted twice", "error", hushed(err))
		return "", false, chat.ErrCannotLook
	case err != nil:
		return "", false, p.toldIn(ctx, t.channel, "slack: look for a message", err)
	}
	return ts, found, nil
}

// look looks for a message. What is not complete is not found, but remembered.
func (p *Platform) look(ctx context.Context, t target, key string) (string, bool, error) {
	m, found, err := p.seek(ctx, t, hashOf(key))
	if err != nil || !found {
		return "", false, err
	}
	sheets, files := sheetsOf(m), strings.Fields(meta(m, metaFiles))
	if sheets == 1 && len(files) == 0 {
		return m.Timestamp, true, nil
	}
	has, err := p.belongings(ctx, t.channel, root(t, m.Timestamp), m.Timestamp)
	if err != nil {
		return "", false, err
	}
	for n := 2; n <= sheets; n++ {
		found = found && has.sheets[n] != ""
	}
	found = found && !slices.ContainsFunc(files, func(mark string) bool { return !has.file(mark) })
	if !found {
		p.out.begin(key, m.Timestamp)
		return "", false, nil
	}
	return m.Timestamp, true, nil
}

// seek finds the message with the hash of a key.
func (p *Platform) seek(ctx context.Context, t target, hash string) (slackgo.Message, bool, error) {
	var out slackgo.Message
	found := false
	see := func(m slackgo.Message) bool {
		if meta(m, metaKey) == hash {
			out, found = m, true
		}
		return !found
	}
	if t.thread == "" {
		err := p.history(ctx, t.channel, see)
		return out, found, err
	}
	recent := fmt.Sprintf("%d.000000", p.opt.Now().Add(-lookBack).Unix())
	err := p.replies(ctx, t.channel, t.thread, recent, "", see)
	if err == nil && !found && t.thread < recent {
		err = p.replies(ctx, t.channel, t.thread, "", recent, see)
	}
	return out, found, err
}

// history shows the messages of a channel, the newest first, while see wants more.
func (p *Platform) history(ctx context.Context, channel string, see func(slackgo.Message) bool) error {
	cursor := ""
	for range lookPages {
		h, err := p.api.GetConversationHistoryContext(ctx, &slackgo.GetConversationHistoryParameters{
			ChannelID: channel, Cursor: cursor, Limit: lookPage, IncludeAllMetadata: true,
		})
		if err != nil {
			return err
		}
		for _, m := range h.Messages {
			if !see(m) {
				return nil
			}
		}
		if cursor = h.ResponseMetaData.NextCursor; cursor == "" {
			return nil
		}
	}
	return nil
}

// replies shows the messages of a thread between two times, the oldest first, while
// see wants more. A thread that is not there is empty.
func (p *Platform) replies(ctx context.Context, channel, thread, oldest, latest string, see func(slackgo.Message) bool) error {
	cursor := ""
	for range lookPages {
		ms, _, next, err := p.api.GetConversationRepliesContext(ctx, &slackgo.GetConversationRepliesParameters{
			ChannelID: channel, Timestamp: thread, Oldest: oldest, Latest: latest, Inclusive: true, Cursor: cursor, Limit: lookPage, IncludeAllMetadata: true,
		})
		if wordOf(err) == "thread_not_found" {
			return nil
		}
		if err != nil {
			return err
		}
		for _, m := range ms {
			if !see(m) {
				return nil
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
	return nil
}

// read is one message, when it is there.
func (p *Platform) read(ctx context.Context, channel, ts string) (m slackgo.Message, found bool, err error) {
	ms, _, _, err := p.api.GetConversationRepliesContext(ctx, &slackgo.GetConversationRepliesParameters{
		ChannelID: channel, Timestamp: ts, Oldest: ts, Latest: ts, Inclusive: true, Limit: 1, IncludeAllMetadata: true,
	})
	switch word := wordOf(err); {
	case word == "thread_not_found", word == "message_not_found":
		return m, false, nil
	case err != nil:
		return m, false, err
	}
	for _, m := range ms {
		if m.Timestamp == ts && m.SubType != "tombstone" {
			return m, true, nil
		}
	}
	return m, false, nil
}

// belongings looks in a thread for what belongs to a message.
func (p *Platform) belongings(ctx context.Context, channel, thread, first string) (belongings, error) {
	has := belongings{sheets: map[int]string{}, files: map[string]shared{}}
	err := p.replies(ctx, channel, thread, first, "", func(m slackgo.Message) bool {
		for _, f := range m.Files {
			if mark := markOfFile(f.Name); mark != "" && m.BotID != "" {
				has.files[mark] = shared{f.ID, m.Timestamp}
			}
		}
		if meta(m, metaOf) == first {
			if n, err := strconv.Atoi(meta(m, metaSheet)); err == nil {
				has.sheets[n] = m.Timestamp
			}
			if mark := meta(m, metaLost); mark != "" {
				has.files[mark] = shared{}
			}
		}
		return true
	})
	return has, err
}
