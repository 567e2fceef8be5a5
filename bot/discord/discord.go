// Package discord is Discord as a platform: the gateway or HTTP in, embeds and
// components out.
//
// Its promise: what Discord delivered is answered when it is in the inbox, and not
// before; a message is posted once under its key; text is text, whoever wrote it, and
// mentions nobody whom Notify does not name. It translates a transport and holds no
// policy: who may do what, and what is said, is decided elsewhere. It is the only home
// of discordgo.
//
// # Decision: a gateway client of our own
//
// Context: discordgo's Open takes no context and holds the lock of its session while it
// waits for the first events: a RECONNECT or an acknowledged heartbeat among them
// deadlocks it; a connection that is lost before its first heartbeat makes it close and
// open the next ones without end; a refused token or intent is tried again for ever; and
// an invalid session is answered with IDENTIFY at once, as the same session. Decision: a
// small client on the same library for WebSockets, with discordgo's types, REST and
// verification of signatures. Consequence: errors that no waiting cures end Run, all else
// is resumed, and nothing waits without its context.
//
// # Decision: a message is one message
//
// Context: a message holds some 6,000 characters in embeds, and what is posted in several
// can neither be edited nor found as one. Decision: what is longer is its beginning, with
// all of it as a file, which Discord shows below it. Consequence: what is edited, pinned
// and found is all there is, and a crash doubles nothing.
//
// # Decision: the address of the first embed is our note
//
// Context: a nonce is remembered for minutes, and a message carries no metadata. Decision:
// the first embed has no title and therefore an address that nobody sees or follows; a hash
// of the key is in it, and the lines of buttons that do not fit into the 100 characters of
// a button. Consequence: a message is found by its key among the newest 1,000 of its channel
// however long ago it was posted; no table of buttons can be lost; where somebody takes the
// embeds off a message, its longer buttons say so.
//
// # Decision: an interaction is answered once it is in the inbox
//
// Context: Discord waits three seconds, and whether an answer is private is fixed by its
// first response. Decision: the desk comes first, a second at most, then one response:
// "thinking", public or private, or why nothing was done, in private. Whoever delivers the
// answer looks first whether Discord has that response: with several replicas it may be
// another one that gives it. Consequence: nothing acknowledged is lost, nobody is shamed in
// public, and no edit comes before its response.
//
// # Decision: a private answer that comes too late is a direct message
//
// Context: an answer that one person sees can be shown for 15 minutes. Decision: after that it is sent
// to the person directly; what is public is a message of our own. Consequence: nothing
// private becomes public, and long work is not lost.
//
// # Decision: one replica is connected to the gateway
//
// Context: Discord gives each session that is identified every interaction, refuses two
// IDENTIFYs within five seconds, and delivers nothing again to a new session. Decision: a
// lease that is fenced off, and given back on a clean stop; who does not have it posts as
// ever, and is ready. Consequence: after kill -9 nobody hears Discord for the lease and a
// few seconds; a command in that time fails where it was typed ("The application did not
// respond"), nothing of it was taken, and it is to be typed again. Without the store nobody
// is connected. Over HTTP there is no such time.
//
// # Decision: a person is one identity in all guilds
//
// Context: the same human is in several guilds, and must never count as two. Decision: the
// link is made of the user alone; roles count where the configuration names their guild.
// Consequence: who is linked as a lead is one everywhere, but in a guild that is not the
// team's own, only what is for communities is taken.
package discord

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/state"
)

// Name is what the platform is called in places and links.
const Name = "discord"

// Link is the identity of a user, in every guild: "discord:1".
func Link(user string) string { return Name + ":" + user }

// RoleLink is that of a role of a guild: "discord:1:2".
func RoleLink(guild, role string) string { return Name + ":" + guild + ":" + role }

// userOf is the user of a link, "" when it is nobody of Discord.
func userOf(link string) string {
	id, ok := strings.CutPrefix(link, Name+":")
	if !ok || !snowflake.MatchString(id) {
		return ""
	}
	return id
}

// roleOf takes the link of a role apart.
func roleOf(link string) (guild, role string, ok bool) {
	rest, ok := strings.CutPrefix(link, Name+":")
	guild, role, two := strings.Cut(rest, ":")
	return guild, role, ok && two && snowflake.MatchString(guild) && snowflake.MatchString(role)
}

// snowflake is an id of Discord's.
var snowflake = regexp.MustCompile(`^[1-9][0-9]{0,19}$`)

// IsRoleLink reports whether a link is that of a role of a guild.
func IsRoleLink(link string) bool { _, _, ok := roleOf(link); return ok }

// Guild is what the operator says of a guild.
type Guild struct {
	// Team: it is the team's own, and the response is run there. Others are
	// communities, which may run what is for communities.
	Team bool
	// Ceiling is what its channels may see. When zero, it is AMBER+STRICT for the
	// team's own and CLEAR for others.
	Ceiling state.TLP
}

// Options are what a Platform needs. Token is required; the zero value of the rest
// works. With PublicKey interactions come over HTTP, through Handler, and no gateway is
// connected.
type Options struct {
	Token     string // of the bot
	PublicKey string // of the application, in hexadecimal

	// Command is the root of the slash commands, without a slash: "allclear".
	Command string
	// Global registers the commands once for the whole application, all of them: they are
	// there in every guild at once, and what is not for communities is refused in theirs.
	// Otherwise each guild has its own.
	Global bool
	// Guilds are those that are known, by id. Any other is a community that may see
	// what is TLP:CLEAR.
	Guilds map[string]Guild
	// Roles are given to those who have a role of a guild, by the links of the roles.
	Roles map[string]state.Role
	// Mention finds whom a name of Notify means here: the link of a user or a role.
	Mention func(ctx context.Context, name string) (link string, ok bool)
	// Sole has one replica at a time connected to the gateway; nil: this is the only one.
	// An interaction that comes while none is connected is told nobody later: Discord says
	// that the application did not respond, and who typed it types it again.
	Sole *bot.Sole
	// MaxFile is how large a file may be that is handed in, in bytes: 25 MiB.
	MaxFile int64

	// Unpaced leaves the limit of all requests together, 50 in a second, to Discord's
	// refusals, for a Discord that has none.
	Unpaced bool
	// Client makes all requests; one with a time-out when nil.
	Client *http.Client
	// Dialer connects to the gateway; one that uses the proxy of the environment when nil.
	Dialer *websocket.Dialer
	Logger *slog.Logger
	Now    func() time.Time
	// Count is called for what metrics count; see Events.
	Count func(event string)
}

// Platform is Discord. It implements bot.Platform.
type Platform struct {
	opt  Options
	key  []byte // of interactions over HTTP
	rest *rest
	tune tune

	me    atomic.Pointer[self]  // nil until Discord said who we are
	menu  atomic.Pointer[menus] // nil until Run knows the commands
	door  *bot.Door
	dir   *directory
	out   outgoing
	links bot.Links
}

// self is who we are.
type self struct{ app string }

var _ bot.Platform = (*Platform)(nil)

// requestTimeout bounds each request to Discord.
const requestTimeout = 30 * time.Second

// New makes a platform. It does no I/O.
func New(o Options) (*Platform, error) {
	if strings.TrimSpace(o.Token) == "" || strings.ContainsAny(o.Token, " \r\n\t") {
		return nil, errors.New("discord: the token of the bot is needed, without the word Bot")
	}
	o.defaults()
	if !commandName.MatchString(o.Command) {
		return nil, fmt.Errorf("discord: the command %q: want up to 32 small letters, digits and dashes, without a slash", o.Command)
	}
	key, err := hex.DecodeString(o.PublicKey)
	if err != nil || len(key) != 0 && len(key) != 32 {
		return nil, errors.New("discord: the public key of the application has 64 hexadecimal digits")
	}
	p := &Platform{opt: o, key: key, tune: patient(), door: bot.NewDoor(mostAtOnce)}
	p.rest, err = newRest(o)
	if err != nil {
		return nil, err
	}
	p.dir = newDirectory(p.rest, o)
	return p, nil
}

// commandName is what Discord lets commands and options be called, as far as we use it
// (docs.discord.com/developers/interactions/application-commands, naming).
var commandName = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

func (o *Options) defaults() {
	if o.Command == "" {
		o.Command = "allclear"
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: requestTimeout}
	}
	if o.Dialer == nil {
		o.Dialer = &websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: 10 * time.Second}
	}
	if o.MaxFile == 0 {
		o.MaxFile = 25 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Count == nil {
		o.Count = func(string) {}
	}
	if o.Mention == nil {
		o.Mention = func(context.Context, string) (string, bool) { return "", false }
	}
}

// overHTTP reports whether Discord comes to us.
func (p *Platform) overHTTP() bool { return len(p.key) > 0 }
