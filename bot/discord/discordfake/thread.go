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
