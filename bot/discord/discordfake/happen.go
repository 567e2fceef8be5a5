package discordfake

import (
	"fmt"
	"slices"
)

// Kick takes the bot out of a guild; "" is the only one.
func (f *Fake) Kick(guildName string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, err := f.guildNamed(guildName)
	if err != nil {
		return err
	}
	f.dispatch("GUILD_DELETE", g.id, intentGuilds, map[string]any{"id": g.id})
	g.members = slices.DeleteFunc(g.members, func(m *member) bool { return m.user.id == f.app.ID })
	f.change()
	return nil
}

// Invite puts the bot into a guild, with the permissions of its invitation.
func (f *Fake) Invite(guildName string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, err := f.guildNamed(guildName)
	if err != nil {
		return err
	}
	if g.member(f.app.ID) != nil {
		return fmt.Errorf("the bot is in %q already", g.name)
	}
	if err := f.join(g, Member{ID: f.app.ID, Name: f.app.Name, Roles: []string{f.app.Name}}); err != nil {
		return err
	}
	f.dispatch("GUILD_CREATE", g.id, intentGuilds, f.guildCreate(g))
	f.change()
	return nil
}

// Outage makes a guild unavailable, or ends that.
func (f *Fake) Outage(guildName string, away bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, err := f.guildNamed(guildName)
	if err != nil {
		return err
	}
	g.away = away
	if away {
		f.dispatch("GUILD_DELETE", g.id, intentGuilds, map[string]any{"id": g.id, "unavailable": true})
	} else {
		f.dispatch("GUILD_CREATE", g.id, intentGuilds, f.guildCreate(g))
	}
	f.change()
	return nil
}

// DeleteChannel deletes a channel, as somebody of the guild would.
func (f *Fake) DeleteChannel(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch, err := f.channelNamed(name)
	if err != nil {
		return err
	}
	f.dropChannel(ch)
	f.change()
	return nil
}

// DeleteMessage deletes a message, as somebody of the guild would.
func (f *Fake) DeleteMessage(channelName, id string) error {
	return f.withMessage(channelName, id, f.remove)
}

func (f *Fake) withMessage(channelName, id string, do func(*message)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch, err := f.channelNamed(channelName)
	if err != nil {
		return err
	}
	m := ch.message(id)
	if m == nil {
		return fmt.Errorf("there is no message %s in #%s", id, ch.name)
	}
	do(m)
	f.change()
	return nil
}

// Archive archives a thread, as time does; locked, only moderators open it again.
func (f *Fake) Archive(threadName string, locked bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch, err := f.channelNamed(threadName)
	if err != nil {
		return err
	}
	if ch.thread == nil {
		return fmt.Errorf("#%s is no thread", ch.name)
	}
	ch.thread.archived, ch.thread.locked, ch.thread.since = true, locked, f.now()
	f.dispatch("THREAD_UPDATE", ch.guildID, intentGuilds, f.channelJSON(ch))
	f.change()
	return nil
}

// Permit changes what the bot may do in a channel.
func (f *Fake) Permit(channelName string, allow, deny Permission) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch, err := f.channelNamed(channelName)
	if err != nil {
		return err
	}
	ch.overwrites = slices.DeleteFunc(ch.overwrites, func(o Overwrite) bool { return o.Target == f.app.ID })
	ch.overwrites = append(ch.overwrites, Overwrite{f.app.ID, allow, deny})
	f.dispatch("CHANNEL_UPDATE", ch.guildID, intentGuilds, f.channelJSON(ch))
	f.change()
	return nil
}

// Say posts a message by a person, and returns its id.
func (f *Fake) Say(userName, channelName, text string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u, ch, err := f.personIn(userName, channelName)
	if err != nil {
		return "", err
	}
	if !f.permissions(ch, u.id).has(ch.sendPermission()) {
		return "", fmt.Errorf("%s may not write in #%s", u.name, ch.name)
	}
	m := f.newMessage(ch)
	m.author, m.content = u, text
	f.mention(m, mentionRules{allUsers: true, allRoles: true, everyone: true}, true)
	f.add(m)
	f.change()
	return m.id, nil
}

// Begin starts a post of a forum by a person, and returns its id.
func (f *Fake) Begin(userName, forumName, title, text string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u, forum, err := f.personIn(userName, forumName)
	if err != nil {
		return "", err
	}
	if forum.kind != Forum {
		return "", fmt.Errorf("#%s is no forum", forum.name)
	}
	id := f.snowflake()
	t := &channel{
		id: id, guildID: forum.guildID, parent: forum.id, kind: PublicThread, name: title,
		thread: &threadInfo{owner: u.id, minutes: 1440, since: f.now(), members: []string{u.id}},
	}
	f.channels[id] = t
	m := f.newMessage(t)
	m.id, m.author, m.content = id, u, text
	f.mention(m, mentionRules{allUsers: true, allRoles: true, everyone: true}, true)
	f.open(t)
	f.add(m)
	f.change()
	return id, nil
}

// personIn finds a person and a channel that the person sees. A DM with the bot is
// called "DM".
func (f *Fake) personIn(userName, channelName string) (*user, *channel, error) {
	u, err := f.userNamed(userName)
	if err != nil {
		return nil, nil, err
	}
	if channelName == "DM" {
		return u, f.dm(u), nil
	}
	ch, err := f.channelNamed(channelName)
	if err != nil {
		return nil, nil, err
	}
	if ch.guildID == "" && !slices.Contains(ch.recipients, u.id) || ch.guildID != "" && !f.permissions(ch, u.id).has(ViewChannel) {
		return nil, nil, fmt.Errorf("%s does not see #%s", u.name, ch.name)
	}
	return u, ch, nil
}

// ChannelID is the id of a channel, by its name.
func (f *Fake) ChannelID(name string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch, err := f.channelNamed(name)
	if err != nil {
		return "", err
	}
	return ch.id, nil
}

// UserID is the id of a person, by the name.
func (f *Fake) UserID(name string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u, err := f.userNamed(name)
	if err != nil {
		return "", err
	}
	return u.id, nil
}

// GuildID is the id of a guild, by its name; "" is the only one.
func (f *Fake) GuildID(name string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, err := f.guildNamed(name)
	if err != nil {
		return "", err
	}
	return g.id, nil
}

// RoleID is the id of a role of a guild, by the names; "" is the only guild.
func (f *Fake) RoleID(guildName, roleName string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, err := f.guildNamed(guildName)
	if err != nil {
		return "", err
	}
	for _, r := range g.roles {
		if r.Name == roleName || r.ID == roleName {
			return r.ID, nil
		}
	}
	return "", fmt.Errorf("there is no role %q", roleName)
}
