package slackfake

import (
	"slices"
	"strings"
)

func (s *Slack) conversationMethods() map[string]method {
	return map[string]method{
		"conversations.history": {run: s.history, tier: 3, args: "channel cursor include_all_metadata inclusive latest limit oldest"},
		"conversations.replies": {run: s.replies, tier: 3, args: "channel ts cursor include_all_metadata inclusive latest limit oldest"},
		"conversations.info":    {run: s.channelInfo, tier: 3, args: "channel include_locale include_num_members"},
		"conversations.list":    {run: s.listChannels, tier: 2, args: "cursor exclude_archived limit team_id types"},
		"users.conversations":   {run: s.listChannels, tier: 3, args: "cursor exclude_archived limit team_id types user"},
		"conversations.members": {run: s.listMembers, tier: 4, args: "channel cursor limit"},
		"conversations.join":    {run: s.join, scopes: []string{"channels:join"}, tier: 3, json: true, args: "channel"},
		"conversations.leave":   {run: s.leave, scopes: []string{"channels:manage", "groups:write"}, tier: 3, json: true, args: "channel"},
		"conversations.open":    {run: s.openIM, scopes: []string{"im:write"}, tier: 3, json: true, args: "channel users return_im prevent_creation"},
	}
}

func (s *Slack) channelObject(ch *conversation) object {
	kind := s.channelType(ch)
	o := object{
		"id": ch.ID, "created": 1700000000, "is_archived": ch.Archived, "is_im": kind == "im", "is_channel": kind == "channel",
		"is_group": kind == "group", "is_mpim": false, "is_private": ch.Private || kind == "im", "is_ext_shared": ch.ExtShared,
		"is_shared": ch.ExtShared, "is_org_shared": false, "is_pending_ext_shared": false, "context_team_id": TeamID,
	}
	if kind == "im" {
		return merge(o, object{"user": ch.IM, "is_open": ch.open})
	}
	return merge(o, object{
		"name": ch.Name, "name_normalized": ch.Name, "is_member": ch.BotIn, "creator": Lead1, "is_read_only": ch.ReadOnly,
		"topic": object{"value": ch.Topic, "creator": "", "last_set": 0}, "purpose": object{"value": "", "creator": "", "last_set": 0},
		"num_members": len(s.members(ch)), "shared_team_ids": append([]string{TeamID}, ch.Teams...), "connected_team_ids": ch.Teams,
	})
}

func (s *Slack) channelInfo(c *call) (object, *refusal) {
	ch, refused := s.visible(c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	if refused := s.readScope(c, ch, "read"); refused != nil {
		return nil, refused
	}
	o := s.channelObject(ch)
	if !c.truth("include_num_members") {
		delete(o, "num_members")
	}
	return object{"channel": o}, nil
}

func (s *Slack) listChannels(c *call) (object, *refusal) {
	types := strings.Split(or(c.str("types"), "public_channel"), ",")
	var found []*conversation
	for _, t := range types {
		scope := map[string]string{"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read", "mpim": "mpim:read"}[strings.TrimSpace(t)]
		if scope == "" {
			return nil, refuse("invalid_types")
		}
		if refused := c.token.need(scope); refused != nil {
			return nil, refused
		}
	}
	user := or(c.str("user"), BotUser)
	for _, ch := range s.channels {
		t := map[string]string{"im": "im", "group": "private_channel", "channel": "public_channel"}[s.channelType(ch)]
		hidden := ch.Private && !ch.BotIn || c.name == "users.conversations" && !s.member(ch, user)
		if !hidden && slices.Contains(types, t) && !(c.truth("exclude_archived") && ch.Archived) {
			found = append(found, ch)
		}
	}
	from, to, refused := cut(c.args, len(found), maxPage)
	if refused != nil {
		return nil, refused
	}
	page := []any{}
	for _, ch := range found[from:to] {
		page = append(page, s.channelObject(ch))
	}
	return object{"channels": page, "response_metadata": object{"next_cursor": cursor(to, len(found))}}, nil
}

func (s *Slack) listMembers(c *call) (object, *refusal) {
	ch, refused := s.visible(c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	if refused := s.readScope(c, ch, "read"); refused != nil {
		return nil, refused
	}
	ids := s.members(ch)
	from, to, refused := cut(c.args, len(ids), maxPage)
	if refused != nil {
		return nil, refused
	}
	return object{"members": append([]string{}, ids[from:to]...), "response_metadata": object{"next_cursor": cursor(to, len(ids))}}, nil
}

func (s *Slack) join(c *call) (object, *refusal) {
	ch, refused := s.visible(c.str("channel"))
	switch {
	case refused != nil:
		return nil, refused
	case ch.IM != "" || ch.Private:
		return nil, refuse("method_not_supported_for_channel_type")
	case ch.Archived:
		return nil, refuse("is_archived")
	case ch.BotIn:
		c.warnings = append(c.warnings, "already_in_channel")
		return object{"channel": s.channelObject(ch)}, nil
	}
	ch.BotIn = true
	s.eventLocked(s.joined(ch, BotUser))
	return object{"channel": s.channelObject(ch)}, nil
}

func (s *Slack) leave(c *call) (object, *refusal) {
	ch, refused := s.visible(c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	if !ch.BotIn {
		return object{"not_in_channel": true}, nil
	}
	ch.BotIn = false
	return nil, nil
}

func (s *Slack) openIM(c *call) (object, *refusal) {
	if c.has("channel") {
		ch, refused := s.visible(c.str("channel"))
		if refused != nil {
			return nil, refused
		}
		return object{"channel": object{"id": ch.ID}, "no_op": true, "already_open": true}, nil
	}
	ids := strings.Split(c.str("users"), ",")
	if len(ids) != 1 {
		return nil, refuse("method_not_supported_for_channel_type") // group messages are not imitated
	}
	u := s.userByID(strings.TrimSpace(ids[0]))
	switch {
	case ids[0] == "":
		return nil, refuse("users_list_not_supplied")
	case u == nil:
		return nil, refuse("user_not_found")
	case u.Deleted:
		return nil, refuse("user_disabled")
	case u.Bot:
		return nil, refuse("cannot_dm_bot")
	}
	ch := s.im(u.ID)
	already := ch.open
	ch.open = true
	out := object{"channel": object{"id": ch.ID}, "no_op": already, "already_open": already}
	if c.truth("return_im") {
		out["channel"] = s.channelObject(ch)
	}
	return out, nil
}
