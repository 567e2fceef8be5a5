package discordfake

import (
	"net/http"
	"slices"
	"time"
)

// crosspost publishes a message to the channels that follow.
// https://docs.discord.com/developers/resources/message#crosspost-message
func (req *request) crosspost() (any, *apiError) {
	ch, err := req.channel(SendMessages)
	if err != nil {
		return nil, err
	}
	m, err := req.message(ch)
	switch {
	case err != nil:
		return nil, err
	case ch.kind != Announcement:
		return nil, errChannelType
	case m.kind != 0:
		return nil, errSystemMessage
	case m.is(flagCrossposted):
		return nil, errCrossposted
	case m.author == nil || m.author.id != req.f.app.ID:
		if err := req.f.need(ch, ManageMessages); err != nil {
			return nil, err
		}
	}
	f, now := req.f, req.f.now()
	limit := f.limiter.limits.Crossposts
	if after, used := over(ch.crossposts, limit, now); used {
		f.remember(req.bucket(), req, after)
		return nil, &apiError{Status: http.StatusTooManyRequests, Code: 20028, Message: "The write action you are performing on the channel has hit the write rate limit", After: after, Scope: "shared"}
	}
	ch.crossposts = append(recent(ch.crossposts, limit, now), now)
	m.flags |= flagCrossposted
	for _, to := range ch.followers {
		f.copyTo(m, ch, to)
	}
	f.tellMessage("MESSAGE_UPDATE", m)
	return f.messageJSON(m), nil
}

func (f *Fake) copyTo(m *message, from *channel, to *follower) {
	target := f.channels[to.channel]
	if target == nil || target.gone {
		return
	}
	c := &message{
		id: f.snowflake(), channelID: target.id, guildID: target.guildID, webhookID: to.webhook, at: f.now(),
		authorName: f.guilds[from.guildID].name + " #" + from.name, flags: flagIsCrosspost,
		reference: map[string]any{"type": 0, "message_id": m.id, "channel_id": from.id, "guild_id": from.guildID},
	}
	c.take(m)
	m.copies = append(m.copies, copied{target.id, c.id})
	f.add(c)
}

// take copies what is shown. Buttons do not work in another channel.
func (m *message) take(from *message) {
	m.content, m.embeds, m.files = from.content, slices.Clone(from.embeds), slices.Clone(from.files)
	m.flags |= from.flags & (flagSuppressEmbeds | flagV2)
	m.components = nil
	if from.is(flagV2) {
		m.components = from.components
	}
}

// changeCopies edits the copies of a published message.
func (f *Fake) changeCopies(m *message) {
	for _, to := range m.copies {
		if c := f.channels[to.channel].message(to.message); c != nil {
			c.take(m)
			now := f.now()
			c.edited = &now
			c.edits++
			f.tellMessage("MESSAGE_UPDATE", c)
		}
	}
}

// deleteCopies marks the copies of a message that was deleted.
func (f *Fake) deleteCopies(m *message) {
	for _, to := range m.copies {
		if c := f.channels[to.channel].message(to.message); c != nil {
			c.content, c.embeds, c.components, c.files = "[Original Message Deleted]", nil, nil, nil
			c.flags = c.flags&^flagV2 | flagSourceDeleted
			f.tellMessage("MESSAGE_UPDATE", c)
		}
	}
}

func (req *request) followChannel() (any, *apiError) {
	ch, err := req.channel(ViewChannel)
	if err != nil {
		return nil, err
	}
	if ch.kind != Announcement {
		return nil, errChannelType
	}
	to := req.f.channels[req.form.get("webhook_channel_id").id()]
	req.form.get("webhook_channel_id").required()
	if err := req.form.p.err(); err != nil {
		return nil, err
	}
	if to == nil || to.gone {
		return nil, errUnknownChannel
	}
	if err := req.f.need(to, ManageWebhooks); err != nil {
		return nil, err
	}
	made := &follower{to.id, req.f.snowflake()}
	ch.followers = append(ch.followers, made)
	return map[string]any{"channel_id": ch.id, "webhook_id": made.webhook}, nil
}

// maxPins is how many messages one channel pins.
// https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
const maxPins = 250

func (req *request) pin() (any, *apiError) {
	ch, m, err := req.pinned()
	if err != nil {
		return nil, err
	}
	if m.pinned != nil {
		return nil, nil
	}
	if len(ch.pins()) >= maxPins {
		return nil, errPins
	}
	now := req.f.now()
	m.pinned = &now
	// Discord says it in the channel, without a ping.
	req.f.add(&message{
		id: req.f.snowflake(), channelID: ch.id, guildID: ch.guildID, author: req.f.users[req.f.app.ID], at: now, kind: 6,
		reference: map[string]any{"message_id": m.id, "channel_id": ch.id, "guild_id": ch.guildID},
	})
	req.f.tellPins(ch)
	return nil, nil
}

func (req *request) unpin() (any, *apiError) {
	ch, m, err := req.pinned()
	if err != nil {
		return nil, err
	}
	if m.pinned != nil {
		m.pinned = nil
		req.f.tellPins(ch)
	}
	return nil, nil
}

// pinned finds the message of a call that pins. Both the permission that was for
// pins and the new one are enough, as long as Discord takes both.
func (req *request) pinned() (*channel, *message, *apiError) {
	ch, err := req.textChannel(PinMessages)
	if err != nil {
		return nil, nil, err
	}
	if ch.thread != nil && ch.thread.archived {
		return nil, nil, errArchived
	}
	m, err := req.message(ch)
	if err == nil && m.kind != 0 && m.kind != 19 && m.kind != 20 {
		err = errSystemMessage
	}
	return ch, m, err
}

func (f *Fake) tellPins(ch *channel) {
	data := map[string]any{"channel_id": ch.id, "guild_id": ch.guildID, "last_pin_timestamp": nil}
	if pins := ch.pins(); len(pins) > 0 {
		data["last_pin_timestamp"] = stamp(*pins[0].pinned)
	}
	f.dispatch("CHANNEL_PINS_UPDATE", ch.guildID, intentGuilds, data)
}

// pins are the pinned messages, the latest first.
func (ch *channel) pins() []*message {
	var out []*message
	for _, m := range ch.messages {
		if m.pinned != nil && !m.deleted {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b *message) int { return b.pinned.Compare(*a.pinned) })
	return out
}

func (req *request) getPins() (any, *apiError) {
	pins, limit, err := req.listPins()
	if err != nil {
		return nil, err
	}
	items := []any{}
	for _, m := range pins[:min(limit, len(pins))] {
		items = append(items, map[string]any{"pinned_at": stamp(*m.pinned), "message": req.f.messageJSON(m)})
	}
	return map[string]any{"items": items, "has_more": len(pins) > limit}, nil
}

func (req *request) getOldPins() (any, *apiError) {
	pins, _, err := req.listPins()
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, m := range pins[:min(50, len(pins))] {
		out = append(out, req.f.messageJSON(m))
	}
	return out, nil
}

func (req *request) listPins() ([]*message, int, *apiError) {
	ch, err := req.textChannel(ViewChannel)
	if err != nil {
		return nil, 0, err
	}
	limit, err := req.query("limit", 1, 50, 50)
	if err != nil {
		return nil, 0, err
	}
	if req.f.need(ch, ReadMessageHistory) != nil {
		return nil, limit, nil
	}
	pins := ch.pins()
	if before, err := time.Parse(time.RFC3339, req.http.URL.Query().Get("before")); err == nil {
		pins = slices.DeleteFunc(pins, func(m *message) bool { return !m.pinned.Before(before) })
	}
	return pins, limit, nil
}
