package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/state"
)

// slackConfig is how Slack is reached; the zero value is not at all.
type slackConfig struct {
	BotToken, AppToken, SigningSecret secret

	Command       string
	Ceiling       state.TLP // of a channel of the workspace; RED: the platform's default
	SharedCeiling state.TLP // of a channel that is shared with others
	Roles         map[string]state.Role
	API           string // another address of the Web API, for tests
}

// slackFile is the part of the configuration file about Slack.
type slackFile struct {
	BotToken      string            `yaml:"bot_token"`
	AppToken      string            `yaml:"app_token"`
	SigningSecret string            `yaml:"signing_secret"`
	Command       string            `yaml:"command"`
	Ceiling       string            `yaml:"ceiling"`
	SharedCeiling string            `yaml:"shared_ceiling"`
	Roles         map[string]string `yaml:"roles"`
	API           string            `yaml:"api"`
}

// set reports whether Slack is configured at all.
func (c slackConfig) set() bool { return c.BotToken != "" }

// overHTTP reports whether Slack comes to us, and not we to Slack.
func (c slackConfig) overHTTP() bool { return c.set() && c.AppToken == "" }

// check turns the text into values. No problem that it tells of quotes a token.
func (f slackFile) check(wrong func(format string, args ...any)) slackConfig {
	c := slackConfig{
		BotToken: secret(f.BotToken), AppToken: secret(f.AppToken), SigningSecret: secret(f.SigningSecret),
		Command: f.Command, API: f.API, Roles: map[string]state.Role{},
	}
	switch {
	case !c.set() && (c.AppToken != "" || c.SigningSecret != "" || f.Command != ""):
		wrong("slack: bot_token is missing (ALLCLEAR_SLACK_BOT_TOKEN); it begins with xoxb-")
	case c.set() && !strings.HasPrefix(f.BotToken, "xoxb-"):
		wrong("slack: bot_token does not begin with xoxb-")
	case c.set() && c.AppToken == "" && c.SigningSecret == "":
		wrong("slack: give app_token for Socket Mode, or signing_secret for HTTP")
	}
	if c.AppToken != "" && !strings.HasPrefix(f.AppToken, "xapp-") {
		wrong("slack: app_token does not begin with xapp-")
	}
	if f.Command != "" && !strings.HasPrefix(f.Command, "/") {
		wrong("slack: command %q: want a slash and a name", f.Command)
	}
	ceiling := func(name, given string) (tlp state.TLP) {
		if given == "" {
			return tlp
		}
		tlp, err := state.ParseTLP(given)
		if err != nil || tlp == state.TLPRed {
			wrong("slack: %s %q: want amber+strict, amber, green or clear", name, given)
		}
		return tlp
	}
	c.Ceiling, c.SharedCeiling = ceiling("ceiling", f.Ceiling), ceiling("shared_ceiling", f.SharedCeiling)
	for _, group := range slices.Sorted(maps.Keys(f.Roles)) {
		name := f.Roles[group]
		var role state.Role
		if err := role.UnmarshalText([]byte(name)); err != nil {
			wrong("slack: roles: %s: %q: want viewer, responder or lead", group, name)
		}
		if strings.Count(group, ":") != 2 || !strings.HasPrefix(group, "slack:") {
			wrong("slack: roles: %q: want the link of a user group, like slack:T0123:S0456", group)
		}
		c.Roles[group] = role
	}
	return c
}
