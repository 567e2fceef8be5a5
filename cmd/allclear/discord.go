package main

import (
	"log/slog"
	"maps"
	"strings"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/discord"
	"github.com/allclear-bot/allclear/bot/outbox"
	"github.com/allclear-bot/allclear/bot/web"
)

// gatewayName is what the replica holds that is connected to Discord's gateway.
const gatewayName = "discord/gateway"

// addDiscord makes Discord one of the platforms.
func (o *outside) addDiscord(c config, shared bot.Holder, sys system, log *slog.Logger, metrics *web.Metrics) error {
	guilds := map[string]discord.Guild{}
	maps.Copy(guilds, c.Discord.Guilds)
	for id, tlp := range c.Communities.named { // what is said of a community as such counts here too
		guild, ok := strings.CutPrefix(id, discord.Name+":")
		if g := guilds[guild]; ok && !g.Team && !strings.Contains(guild, ":") {
			g.Ceiling = tlp
			guilds[guild] = g
		}
	}
	var sole *bot.Sole
	if shared != nil && !c.Discord.overHTTP() {
		sole = &bot.Sole{Store: shared, Name: gatewayName, Lease: sys.Lease, Logger: log}
	}
	p, err := discord.New(discord.Options{
		Token: string(c.Discord.Token), PublicKey: c.Discord.PublicKey, Command: c.Discord.Command, Global: c.Discord.Global, Guilds: guilds, Roles: c.Discord.Roles,
		Mention: c.mention(discord.Name), Logger: log, Now: sys.Now, Sole: sole,
		Count: func(event string) { metrics.Event(discord.Name, event) },
	})
	if err != nil {
		return err
	}
	o.posters[discord.Name], o.chats[discord.Name] = p, p
	o.pace[discord.Name] = outbox.Pace{Every: discord.PostEvery, Burst: discord.PostBurst}
	if c.Discord.overHTTP() {
		o.mounts["/discord/"] = p.Handler()
	}
	return nil
}
