package slackfake

import "time"

// Options say how the fake is set up. The zero value is a workspace of a few
// people, an app with every scope it may need, Socket Mode, and Slack's limits.
type Options struct {
	// Addr is where it listens, on loopback; a free port when empty.
	Addr string
	// Clock is its time.
	Clock *Clock

	EnterpriseID string
	Users        []User
	Channels     []Channel
	Groups       []Group

	// Scopes of the bot's token, DefaultScopes when nil.
	Scopes []string
	// BotToken and AppToken are made up when empty.
	BotToken, AppToken string

	// Commands are the slash commands of the manifest, "/allclear" when nil.
	Commands []Command
	// Shortcuts are callback ids by the name that people see.
	Shortcuts map[string]string
	// Subscriptions are the events the app receives, DefaultEvents when nil.
	Subscriptions []string

	// HTTP delivers by signed requests instead of Socket Mode.
	HTTP *HTTP

	// Pace are the rate limits, Slack's when nil.
	Pace *Pace
	// NoDedupe ignores client_msg_id.
	NoDedupe bool
	// NoCharts refuses data_visualization, as a workspace does that has it not yet.
	NoCharts bool
	// BlockBudget is what the blocks of a message may count together, 13,200 when 0.
	BlockBudget int

	// AckWithin is how long an acknowledgement may take, 3 s when 0.
	AckWithin time.Duration
	// Retries are the waits before each retry of an event: at once, 1 min, 5 min.
	Retries []time.Duration
	// TriggerLife is how long a trigger_id works, 3 s when 0.
	TriggerLife time.Duration
	// ResponseLife and ResponseUses limit a response_url, 30 min and 5 when 0.
	ResponseLife time.Duration
	ResponseUses int
	// PingEvery is how often a connection is pinged, 5 s when 0.
	PingEvery time.Duration
	// WarnBefore is the time between the warning of a disconnect and the end of the
	// connection, 10 s when 0.
	WarnBefore time.Duration
	// MaxFile is the size of the largest file, 1 GB when 0.
	MaxFile int64
	// Patience is how long assertions wait, 10 s when 0. It is real time.
	Patience time.Duration
	// DisableAfter is how many events an hour there must be before Slack ends the
	// subscriptions of an app that fails more than 95 % of them, 1,000 when 0.
	DisableAfter int
	// EventsPerHour are delivered, 30,000 when 0; after them comes app_rate_limited.
	EventsPerHour int
}

// Command is a slash command of the manifest.
type Command struct {
	Name string // with the slash
	// Escape: users and channels come as <@U…|name> and <#C…|name>.
	Escape bool
}

// HTTP are the request URLs of the app, and the secret they are signed with. An
// empty URL is not configured.
type HTTP struct {
	Commands, Interactivity, Options, Events string
	SigningSecret                            string
}

// DefaultScopes are what allclear's bot asks for, and a few more.
func DefaultScopes() []string {
	return []string{
		"app_mentions:read", "channels:history", "channels:join", "channels:read", "chat:write", "commands", "files:read", "files:write",
		"groups:history", "groups:read", "im:history", "im:read", "im:write", "mpim:history", "mpim:read", "mpim:write",
		"pins:read", "pins:write", "reactions:read", "reactions:write", "team:read", "usergroups:read", "users:read", "users:read.email",
	}
}

// DefaultEvents are the events of a bot that is mentioned, written to in private,
// and has a home.
func DefaultEvents() []string {
	return []string{
		"app_home_opened", "app_mention", "app_uninstalled", "channel_archive", "channel_left", "channel_shared", "channel_unarchive",
		"channel_unshared", "file_shared", "group_left", "member_joined_channel", "member_left_channel", "message.im", "subteam_updated",
		"subteam_members_changed", "tokens_revoked",
	}
}

func (o Options) filled() Options {
	if o.Clock == nil {
		o.Clock = &Clock{}
	}
	if o.Users == nil {
		o.Users = defaultUsers()
	}
	if o.Channels == nil {
		o.Channels = defaultChannels()
	}
	if o.Groups == nil {
		o.Groups = defaultGroups()
	}
	if o.Scopes == nil {
		o.Scopes = DefaultScopes()
	}
	if o.BotToken == "" {
		o.BotToken = "xoxb-" + newSecret(6) + "-" + newSecret(12)
	}
	if o.AppToken == "" {
		o.AppToken = "xapp-1-" + AppID + "-" + newSecret(16)
	}
	if o.Commands == nil {
		o.Commands = []Command{{Name: "/allclear", Escape: true}}
	}
	if o.Subscriptions == nil {
		o.Subscriptions = DefaultEvents()
	}
	if o.Pace == nil {
		o.Pace = SlackPace()
	}
	if o.Retries == nil {
		o.Retries = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	o.BlockBudget = or(o.BlockBudget, messageBudget)
	o.AckWithin = or(o.AckWithin, 3*time.Second)
	o.TriggerLife = or(o.TriggerLife, 3*time.Second)
	o.ResponseLife = or(o.ResponseLife, 30*time.Minute)
	o.ResponseUses = or(o.ResponseUses, 5)
	o.PingEvery = or(o.PingEvery, 5*time.Second)
	o.WarnBefore = or(o.WarnBefore, 10*time.Second)
	o.MaxFile = or(o.MaxFile, 1<<30)
	o.Patience = or(o.Patience, 10*time.Second)
	o.EventsPerHour = or(o.EventsPerHour, 30000)
	o.DisableAfter = or(o.DisableAfter, 1000)
	return o
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
