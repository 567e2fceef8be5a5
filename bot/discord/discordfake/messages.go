package discordfake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// nonceLife is how long a nonce is remembered: "the past few minutes".
const nonceLife = 5 * time.Minute

// oldAfter is when edits of a message become rare.
const oldAfter = time.Hour

// textChannel finds the channel of a call in which the bot may do something.
func (req *request) textChannel(want Permission) (*channel, *apiError) {
	ch, err := req.channel(want)
	if err == nil && !ch.kind.holdsMessages() {
		err = errNotText
	}
	return ch, err
}

func (req *request) channel(want Permission) (*channel, *apiError) {
	id := req.params["channel"]
	if !isSnowflake(id) {
		return nil, notASnowflake("channel_id", id)
	}
	ch := req.f.channels[id]
	if ch == nil || ch.gone {
		return nil, errUnknownChannel
	}
	if ch.guildID != "" && req.f.guilds[ch.guildID].away {
		return nil, &apiError{Status: http.StatusServiceUnavailable, Message: "503: Service Unavailable"}
	}
	return ch, req.f.need(ch, want)
}

func notASnowflake(name, value string) *apiError {
	p := &problems{}
	p.add([]string{name}, "NUMBER_TYPE_COERCE", "Value \""+value+"\" is not snowflake.")
	return p.err()
}

// message finds the message of a call in a channel.
func (req *request) message(ch *channel) (*message, *apiError) {
	id := req.params["message"]
	if !isSnowflake(id) {
		return nil, notASnowflake("message_id", id)
	}
	m := ch.message(id)
	if m == nil || m.onlyFor != "" { // an ephemeral one is reached by its webhook only
		return nil, errUnknownMessage
	}
	return m, nil
}

func (req *request) createMessage() (any, *apiError) {
	ch, err := req.textChannel(0)
	if err != nil {
		return nil, err
	}
	if err := req.f.need(ch, ch.sendPermission()); err != nil {
		return nil, err
	}
	if ch.thread != nil && ch.thread.locked {
		if err := req.f.need(ch, ManageThreads); err != nil {
			return nil, errThreadLocked
		}
	}
	m := req.f.newMessage(ch)
	if err := req.readReference(m, ch); err != nil {
		return nil, err
	}
	req.readNonce(m)
	if err := req.write(m, req.form, byBot, false); err != nil {
		return nil, err
	}
	if err := req.f.need(ch, m.extras()); err != nil {
		return nil, err
	}
	if same := req.sameNonce(ch, m); same != nil {
		return req.f.messageJSON(same), nil
	}
	req.f.add(m)
	return req.f.messageJSON(m), nil
}

// readReference makes a message a reply.
func (req *request) readReference(m *message, ch *channel) *apiError {
	ref := req.form.get("message_reference")
	if !ref.object() {
		return nil
	}
	id := ref.get("message_id").id()
	if other := ref.get("channel_id").id(); other != "" && other != ch.id {
		ref.get("channel_id").bad("REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", "Cannot reply to a message in a different channel")
	}
	if err := req.f.need(ch, ReadMessageHistory); err != nil {
		return badRequest(160002, "Cannot reply without permission to read message history")
	}
	if ch.message(id) == nil {
		if ref.get("fail_if_not_exists").has && !ref.get("fail_if_not_exists").flag() {
			return nil
		}
		ref.bad("REPLIES_UNKNOWN_MESSAGE", "Unknown message")
		return nil
	}
	m.kind = 19
	m.reference = map[string]any{"type": 0, "message_id": id, "channel_id": ch.id, "guild_id": ch.guildID}
	return nil
}

// readNonce reads the nonce: a number or a text.
func (req *request) readNonce(m *message) {
	nonce := req.form.get("nonce")
	switch v := nonce.value.(type) {
	case nil:
	case json.Number:
		m.nonce = json.RawMessage(v)
		if nonce.integer(-1<<62, 1<<62); len(v) > maxNonce {
			nonce.length(len(v), 0, maxNonce)
		}
	case string:
		m.nonce = v
		if utf8.RuneCountInString(v) > maxNonce {
			nonce.length(utf8.RuneCountInString(v), 0, maxNonce)
		}
	default:
		nonce.bad("NUMBER_TYPE_COERCE", "Value is not a nonce.")
	}
	req.form.get("enforce_nonce").flag()
}

// sameNonce is the message that was sent with the same nonce a moment ago, when
// the call asks for it.
func (req *request) sameNonce(ch *channel, m *message) *message {
	if !req.form.get("enforce_nonce").flag() || m.nonce == nil || req.f.opt.IgnoreNonces {
		return nil
	}
	want, _ := json.Marshal(m.nonce)
	for _, o := range slices.Backward(ch.messages) {
		have, _ := json.Marshal(o.nonce)
		if !o.deleted && o.author == m.author && string(have) == string(want) && req.f.now().Sub(o.at) < nonceLife {
			return o
		}
	}
	return nil
}

func (req *request) getMessage() (any, *apiError) {
	ch, err := req.textChannel(ReadMessageHistory)
	if err != nil {
		return nil, err
	}
	m, err := req.message(ch)
	if err != nil {
		return nil, err
	}
	return req.f.messageJSON(m), nil
}

func (req *request) getMessages() (any, *apiError) {
	ch, err := req.textChannel(0)
	if err != nil {
		return nil, err
	}
	limit, err := req.query("limit", 1, 100, 50)
	if err != nil {
		return nil, err
	}
	q := req.http.URL.Query()
	given := 0
	for _, name := range []string{"before", "after", "around"} {
		if v := q.Get(name); v != "" {
			given++
			if !isSnowflake(v) {
				return nil, notASnowflake(name, v)
			}
		}
	}
	if given > 1 {
		p := &problems{}
		p.add(nil, "BASE_TYPE_EXCLUSIVE", "before, after and around are mutually exclusive.")
		return nil, p.err()
	}
	if err := req.f.need(ch, ReadMessageHistory); err != nil {
		return []any{}, nil
	}
	out := []any{}
	for _, m := range page(ch.messages, q.Get("before"), q.Get("after"), q.Get("around"), limit) {
		out = append(out, req.f.messageJSON(m))
	}
	return out, nil
}

// page are messages from newest to oldest.
func page(all []*message, before, after, around string, limit int) []*message {
	shown := slices.DeleteFunc(slices.Clone(all), func(m *message) bool {
		return m.deleted || m.onlyFor != "" || before != "" && !idLess(m.id, before) || after != "" && !idLess(after, m.id)
	})
	slices.SortStableFunc(shown, func(a, b *message) int {
		if idLess(a.id, b.id) {
			return -1
		}
		return 1
	})
	switch {
	case after != "" && len(shown) > limit:
		shown = shown[:limit]
	case around != "" && len(shown) > limit:
		at := slices.IndexFunc(shown, func(m *message) bool { return !idLess(m.id, around) })
		from := min(max(at-limit/2, 0), len(shown)-limit)
		shown = shown[from : from+limit]
	case len(shown) > limit:
		shown = shown[len(shown)-limit:]
	}
	slices.Reverse(shown)
	return shown
}

func (req *request) editMessage() (any, *apiError) {
	ch, err := req.textChannel(0)
	if err != nil {
		return nil, err
	}
	m, err := req.message(ch)
	switch {
	case err != nil:
		return nil, err
	case m.author == nil || m.author.id != req.f.app.ID:
		return nil, errNotAuthor
	case ch.thread != nil && ch.thread.archived:
		return nil, errArchived
	}
	if err := req.mayEdit(m); err != nil {
		return nil, err
	}
	if err := req.change(m, byBot); err != nil {
		return nil, err
	}
	return req.f.messageJSON(m), nil
}

// mayEdit looks at the limits of edits of old and of published messages.
func (req *request) mayEdit(m *message) *apiError {
	f, now := req.f, req.f.now()
	limits := f.limiter.limits
	if now.Sub(m.at) > oldAfter {
		if m.oldEdits >= limits.OldEdits {
			return errOldEdits
		}
		m.oldEdits++
	}
	if m.is(flagCrossposted) {
		if after, used := over(m.publishedEdits, limits.PublishedEdits, now); used {
			return &apiError{Status: http.StatusTooManyRequests, Code: 20022, Message: "This message cannot be edited due to announcement rate limits.", After: after, Scope: "shared"}
		}
		m.publishedEdits = append(recent(m.publishedEdits, limits.PublishedEdits, now), now)
	}
	return nil
}

// change edits a message and its copies.
func (req *request) change(m *message, how manner) *apiError {
	if err := req.write(m, req.form, how, true); err != nil {
		return err
	}
	f := req.f
	now := f.now()
	m.edited = &now
	m.edits++
	f.tellMessage("MESSAGE_UPDATE", m)
	f.changeCopies(m)
	return nil
}

func (req *request) deleteMessage() (any, *apiError) {
	ch, err := req.textChannel(0)
	if err != nil {
		return nil, err
	}
	m, err := req.message(ch)
	if err != nil {
		return nil, err
	}
	if m.author == nil || m.author.id != req.f.app.ID {
		if err := req.f.need(ch, ManageMessages); err != nil {
			return nil, err
		}
	}
	if ch.thread != nil && ch.thread.archived {
		return nil, errArchived
	}
	req.f.remove(m)
	return nil, nil
}

// remove deletes a message; its copies say so.
func (f *Fake) remove(m *message) {
	m.deleted = true
	f.deleted[m.id] = true
	f.deleteCopies(m)
	if m.onlyFor == "" {
		f.dispatch("MESSAGE_DELETE", m.guildID, messageIntent(m.guildID), map[string]any{"id": m.id, "channel_id": m.channelID, "guild_id": m.guildID})
	}
}

func (req *request) bulkDelete() (any, *apiError) {
	ch, err := req.textChannel(ManageMessages)
	if err != nil {
		return nil, err
	}
	ids := req.form.get("messages").ids(1 << 20)
	if len(ids) < 2 || len(ids) > 100 {
		return nil, errBulkCount
	}
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			req.form.get("messages").bad("LIST_TYPE_UNIQUE", "The list must have no duplicates.")
		}
		if m := ch.message(id); m != nil && req.f.now().Sub(m.at) > 14*24*time.Hour {
			return nil, errBulkOld
		}
	}
	if err := req.form.p.err(); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if m := ch.message(id); m != nil && m.onlyFor == "" {
			req.f.remove(m)
		}
	}
	return nil, nil
}

func (req *request) typing() (any, *apiError) {
	ch, err := req.textChannel(0)
	if err != nil {
		return nil, err
	}
	if err := req.f.need(ch, ch.sendPermission()); err != nil {
		return nil, err
	}
	if ch.typing == nil {
		ch.typing = map[string]time.Time{}
	}
	ch.typing[req.f.app.ID] = req.f.now()
	return nil, nil
}

// maxReactions is how many emoji one message takes.
const maxReactions = 20

func (req *request) react() (any, *apiError) {
	ch, m, err := req.reacted()
	if err != nil {
		return nil, err
	}
	emoji := req.params["emoji"]
	i := slices.IndexFunc(m.reactions, func(r reaction) bool { return r.emoji == emoji })
	switch {
	case !isEmoji(emoji):
		return nil, errUnknownEmoji
	case i < 0 && len(m.reactions) >= maxReactions:
		return nil, errReactions
	case i < 0:
		if err := req.f.need(ch, AddReactions); err != nil {
			return nil, err
		}
		m.reactions = append(m.reactions, reaction{emoji: emoji})
		i = len(m.reactions) - 1
	}
	if !slices.Contains(m.reactions[i].users, req.f.app.ID) {
		m.reactions[i].users = append(m.reactions[i].users, req.f.app.ID)
	}
	return nil, nil
}

func (req *request) unreact() (any, *apiError) {
	_, m, err := req.reacted()
	if err != nil {
		return nil, err
	}
	for i := range m.reactions {
		if m.reactions[i].emoji == req.params["emoji"] {
			m.reactions[i].users = slices.DeleteFunc(m.reactions[i].users, func(id string) bool { return id == req.f.app.ID })
		}
	}
	m.reactions = slices.DeleteFunc(m.reactions, func(r reaction) bool { return len(r.users) == 0 })
	return nil, nil
}

func (req *request) reacted() (*channel, *message, *apiError) {
	ch, err := req.textChannel(ReadMessageHistory)
	if err != nil {
		return nil, nil, err
	}
	if ch.thread != nil && ch.thread.archived {
		return nil, nil, errArchived
	}
	m, err := req.message(ch)
	return ch, m, err
}

// isEmoji reports whether a text may be an emoji: a sign, or name:id.
func isEmoji(s string) bool {
	if _, id, ok := strings.Cut(s, ":"); ok {
		return isSnowflake(id)
	}
	for _, r := range s {
		if r < 0x80 && !strings.ContainsRune("#*0123456789", r) {
			return false
		}
	}
	return s != ""
}
