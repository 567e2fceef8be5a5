package discord

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The kinds of interactions (docs.discord.com/developers/interactions/receiving-and-responding).
const (
	kindPing     = 1
	kindCommand  = 2
	kindPress    = 3
	kindComplete = 4
	kindForm     = 5
)

// The kinds of channels (docs.discord.com/developers/resources/channel#channel-object-channel-types).
const (
	textChannel        = 0
	directChannel      = 1
	announcement       = 5
	announcementThread = 10
	publicThread       = 11
	privateThread      = 12
	forumChannel       = 15
)

// Rights of a member that we look at (docs.discord.com/developers/topics/permissions).
const (
	administrator = 1 << 3
	manageGuild   = 1 << 5
)

// interaction is something that somebody did. Discord may leave out nearly all of it.
type interaction struct {
	ID        string          `json:"id"`
	Type      int             `json:"type"`
	Token     string          `json:"token"`
	GuildID   string          `json:"guild_id"`
	ChannelID string          `json:"channel_id"`
	Channel   channel         `json:"channel"`
	Member    *member         `json:"member"`
	User      *user           `json:"user"` // outside of guilds
	Message   *message        `json:"message"`
	Raw       json.RawMessage `json:"data"`
	Data      data            `json:"-"`

	garbled bool // there are bytes in it that are not text
}

type channel struct {
	ID       string `json:"id"`
	Type     int    `json:"type"`
	Name     string `json:"name"`
	ParentID string `json:"parent_id"`
	GuildID  string `json:"guild_id"`
	Tags     []tag  `json:"available_tags"`
	Flags    int    `json:"flags"`
}

type tag struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// thread reports whether it is in another channel.
func (c channel) thread() bool {
	return c.Type == announcementThread || c.Type == publicThread || c.Type == privateThread
}

type user struct {
	ID   string `json:"id"`
	Name string `json:"username"`
	Bot  bool   `json:"bot"`
}

type member struct {
	User    *user    `json:"user"`
	Roles   []string `json:"roles"`
	Pending bool     `json:"pending"` // has not accepted the rules of the guild
	Rights  string   `json:"permissions"`
}

// manages reports whether a member may change the guild.
func (m member) manages() bool {
	rights, err := strconv.ParseUint(m.Rights, 10, 64)
	return err == nil && rights&(administrator|manageGuild) != 0
}

// message is a message as Discord gives it.
type message struct {
	ID        string    `json:"id"`
	ChannelID string    `json:"channel_id"`
	Flags     int       `json:"flags"`
	Author    *user     `json:"author"`
	Embeds    []embedIn `json:"embeds"`
	Thread    *channel  `json:"thread"`
}

type embedIn struct {
	URL         string `json:"url"`
	Description string `json:"description"`
}

// The flags of messages that we look at (docs.discord.com/developers/resources/message#message-object-message-flags).
const (
	flagPrivate = 1 << 6
	flagLoading = 1 << 7
	flagSilent  = 1 << 12
)

// data is what was done. Which of it is there depends on the kind.
type data struct {
	Name     string   `json:"name"`
	Options  []option `json:"options"`
	Resolved struct {
		Attachments map[string]attachment `json:"attachments"`
	} `json:"resolved"`
	CustomID string  `json:"custom_id"`
	Inputs   []input `json:"components"`
}

// option is a value of a command, or a subcommand with its own.
type option struct {
	Name    string          `json:"name"`
	Type    int             `json:"type"`
	Value   json.RawMessage `json:"value"`
	Focused bool            `json:"focused"`
	Options []option        `json:"options"`
}

// text is the value as it would be typed.
func (o option) text() string {
	var s string
	if json.Unmarshal(o.Value, &s) == nil {
		return s
	}
	switch raw := string(o.Value); raw {
	case "true":
		return yes
	case "false", "null":
		return ""
	default:
		return raw // a number
	}
}

// yes is the answer of a switch, as chat.Form wants it.
const yes = "yes"

type attachment struct {
	Name string `json:"filename"`
	URL  string `json:"url"`
	Size int64  `json:"size"`
	Kind string `json:"content_type"`
}

// input is one field of a form that was filled in, or what is around some.
type input struct {
	CustomID string   `json:"custom_id"`
	Value    string   `json:"value"`
	Values   []string `json:"values"`
	Inner    *input   `json:"component"`
	Inputs   []input  `json:"components"`
}

// maxDepth is how deep inputs and options are read into each other.
const maxDepth = 4

// fields are all inputs with a name.
func fields(in []input, depth int) []input {
	var out []input
	for _, i := range in {
		if i.CustomID != "" {
			out = append(out, i)
		}
		if depth < maxDepth {
			out = append(out, fields(i.Inputs, depth+1)...)
			if i.Inner != nil {
				out = append(out, fields([]input{*i.Inner}, depth+1)...)
			}
		}
	}
	return out
}

// readInteraction reads what somebody did.
func readInteraction(raw []byte) (*interaction, error) {
	i := &interaction{garbled: !utf8.Valid(raw)}
	if err := json.Unmarshal(raw, i); err != nil {
		return nil, fmt.Errorf("an interaction: %w", shape(err))
	}
	if i.Type == kindPing {
		return i, nil
	}
	if len(i.Raw) == 0 || json.Unmarshal(i.Raw, &i.Data) != nil {
		return nil, errors.New("an interaction whose data cannot be read")
	}
	if i.Channel.ID == "" {
		i.Channel.ID = i.ChannelID
	}
	switch {
	case !snowflake.MatchString(i.ID), i.Token == "", strings.ContainsAny(i.Token, " /?#%"):
		return nil, errors.New("an interaction without an id or a token")
	case i.who() == nil || !snowflake.MatchString(i.who().ID):
		return nil, errors.New("an interaction of nobody")
	case i.GuildID != "" && !snowflake.MatchString(i.GuildID), !snowflake.MatchString(i.Channel.ID):
		return nil, errors.New("an interaction that is nowhere")
	}
	return i, nil
}

// who did it, nil when Discord does not say.
func (i *interaction) who() *user {
	if i.Member != nil && i.Member.User != nil {
		return i.Member.User
	}
	return i.User
}

// reply is where an interaction is answered, for 15 minutes. It is as good as a password.
func (i *interaction) reply() string { return i.ID + " " + i.Token }

// shape is what is wrong with JSON, without anything that was in it.
func shape(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("its field %.60q is of the wrong type", kind.Field)
	}
	return errors.New("it is not JSON")
}

// epoch is the first moment of a snowflake, in milliseconds
// (docs.discord.com/developers/reference#snowflakes).
const epoch = 1420070400000

// bornAt is when the thing with this id was made.
func bornAt(id string) time.Time {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(n>>22) + epoch)
}
