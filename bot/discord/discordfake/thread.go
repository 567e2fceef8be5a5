package discordfake

import (
	"net/http"
	"slices"
)

// maxThreadMembers is how many people one thread takes.
const maxThreadMembers = 1000

func (req *request) threadFromMessage() (any, *apiError) {
	ch, err := req.channel(CreatePublicThreads)
	if err != nil {
		return nil, err
	}
	if ch.kind != Text && ch.kind != Announcement {
		return nil, errChannelType
	}
	m, err := req.message(ch)
	if err != nil {
		return nil, err
	}
	if m.thread != nil {
		return nil, errHasThread
	}
	t := req.newThread(ch, req.form, m.id)
	if err := req.form.p.err(); err != nil {
		return nil, err
	}
	req.f.open(t)
	m.thread = t
	m.flags |= flagHasThread
	req.f.tellMessage("MESSAGE_UPDATE", m)
	return created{req.f.channelJSON(t)}, nil
}

func (req *request) startThread() (any, *apiError) {
	ch, err := req.channel(ViewChannel)
	switch {
	case err != nil:
		return nil, err
	case ch.kind == Forum:
		return req.forumPost(ch)
	case ch.kind != Text && ch.kind != Announcement:
		return nil, errChannelType
	}
	kind := PrivateThread // the default, as documented
	if f := req.form.get("type"); f.has {
		kind = Kind(f.choice(int64(AnnouncementThread), int64(PublicThread), int64(PrivateThread)))
	}
	want := CreatePublicThreads
	if kind == PrivateThread {
		want = CreatePrivateThreads
	}
	if err := req.f.need(ch, want); err != nil {
		return nil, err
	}
	t := req.newThread(ch, req.form, "")
	t.kind = kind
	if err := req.form.p.err(); err != nil {
		return nil, err
	}
	req.f.open(t)
	return created{req.f.channelJSON(t)}, nil
}

// forumPost starts a thread in a forum, with its first message.
// https://docs.discord.com/developers/resources/channel#start-thread-in-forum-or-media-channel
func (req *request) forumPost(ch *channel) (any, *apiError) {
	f := req.f
	if err := f.need(ch, SendMessages); err != nil {
		return nil, err
	}
	t := req.newThread(ch, req.form, "")
	t.thread.tags = req.readTags(ch, req.form.get("applied_tags"))
	first := req.form.get("message")
	first.required()
	if err := req.form.p.err(); err != nil {
		return nil, err
	}
	if ch.needsTag && len(t.thread.tags) == 0 {
		return nil, errNeedsTag
	}
	if first.get("nonce").has || first.get("enforce_nonce").has || req.form.get("nonce").has {
		f.offend(FutileNonce, "a forum post with a nonce is posted again when it is sent again")
	}
	f.channels[t.id] = t // its message needs to know where it is
	m := f.newMessage(t)
	m.id = t.id
	err := req.write(m, first, byForum, false)
	if err == nil {
		err = f.need(ch, m.extras())
	}
	if err != nil {
		delete(f.channels, t.id)
		return nil, err
	}
	f.open(t)
	f.add(m)
	out := f.channelJSON(t)
	out["message"] = f.messageJSON(m)
	return created{out}, nil
}

// readTags reads the tags of a forum post: those that the forum has, five at most.
func (req *request) readTags(forum *channel, list field) []string {
	ids := list.ids(maxApplied)
	for i, id := range ids {
		at := slices.IndexFunc(forum.tags, func(t Tag) bool { return t.ID == id })
		switch {
		case at < 0 || slices.Contains(ids[:i], id):
			list.bad("UNKNOWN_TAG", "Unknown tag %s", id)
		case forum.tags[at].Moderated && req.f.need(forum, ManageThreads) != nil:
			list.bad("MODERATED_TAG", "The tag %s can only be applied by moderators", id)
		}
	}
	return ids
}

// newThread reads what a thread is made of.
func (req *request) newThread(parent *channel, form field, id string) *channel {
	f := req.f
	if id == "" {
		id = f.snowflake()
	}
	t := &channel{id: id, guildID: parent.guildID, parent: parent.id, kind: PublicThread, name: form.get("name").need(1, 100)}
	if parent.kind == Announcement {
		t.kind = AnnouncementThread
	}
	t.thread = &threadInfo{owner: f.app.ID, minutes: 1440, since: f.now(), members: []string{f.app.ID}}
	if m := form.get("auto_archive_duration"); m.has {
		t.thread.minutes = int(m.choice(60, 1440, 4320, 10080))
	}
	form.get("rate_limit_per_user").integer(0, 21600)
	return t
}

func (f *Fake) open(t *channel) {
	f.channels[t.id] = t
	f.order = append(f.order, t.id)
	data := f.channelJSON(t)
	data["newly_created"] = true
	f.dispatch("THREAD_CREATE", t.guildID, intentGuilds, data)
}

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

func (req *request) thread() (*channel, *apiError) {
	ch, err := req.channel(ViewChannel)
	switch {
	case err != nil:
		return nil, err
	case ch.thread == nil:
		return nil, errChannelType
	case ch.thread.archived && req.http.Method != http.MethodGet:
		return nil, errArchived
	}
	return ch, nil
}

func (req *request) getThreadMembers() (any, *apiError) {
	ch, err := req.thread()
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, id := range ch.thread.members {
		out = append(out, map[string]any{"id": ch.id, "user_id": id, "join_timestamp": stamp(ch.thread.since), "flags": 0})
	}
	return out, nil
}

func (req *request) joinThread() (any, *apiError) {
	req.params["user"] = req.f.app.ID
	return req.addThreadMember()
}

func (req *request) addThreadMember() (any, *apiError) {
	ch, err := req.thread()
	if err != nil {
		return nil, err
	}
	id := req.params["user"]
	if req.f.guilds[ch.guildID].member(id) == nil {
		return nil, errUnknownMember
	}
	if slices.Contains(ch.thread.members, id) {
		return nil, nil
	}
	if len(ch.thread.members) >= maxThreadMembers {
		return nil, errThreadMembers
	}
	ch.thread.members = append(ch.thread.members, id)
	return nil, nil
}

func (req *request) leaveThread() (any, *apiError) {
	ch, err := req.thread()
	if err != nil {
		return nil, err
	}
	ch.thread.members = slices.DeleteFunc(ch.thread.members, func(id string) bool { return id == req.f.app.ID })
	return nil, nil
}
