package main

import (
	"log/slog"

	"github.com/allclear-bot/allclear/bot/outbox"
	"github.com/allclear-bot/allclear/bot/slack"
	"github.com/allclear-bot/allclear/bot/web"
)

// addSlack makes Slack one of the platforms.
func (o *outside) addSlack(c config, sys system, log *slog.Logger, metrics *web.Metrics) error {
	p, err := slack.New(slack.Options{
		BotToken: string(c.Slack.BotToken), AppToken: string(c.Slack.AppToken), SigningSecret: string(c.Slack.SigningSecret),
		Command: c.Slack.Command, Ceiling: c.Slack.Ceiling, SharedCeiling: c.Slack.SharedCeiling, Roles: c.Slack.Roles,
		Mention: c.mention(slack.Name), API: c.Slack.API, Logger: log, Now: sys.Now,
		Count: func(event string) { metrics.Event(slack.Name, event) },
	})
	if err != nil {
		return err
	}
	o.posters[slack.Name], o.chats[slack.Name] = p, p
	o.pace[slack.Name] = outbox.Pace{Every: slack.PostEvery, Burst: slack.PostBurst}
	if c.Slack.overHTTP() {
		o.mounts["/slack/"] = p.Handler()
	}
	return nil
}
