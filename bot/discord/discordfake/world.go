package discordfake

import (
	"crypto/ed25519"
	"time"
)

// Options say what world the bot comes into. The zero value is a small guild
// (see Small), Discord's limits and the wall clock.
type Options struct {
	App    App
	Guilds []Guild
	// Users are people who share no guild with the bot.
	Users  []Member
	Limits Limits
	// Now is the clock beneath Advance; nil means time.Now.
	Now func() time.Time
	// Heartbeat is the interval that HELLO asks for; 0 means 41.25 s.
	Heartbeat time.Duration
	// IgnoreNonces switches the dedupe by nonce off, as if its minutes were over.
	IgnoreNonces bool
	// Patience is how long assertions wait for what must come; 0 means 10 s.
	Patience time.Duration
	// Logs, when set, is read at Close: no token may be in it.
	Logs func() string
}

// App is the application and its bot user, which have the same id.
type App struct {
	ID, Name string
	// Token is the bot's, without the word "Bot". Empty: one is made.
	Token string
	// Key signs interactions over HTTP. Empty: one is made.
	Key ed25519.PrivateKey
	// Privileged are the privileged intents that the application was granted.
	Privileged Intent
	// OnlyUserInstalled: people installed the app for themselves and no guild did,
	// so an interaction has five follow-ups.
	OnlyUserInstalled bool
}

// Guild is what people call a server.
type Guild struct {
	ID, Name string
	// Owner is the id or name of a member; empty: a member nobody speaks for.
	Owner string
	Roles []Role
	// Everyone are the permissions of @everyone; 0 means Talk.
	Everyone Permission
	Members  []Member
	Channels []Channel
	// Bot are the permissions of the bot's own role; 0 means BotDefault.
	Bot Permission
	// BotRoles are further roles of the bot, by id or name.
	BotRoles []string
	// WithoutBot: the bot is not in the guild yet; see Invite.
	WithoutBot bool
}

// Role is a role of a guild.
type Role struct {
	ID, Name    string
	Permissions Permission
	Mentionable bool
}

// Member is a person in a guild. Members with the same ID are the same person.
type Member struct {
	ID, Name string
	// Nick is shown in this guild instead of Name.
	Nick string
	// Roles by id or name.
	Roles []string
	Bot   bool
}

// Kind is the type of a channel, with Discord's numbers.
type Kind int

// The kinds of channels.
const (
	Text               Kind = 0
	DM                 Kind = 1
	Voice              Kind = 2
	Category           Kind = 4
	Announcement       Kind = 5
	AnnouncementThread Kind = 10
	PublicThread       Kind = 11
	PrivateThread      Kind = 12
	Forum              Kind = 15
)

func (k Kind) isThread() bool {
	return k == AnnouncementThread || k == PublicThread || k == PrivateThread
}

// holdsMessages reports whether messages can be sent to a channel of the kind.
func (k Kind) holdsMessages() bool { return k != Forum && k != Category }

// Channel is a channel of a guild.
type Channel struct {
	ID, Name, Topic string
	Kind            Kind
	// Tags of a forum, 20 at most.
	Tags []Tag
	// NeedsTag: a forum post without a tag is refused.
	NeedsTag   bool
	Overwrites []Overwrite
	// BotLacks are permissions that the bot is denied here.
	BotLacks Permission
	// Follows are announcement channels, by id or name, whose published messages
	// are copied here.
	Follows []string
}

// Tag can be applied to the posts of a forum.
type Tag struct {
	ID, Name string
	// Moderated: only who manages threads may apply it.
	Moderated bool
}

// Overwrite changes the permissions of a role or member in one channel. Target is
// an id or a name; the guild's id or "@everyone" is everyone.
type Overwrite struct {
	Target      string
	Allow, Deny Permission
}

// Small is the guild of a test that brings none: a text channel "responders", a
// private one "leads", an announcement channel "advisories" that "news" follows, a
// forum "reports" with two tags; the people lead-1, lead-2 and responder.
func Small() Guild {
	return Guild{
		Name: "community", Owner: "owner",
		Roles: []Role{{Name: "lead", Permissions: ManageGuild}, {Name: "on-call", Mentionable: true}},
		Members: []Member{
			{Name: "owner"},
			{Name: "lead-1", Roles: []string{"lead"}},
			{Name: "lead-2", Roles: []string{"lead"}},
			{Name: "responder", Roles: []string{"on-call"}},
		},
		Channels: []Channel{
			{Name: "responders"},
			{Name: "leads", Overwrites: []Overwrite{{Target: "@everyone", Deny: ViewChannel}, {Target: "lead", Allow: ViewChannel}, {Target: "bot", Allow: ViewChannel}}},
			{Name: "advisories", Kind: Announcement},
			{Name: "news", Follows: []string{"advisories"}},
			{Name: "reports", Kind: Forum, Tags: []Tag{{Name: "active"}, {Name: "patched"}}},
		},
	}
}
