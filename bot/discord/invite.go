package discord

import (
	"errors"
	"net/url"
	"strconv"
	"time"
)

// right is something that the bot must be allowed to do, and what goes wrong when it is not
// (docs.discord.com/developers/topics/permissions).
type right struct {
	bit     uint64
	name    string
	without string
	// team: a community does not need it.
	team bool
}

// rights are all that the bot needs. It reads nothing that people write, and mentions
// nobody who did not agree to be mentioned: neither needs a right.
func rights() []right {
	return []right{
		{1 << 10, "View Channel", "nothing can be posted", false},
		{1 << 11, "Send Messages", "nothing can be posted", false},
		{1 << 14, "Embed Links", "nothing that is posted can be read: all of it is in embeds", false},
		{1 << 15, "Attach Files", "files and pictures are missing", false},
		{1 << 16, "Read Message History", "after a crash a message may be posted twice, for nobody can look", false},
		{1 << 38, "Send Messages in Threads", "nothing can be posted in threads and forum posts", false},
		{1 << 35, "Create Public Threads", "what is for a thread is not told", true},
		{1 << 51, "Pin Messages", "the board is not pinned", true},
	}
}

// PostEvery and PostBurst are how often one channel is written to before Discord says
// anything in its headers, which always count.
const (
	PostEvery = time.Second
	PostBurst = 5
)

// Invite is the link that invites the bot of an application into a guild, with the least
// rights.
func Invite(application string, community bool) (string, error) {
	if !snowflake.MatchString(application) {
		return "", errors.New("the id of the application is a number, like 1234567890123456789")
	}
	var bits uint64
	for _, r := range rights() {
		if !r.team || !community {
			bits |= r.bit
		}
	}
	q := url.Values{"client_id": {application}, "scope": {"bot applications.commands"}, "permissions": {strconv.FormatUint(bits, 10)}}
	return "https://discord.com/oauth2/authorize?" + q.Encode(), nil
}
