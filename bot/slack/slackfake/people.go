package slackfake

import "strings"

func (s *Slack) peopleMethods() map[string]method {
	read := []string{"users:read"}
	return map[string]method{
		"auth.test":             {run: s.authTest, args: ""},
		"apps.connections.open": {run: s.openConnection, app: true, scopes: []string{"connections:write"}, json: true, args: ""},
		"bots.info":             {run: s.botInfo, scopes: read, tier: 3, args: "bot team_id"},
		"team.info":             {run: s.teamInfo, scopes: []string{"team:read"}, tier: 3, args: "team domain"},
		"users.info":            {run: s.userInfo, scopes: read, tier: 4, args: "user include_locale"},
		"users.list":            {run: s.listUsers, scopes: read, tier: 2, args: "cursor limit include_locale team_id presence"},
		"users.lookupByEmail":   {run: s.userByEmail, scopes: []string{"users:read.email"}, tier: 3, args: "email"},
		"usergroups.list":       {run: s.listGroups, scopes: []string{"usergroups:read"}, tier: 2, args: "include_count include_disabled include_users team_id"},
		"usergroups.users.list": {run: s.groupMembers, scopes: []string{"usergroups:read"}, tier: 2, args: "usergroup include_disabled team_id"},
	}
}

func (s *Slack) authTest(c *call) (object, *refusal) {
	o := object{
		"url": "https://acme.slack.example/", "team": "Acme", "team_id": TeamID, "user": "allclear", "user_id": BotUser, "bot_id": BotID,
		"is_enterprise_install": false,
	}
	if s.opt.EnterpriseID != "" {
		o["enterprise_id"] = s.opt.EnterpriseID
	}
	return o, nil
}

func (s *Slack) botInfo(c *call) (object, *refusal) {
	if c.str("bot") != BotID {
		return nil, refuse("bot_not_found")
	}
	return object{"bot": object{"id": BotID, "deleted": false, "name": "allclear", "app_id": AppID, "user_id": BotUser, "updated": 1700000000}}, nil
}

func (s *Slack) teamInfo(c *call) (object, *refusal) {
	if c.has("team") && c.str("team") != TeamID {
		return nil, refuse("team_not_found")
	}
	return object{"team": object{"id": TeamID, "name": "Acme", "domain": "acme", "enterprise_id": s.opt.EnterpriseID}}, nil
}

func (s *Slack) userObject(u *User, withEmail bool) object {
	team := or(u.Team, TeamID)
	profile := object{"real_name": u.RealName, "display_name": u.Name, "team": team}
	if withEmail && u.Email != "" {
		profile["email"] = u.Email
	}
	o := object{
		"id": u.ID, "team_id": team, "name": u.Name, "real_name": u.RealName, "deleted": u.Deleted, "is_bot": u.Bot, "is_admin": u.Admin,
		"is_owner": false, "is_restricted": u.Guest || u.SingleGuest, "is_ultra_restricted": u.SingleGuest, "is_app_user": false,
		"tz": u.TZ, "profile": profile, "updated": 1700000000,
	}
	if u.Stranger {
		o["is_stranger"] = true
	}
	if u.EnterpriseID != "" {
		o["enterprise_user"] = object{"id": u.ID, "enterprise_id": u.EnterpriseID, "is_admin": false, "is_owner": false, "teams": []string{team}}
	}
	if u.Bot {
		profile["bot_id"], profile["api_app_id"] = BotID, AppID
	}
	return o
}

func (s *Slack) userInfo(c *call) (object, *refusal) {
	id := c.str("user")
	u := s.userByID(id)
	if u == nil || !userShape.MatchString(id) {
		return nil, refuse("user_not_found")
	}
	return object{"user": s.userObject(u, c.token.has("users:read.email"))}, nil
}

func (s *Slack) userByEmail(c *call) (object, *refusal) {
	for _, u := range s.users {
		if u.Email != "" && strings.EqualFold(u.Email, c.str("email")) && !u.Deleted {
			return object{"user": s.userObject(u, true)}, nil
		}
	}
	return nil, refuse("users_not_found")
}

func (s *Slack) listUsers(c *call) (object, *refusal) {
	from, to, refused := cut(c.args, len(s.users), 1000)
	if refused != nil {
		return nil, refused
	}
	page := []any{}
	for _, u := range s.users[from:to] {
		page = append(page, s.userObject(u, c.token.has("users:read.email")))
	}
	return object{"members": page, "cache_ts": s.clock.Now().Unix(), "response_metadata": object{"next_cursor": cursor(to, len(s.users))}}, nil
}

func (s *Slack) groupObject(g *Group) object {
	gone := 0
	if g.Disabled {
		gone = 1700000001
	}
	return object{
		"id": g.ID, "team_id": TeamID, "is_usergroup": true, "name": g.Name, "handle": g.Handle, "description": "", "is_external": false,
		"date_create": 1700000000, "date_update": 1700000000, "date_delete": gone, "user_count": len(g.Members),
		"prefs": object{"channels": []string{}, "groups": []string{}},
	}
}

func (s *Slack) listGroups(c *call) (object, *refusal) {
	found := []any{}
	for _, g := range s.groups {
		if g.Disabled && !c.truth("include_disabled") {
			continue
		}
		o := s.groupObject(g)
		if c.truth("include_users") {
			o["users"] = append([]string{}, g.Members...)
		}
		if !c.truth("include_count") {
			delete(o, "user_count")
		}
		found = append(found, o)
	}
	return object{"usergroups": found}, nil
}

func (s *Slack) groupMembers(c *call) (object, *refusal) {
	g := s.groupByID(c.str("usergroup"))
	if g == nil || !groupShape.MatchString(g.ID) || g.Disabled && !c.truth("include_disabled") {
		return nil, refuse("no_such_subteam")
	}
	return object{"users": append([]string{}, g.Members...)}, nil
}
