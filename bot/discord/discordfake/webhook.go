package discordfake

import (
	"net/http"
	"slices"
	"strconv"
)

// How many webhooks there may be.
// https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
const (
	maxWebhooks      = 15
	maxGuildWebhooks = 1000
	maxFollowUps     = 5 // of an app that only people installed
)

func (req *request) getWebhooks() (any, *apiError) {
	ch, err := req.channel(ManageWebhooks)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, h := range ch.webhooks {
		out = append(out, req.f.webhookJSON(h))
	}
	return out, nil
}

func (f *Fake) webhookJSON(h *webhook) map[string]any {
	return map[string]any{
		"id": h.id, "type": 1, "name": h.name, "token": h.token, "channel_id": h.channel, "guild_id": f.channels[h.channel].guildID,
		"avatar": nil, "application_id": f.app.ID, "url": "https://" + apiHost + "/api/webhooks/" + h.id + "/" + h.token,
	}
}

func (req *request) createWebhook() (any, *apiError) {
	ch, err := req.channel(ManageWebhooks)
	if err != nil {
		return nil, err
	}
	name := req.form.get("name").need(1, 80)
	if err := req.form.p.err(); err != nil {
		return nil, err
	}
	inGuild := 0
	for _, other := range req.f.channelsOf(req.f.guilds[ch.guildID]) {
		inGuild += len(other.webhooks)
	}
	switch {
	case len(ch.webhooks) >= maxWebhooks:
		return nil, errWebhooks
	case inGuild >= maxGuildWebhooks:
		return nil, errGuildWebhooks
	}
	h := &webhook{id: req.f.snowflake(), token: secret(51), name: name, channel: ch.id}
	ch.webhooks = append(ch.webhooks, h)
	req.f.hooks[h.token] = h
	return req.f.webhookJSON(h), nil
}

// owner finds who is behind the token of a webhook route: an interaction that was
// answered, or an incoming webhook.
func (req *request) owner() (*interaction, *webhook, *apiError) {
	f, token := req.f, req.params["token"]
	if h := f.hooks[token]; h != nil && h.id == req.params["webhook"] {
		if f.channels[h.channel].gone {
			return nil, nil, errUnknownWebhook
		}
		return nil, h, nil
	}
	i := f.interactions[token]
	switch {
	case i == nil, req.params["webhook"] != f.app.ID:
		return nil, nil, errWebhookToken
	}
	f.expire()
	switch {
	case i.failed, f.now().After(i.expires):
		return nil, nil, errWebhookToken
	case !i.acked:
		if req.http.Method != http.MethodGet { // to look whether it was is no edit
			f.offend(EarlyEdit, "%s %s before %s was answered", req.http.Method, req.shownPath(), i.about())
		}
		return nil, nil, errUnknownWebhook
	}
	return i, nil, nil
}

// executeWebhook posts a follow-up, or a message of an incoming webhook.
func (req *request) executeWebhook() (any, *apiError) {
	i, h, err := req.owner()
	if err != nil {
		return nil, err
	}
	if h != nil {
		return req.postHook(h)
	}
	if i.original != nil && !i.original.deleted && i.original.is(flagLoading) && i.followUps == 0 {
		// As documented: it acts as an edit of the deferred response.
		return req.fill(i, i.original)
	}
	if req.f.app.OnlyUserInstalled && i.followUps >= maxFollowUps {
		return nil, errFollowUps
	}
	m := i.newMessage(req.f)
	if int(req.form.get("flags").integer(0, 1<<31))&flagEphemeral != 0 {
		m.flags |= flagEphemeral
		m.onlyFor = i.user.id
	}
	if i.original != nil {
		m.reference = map[string]any{"type": 0, "message_id": i.original.id, "channel_id": i.channel.id}
	}
	if err := req.write(m, req.form, byInteraction, false); err != nil {
		return nil, err
	}
	i.followUps++
	i.sent = append(i.sent, m)
	req.f.add(m)
	return req.f.messageJSON(m), nil
}

func (req *request) postHook(h *webhook) (any, *apiError) {
	ch := req.f.channels[h.channel]
	if ch.kind == Forum {
		return nil, badRequest(220001, "Webhooks posted to forum channels must have a thread_name or thread_id")
	}
	m := req.f.newMessage(ch)
	m.author, m.webhookID, m.authorName = nil, h.id, h.name
	if name := req.form.get("username"); name.has {
		m.authorName = name.text(1, 80)
	}
	if err := req.write(m, req.form, byWebhook, false); err != nil {
		return nil, err
	}
	req.f.add(m)
	if wait, _ := strconv.ParseBool(req.http.URL.Query().Get("wait")); !wait {
		return nil, nil
	}
	return req.f.messageJSON(m), nil
}

// hooked finds the message of a webhook route.
func (req *request) hooked() (*interaction, *message, *apiError) {
	i, h, err := req.owner()
	if err != nil {
		return nil, nil, err
	}
	id := req.params["message"]
	if h != nil {
		m := req.f.channels[h.channel].message(id)
		if m == nil || m.webhookID != h.id {
			return nil, nil, errUnknownMessage
		}
		return nil, m, nil
	}
	if id == "@original" {
		if i.original == nil || i.original.deleted {
			return nil, nil, errUnknownMessage
		}
		return i, i.original, nil
	}
	all := append(slices.Clone(i.sent), i.original)
	at := slices.IndexFunc(all, func(m *message) bool { return m != nil && m.id == id && !m.deleted })
	if at < 0 {
		return nil, nil, errUnknownMessage
	}
	return i, all[at], nil
}

func (req *request) getWebhookMessage() (any, *apiError) {
	_, m, err := req.hooked()
	if err != nil {
		return nil, err
	}
	return req.f.messageJSON(m), nil
}

func (req *request) editWebhookMessage() (any, *apiError) {
	i, m, err := req.hooked()
	if err != nil {
		return nil, err
	}
	if i == nil {
		return req.fill(&interaction{}, m)
	}
	return req.fill(i, m)
}

// fill edits a message of an interaction. Whether it is ephemeral stays as it was.
func (req *request) fill(i *interaction, m *message) (any, *apiError) {
	if !m.is(flagLoading) && m != i.on { // what a person pressed may be old
		if err := req.mayEdit(m); err != nil {
			return nil, err
		}
	}
	loading := m.is(flagLoading)
	if err := req.change(m, byInteraction); err != nil {
		return nil, err
	}
	if loading {
		m.edited = nil // it was the first text
		i.filled = req.f.now()
	}
	return req.f.messageJSON(m), nil
}

func (req *request) deleteWebhookMessage() (any, *apiError) {
	_, m, err := req.hooked()
	if err != nil {
		return nil, err
	}
	req.f.remove(m)
	return nil, nil
}
