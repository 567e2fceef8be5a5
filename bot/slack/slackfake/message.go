package slackfake

import (
	"slices"
	"strings"
	"time"
)

// message is a message as Slack keeps it.
type message struct {
	ts, threadTS, user, username string
	text                         string
	blocks, attachments          []any
	metadata                     object
	clientID, subtype            string
	broadcast, tombstone         bool
	onlyFor                      string // ephemeral: who sees it
	channel                      string // of an ephemeral
	edits                        int
	editedTS                     string
	pings                        []string
	files                        []*file
	reactions                    []reaction
	stream                       bool
}

type reaction struct {
	name  string
	users []string
}

// wire is a message as the Web API and events show it.
func (s *Slack) wire(c *conversation, m *message, withMetadata bool) object {
	o := object{"type": "message", "ts": m.ts, "text": m.text, "user": m.user, "team": TeamID}
	if m.tombstone {
		return merge(o, object{"subtype": "tombstone", "text": "This message was deleted.", "hidden": true, "user": "USLACKBOT"})
	}
	if m.user == BotUser {
		o["bot_id"], o["app_id"] = BotID, AppID
		o["bot_profile"] = object{"id": BotID, "app_id": AppID, "name": "allclear", "deleted": false, "team_id": TeamID}
		o["username"] = m.username
	}
	for k, v := range map[string]string{"thread_ts": m.threadTS, "client_msg_id": m.clientID, "subtype": m.subtype} {
		if v != "" {
			o[k] = v
		}
	}
	if len(m.blocks) > 0 {
		o["blocks"] = clone(m.blocks)
	}
	if len(m.attachments) > 0 {
		o["attachments"] = clone(m.attachments)
	}
	if withMetadata && m.metadata != nil {
		o["metadata"] = clone(m.metadata)
	}
	if m.edits > 0 {
		o["edited"] = object{"user": m.user, "ts": m.editedTS}
	}
	if len(m.files) > 0 {
		var files []any
		for _, f := range m.files {
			files = append(files, s.fileObject(f))
		}
		o["files"], o["upload"] = files, true
	}
	if slices.Contains(c.pins, m.ts) {
		o["pinned_to"] = []any{c.ID}
	}
	var reactions []any
	for _, r := range m.reactions {
		reactions = append(reactions, object{"name": r.name, "count": len(r.users), "users": slices.Clone(r.users)})
	}
	if reactions != nil {
		o["reactions"] = reactions
	}
	if replies := c.replies(m.ts); len(replies) > 0 && !m.isReply() {
		o["reply_count"], o["latest_reply"] = len(replies), replies[len(replies)-1].ts
		o["thread_ts"] = m.ts
	}
	return tidy(o)
}

func (m *message) isReply() bool { return m.threadTS != "" && m.threadTS != m.ts }

func (c *conversation) find(ts string) *message {
	if i := slices.IndexFunc(c.messages, func(m *message) bool { return m.ts == ts }); i >= 0 {
		return c.messages[i]
	}
	return nil
}

func (c *conversation) replies(root string) []*message {
	var out []*message
	for _, m := range c.messages {
		if m.isReply() && m.threadTS == root {
			out = append(out, m)
		}
	}
	return out
}

// put adds a message to a channel, notifies whom it mentions, and tells the app.
func (s *Slack) put(c *conversation, m *message) *message {
	m.ts = s.nextTS()
	m.text = settle(m.text)
	s.nameBlocks(m.blocks)
	m.pings = s.pings(c, m)
	c.messages = append(c.messages, m)
	if m.user == BotUser {
		s.own(c, s.wire(c, m, false))
	}
	return m
}

// own tells the app of what it did itself, as Slack does when it is subscribed.
func (s *Slack) own(c *conversation, event object) {
	if d := s.eventLocked(merge(event, object{"channel": c.ID, "channel_type": s.channelType(c)})); d != nil {
		d.own = true
	}
}

// settle makes stray & < > harmless, as Slack does with what it is given.
func settle(text string) string {
	var b strings.Builder
	for text != "" {
		if m := entity.FindString(text); m != "" {
			b.WriteString(m)
			text = text[len(m):]
			continue
		}
		if _, rest, ok := unescape(text); ok {
			b.WriteString(text[:len(text)-len(rest)])
			text = rest
			continue
		}
		switch text[0] {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		default:
			b.WriteByte(text[0])
		}
		text = text[1:]
	}
	return b.String()
}

// dropped forgets a message that was deleted; the first of a thread leaves a stone.
func (s *Slack) dropped(c *conversation, m *message) {
	c.pins = slices.DeleteFunc(c.pins, func(ts string) bool { return ts == m.ts })
	if len(c.replies(m.ts)) > 0 && !m.isReply() {
		m.tombstone, m.blocks, m.attachments, m.files, m.text = true, nil, nil, nil, ""
		return
	}
	c.messages = slices.DeleteFunc(c.messages, func(o *message) bool { return o == m })
}

func (s *Slack) channelType(c *conversation) string {
	switch {
	case c.IM != "":
		return "im"
	case c.Private:
		return "group"
	}
	return "channel"
}

// scheduled is a message that will be posted.
type scheduled struct {
	id, channel string
	at          time.Time
	made        time.Time
	m           *message
}
