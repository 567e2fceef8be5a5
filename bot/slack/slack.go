// Package slack is Slack as a platform: Socket Mode or HTTP in, Block Kit out.
//
// Its promise: what Slack delivered is acknowledged when it is in the inbox, and
// not before; a message is posted once under its key, as far as Slack lets anybody
// find out; text is text, whoever wrote it, and mentions nobody whom Notify does
// not name. It translates a transport and holds no policy: who may do what, and
// what is said, is decided elsewhere. It is the only home of slack-go.
//
// # Decision: the key of a message is a hash in its metadata
//
// Context: after a crash it must be found out whether a message arrived. Decision:
// metadata carries a hash of the key, and client_msg_id one made of it. The history
// of the channel is searched for it. Consequence: keys, which hold names, never
// reach a channel that may not see them. It is looked for among the newest 2,000
// messages of a channel, and in a thread among the first 2,000 of the last hour and the
// first 2,000 before that: beyond, a message could be posted twice. Ephemeral messages
// have no history: they are shown at most once.
//
// # Decision: all text is rich text
//
// Context: in mrkdwn a name can format, link and call people, and escaping does not
// stop all of it. Decision: text goes into rich_text blocks, which Slack takes as it
// is; headings, small print and buttons are plain text, escaped. Only Notify makes
// elements that call anybody. Consequence: no text can act, and there are no links.
//
// # Decision: a long message begins in its place and goes on in its thread
//
// Context: a message holds some 12,000 characters, and a crash may come between two.
// Decision: the first of up to three has the key, and says in its metadata how many
// there are and which files; the others and the files go into its thread. What is
// longer is a file. A message is found when all of it is there; otherwise Post goes on
// with it. Consequence: what is edited, pinned and found is the first, and a crash
// doubles nothing, with one exception: Slack shares a file a moment after it says so,
// and a process that looks in between shares it once more.
//
// # Decision: a button carries its command line
//
// Context: a button must act on what it showed, whoever presses it and wherever.
// Decision: its value is the line itself with all names, and the arguments that are
// asked for first; what it opens is made of the Spec. Consequence: nothing is
// inferred from the channel, and no table of buttons can be lost.
//
// # Decision: a Socket Mode client of our own
//
// Context: that of slack-go does not say why Slack ends a connection, so link_disabled
// looks like a hiccup; it closes the old connection before it opens the next, sends the
// acknowledgements of a dead connection over another, stops reading when nobody takes its
// events, tries a token of the wrong kind for ever, and does not wait for its reader.
// Decision: a small one on the same library for WebSockets. Consequence: a connection is replaced
// before it ends, what came over it is acknowledged over it, errors that no waiting cures
// end Run, and what slack-go cannot read is acknowledged all the same.
//
// # Decision: the id of a request is made of what a redelivery has in common
//
// Context: Slack delivers again what was not acknowledged in time, sometimes as the same
// envelope, sometimes in another (slackapi/bolt-js#2188, #2487). Decision: events go by
// their event_id, commands by their trigger_id, presses and shortcuts by who did it, on
// what, and their action_ts, forms by their view and its answers, homes by who opened them
// and when. Consequence: however often and to whichever replica it comes, it is one
// request; a second click is a second one.
//
// # Decision: who is of another organisation may look
//
// Context: in a shared channel anybody of the others can press and mention. Decision: they
// are known by the link of their own workspace, which no one here shares, and only commands
// for viewers are handed on, whoever the configuration says they are. Guests, bots and who
// left get no role by a user group. Consequence: a group or a link set by mistake opens
// nothing to others.
//
// # Decision: next to nothing is looked up while somebody waits
//
// Context: Slack waits three seconds, and its Web API may be slow when it is needed most.
// Decision: roles and ceilings come from memory, which is renewed behind the scenes; only
// of what was never heard of, a channel or who is in it, it is asked, for half a second.
// Ceiling, which is asked before something is delivered, uses of a channel only what is
// less than a minute old, for its events reach one replica. Consequence: where the first
// look fails the answer shows what is TLP:CLEAR, a group that could not be read for half an
// hour gives no role, and what cannot be found out now is delivered later, or shows less.
//
// # Decision: what is pressed in an App Home is answered directly
//
// Context: an App Home shows one thing, so that an answer there takes away the list, and a
// second answer the first. Decision: answers go to the direct conversation, and the home is
// asked for once more. Consequence: no answer is lost, and what was in the list is seen to
// be done.
package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Name is what the platform is called in places and links.
const Name = "slack"

// Link is the identity of a user of a workspace: "slack:T1:U2". That of a user
// group has the id of the group in the place of the user's.
func Link(team, user string) string { return Name + ":" + team + ":" + user }

// splitLink takes a link of this platform apart.
func splitLink(link string) (team, user string, ok bool) {
	rest, ok := strings.CutPrefix(link, Name+":")
	if !ok {
		return "", "", false
	}
	team, user, ok = strings.Cut(rest, ":")
	return team, user, ok && team != "" && user != ""
}

// homeChannel is the channel of places that are somebody's App Home.
const homeChannel = "home"

// Options are what a Platform needs. BotToken is required, AppToken for Socket
// Mode, SigningSecret for HTTP; the zero value of the rest works.
type Options struct {
	BotToken      string // xoxb-…
	AppToken      string // xapp-…; with it Slack is reached over Socket Mode
	SigningSecret string // of HTTP requests

	// Command is the slash command, "/allclear".
	Command string
	// Ceiling is what a channel of the workspace may see: AMBER+STRICT when zero.
	Ceiling state.TLP
	// SharedCeiling is what a channel may see that is shared with others (Slack
	// Connect), or in which guests are: GREEN when zero, and no more than Ceiling.
	SharedCeiling state.TLP
	// Roles are given to the members of user groups, by the links of the groups.
	Roles map[string]state.Role
	// Mention finds whom a name of Notify means here: the link of a user or a group.
	Mention func(ctx context.Context, name string) (link string, ok bool)
	// MaxFile is how large a file may be that is handed in, in bytes: 32 MiB.
	MaxFile int64

	// API is the address of the Web API, https://slack.com/api/ when empty.
	API string
	// Client makes all requests; http.DefaultClient's settings with a time-out when nil.
	Client *http.Client
	Logger *slog.Logger
	Now    func() time.Time
	// Count is called for what metrics count: "signature wrong", "replay", "redelivered",
	// "connected", "disconnected", "rate limited"….
	Count func(event string)
}

// Platform is a Slack workspace. It implements bot.Platform.
type Platform struct {
	opt Options
	api *slackgo.Client
	out outgoing

	me    atomic.Pointer[self] // nil until Slack said who we are
	door  *bot.Door
	in    *intake
	dir   *directory
	links bot.Links
	tune  tune
}

var _ bot.Platform = (*Platform)(nil)

// requestTimeout bounds each request to Slack.
const requestTimeout = 30 * time.Second

// New makes a platform. It does no I/O.
func New(o Options) (*Platform, error) {
	switch {
	case !strings.HasPrefix(o.BotToken, "xoxb-"):
		return nil, errors.New("slack: the bot token must begin with xoxb-")
	case o.AppToken == "" && o.SigningSecret == "":
		return nil, errors.New("slack: either an app token (Socket Mode) or a signing secret (HTTP) is needed")
	case o.AppToken != "" && !strings.HasPrefix(o.AppToken, "xapp-"):
		return nil, errors.New("slack: the app token must begin with xapp-")
	}
	o.defaults()
	if !strings.HasPrefix(o.Command, "/") {
		return nil, fmt.Errorf("slack: the command %q must begin with a slash", o.Command)
	}
	api := o.client()
	return &Platform{opt: o, api: api, door: bot.NewDoor(mostAtOnce), in: newIntake(), dir: newDirectory(api, o), tune: patient()}, nil
}

func (o *Options) defaults() {
	if o.Command == "" {
		o.Command = "/allclear"
	}
	if o.Ceiling == state.TLPRed {
		o.Ceiling = state.TLPAmberStrict
	}
	if o.SharedCeiling == state.TLPRed {
		o.SharedCeiling = state.TLPGreen
	}
	o.SharedCeiling = state.Narrower(o.Ceiling, o.SharedCeiling)
	if o.Client == nil {
		o.Client = &http.Client{Timeout: requestTimeout}
	}
	if o.MaxFile == 0 {
		o.MaxFile = 32 << 20
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

func (o *Options) client() *slackgo.Client {
	opts := []slackgo.Option{slackgo.OptionHTTPClient(o.Client)}
	if o.AppToken != "" {
		opts = append(opts, slackgo.OptionAppLevelToken(o.AppToken))
	}
	if o.API != "" {
		opts = append(opts, slackgo.OptionAPIURL(o.API))
	}
	return slackgo.New(o.BotToken, opts...)
}

// press is what the value of a button holds: the line, and what is asked first.
type press struct {
	Line string   `json:"l"`
	Ask  []string `json:"a,omitempty"`
	// Label is asked for by a form that has no other title.
	Label string `json:"n,omitempty"`
}

func (p press) button() chat.Button { return chat.Button{Label: p.Label, Line: p.Line, Ask: p.Ask} }
