package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/discord"
	"github.com/allclear-bot/allclear/state"
)

func TestWhatIsWrongAboutDiscordIsToldAtOnceAndWithoutTheToken(t *testing.T) {
	t.Parallel()
	f := configFile{Discord: discordFile{
		Token: "Bot marked-token", PublicKey: "zz", Command: "/allclear", Commands: "all",
		Guilds: map[string]discordGuildFile{"here": {}, "1": {Ceiling: "pink"}, "2": {Ceiling: "amber"}},
		Roles:  map[string]string{"discord:1": "boss"},
	}}
	_, problems := f.check()
	var said string
	for _, p := range problems {
		said += p.Error() + "\n"
	}
	for _, want := range []string{"without the word Bot", "64 hexadecimal", `command "/allclear"`, `commands "all"`, `"here"`, `ceiling "pink"`, `ceiling "amber"`, `"boss"`, `"discord:1"`} {
		require.Contains(t, said, want)
	}
	require.NotContains(t, said, "marked-token")
	_, problems = configFile{Discord: discordFile{Command: "x"}}.check()
	require.ErrorContains(t, problems[0], "ALLCLEAR_DISCORD_TOKEN")
	good := configFile{Discord: discordFile{Token: "t", Commands: "global", Roles: map[string]string{"discord:1:2": "lead"}, Guilds: map[string]discordGuildFile{"3": {Ceiling: "green"}}}}
	good.Discord.teamOf("1, 2")
	c, problems := good.check()
	require.Empty(t, problems)
	require.Equal(t, map[string]discord.Guild{"1": {Team: true}, "2": {Team: true}, "3": {Ceiling: state.TLPGreen}}, c.Discord.Guilds)
	require.Equal(t, map[string]state.Role{"discord:1:2": state.RoleLead}, c.Discord.Roles)
	require.True(t, c.Discord.Global)
	require.False(t, c.Discord.overHTTP())
}
