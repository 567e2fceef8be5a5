package discordfake

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of a message.
// https://docs.discord.com/developers/resources/message#create-message
const (
	maxContent  = 2000 // code points
	maxNonce    = 25
	maxStickers = 3
)

// manner is by what way a message is written.
type manner int

const (
	byBot         manner = iota // POST …/messages
	byForum                     // the first message of a forum post
	byWebhook                   // an incoming webhook
	byInteraction               // a response or a follow-up
)

// settable are the flags that can be set; others are ignored, as Discord does.
func (m manner) settable() int {
	switch m {
	case byForum:
		return flagSuppressEmbeds | flagSilent | flagV2
	case byInteraction:
		return flagSuppressEmbeds | flagSilent | flagV2 | flagEphemeral
	}
	return flagSuppressEmbeds | flagSilent | flagV2
}

// write fills a new message from a form, or changes an old one, and says what is
// wrong. An old message keeps what the form does not name.
func (req *request) write(m *message, form field, how manner, old bool) *apiError {
	if form.has && !form.object() {
		return form.p.err()
	}
	draft := *m
	draft.flags |= int(form.get("flags").integer(0, 1<<31)) & how.settable() &^ flagEphemeral
	if old { // only these two can be changed
		draft.flags = m.flags | draft.flags&(flagSuppressEmbeds|flagV2)
	}
	draft.files = req.readFiles(form, m.files, m.onlyFor != "", m.channelID)
	req.writeContent(&draft, form)
	if form.given("embeds") || !old {
		draft.embeds = nil
		for _, e := range readEmbeds(form.get("embeds")) {
			draft.embeds = append(draft.embeds, e.attached(draft.files))
		}
	}
	on := legacyMessage
	if draft.is(flagV2) {
		on = v2Message
	}
	if form.given("components") || !old {
		draft.components = readComponents(form.get("components"), on, draft.files)
	}
	rules := readMentions(form.get("allowed_mentions"), how == byBot || how == byForum)
	form.get("tts").flag()
	form.get("sticker_ids").ids(maxStickers)
	if draft.is(flagV2) {
		draft.refuseLegacy(form)
	}
	if err := form.p.err(); err != nil {
		return err
	}
	if draft.isEmpty() {
		return errEmpty
	}
	fresh := !old || m.is(flagLoading) // the first text of a deferred answer notifies
	*m = draft
	if fresh && !rules.given && m.onlyFor == "" {
		req.f.offend(Unguarded, "%s has no allowed_mentions: %.80q", req.route, m.content)
	}
	m.flags &^= flagLoading
	req.f.mention(m, rules, fresh)
	return nil
}

func (req *request) writeContent(m *message, form field) {
	if !form.given("content") {
		return
	}
	text := form.get("content").text(0, 1<<20)
	if n := utf8.RuneCountInString(text); n > maxContent {
		form.get("content").bad("BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", maxContent)
	}
	m.content = strings.TrimSpace(text)
}

// refuseLegacy finds what a message of components must not have.
func (m *message) refuseLegacy(form field) {
	const code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
	if m.content != "" {
		form.get("content").bad(code, "The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
	}
	if len(m.embeds) > 0 {
		form.get("embeds").bad(code, "The 'embeds' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
	}
	if len(form.get("sticker_ids").list(0, maxStickers)) > 0 {
		form.get("sticker_ids").bad(code, "The 'sticker_ids' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
	}
	if form.get("poll").has {
		form.get("poll").bad(code, "The 'poll' field cannot be used when using MessageFlags.IS_COMPONENTS_V2")
	}
}

func (m *message) isEmpty() bool {
	return m.content == "" && len(m.embeds) == 0 && len(m.components) == 0 && len(m.files) == 0
}

// extras are the permissions that what a message holds takes.
func (m *message) extras() Permission {
	var p Permission
	if len(m.embeds) > 0 {
		p |= EmbedLinks
	}
	if len(m.files) > 0 {
		p |= AttachFiles
	}
	return p
}

// add puts a message into its channel and tells the sessions.
func (f *Fake) add(m *message) {
	ch := f.channels[m.channelID]
	if t := ch.thread; t != nil && t.archived {
		t.archived, t.since = false, f.now()
		f.dispatch("THREAD_UPDATE", ch.guildID, intentGuilds, f.channelJSON(ch))
	}
	ch.messages = append(ch.messages, m)
	f.tellMessage("MESSAGE_CREATE", m)
}

// newMessage is an empty message by the bot.
func (f *Fake) newMessage(ch *channel) *message {
	return &message{id: f.snowflake(), channelID: ch.id, guildID: ch.guildID, author: f.users[f.app.ID], at: f.now()}
}

// messageJSON is a message as Discord sends it.
func (f *Fake) messageJSON(m *message) map[string]any {
	ch := f.channels[m.channelID]
	out := map[string]any{
		"id": m.id, "channel_id": m.channelID, "content": m.content, "type": m.kind, "flags": m.flags,
		"timestamp": stamp(m.at), "edited_timestamp": nil, "tts": false, "pinned": m.pinned != nil,
		"mention_everyone": m.mentionEveryone, "mention_roles": orEmpty(m.mentionRoles),
		"mentions": f.usersJSON(m.mentionUsers), "author": f.authorJSON(m),
		"embeds": orEmpty(m.embeds), "components": orEmpty(m.components), "attachments": filesJSON(m.files),
	}
	if m.is(flagSuppressEmbeds) {
		out["embeds"] = []embed{}
	}
	if m.edited != nil {
		out["edited_timestamp"] = stamp(*m.edited)
	}
	for name, value := range map[string]any{
		"nonce": m.nonce, "message_reference": m.reference, "interaction_metadata": m.interaction, "interaction": m.invoked,
	} {
		if value != nil && !isNilMap(value) {
			out[name] = value
		}
	}
	if m.webhookID != "" {
		out["webhook_id"] = m.webhookID
	}
	if m.author != nil && m.author.id == f.app.ID {
		out["application_id"] = f.app.ID
	}
	if m.thread != nil {
		out["thread"] = f.channelJSON(m.thread)
	}
	if m.kind == 19 {
		out["referenced_message"] = nil
		if id, _ := m.reference["message_id"].(string); ch.message(id) != nil {
			out["referenced_message"] = f.messageJSON(ch.message(id))
		}
	}
	if len(m.reactions) > 0 {
		out["reactions"] = f.reactionsJSON(m)
	}
	return out
}

func isNilMap(v any) bool {
	m, ok := v.(map[string]any)
	return ok && m == nil
}

// orEmpty writes no list as [].
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func filesJSON(files []*attachment) []map[string]any {
	out := []map[string]any{}
	for _, a := range files {
		out = append(out, a.json())
	}
	return out
}

func (f *Fake) authorJSON(m *message) map[string]any {
	if m.author != nil {
		return userJSON(m.author)
	}
	return map[string]any{"id": m.webhookID, "username": m.authorName, "discriminator": "0000", "avatar": nil, "bot": true}
}

func (f *Fake) usersJSON(ids []string) []map[string]any {
	out := []map[string]any{}
	for _, id := range ids {
		out = append(out, userJSON(f.users[id]))
	}
	return out
}

func (f *Fake) reactionsJSON(m *message) []map[string]any {
	var out []map[string]any
	for _, r := range m.reactions {
		out = append(out, map[string]any{"count": len(r.users), "me": slices.Contains(r.users, f.app.ID), "emoji": map[string]any{"id": nil, "name": r.emoji}})
	}
	return out
}
