package discordfake

import (
	"slices"
)

// editChannel changes a channel or a thread.
func (req *request) editChannel() (any, *apiError) {
	ch, err := req.channel(ViewChannel)
	if err != nil {
		return nil, err
	}
	if ch.thread != nil {
		return req.editThread(ch)
	}
	if err := req.f.need(ch, ManageChannels); err != nil {
		return nil, err
	}
	name, topic := req.form.get("name"), req.form.get("topic")
	name.text(1, 100)
	most := 1024
	if ch.kind == Forum {
		most = 4096
	}
	topic.text(0, most)
	tags := req.readAvailable(ch)
	if err := req.form.p.err(); err != nil {
		return nil, err
	}
	if name.has {
		ch.name = name.text(1, 100)
	}
	if req.form.given("topic") {
		ch.topic = topic.text(0, most)
	}
	ch.tags = tags
	req.f.dispatch("CHANNEL_UPDATE", ch.guildID, intentGuilds, req.f.channelJSON(ch))
	return req.f.channelJSON(ch), nil
}

// readAvailable reads the tags that a forum is to have.
func (req *request) readAvailable(ch *channel) []Tag {
	list := req.form.get("available_tags")
	if !list.has || ch.kind != Forum {
		return ch.tags
	}
	var tags []Tag
	for _, t := range list.list(0, maxTags) {
		tag := Tag{ID: t.get("id").id(), Name: t.get("name").need(0, maxTagName), Moderated: t.get("moderated").flag()}
		if tag.ID == "" {
			tag.ID = req.f.snowflake()
		}
		if slices.ContainsFunc(tags, func(o Tag) bool { return o.Name == tag.Name }) {
			t.get("name").bad("TAG_NAMES_MUST_BE_UNIQUE", "Tag names must be unique")
		}
		tags = append(tags, tag)
	}
	return tags
}

func (req *request) editThread(ch *channel) (any, *apiError) {
	f, t := req.f, ch.thread
	form := req.form
	archived, locked := t.archived, t.locked
	if form.get("archived").has {
		archived = form.get("archived").flag()
	}
	if form.get("locked").has {
		locked = form.get("locked").flag()
	}
	tags := t.tags
	if form.given("applied_tags") {
		tags = req.readTags(f.channels[ch.parent], form.get("applied_tags"))
	}
	name := ch.name
	if form.get("name").has {
		name = form.get("name").text(1, 100)
	}
	minutes := t.minutes
	if m := form.get("auto_archive_duration"); m.has {
		minutes = int(m.choice(60, 1440, 4320, 10080))
	}
	if err := form.p.err(); err != nil {
		return nil, err
	}
	onlyOpens := t.archived && !archived && !t.locked && !locked && name == ch.name && !form.given("applied_tags")
	switch {
	case onlyOpens:
		if err := f.need(ch, SendMessagesInThreads); err != nil {
			return nil, err
		}
	case t.archived && archived:
		return nil, errArchived
	case t.owner != f.app.ID || t.locked || locked:
		if err := f.need(ch, ManageThreads); err != nil {
			return nil, err
		}
	}
	if archived != t.archived {
		t.since = f.now()
	}
	t.archived, t.locked, t.tags, t.minutes, ch.name = archived, locked, tags, minutes, name
	if flags := form.get("flags"); flags.has {
		t.pinned = flags.integer(0, 1<<31)&2 != 0
	}
	f.dispatch("THREAD_UPDATE", ch.guildID, intentGuilds, f.channelJSON(ch))
	return f.channelJSON(ch), nil
}

func (req *request) getActiveThreads() (any, *apiError) {
	g, err := req.guild()
	if err != nil {
		return nil, err
	}
	threads := []any{}
	for _, ch := range req.f.channelsOf(g) {
		if ch.thread != nil && !ch.thread.archived && req.f.need(ch, ViewChannel) == nil {
			threads = append(threads, req.f.channelJSON(ch))
		}
	}
	return map[string]any{"threads": threads, "members": []any{}}, nil
}

func (req *request) getArchived() (any, *apiError) {
	parent, err := req.channel(ReadMessageHistory)
	if err != nil {
		return nil, err
	}
	limit, err := req.query("limit", 2, 100, 50)
	if err != nil {
		return nil, err
	}
	var found []*channel
	for _, id := range req.f.order {
		if ch := req.f.channels[id]; ch.parent == parent.id && ch.thread != nil && ch.thread.archived && !ch.gone && ch.kind != PrivateThread {
			found = append(found, ch)
		}
	}
	slices.SortStableFunc(found, func(a, b *channel) int { return b.thread.since.Compare(a.thread.since) })
	threads := []any{}
	for _, ch := range found[:min(limit, len(found))] {
		threads = append(threads, req.f.channelJSON(ch))
	}
	return map[string]any{"threads": threads, "members": []any{}, "has_more": len(found) > limit}, nil
}
