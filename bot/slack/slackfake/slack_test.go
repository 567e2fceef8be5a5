package slackfake_test

import (
	"context"
	"io"
	"log"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

// client is the library that the bot uses, pointed at the fake.
func client(s *slackfake.Slack) *slack.Client {
	return slack.New(s.BotToken(), slack.OptionAPIURL(s.APIURL()), slack.OptionAppLevelToken(s.AppToken()),
		slack.OptionLog(log.New(io.Discard, "", 0)))
}

// app answers what comes over Socket Mode.
func app(t *testing.T, s *slackfake.Slack, handle func(*socketmode.Client, socketmode.Event)) *socketmode.Client {
	t.Helper()
	c := socketmode.New(client(s), socketmode.OptionLog(log.New(io.Discard, "", 0)))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = c.RunContext(ctx) }()
	pumped := make(chan struct{})
	go func() {
		defer close(pumped)
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-c.Events:
				if handle != nil && e.Request != nil && e.Request.EnvelopeID != "" {
					handle(c, e)
				}
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-pumped; s.CutConnections(); <-done })
	s.AwaitConnections(1)
	return c
}

// acks answers everything with nothing.
func acks(c *socketmode.Client, e socketmode.Event) {
	if e.Request.EnvelopeID != "" {
		_ = c.Ack(*e.Request)
	}
}

func TestACommandIsAcknowledgedAndAnswered(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{})
	api := client(s)
	app(t, s, func(c *socketmode.Client, e socketmode.Event) {
		cmd, ok := e.Data.(slack.SlashCommand)
		if !ok {
			return
		}
		_ = c.Ack(*e.Request, map[string]any{"text": "queued"})
		_, _, _ = api.PostMessage(cmd.ChannelID, slack.MsgOptionText("done: "+cmd.Text, false))
	})
	sent := s.User("responder").Types("incident", "/allclear scan sp1.acme.example for @lead-1 & all")
	d := sent.Done()
	require.Equal(t, slackfake.OK, d.Outcome)
	require.Less(t, d.Latency, 3*time.Second)
	require.Equal(t, "scan <http://sp1.acme.example|sp1.acme.example> for <@U0LEAD00001|lead-1> &amp; all", d.Payload["text"])
	require.True(t, s.User("responder").Sees("queued").Private)
	m := s.In("incident").Sees("done: scan sp1.acme.example for ")
	require.False(t, m.Private)
	require.Equal(t, 1, s.Acks())
}
