package discordfake

import (
	"slices"
	"time"
)

// user is an account.
type user struct {
	id, name string
	bot      bool
}

// member is a user in a guild.
type member struct {
	user  *user
	nick  string
	roles []string
	since time.Time
}

func (m *member) shown() string {
	if m.nick != "" {
		return m.nick
	}
	return m.user.name
}

type guild struct {
	id, name, owner string
	everyone        Permission
	roles           []*Role
	members         []*member
	away            bool // unavailable: an outage
	commands        []*command
}

func (g *guild) role(id string) *Role {
	for _, r := range g.roles {
		if r.ID == id {
			return r
		}
	}
	return nil
}

func (g *guild) member(userID string) *member {
	for _, m := range g.members {
		if m.user.id == userID {
			return m
		}
	}
	return nil
}

// threadInfo is what a thread has beyond a channel.
type threadInfo struct {
	owner            string
	archived, locked bool
	minutes          int
	since            time.Time // archive_timestamp
	tags             []string
	members          []string
	pinned           bool
}

type channel struct {
	id, guildID, name, topic, parent string
	kind                             Kind
	position                         int
	overwrites                       []Overwrite
	tags                             []Tag
	needsTag                         bool
	messages                         []*message
	recipients                       []string // of a DM
	followers                        []*follower
	crossposts                       []time.Time
	webhooks                         []*webhook
	thread                           *threadInfo
	typing                           map[string]time.Time
	gone                             bool
}

// follower is a channel to which published messages are copied.
type follower struct {
	channel string
	webhook string
}

// webhook is an incoming one, made by the bot.
type webhook struct {
	id, token, name, channel string
}

func (ch *channel) message(id string) *message {
	i := slices.IndexFunc(ch.messages, func(m *message) bool { return m.id == id && !m.deleted })
	if i < 0 {
		return nil
	}
	return ch.messages[i]
}

type attachment struct {
	id, name, contentType, description string
	data                               []byte
	ephemeral                          bool
	url                                string
}

// copied is where a copy of a published message went.
type copied struct{ channel, message string }

// message is one message with all that happened to it.
type message struct {
	id, channelID, guildID string
	author                 *user
	authorName             string // of a webhook
	kind                   int
	content                string
	embeds                 []embed
	components             []*component
	files                  []*attachment
	flags                  int
	nonce                  any
	reference              map[string]any
	at                     time.Time
	edited                 *time.Time
	pinned                 *time.Time
	webhookID              string
	interaction            map[string]any // interaction_metadata
	invoked                map[string]any // interaction
	onlyFor                string         // the only person who sees an ephemeral message
	deleted                bool
	edits                  int
	oldEdits               int
	publishedEdits         []time.Time
	copies                 []copied
	reactions              []reaction
	thread                 *channel
	by                     *interaction // what it answers

	mentionUsers, mentionRoles []string
	mentionEveryone            bool
	pings, mentions            []string // in words: who was notified, who was mentioned
}

type reaction struct {
	emoji string
	users []string
}

// The flags of a message.
// https://docs.discord.com/developers/resources/message#message-object-message-flags
const (
	flagCrossposted    = 1 << 0
	flagIsCrosspost    = 1 << 1
	flagSuppressEmbeds = 1 << 2
	flagSourceDeleted  = 1 << 3
	flagHasThread      = 1 << 5
	flagEphemeral      = 1 << 6
	flagLoading        = 1 << 7
	flagSilent         = 1 << 12
	flagV2             = 1 << 15
)

func (m *message) is(flag int) bool { return m.flags&flag != 0 }
