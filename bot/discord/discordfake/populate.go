package discordfake

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// makeWorld builds what the options describe. It runs before the server does.
func (f *Fake) makeWorld() error {
	for _, m := range f.opt.Users {
		if _, err := f.account(m); err != nil {
			return err
		}
	}
	guilds := f.opt.Guilds
	if len(guilds) == 0 {
		guilds = []Guild{Small()}
	}
	for _, g := range guilds {
		if err := f.makeGuild(g); err != nil {
			return fmt.Errorf("guild %q: %w", g.Name, err)
		}
	}
	for _, g := range guilds {
		for _, ch := range g.Channels {
			if err := f.follow(ch); err != nil {
				return err
			}
		}
	}
	return nil
}

// account is the user of a member: one with the same id or, without one, the name.
func (f *Fake) account(m Member) (*user, error) {
	for _, u := range f.users {
		if m.ID != "" && u.id == m.ID || m.ID == "" && u.name == m.Name {
			return u, nil
		}
	}
	if m.ID == "" {
		m.ID = f.snowflake()
	}
	if !isSnowflake(m.ID) || m.Name == "" {
		return nil, fmt.Errorf("a person has a name and a snowflake, not %q and %q", m.Name, m.ID)
	}
	u := &user{id: m.ID, name: m.Name, bot: m.Bot}
	f.users[u.id] = u
	return u, nil
}

func (f *Fake) makeGuild(g Guild) error {
	made := &guild{id: g.ID, name: g.Name, everyone: g.Everyone}
	if made.id == "" {
		made.id = f.snowflake()
	}
	if !isSnowflake(made.id) {
		return fmt.Errorf("%q is no snowflake", g.ID)
	}
	if made.everyone == 0 {
		made.everyone = Talk
	}
	if g.Bot == 0 {
		g.Bot = BotDefault
	}
	for _, r := range append(slices.Clone(g.Roles), Role{Name: f.app.Name, Permissions: g.Bot}) {
		if r.ID == "" {
			r.ID = f.snowflake()
		}
		made.roles = append(made.roles, &r)
	}
	people := g.Members
	if !g.WithoutBot {
		people = append(slices.Clone(people), Member{ID: f.app.ID, Name: f.app.Name, Roles: append(slices.Clone(g.BotRoles), f.app.Name), Bot: true})
	}
	for _, m := range people {
		if err := f.join(made, m); err != nil {
			return err
		}
	}
	made.owner = g.Owner
	for _, m := range made.members {
		if m.user.name == g.Owner {
			made.owner = m.user.id
		}
	}
	f.guilds[made.id] = made
	for i, ch := range g.Channels {
		if err := f.makeChannel(made, ch, i); err != nil {
			return fmt.Errorf("channel %q: %w", ch.Name, err)
		}
	}
	return nil
}

func (f *Fake) join(g *guild, m Member) error {
	u, err := f.account(m)
	if err != nil {
		return err
	}
	joined := &member{user: u, nick: m.Nick, since: f.now()}
	for _, name := range m.Roles {
		i := slices.IndexFunc(g.roles, func(r *Role) bool { return r.ID == name || r.Name == name })
		if i < 0 {
			return fmt.Errorf("%s has the role %q, which there is not", m.Name, name)
		}
		joined.roles = append(joined.roles, g.roles[i].ID)
	}
	g.members = append(g.members, joined)
	return nil
}

// The limits of forum tags.
// https://docs.discord.com/developers/resources/channel#forum-tag-object
const (
	maxTags    = 20
	maxTagName = 20
	maxApplied = 5
)

func (f *Fake) makeChannel(g *guild, ch Channel, position int) error {
	if ch.ID == "" {
		ch.ID = f.snowflake()
	}
	if !isSnowflake(ch.ID) || ch.Name == "" || f.channels[ch.ID] != nil {
		return fmt.Errorf("a channel has a name and a snowflake of its own, not %q and %q", ch.Name, ch.ID)
	}
	made := &channel{id: ch.ID, guildID: g.id, name: ch.Name, topic: ch.Topic, kind: ch.Kind, position: position, needsTag: ch.NeedsTag}
	if len(ch.Tags) > maxTags {
		return fmt.Errorf("a forum has at most %d tags", maxTags)
	}
	for _, tag := range ch.Tags {
		if n := utf8.RuneCountInString(tag.Name); n < 1 || n > maxTagName {
			return fmt.Errorf("the name of a tag has 1 to %d characters", maxTagName)
		}
		if tag.ID == "" {
			tag.ID = f.snowflake()
		}
		made.tags = append(made.tags, tag)
	}
	if ch.BotLacks != 0 {
		ch.Overwrites = append(slices.Clone(ch.Overwrites), Overwrite{Target: "bot", Deny: ch.BotLacks})
	}
	for _, o := range ch.Overwrites {
		id, err := f.target(g, o.Target)
		if err != nil {
			return err
		}
		made.overwrites = append(made.overwrites, Overwrite{id, o.Allow, o.Deny})
	}
	f.channels[made.id] = made
	f.order = append(f.order, made.id)
	return nil
}

// target is the id of whom an overwrite is for.
func (f *Fake) target(g *guild, name string) (string, error) {
	switch name {
	case "@everyone", g.id:
		return g.id, nil
	case "bot":
		return f.app.ID, nil
	}
	for _, r := range g.roles {
		if r.ID == name || r.Name == name {
			return r.ID, nil
		}
	}
	for _, m := range g.members {
		if m.user.id == name || m.user.name == name {
			return m.user.id, nil
		}
	}
	return "", fmt.Errorf("there is no role or member %q", name)
}

func (f *Fake) follow(ch Channel) error {
	for _, source := range ch.Follows {
		from, err := f.channelNamed(source)
		if err != nil {
			return err
		}
		to, err := f.channelNamed(ch.Name)
		if err != nil {
			return err
		}
		if from.kind != Announcement {
			return fmt.Errorf("%q cannot be followed: it is no announcement channel", source)
		}
		from.followers = append(from.followers, &follower{to.id, f.snowflake()})
	}
	return nil
}

// channelNamed finds a channel by id or, when only one has it, by name.
func (f *Fake) channelNamed(name string) (*channel, error) {
	if ch := f.channels[name]; ch != nil && !ch.gone {
		return ch, nil
	}
	var found *channel
	for _, id := range f.order {
		ch := f.channels[id]
		if ch.gone || ch.name != name {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("there are several channels %q: name one by its id", name)
		}
		found = ch
	}
	if found == nil {
		return nil, fmt.Errorf("there is no channel %q", name)
	}
	return found, nil
}

// userNamed finds a person by id or, when only one has it, by name.
func (f *Fake) userNamed(name string) (*user, error) {
	if u := f.users[name]; u != nil {
		return u, nil
	}
	var found *user
	for _, u := range f.users {
		if u.name != name {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("there are several people %q: name one by the id", name)
		}
		found = u
	}
	if found == nil {
		return nil, fmt.Errorf("there is nobody called %q", name)
	}
	return found, nil
}

// guildNamed finds a guild by id or name; "" is the only one.
func (f *Fake) guildNamed(name string) (*guild, error) {
	if g := f.guilds[name]; g != nil {
		return g, nil
	}
	var found *guild
	for _, g := range f.guilds {
		if g.name == name || name == "" {
			if found != nil {
				return nil, fmt.Errorf("there are several guilds %q: name one by its id", name)
			}
			found = g
		}
	}
	if found == nil {
		return nil, fmt.Errorf("there is no guild %q", name)
	}
	return found, nil
}
