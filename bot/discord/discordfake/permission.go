package discordfake

import (
	"slices"
	"strconv"
)

// Permission is a set of permissions, with Discord's bits.
// https://docs.discord.com/developers/topics/permissions
type Permission uint64

// The permissions that the fake looks at.
const (
	Administrator         Permission = 1 << 3
	ManageChannels        Permission = 1 << 4
	ManageGuild           Permission = 1 << 5
	AddReactions          Permission = 1 << 6
	ViewChannel           Permission = 1 << 10
	SendMessages          Permission = 1 << 11
	ManageMessages        Permission = 1 << 13
	EmbedLinks            Permission = 1 << 14
	AttachFiles           Permission = 1 << 15
	ReadMessageHistory    Permission = 1 << 16
	MentionEveryone       Permission = 1 << 17
	ManageWebhooks        Permission = 1 << 29
	UseCommands           Permission = 1 << 31
	ManageThreads         Permission = 1 << 34
	CreatePublicThreads   Permission = 1 << 35
	CreatePrivateThreads  Permission = 1 << 36
	SendMessagesInThreads Permission = 1 << 38
	PinMessages           Permission = 1 << 51

	// Everything is every bit that Discord knows.
	Everything Permission = 1<<53 - 1
	// Talk is what @everyone may do unless a guild says otherwise.
	Talk = ViewChannel | SendMessages | ReadMessageHistory | AddReactions | UseCommands |
		EmbedLinks | AttachFiles | CreatePublicThreads | SendMessagesInThreads
	// BotDefault is what the bot may do unless a guild says otherwise: what its
	// invitation should ask for. MentionEveryone is not in it.
	BotDefault = ViewChannel | SendMessages | ReadMessageHistory | AddReactions | EmbedLinks | AttachFiles |
		ManageMessages | ManageThreads | ManageWebhooks | CreatePublicThreads | SendMessagesInThreads | PinMessages
)

// String is the set as Discord writes it in JSON.
func (p Permission) String() string { return strconv.FormatUint(uint64(p), 10) }

// has reports whether all of want are in the set.
func (p Permission) has(want Permission) bool { return p&want == want }

// basePermissions are those of a member in a guild, before any channel.
func (g *guild) basePermissions(m *member) Permission {
	if m.user.id == g.owner {
		return Everything
	}
	all := g.everyone
	for _, id := range m.roles {
		if r := g.role(id); r != nil {
			all |= r.Permissions
		}
	}
	if all.has(Administrator) {
		return Everything
	}
	return all
}

// permissions are those of a member in a channel; a thread has those of its parent.
func (f *Fake) permissions(ch *channel, userID string) Permission {
	if ch.guildID == "" {
		return Everything &^ (MentionEveryone | ManageMessages | PinMessages)
	}
	g := f.guilds[ch.guildID]
	m := g.member(userID)
	if m == nil {
		return 0
	}
	all := g.basePermissions(m)
	if all == Everything {
		return all
	}
	if parent := f.channels[ch.parent]; ch.kind.isThread() && parent != nil {
		ch = parent
	}
	var allow, deny Permission
	for _, o := range ch.overwrites {
		switch {
		case o.Target == g.id:
			all = all&^o.Deny | o.Allow
		case slices.Contains(m.roles, o.Target):
			allow, deny = allow|o.Allow, deny|o.Deny
		}
	}
	all = all&^deny | allow
	for _, o := range ch.overwrites {
		if o.Target == userID {
			all = all&^o.Deny | o.Allow
		}
	}
	if !all.has(ViewChannel) {
		return 0
	}
	return all
}

// need answers the error that Discord gives when the bot may not do something in
// a channel: 50001 when it does not see it, 50013 when a permission is missing.
func (f *Fake) need(ch *channel, want Permission) *apiError {
	have := f.permissions(ch, f.app.ID)
	if !have.has(ViewChannel) {
		return errMissingAccess
	}
	if !have.has(want) {
		return errMissingPermissions
	}
	return nil
}

// sendPermission is what sending a message to a channel takes.
func (ch *channel) sendPermission() Permission {
	if ch.kind.isThread() {
		return SendMessagesInThreads
	}
	return SendMessages
}
