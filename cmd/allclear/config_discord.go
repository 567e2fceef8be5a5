package main

import (
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/discord"
	"github.com/allclear-bot/allclear/state"
)

// discordConfig is how Discord is reached; the zero value is not at all.
type discordConfig struct {
	Token secret
	// PublicKey of the application; with it interactions come over HTTP.
	PublicKey string
	Command   string
	// Global: the commands are registered for the whole application, and not in each guild.
	Global bool
	Guilds map[string]discord.Guild
	Roles  map[string]state.Role
}

// discordFile is the part of the configuration file about Discord.
type discordFile struct {
	Token     string                      `yaml:"token"`
	PublicKey string                      `yaml:"public_key"`
	Command   string                      `yaml:"command"`
	Commands  string                      `yaml:"commands"`
	Guilds    map[string]discordGuildFile `yaml:"guilds"`
	Roles     map[string]string           `yaml:"roles"`
}

type discordGuildFile struct {
	Team    bool   `yaml:"team"`
	Ceiling string `yaml:"ceiling"`
}

// set reports whether Discord is configured at all.
func (c discordConfig) set() bool { return c.Token != "" }

// overHTTP reports whether Discord comes to us, and not we to Discord.
func (c discordConfig) overHTTP() bool { return c.set() && c.PublicKey != "" }

var (
	discordID      = regexp.MustCompile(`^[1-9][0-9]{0,19}$`)
	discordCommand = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)
)

// teamOf makes guilds the team's own, from a list of ids.
func (f *discordFile) teamOf(ids string) {
	for id := range strings.FieldsFuncSeq(ids, func(r rune) bool { return r == ',' || r == ' ' }) {
		if f.Guilds == nil {
			f.Guilds = map[string]discordGuildFile{}
		}
		g := f.Guilds[id]
		g.Team = true
		f.Guilds[id] = g
	}
}

// check turns the text into values. No problem that it tells of quotes the token.
func (f discordFile) check(wrong func(format string, args ...any)) discordConfig {
	c := discordConfig{
		Token: secret(f.Token), PublicKey: f.PublicKey, Command: f.Command, Global: f.Commands == "global", Guilds: map[string]discord.Guild{}, Roles: map[string]state.Role{},
	}
	if !c.set() && (f.PublicKey != "" || f.Command != "" || f.Commands != "" || len(f.Guilds) > 0 || len(f.Roles) > 0) {
		wrong("discord: token is missing (ALLCLEAR_DISCORD_TOKEN): that of the bot, from the Developer Portal")
	}
	if strings.ContainsAny(f.Token, " \r\n\t") {
		wrong("discord: token: want it alone, without the word Bot")
	}
	if raw, err := hex.DecodeString(f.PublicKey); err != nil || len(raw) != 0 && len(raw) != 32 {
		wrong("discord: public_key: want the 64 hexadecimal digits that the Developer Portal shows under General Information")
	}
	if f.Command != "" && !discordCommand.MatchString(f.Command) {
		wrong("discord: command %q: want up to 32 small letters, digits and dashes, without a slash", f.Command)
	}
	if f.Commands != "" && f.Commands != "guild" && f.Commands != "global" {
		wrong("discord: commands %q: want guild (each server has its own, the default) or global (all commands, in every server)", f.Commands)
	}
	for _, id := range slices.Sorted(maps.Keys(f.Guilds)) {
		c.Guilds[id] = f.Guilds[id].check(id, wrong)
	}
	for _, link := range slices.Sorted(maps.Keys(f.Roles)) {
		var role state.Role
		if err := role.UnmarshalText([]byte(f.Roles[link])); err != nil {
			wrong("discord: roles: %s: %q: want viewer, responder or lead", link, f.Roles[link])
		}
		if !discord.IsRoleLink(link) {
			wrong("discord: roles: %q: want the link of a role, like discord:GUILD:ROLE", link)
		}
		c.Roles[link] = role
	}
	return c
}

func (f discordGuildFile) check(id string, wrong func(format string, args ...any)) discord.Guild {
	g := discord.Guild{Team: f.Team}
	if !discordID.MatchString(id) {
		wrong("discord: guilds: %q: want the id of a server: Copy Server ID in its menu, with Developer Mode on", id)
	}
	if f.Ceiling == "" {
		return g
	}
	tlp, err := state.ParseTLP(f.Ceiling)
	switch {
	case err != nil || tlp == state.TLPRed:
		wrong("discord: guilds: %s: ceiling %q: want amber+strict, amber, green or clear", id, f.Ceiling)
	case !f.Team && !state.TLPGreen.Allows(tlp):
		wrong("discord: guilds: %s: ceiling %q: a server that is not the team's may see green at most", id, f.Ceiling)
	}
	g.Ceiling = tlp
	return g
}
