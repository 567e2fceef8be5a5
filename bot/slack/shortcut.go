package slack

import (
	"context"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
)

// actOnServer is the callback id of the shortcut "Act on this server".
const actOnServer = "act_on_server"

// rereadTime is how long a shortcut waits for the metadata of its message.
const rereadTime = time.Second

// shortcut is the shortcut on a message: the status of the server that one of our
// messages is about, and the menu on any other. Its answer is for who used it.
func (p *Platform) shortcut(ctx context.Context, desk bot.Desk, me *self, d delivery) taken {
	if d.act.CallbackID != actOnServer {
		return taken{}
	}
	req := chat.Request{
		ID:      requestID("shortcut", d.act.User.ID, d.act.Channel.ID, d.act.Message.TS, d.act.CallbackID, d.act.when(action{ActionTS: d.act.ActionTS})),
		Trigger: chat.TriggerButton, Actor: chat.Actor{Link: d.act.link(me)}, Private: true, At: d.at,
		Place: p.place(ctx, me, d.act.User.ID, d.act.Channel.ID, d.act.Message.ThreadTS, d.act.ResponseURL), Text: menu,
	}
	if about := p.about(ctx, me, d.act); about.Server != "" {
		req.Text = serverLine("status", about)
	}
	ack, err := p.hand(ctx, desk, req)
	return p.answered(ctx, d, req, ack, err)
}

// about is what a message of ours is about. Slack does not say whether metadata come
// with a shortcut; when there are none, the message is read again.
func (p *Platform) about(ctx context.Context, me *self, i *interaction) chat.About {
	m := i.Message
	if !me.wrote(m) {
		return chat.About{} // what others say of a server proves nothing
	}
	if m.Metadata.EventType != "" {
		return aboutOf(m.Metadata)
	}
	ctx, cancel := context.WithTimeout(ctx, rereadTime)
	defer cancel()
	again, err := p.reread(ctx, i.Channel.ID, m)
	if err != nil {
		p.opt.Logger.Warn("slack: the message of a shortcut cannot be read again", "error", hushed(err))
		return chat.About{}
	}
	return aboutOf(again)
}

func (s *self) wrote(m message) bool {
	return m.User == s.user || m.BotID != "" && m.BotID == s.bot
}

// headOf is what the first message of a thread is about, when it is ours.
func (p *Platform) headOf(ctx context.Context, me *self, channel, thread string) (chat.About, error) {
	found, _, _, err := p.api.GetConversationRepliesContext(ctx, &slackgo.GetConversationRepliesParameters{
		ChannelID: channel, Timestamp: thread, Oldest: thread, Latest: thread, Inclusive: true, Limit: 1, IncludeAllMetadata: true,
	})
	if err != nil {
		return chat.About{}, err
	}
	for _, f := range found {
		if f.Timestamp == thread && me.wrote(message{User: f.User, BotID: f.BotID}) {
			return aboutOf(f.Metadata), nil
		}
	}
	return chat.About{}, nil
}

// reread reads the metadata of a message, in a channel or in a thread.
func (p *Platform) reread(ctx context.Context, channel string, m message) (slackgo.SlackMetadata, error) {
	root := m.TS
	if m.ThreadTS != "" {
		root = m.ThreadTS
	}
	found, _, _, err := p.api.GetConversationRepliesContext(ctx, &slackgo.GetConversationRepliesParameters{
		ChannelID: channel, Timestamp: root, Oldest: m.TS, Latest: m.TS, Inclusive: true, Limit: 2, IncludeAllMetadata: true,
	})
	if err != nil {
		return slackgo.SlackMetadata{}, err
	}
	for _, f := range found { // the first message of the thread comes with it
		if f.Timestamp == m.TS {
			return f.Metadata, nil
		}
	}
	return slackgo.SlackMetadata{}, nil
}

// aboutOf is what the metadata of one of our messages say that it is about.
func aboutOf(m slackgo.SlackMetadata) chat.About {
	if m.EventType != eventType {
		return chat.About{}
	}
	incident, _ := m.EventPayload[metaIncident].(string)
	server, _ := m.EventPayload[metaServer].(string)
	return chat.About{Incident: incident, Server: server}
}
