package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
)

// ManifestOptions say what an app manifest is for. The zero value is HTTP, which
// needs a URL.
type ManifestOptions struct {
	Socket  bool   // Socket Mode: Slack is reached, and reaches nobody
	URL     string // of this process, as Slack reaches it: https://allclear.example.org
	Command string // "/allclear" when empty
	Name    string // of the app, "allclear" when empty
}

// Limits of manifests, in characters (docs.slack.dev/reference/app-manifest, and the
// schema of manifests at schemastore.org).
const (
	maxAppName       = 35
	maxCommandName   = 32
	maxUsageHint     = 1000
	leastDescription = 174
	mostDescription  = 4000
)

// need is a scope, what it is for, and what stops without it. It is vital when
// something that was acknowledged could be lost or doubled without it.
type need struct {
	scope, why, without string
	vital               bool
}

// needs are all scopes of the bot token, the least that work.
func needs() []need {
	return []need{
		{"app_mentions:read", "hears @allclear: the only way to ask in a thread", "nobody can ask in a thread", false},
		{"channels:history", "looks whether a message arrived before it is posted again", "after a crash a message in a public channel may be posted twice", true},
		{"channels:read", "knows with whom a channel is shared, and when that changes", "public channels are shown next to nothing", false},
		{"chat:write", "posts and edits messages", "nothing is said at all", true},
		{"commands", "takes the slash command and the shortcut", "there is no slash command and no shortcut", true},
		{"files:read", "reads reports that are handed in", "no file can be handed in", false},
		{"files:write", "attaches pictures, tables and what is too long for a message", "no picture and no file is shown", true},
		{"groups:history", "the same as channels:history, in private channels", "after a crash a message in a private channel may be posted twice", true},
		{"groups:read", "the same as channels:read, of private channels", "private channels are shown next to nothing", false},
		{"im:history", "hears what is written to it in private", "nobody can ask in private, and a direct message may be posted twice", true},
		{"im:read", "knows with whom a direct conversation is", "direct conversations are shown next to nothing", false},
		{"im:write", "begins a direct conversation: reminders, files of private answers", "nobody can be written to directly", true},
		{"pins:write", "pins the board of an incident", "boards are not pinned", false},
		{"usergroups:read", "gives roles to the members of user groups", "user groups give no roles", false},
		{"users:read", "tells guests and people of other organisations apart", "everybody counts as a guest", false},
	}
}

// subscriptions are the events that are of use to us.
func subscriptions() []string {
	return []string{
		"app_home_opened", "app_mention", "app_uninstalled", "channel_archive", "channel_deleted", "channel_left", "channel_shared", "channel_unarchive",
		"channel_unshared", "group_archive", "group_deleted", "group_left", "group_unarchive", "member_joined_channel", "member_left_channel", "message.im",
		"subteam_members_changed", "subteam_updated", "tokens_revoked",
	}
}

var commandName = regexp.MustCompile(`^/[a-z0-9_-]+$`)

// Manifest is the app manifest, in YAML, for an app that takes these commands. What
// each scope is for stands beside it.
func Manifest(specs []chat.Spec, o ManifestOptions) ([]byte, error) {
	if o.Command == "" {
		o.Command = "/allclear"
	}
	if o.Name == "" {
		o.Name = "allclear"
	}
	o.URL = strings.TrimRight(o.URL, "/")
	if err := o.check(); err != nil {
		return nil, err
	}
	y := &manifest{}
	y.say("# The Slack app of allclear, made of its commands. Create it at api.slack.com/apps,", "# from a manifest.")
	if o.Socket {
		y.say("# Afterwards make an app-level token with the scope connections:write.")
	} else {
		y.say("# Put the address at which Slack reaches this process in the place of " + o.URL + ".")
	}
	y.say("display_information:")
	y.put(1, "name", o.Name)
	y.put(1, "description", "Runs the response to a mass exploitation, until every server is proved remediated")
	y.put(1, "long_description", describe(specs))
	y.features(specs, o)
	y.say("oauth_config:", "  scopes:", "    bot:")
	for _, n := range needs() {
		y.say(fmt.Sprintf("      - %s # %s", quoted(n.scope), n.why))
	}
	y.settings(o)
	return y.Bytes(), nil
}

func (o ManifestOptions) check() error {
	u, err := url.Parse(o.URL)
	switch {
	case !commandName.MatchString(o.Command) || len(o.Command) > maxCommandName:
		return fmt.Errorf("the command %.40q must be a slash and a name in small letters, of at most %d characters", o.Command, maxCommandName)
	case units(o.Name) > maxAppName || o.Name != chat.Clean(o.Name):
		return fmt.Errorf("the name %.60q must be plain and have at most %d characters", o.Name, maxAppName)
	case o.Socket && o.URL != "":
		return errors.New("a manifest for Socket Mode has no URL")
	case !o.Socket && (err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != ""):
		return fmt.Errorf("a manifest for HTTP needs the https address of this process, not %.80q", o.URL)
	}
	return nil
}

// manifest is YAML under way.
type manifest struct{ bytes.Buffer }

func (y *manifest) say(lines ...string) {
	for _, l := range lines {
		y.WriteString(l + "\n")
	}
}

func (y *manifest) put(depth int, key string, value any) {
	y.say(strings.Repeat("  ", depth) + key + ": " + quoted(value))
}

// quoted is a value in JSON, which is YAML too.
func quoted(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // strings and booleans
	return strings.TrimSuffix(b.String(), "\n")
}

func (y *manifest) features(specs []chat.Spec, o ManifestOptions) {
	y.say("features:", "  app_home:")
	y.put(2, "home_tab_enabled", true)
	y.put(2, "messages_tab_enabled", true)
	y.put(2, "messages_tab_read_only_enabled", false)
	y.say("  bot_user:")
	y.put(2, "display_name", strings.TrimPrefix(o.Command, "/"))
	y.put(2, "always_online", true)
	y.say("  shortcuts:")
	y.say("    - name: " + quoted("Act on this server"))
	y.put(3, "type", "message")
	y.put(3, "callback_id", actOnServer)
	y.put(3, "description", "Show the server that a message is about, and what can be done")
	y.say("  slash_commands:")
	y.say("    - command: " + quoted(o.Command))
	y.put(3, "description", "Ask allclear for something; alone it opens the menu")
	y.put(3, "usage_hint", hint(specs))
	y.put(3, "should_escape", true)
	if !o.Socket {
		y.put(3, "url", o.URL+"/slack/commands")
	}
}

func (y *manifest) settings(o ManifestOptions) {
	y.say("settings:", "  event_subscriptions:")
	if !o.Socket {
		y.put(2, "request_url", o.URL+"/slack/events")
	}
	y.say("    bot_events:")
	for _, e := range subscriptions() {
		y.say("      - " + quoted(e))
	}
	y.say("  interactivity:")
	y.put(2, "is_enabled", true)
	if !o.Socket {
		y.put(2, "request_url", o.URL+"/slack/interactions")
		y.put(2, "message_menu_options_url", o.URL+"/slack/interactions")
	}
	y.put(1, "org_deploy_enabled", false)
	y.put(1, "socket_mode_enabled", o.Socket)
	y.put(1, "token_rotation_enabled", false)
}

// hint is what can follow the slash command.
func hint(specs []chat.Spec) string {
	var words []string
	for _, s := range specs {
		if word, _, _ := strings.Cut(s.Path, " "); !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return clipped("["+strings.Join(words, " | ")+"]", maxUsageHint)
}

// describe is what the app does, with its commands as far as there is room.
func describe(specs []chat.Spec) string {
	text := "allclear runs the response to a mass exploitation of servers, and does not stop asking until every server is proved remediated. " +
		"It looks at servers from outside, takes evidence from inside, reminds who must act, and never says clear when it does not know."
	const more = "\n… and more: ask for help."
	for i, s := range specs {
		line := fmt.Sprintf("\n%s: %s", clipped(s.Path, maxHeading), clipped(s.Summary, maxHeading))
		if i == 0 {
			line = "\n\nWhat can be asked:" + line
		}
		if units(text)+units(line)+units(more) > mostDescription {
			return text + more
		}
		text += line
	}
	return text
}
