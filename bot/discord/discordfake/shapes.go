package discordfake

import (
	"time"
)

// stamp is a time as Discord writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000+00:00") }

func userJSON(u *user) map[string]any {
	if u == nil {
		return nil
	}
	return map[string]any{"id": u.id, "username": u.name, "global_name": u.name, "discriminator": "0", "avatar": nil, "bot": u.bot, "public_flags": 0}
}

func (f *Fake) memberJSON(g *guild, m *member) map[string]any {
	out := map[string]any{
		"user": userJSON(m.user), "nick": nil, "roles": orEmpty(m.roles), "joined_at": stamp(m.since),
		"deaf": false, "mute": false, "flags": 0, "pending": false, "avatar": nil,
	}
	if m.nick != "" {
		out["nick"] = m.nick
	}
	return out
}

func (f *Fake) rolesJSON(g *guild) []map[string]any {
	out := []map[string]any{roleJSON(&Role{ID: g.id, Name: "@everyone", Permissions: g.everyone}, 0)}
	for i, r := range g.roles {
		out = append(out, roleJSON(r, i+1))
	}
	return out
}

func roleJSON(r *Role, position int) map[string]any {
	return map[string]any{
		"id": r.ID, "name": r.Name, "permissions": r.Permissions.String(), "position": position,
		"mentionable": r.Mentionable, "managed": false, "hoist": false, "color": 0, "flags": 0,
	}
}

func (f *Fake) channelJSON(ch *channel) map[string]any {
	out := map[string]any{"id": ch.id, "type": int(ch.kind), "last_message_id": nil, "flags": 0}
	if n := len(ch.messages); n > 0 {
		out["last_message_id"] = ch.messages[n-1].id
	}
	if ch.kind == DM {
		out["recipients"] = f.usersJSON(ch.recipients)
		return out
	}
	out["guild_id"], out["name"], out["topic"], out["position"], out["nsfw"], out["rate_limit_per_user"] = ch.guildID, ch.name, ch.topic, ch.position, false, 0
	out["parent_id"] = nil
	if ch.parent != "" {
		out["parent_id"] = ch.parent
	}
	overwrites := []map[string]any{}
	for _, o := range ch.overwrites {
		kind := 1
		if g := f.guilds[ch.guildID]; o.Target == g.id || g.role(o.Target) != nil {
			kind = 0
		}
		overwrites = append(overwrites, map[string]any{"id": o.Target, "type": kind, "allow": o.Allow.String(), "deny": o.Deny.String()})
	}
	out["permission_overwrites"] = overwrites
	if ch.kind == Forum {
		out["available_tags"] = tagsJSON(ch.tags)
		if ch.needsTag {
			out["flags"] = 1 << 4
		}
	}
	if ch.thread != nil {
		f.threadJSON(ch, out)
	}
	return out
}

func tagsJSON(tags []Tag) []map[string]any {
	out := []map[string]any{}
	for _, t := range tags {
		out = append(out, map[string]any{"id": t.ID, "name": t.Name, "moderated": t.Moderated, "emoji_id": nil, "emoji_name": nil})
	}
	return out
}

func (f *Fake) threadJSON(ch *channel, out map[string]any) {
	t := ch.thread
	delete(out, "permission_overwrites")
	count := 0
	for _, m := range ch.messages {
		if !m.deleted && m.id != ch.id {
			count++
		}
	}
	out["owner_id"], out["message_count"], out["member_count"] = t.owner, count, min(len(t.members), 50)
	out["thread_metadata"] = map[string]any{
		"archived": t.archived, "locked": t.locked, "auto_archive_duration": t.minutes, "archive_timestamp": stamp(t.since),
	}
	if parent := f.channels[ch.parent]; parent != nil && parent.kind == Forum {
		out["applied_tags"] = orEmpty(t.tags)
		if t.pinned {
			out["flags"] = 1 << 1
		}
	}
}

func (f *Fake) guildJSON(g *guild) map[string]any {
	return map[string]any{
		"id": g.id, "name": g.name, "owner_id": g.owner, "roles": f.rolesJSON(g), "emojis": []any{}, "stickers": []any{}, "features": []any{"COMMUNITY", "NEWS"},
		"preferred_locale": "en-US", "premium_tier": 0, "nsfw_level": 0, "mfa_level": 0, "verification_level": 0,
		"default_message_notifications": 1, "explicit_content_filter": 0, "afk_timeout": 300, "system_channel_flags": 0,
	}
}
