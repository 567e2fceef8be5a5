package discordfake

import (
	"net/http"
	"slices"
	"time"
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
			f.remember(req.bucket()+" "+m.id, req, after)
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
