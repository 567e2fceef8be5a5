package main

import (
	"log/slog"

	"github.com/allclear-bot/allclear/bot/discord"
	"github.com/allclear-bot/allclear/bot/outbox"
	"github.com/allclear-bot/allclear/bot/web"
)

// addDiscord makes Discord one of the platforms.
func (o *outside) addDiscord(c config, log *slog.Logger, metrics *web.Metrics) error {
	p, err := discord.New(discord.Options{
		Token: string(c.Discord.Token), PublicKey: c.Discord.PublicKey, Command: c.Discord.Command, Guilds: c.Discord.Guilds, Roles: c.Discord.Roles,
		Mention: c.mention(discord.Name), Logger: log,
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
