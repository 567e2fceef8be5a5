package discordfake

import (
	"slices"
	"strings"
)

func (req *request) getMe() (any, *apiError) { return userJSON(req.f.users[req.f.app.ID]), nil }

func (req *request) getUser() (any, *apiError) {
	u := req.f.users[req.params["user"]]
	switch {
	case !isSnowflake(req.params["user"]):
		return nil, notASnowflake("user_id", req.params["user"])
	case u == nil:
		return nil, errUnknownUser
	}
	return userJSON(u), nil
}

func (req *request) getMyGuilds() (any, *apiError) {
	out := []any{}
	for _, g := range req.f.myGuilds() {
		out = append(out, map[string]any{
			"id": g.id, "name": g.name, "owner": false, "features": []any{},
			"permissions": g.basePermissions(g.member(req.f.app.ID)).String(),
		})
	}
	return out, nil
}

// myGuilds are the guilds that the bot is in.
func (f *Fake) myGuilds() []*guild {
	var out []*guild
	for _, g := range f.guilds {
		if g.member(f.app.ID) != nil {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *guild) int { return strings.Compare(a.id, b.id) })
	return out
}

func (req *request) openDM() (any, *apiError) {
	req.form.get("recipient_id").required()
	id := req.form.get("recipient_id").id()
	if err := req.form.p.err(); err != nil {
		return nil, err
	}
	u := req.f.users[id]
	if u == nil {
		return nil, badRequest(50033, "Invalid Recipient(s)")
	}
	if u.bot {
		return nil, errCannotDM
	}
	return req.f.channelJSON(req.f.dm(u)), nil
}

// dm is the channel of the bot with one person.
func (f *Fake) dm(u *user) *channel {
	for _, id := range f.order {
		if ch := f.channels[id]; ch.kind == DM && slices.Contains(ch.recipients, u.id) {
			return ch
		}
	}
	ch := &channel{id: f.snowflake(), kind: DM, name: "DM with " + u.name, recipients: []string{u.id}}
	f.channels[ch.id] = ch
	f.order = append(f.order, ch.id)
	return ch
}

func (req *request) getApp() (any, *apiError) {
	f := req.f
	return map[string]any{
		"id": f.app.ID, "name": f.app.Name, "description": "", "icon": nil, "bot_public": true, "bot_require_code_grant": false,
		"verify_key": f.PublicKey(), "flags": 0, "bot": userJSON(f.users[f.app.ID]), "interactions_endpoint_url": orNull(f.endpoint),
	}, nil
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// editApp sets the address for interactions, after it was tested.
func (req *request) editApp() (any, *apiError) {
	url := req.form.get("interactions_endpoint_url")
	if req.form.given("interactions_endpoint_url") {
		address := url.link(512, "http", "https") // Discord wants https; loopback has none
		if err := req.form.p.err(); err != nil {
			return nil, err
		}
		if err := req.f.SetEndpoint(req.http.Context(), address); err != nil {
			url.bad("APPLICATION_INTERACTIONS_ENDPOINT_URL_INVALID", "The specified interactions endpoint URL could not be verified.")
			return nil, req.form.p.err()
		}
	}
	req.f.mu.Lock()
	defer req.f.mu.Unlock()
	return req.getApp()
}

func (req *request) guild() (*guild, *apiError) {
	id := req.params["guild"]
	if !isSnowflake(id) {
		return nil, notASnowflake("guild_id", id)
	}
	g := req.f.guilds[id]
	switch {
	case g == nil:
		return nil, errUnknownGuild
	case g.member(req.f.app.ID) == nil:
		return nil, errMissingAccess
	}
	return g, nil
}

func (req *request) getGuild() (any, *apiError) {
	g, err := req.guild()
	if err != nil {
		return nil, err
	}
	return req.f.guildJSON(g), nil
}

func (req *request) getRoles() (any, *apiError) {
	g, err := req.guild()
	if err != nil {
		return nil, err
	}
	return req.f.rolesJSON(g), nil
}

func (req *request) getGuildChannels() (any, *apiError) {
	g, err := req.guild()
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, ch := range req.f.channelsOf(g) {
		if ch.thread == nil {
			out = append(out, req.f.channelJSON(ch))
		}
	}
	return out, nil
}

// channelsOf are the channels and threads of a guild, by age.
func (f *Fake) channelsOf(g *guild) []*channel {
	var out []*channel
	for _, id := range f.order {
		if ch := f.channels[id]; ch.guildID == g.id && !ch.gone {
			out = append(out, ch)
		}
	}
	return out
}

func (req *request) getMember() (any, *apiError) {
	g, err := req.guild()
	if err != nil {
		return nil, err
	}
	m := g.member(req.params["user"])
	switch {
	case m == nil && req.f.users[req.params["user"]] == nil:
		return nil, errUnknownUser
	case m == nil:
		return nil, errUnknownMember
	}
	return req.f.memberJSON(g, m), nil
}

// getMembers lists members: only for an application that may see them.
func (req *request) getMembers() (any, *apiError) {
	g, err := req.guild()
	if err != nil {
		return nil, err
	}
	if req.f.app.Privileged&IntentMembers == 0 {
		return nil, errMissingAccess
	}
	limit, err := req.query("limit", 1, 1000, 1)
	if err != nil {
		return nil, err
	}
	after := req.http.URL.Query().Get("after")
	members := slices.Clone(g.members)
	slices.SortFunc(members, func(a, b *member) int {
		if idLess(a.user.id, b.user.id) {
			return -1
		}
		return 1
	})
	out := []any{}
	for _, m := range members {
		if (after == "" || idLess(after, m.user.id)) && len(out) < limit {
			out = append(out, req.f.memberJSON(g, m))
		}
	}
	return out, nil
}

func (req *request) searchMembers() (any, *apiError) {
	g, err := req.guild()
	if err != nil {
		return nil, err
	}
	limit, err := req.query("limit", 1, 1000, 1)
	if err != nil {
		return nil, err
	}
	prefix := strings.ToLower(req.http.URL.Query().Get("query"))
	out := []any{}
	for _, m := range g.members {
		named := strings.HasPrefix(strings.ToLower(m.user.name), prefix) || m.nick != "" && strings.HasPrefix(strings.ToLower(m.nick), prefix)
		if named && prefix != "" && len(out) < limit {
			out = append(out, req.f.memberJSON(g, m))
		}
	}
	return out, nil
}

func (req *request) getChannel() (any, *apiError) {
	ch, err := req.channel(ViewChannel)
	if err != nil {
		return nil, err
	}
	return req.f.channelJSON(ch), nil
}

func (req *request) deleteChannel() (any, *apiError) {
	ch, err := req.channel(ViewChannel)
	if err != nil {
		return nil, err
	}
	want := ManageChannels
	if ch.thread != nil {
		want = ManageThreads
	}
	if err := req.f.need(ch, want); err != nil {
		return nil, err
	}
	out := req.f.channelJSON(ch)
	req.f.dropChannel(ch)
	return out, nil
}

func (f *Fake) dropChannel(ch *channel) {
	ch.gone = true
	event := "CHANNEL_DELETE"
	if ch.thread != nil {
		event = "THREAD_DELETE"
	}
	f.dispatch(event, ch.guildID, intentGuilds, f.channelJSON(ch))
	for _, id := range f.order {
		if t := f.channels[id]; t.parent == ch.id && t.thread != nil {
			t.gone = true
		}
	}
}
