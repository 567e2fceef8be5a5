package slackfake

import (
	"slices"
	"strings"
)

// Limits of messages (docs.slack.dev/reference/methods/chat.postMessage, chat.update).
const (
	maxMessage     = 40000 // characters; what is longer is cut
	maxUpdateBytes = 4000  // of the text of chat.update, measured as bytes
	maxAttachments = 100
	maxMetadata    = 8000 // characters of JSON
)

const postArgs = "channel text blocks attachments thread_ts reply_broadcast metadata client_msg_id mrkdwn parse link_names " +
	"unfurl_links unfurl_media username icon_url icon_emoji as_user file_ids markdown_text"

func (s *Slack) chatMethods() map[string]method {
	write := []string{"chat:write"}
	return map[string]method{
		"chat.postMessage":            {run: s.postMessage, scopes: write, json: true, args: postArgs, key: "channel"},
		"chat.update":                 {run: s.updateMessage, scopes: write, tier: 3, json: true, args: "channel ts text blocks attachments metadata parse link_names as_user reply_broadcast file_ids mrkdwn unfurl_links unfurl_media markdown_text"},
		"chat.delete":                 {run: s.deleteMessage, scopes: write, tier: 3, json: true, args: "channel ts as_user"},
		"chat.postEphemeral":          {run: s.postEphemeral, scopes: write, tier: 4, json: true, args: postArgs + " user"},
		"chat.getPermalink":           {run: s.permalink, args: "channel message_ts"},
		"chat.scheduleMessage":        {run: s.scheduleMessage, scopes: write, tier: 3, json: true, args: postArgs + " post_at"},
		"chat.scheduledMessages.list": {run: s.listScheduled, tier: 3, args: "channel cursor latest limit oldest team_id"},
		"chat.deleteScheduledMessage": {run: s.deleteScheduled, scopes: write, tier: 3, json: true, args: "channel scheduled_message_id as_user"},
		"assistant.threads.setStatus": {run: s.setStatus, scopes: []string{"assistant:write", "chat:write"}, tier: 4, json: true, args: "channel_id thread_ts status loading_messages username icon_url icon_emoji"},
		"chat.startStream":            {run: s.startStream, scopes: write, tier: 2, json: true, args: "channel thread_ts markdown_text chunks recipient_user_id recipient_team_id task_display_mode username icon_url icon_emoji"},
		"chat.appendStream":           {run: s.appendStream, scopes: write, tier: 4, json: true, args: "channel ts markdown_text chunks"},
		"chat.stopStream":             {run: s.stopStream, scopes: write, tier: 2, json: true, args: "channel ts markdown_text chunks blocks metadata"},
	}
}

// where finds the conversation that somebody may write to.
func (s *Slack) where(c *call, id string) (*conversation, *refusal) {
	if userShape.MatchString(id) && c.name != "chat.update" && c.name != "chat.delete" {
		u := s.userByID(id)
		if u == nil || u.Deleted || u.Bot {
			return nil, refuse("channel_not_found")
		}
		return s.im(id), nil
	}
	ch, refused := s.visible(id)
	switch {
	case refused != nil:
		return nil, refused
	case ch.Archived:
		return nil, refuse("is_archived")
	case ch.IM == "" && !ch.BotIn && (c.name != "chat.postMessage" || !c.token.has("chat:write.public")):
		return nil, refuse("not_in_channel")
	case ch.ReadOnly:
		return nil, refuse("restricted_action")
	}
	return ch, nil
}

// visible finds a conversation that the bot can see.
func (s *Slack) visible(id string) (*conversation, *refusal) {
	if !channelShape.MatchString(id) {
		return nil, refuse("channel_not_found")
	}
	ch := s.channelByID(id)
	if ch == nil || ch.Private && !ch.BotIn {
		return nil, refuse("channel_not_found")
	}
	return ch, nil
}

// content is what a message says, checked.
func (s *Slack) content(c *call) (*message, *refusal) {
	m := &message{user: BotUser, text: c.str("text"), username: c.str("username"), clientID: c.str("client_msg_id")}
	if c.has("username") || c.has("icon_url") || c.has("icon_emoji") {
		if denied := c.token.need("chat:write.customize"); denied != nil {
			return nil, denied
		}
	}
	if refused := s.readBlocks(c.args, m, true); refused != nil {
		return nil, refused
	}
	if refused := readMetadata(c.args, m); refused != nil {
		return nil, refused
	}
	if c.has("markdown_text") {
		if c.has("blocks") || c.has("text") {
			return nil, refuse("markdown_text_conflict")
		}
		if length(c.str("markdown_text")) > maxMarkdown {
			return nil, refuse("msg_too_long")
		}
		m.text = c.str("markdown_text")
	}
	if m.text == "" && len(m.blocks) == 0 && len(m.attachments) == 0 {
		return nil, refuse("no_text")
	}
	if m.text == "" && len(m.blocks) > 0 {
		s.complainLocked(NoFallback, "%s with %d blocks and no text", c.name, len(m.blocks))
	}
	if length(m.text) > maxMessage {
		m.text = string([]rune(m.text)[:maxMessage])
		c.warnings = append(c.warnings, "message_truncated")
	}
	if c.str("parse") == "full" || c.truth("link_names") {
		m.text = s.linkNames(m.text)
	}
	return m, nil
}

// readBlocks reads and checks blocks and attachments.
func (s *Slack) readBlocks(a args, m *message, budget bool) *refusal {
	blocks, err := a.value("blocks")
	if _, ok := blocks.([]any); err != nil || blocks != nil && !ok {
		return refuse("invalid_blocks_format")
	}
	m.blocks = clone(list(blocks))
	if problems := checkBlocks(any(m.blocks), s.opt.NoCharts, false); len(m.blocks) > 0 && len(problems) > 0 {
		return refuseBlocks("invalid_blocks", problems)
	}
	if budget && cost(m.blocks) > s.opt.BlockBudget {
		return refuse("msg_blocks_too_long")
	}
	attachments, err := a.value("attachments")
	if _, ok := attachments.([]any); err != nil || attachments != nil && !ok {
		return refuse("invalid_attachments")
	}
	m.attachments = clone(list(attachments))
	if len(m.attachments) > maxAttachments {
		return refuse("too_many_attachments")
	}
	for _, at := range m.attachments {
		if inner := obj(at)["blocks"]; inner != nil {
			if problems := checkBlocks(inner, s.opt.NoCharts, false); len(problems) > 0 {
				return refuseBlocks("invalid_attachments", problems)
			}
		}
	}
	return nil
}

func readMetadata(a args, m *message) *refusal {
	v, err := a.value("metadata")
	if err != nil {
		return refuse("invalid_metadata_format")
	}
	if v == nil {
		return nil
	}
	o := obj(v)
	if o == nil {
		return refuse("invalid_metadata_format")
	}
	if o["entities"] == nil {
		if kind, ok := o["event_type"].(string); !ok || kind == "" || obj(o["event_payload"]) == nil {
			return refuse("invalid_metadata_schema")
		}
	}
	if jsonLength(o) > maxMetadata {
		return refuse("metadata_too_large")
	}
	m.metadata = clone(o)
	return nil
}

// linkNames makes mentions of @names, as link_names and parse=full do.
func (s *Slack) linkNames(text string) string {
	words := strings.Split(text, " ")
	for i, w := range words {
		name, ok := strings.CutPrefix(w, "@")
		if !ok {
			continue
		}
		if slices.Contains([]string{"here", "channel", "everyone"}, name) {
			words[i] = "<!" + name + ">"
		} else if u := s.user(name); u != nil {
			words[i] = "<@" + u.ID + ">"
		}
		for _, g := range s.groups {
			if g.Handle == name {
				words[i] = "<!subteam^" + g.ID + ">"
			}
		}
	}
	return strings.Join(words, " ")
}

// intoThread says which thread a message joins.
func (ch *conversation) intoThread(ts string) (string, *refusal) {
	if ts == "" {
		return "", nil
	}
	if !tsShape.MatchString(ts) {
		return "", refuse("invalid_thread_ts")
	}
	root := ch.find(ts)
	switch {
	case root == nil:
		return "", nil // its root was deleted: Slack posts into the channel
	case root.isReply():
		return "", refuse("cannot_reply_to_message")
	}
	return ts, nil
}

// posted is a message that was posted with a client_msg_id.
type posted struct{ channel, ts string }

func (s *Slack) postMessage(c *call) (object, *refusal) {
	ch, refused := s.where(c, c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	m, refused := s.content(c)
	if refused != nil {
		return nil, refused
	}
	if m.threadTS, refused = ch.intoThread(c.str("thread_ts")); refused != nil {
		return nil, refused
	}
	if c.has("thread_ts") && m.threadTS == "" {
		c.warnings = append(c.warnings, "thread_not_found")
	}
	m.broadcast = c.truth("reply_broadcast") && m.threadTS != ""
	if m.broadcast {
		m.subtype = "thread_broadcast"
	}
	if before, refused := s.again(m.clientID, ch); before != nil || refused != nil {
		if refused != nil {
			return nil, refused
		}
		return object{"channel": ch.ID, "ts": before.ts, "message": s.wire(ch, before, true)}, nil
	}
	s.put(ch, m)
	if m.clientID != "" {
		s.dedupe[m.clientID] = &posted{ch.ID, m.ts}
	}
	return object{"channel": ch.ID, "ts": m.ts, "message": s.wire(ch, m, true)}, nil
}

// again finds the message that was posted with the same client_msg_id. Slack
// documents only the errors: "no duplicate message exists associated with
// client_msg_id", and a channel that does not fit it. From them, and from clients
// that live by it, a repeated id gives the first message back; when that was deleted
// it is duplicate_message_not_found, and in another channel duplicate_channel_not_found.
func (s *Slack) again(id string, ch *conversation) (*message, *refusal) {
	before := s.dedupe[id]
	if id == "" || s.opt.NoDedupe || before == nil {
		return nil, nil
	}
	if before.channel != ch.ID {
		return nil, refuse("duplicate_channel_not_found")
	}
	if m := ch.find(before.ts); m != nil && !m.tombstone {
		return m, nil
	}
	return nil, refuse("duplicate_message_not_found")
}

// mine finds a message that the bot may change.
func (s *Slack) mine(c *call, cant string) (*conversation, *message, *refusal) {
	ch, refused := s.where(c, c.str("channel"))
	if refused != nil {
		return nil, nil, refused
	}
	m := ch.find(c.str("ts"))
	switch {
	case m == nil || m.tombstone:
		s.complainLocked(StrangeEdit, "%s of a message that is not there: %s", c.name, c.str("ts"))
		return nil, nil, refuse("message_not_found")
	case m.user != BotUser || len(m.files) > 0 && m.text == "" && cant == "cant_update_message":
		s.complainLocked(StrangeEdit, "%s of a message that is not the bot's: %s", c.name, c.str("ts"))
		return nil, nil, refuse(cant)
	}
	return ch, m, nil
}

func (s *Slack) updateMessage(c *call) (object, *refusal) {
	ch, m, refused := s.mine(c, "cant_update_message")
	if refused != nil {
		return nil, refused
	}
	if len(c.str("text")) > maxUpdateBytes {
		return nil, refuse("msg_too_long")
	}
	if !c.has("text") && !given(c.args, "blocks") && !c.has("attachments") && !c.has("metadata") {
		return nil, refuse("no_text")
	}
	if !c.has("text") && !given(c.args, "blocks") {
		c.args["text"] = m.text
	}
	if !given(c.args, "blocks") {
		c.args["blocks"] = any(clone(m.blocks)) // what is not given stays; an empty list removes
	}
	changed, refused := s.content(c)
	if refused != nil {
		return nil, refused
	}
	before := s.wire(ch, m, false)
	m.text, m.blocks = settle(changed.text), changed.blocks
	s.nameBlocks(m.blocks)
	if c.has("attachments") {
		m.attachments = changed.attachments
	}
	if c.has("metadata") {
		m.metadata = changed.metadata
	}
	if c.truth("reply_broadcast") && m.isReply() {
		m.broadcast = true
	}
	m.edits++
	m.editedTS = s.nextTS()
	s.own(ch, object{
		"type": "message", "subtype": "message_changed", "hidden": true, "ts": s.nextTS(), "message": s.wire(ch, m, false), "previous_message": before,
	})
	return object{"channel": ch.ID, "ts": m.ts, "text": m.text, "message": s.wire(ch, m, true)}, nil
}

// given: the argument is there, be it empty.
func given(a args, name string) bool {
	v, ok := a[name]
	return ok && v != nil && v != ""
}

func (s *Slack) deleteMessage(c *call) (object, *refusal) {
	ch, m, refused := s.mine(c, "cant_delete_message")
	if refused != nil {
		return nil, refused
	}
	ts, before := m.ts, s.wire(ch, m, false)
	s.dropped(ch, m)
	s.own(ch, object{
		"type": "message", "subtype": "message_deleted", "hidden": true, "ts": s.nextTS(), "deleted_ts": ts, "previous_message": before,
	})
	return object{"channel": ch.ID, "ts": ts}, nil
}

func (s *Slack) postEphemeral(c *call) (object, *refusal) {
	ch, refused := s.where(c, c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	user := c.str("user")
	if u := s.userByID(user); u == nil || u.Deleted {
		return nil, refuse("user_not_found")
	}
	if !s.member(ch, user) {
		return nil, refuse("user_not_in_channel")
	}
	m, refused := s.content(c)
	if refused != nil {
		return nil, refused
	}
	if m.threadTS, refused = ch.intoThread(c.str("thread_ts")); refused != nil {
		return nil, refused
	}
	s.whisper(ch, user, m)
	return object{"message_ts": m.ts}, nil
}

// whisper shows a message to one person.
func (s *Slack) whisper(ch *conversation, user string, m *message) *message {
	m.ts, m.onlyFor, m.channel, m.text = s.nextTS(), user, ch.ID, settle(m.text)
	if m.user == "" {
		m.user = BotUser
	}
	s.nameBlocks(m.blocks)
	s.ephemerals = append(s.ephemerals, m)
	return m
}

func (s *Slack) permalink(c *call) (object, *refusal) {
	ch, refused := s.visible(c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	m := ch.find(c.str("message_ts"))
	if m == nil {
		return nil, refuse("message_not_found")
	}
	return object{"channel": ch.ID, "permalink": permalinkOf(ch, m)}, nil
}

func permalinkOf(ch *conversation, m *message) string {
	link := "https://acme.slack.example/archives/" + ch.ID + "/p" + strings.ReplaceAll(m.ts, ".", "")
	if m.isReply() {
		link += "?thread_ts=" + m.threadTS + "&cid=" + ch.ID
	}
	return link
}
