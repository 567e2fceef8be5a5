package discordfake

import (
	"regexp"
	"slices"
	"strings"
)

// mentionRules are what allowed_mentions says.
// https://docs.discord.com/developers/resources/message#allowed-mentions-object
type mentionRules struct {
	given              bool
	allUsers, allRoles bool
	everyone           bool
	users, roles       []string
	repliedUser        bool
}

// readMentions reads allowed_mentions. Without it a regular message notifies
// everybody whom it names, and one of a webhook or an interaction users only.
func readMentions(f field, regular bool) mentionRules {
	if !f.has {
		return mentionRules{allUsers: true, allRoles: regular, everyone: regular, repliedUser: true}
	}
	if !f.object() {
		return mentionRules{given: true}
	}
	rules := mentionRules{given: true, repliedUser: f.get("replied_user").flag()}
	for _, p := range f.get("parse").list(0, 3) {
		switch p.text(0, 20) {
		case "users":
			rules.allUsers = true
		case "roles":
			rules.allRoles = true
		case "everyone":
			rules.everyone = true
		default:
			p.bad("BASE_TYPE_CHOICES", "Value must be one of ('users', 'roles', 'everyone').")
		}
	}
	rules.users, rules.roles = f.get("users").ids(100), f.get("roles").ids(100)
	if rules.allUsers && len(rules.users) > 0 || rules.allRoles && len(rules.roles) > 0 {
		f.bad("MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", "parse:[\"users\"|\"roles\"] and the list of the same are mutually exclusive.")
	}
	return rules
}

var mentioned = regexp.MustCompile(`<@(!?|&)(\d{1,20})>|@everyone|@here`)

// mention finds whom a message names, and whom it notifies. Embeds name nobody.
func (f *Fake) mention(m *message, rules mentionRules, notify bool) {
	ch := f.channels[m.channelID]
	var text strings.Builder
	text.WriteString(m.content)
	for _, c := range m.components {
		c.walk(func(c *component) {
			if c.Type == typeText {
				text.WriteString("\n" + c.Text)
			}
		})
	}
	m.mentionUsers, m.mentionRoles, m.mentionEveryone, m.mentions = nil, nil, false, nil
	var who []string
	for _, found := range mentioned.FindAllStringSubmatch(outsideCode(text.String()), -1) {
		if name := f.mentionOne(m, ch, rules, found); name != "" && !slices.Contains(who, name) {
			who = append(who, name)
		}
	}
	if name := f.mentionReplied(m, ch, rules); name != "" && !slices.Contains(who, name) {
		who = append(who, name)
	}
	m.mentions = who
	if notify && !m.is(flagSilent) && m.onlyFor == "" {
		for _, name := range who {
			if !slices.Contains(m.pings, name) {
				m.pings = append(m.pings, name)
			}
		}
	}
}

// mentionOne is the name of who is mentioned by one token, "" when nobody is.
func (f *Fake) mentionOne(m *message, ch *channel, rules mentionRules, found []string) string {
	all := f.permissions(ch, f.app.ID).has(MentionEveryone)
	switch {
	case found[2] == "":
		if !rules.everyone || !all || ch.guildID == "" {
			return ""
		}
		m.mentionEveryone = true
		return found[0]
	case found[1] == "&":
		g := f.guilds[ch.guildID]
		if g == nil {
			return ""
		}
		r := g.role(found[2])
		if r == nil || !r.Mentionable && !all || !rules.allRoles && !slices.Contains(rules.roles, r.ID) {
			return ""
		}
		m.mentionRoles = append(m.mentionRoles, r.ID)
		return "@" + r.Name
	}
	u := f.users[found[2]]
	if u == nil || !rules.allUsers && !slices.Contains(rules.users, u.id) {
		return ""
	}
	if !slices.Contains(m.mentionUsers, u.id) {
		m.mentionUsers = append(m.mentionUsers, u.id)
	}
	if !f.permissions(ch, u.id).has(ViewChannel) && ch.guildID != "" {
		return "" // named, but not notified of what they cannot see
	}
	return "@" + f.nameIn(ch, u.id)
}

// mentionReplied is the author of the message that is replied to.
func (f *Fake) mentionReplied(m *message, ch *channel, rules mentionRules) string {
	id, _ := m.reference["message_id"].(string)
	if !rules.repliedUser || id == "" || m.kind != 19 {
		return ""
	}
	old := ch.message(id)
	if old == nil || old.author == nil || old.author.id == f.app.ID {
		return ""
	}
	m.mentionUsers = append(m.mentionUsers, old.author.id)
	return "@" + f.nameIn(ch, old.author.id)
}

// nameIn is what a person is called in a channel.
func (f *Fake) nameIn(ch *channel, userID string) string {
	if g := f.guilds[ch.guildID]; g != nil {
		if m := g.member(userID); m != nil {
			return m.shown()
		}
	}
	if u := f.users[userID]; u != nil {
		return u.name
	}
	return "unknown-user"
}
