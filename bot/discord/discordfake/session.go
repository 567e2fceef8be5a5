package discordfake

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sessionLife is how long a session without a connection can be resumed: "a few
// minutes".
const sessionLife = 5 * time.Minute

// guildsPerShard is how many guilds one shard holds.
const guildsPerShard = 2500

// shard is which guilds a session gets events of.
type shard struct{ number, of uint64 }

func (s shard) takes(guildID string) bool {
	if s.of <= 1 {
		return true
	}
	if guildID == "" {
		return s.number == 0
	}
	id, _ := strconv.ParseUint(guildID, 10, 64)
	return (id>>22)%s.of == s.number
}

// session is a session of the gateway. It lives on when its connection is lost.
type session struct {
	f       *Fake
	id      string
	intents Intent
	shard   shard
	version int
	events  []event
	conn    *conn // nil while it waits to be resumed
	left    time.Time
}

// event is one dispatch.
type event struct {
	name string
	data any
	of   *interaction
}

// push adds an event; its connection sends it.
func (s *session) push(name string, data any, of *interaction) {
	s.events = append(s.events, event{name, data, of})
	if s.conn != nil {
		s.conn.poke()
	}
}

// dispatch tells the sessions that asked for it of an event. The lock is held.
func (f *Fake) dispatch(name, guildID string, want Intent, data any) {
	for _, s := range f.sessions {
		if s.intents&want != 0 && s.shard.takes(guildID) {
			s.push(name, data, nil)
		}
	}
}

// tellMessage tells of a message, without what it says where the application may
// not read it.
// https://docs.discord.com/developers/events/gateway#message-content-intent
func (f *Fake) tellMessage(name string, m *message) {
	if m.onlyFor != "" {
		return
	}
	full := f.messageJSON(m)
	ch := f.channels[m.channelID]
	if m.guildID != "" {
		full["guild_id"] = m.guildID
		if who := f.guilds[m.guildID].member(authorID(m)); who != nil {
			part := f.memberJSON(f.guilds[m.guildID], who)
			delete(part, "user")
			full["member"] = part
		}
	}
	own := m.author != nil && m.author.id == f.app.ID || slices.Contains(m.mentionUsers, f.app.ID)
	for _, s := range f.sessions {
		if s.intents&messageIntent(m.guildID) == 0 || !s.shard.takes(m.guildID) || !f.permissions(ch, f.app.ID).has(ViewChannel) {
			continue
		}
		data := full
		if s.intents&IntentMessageContent == 0 && !own && m.guildID != "" {
			data = maps.Clone(full)
			data["content"], data["embeds"], data["components"], data["attachments"] = "", []any{}, []any{}, []any{}
		}
		s.push(name, data, nil)
	}
}

func authorID(m *message) string {
	if m.author == nil {
		return ""
	}
	return m.author.id
}

// begin starts a session for a connection: READY, then the guilds.
func (f *Fake) begin(c *conn, intents Intent, sh shard, version int) {
	s := &session{f: f, id: strings.ToLower(secret(16)), intents: intents, shard: sh, version: version, conn: c}
	f.sessions = append(f.sessions, s)
	f.readies++
	c.session, c.sent = s, 0
	f.countTogether(sh)
	waiting := []any{}
	var mine []*guild
	for _, g := range f.myGuilds() {
		if sh.takes(g.id) {
			mine = append(mine, g)
			waiting = append(waiting, map[string]any{"id": g.id, "unavailable": true})
		}
	}
	ready := map[string]any{
		"v": version, "user": userJSON(f.users[f.app.ID]), "guilds": waiting, "session_id": s.id,
		"resume_gateway_url": "wss://" + resumeHost, "application": map[string]any{"id": f.app.ID, "flags": 0},
		"private_channels": []any{}, "relationships": []any{}, "geo_ordered_rtc_regions": []any{},
	}
	if sh.of > 0 {
		ready["shard"] = []uint64{sh.number, sh.of}
	}
	s.push("READY", ready, nil)
	for _, g := range mine {
		if intents&intentGuilds != 0 && !g.away {
			s.push("GUILD_CREATE", f.guildCreate(g), nil)
		}
	}
	f.change()
}

// guildCreate is all that an application is told of a guild.
func (f *Fake) guildCreate(g *guild) map[string]any {
	out := f.guildJSON(g)
	channels, threads, members := []any{}, []any{}, []any{}
	for _, ch := range f.channelsOf(g) {
		switch {
		case f.need(ch, ViewChannel) != nil && ch.thread != nil:
		case ch.thread != nil && !ch.thread.archived:
			threads = append(threads, f.channelJSON(ch))
		case ch.thread == nil:
			channels = append(channels, f.channelJSON(ch))
		}
	}
	for _, m := range g.members {
		if m.user.id == f.app.ID || f.app.Privileged&IntentMembers != 0 {
			members = append(members, f.memberJSON(g, m))
		}
	}
	maps.Copy(out, map[string]any{
		"channels": channels, "threads": threads, "members": members, "member_count": len(g.members), "large": false, "unavailable": false,
		"voice_states": []any{}, "presences": []any{}, "stage_instances": []any{}, "guild_scheduled_events": []any{},
	})
	if me := g.member(f.app.ID); me != nil {
		out["joined_at"] = stamp(me.since)
	}
	return out
}

// end throws a session away.
func (f *Fake) endSession(s *session) {
	f.sessions = slices.DeleteFunc(f.sessions, func(o *session) bool { return o == s })
	s.conn = nil
}

// leave is what happens to a session whose connection ended: it waits to be
// resumed, unless the client closed it with 1000 or 1001.
// https://docs.discord.com/developers/events/gateway#initiating-a-disconnect
func (f *Fake) leave(c *conn, closeCode int) {
	s := c.session
	if s == nil || s.conn != c {
		return
	}
	if closeCode == 1000 || closeCode == 1001 {
		f.endSession(s)
		return
	}
	s.conn, s.left = nil, f.now()
}

// resumable is the session with an id, when it can be resumed still.
func (f *Fake) resumable(id string) *session {
	for _, s := range f.sessions {
		if s.id == id {
			if s.conn == nil && f.now().Sub(s.left) > sessionLife {
				f.endSession(s)
				return nil
			}
			return s
		}
	}
	return nil
}
