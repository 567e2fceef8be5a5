package slackfake

import "strings"

// Limits of messages (docs.slack.dev/reference/methods/chat.postMessage, chat.update).
const (
	maxMessage     = 40000 // characters; what is longer is cut
	maxUpdateBytes = 4000  // of the text of chat.update, measured as bytes
	maxAttachments = 100
	maxMetadata    = 8000 // characters of JSON
)

const postArgs = "channel text blocks attachments thread_ts reply_broadcast metadata client_msg_id mrkdwn parse link_names " +

	"unfurl_links unfurl_media username icon_url icon_emoji as_user file_ids markdown_text"

func (s *Slack) chatMethods() map[string]method {
	write := []string{"chat:write"}
	return map[string]method{
		"chat.postMessage":            {run: s.postMessage, scopes: write, json: true, args: postArgs, key: "channel"},
		"chat.update":                 {run: s.updateMessage, scopes: write, tier: 3, json: true, args: "channel ts text blocks attachments metadata parse link_names as_user reply_broadcast file_ids mrkdwn unfurl_links unfurl_media markdown_text"},
		"chat.delete":                 {run: s.deleteMessage, scopes: write, tier: 3, json: true, args: "channel ts as_user"},
		"chat.postEphemeral":          {run: s.postEphemeral, scopes: write, tier: 4, json: true, args: postArgs + " user"},
		"chat.getPermalink":           {run: s.permalink, args: "channel message_ts"},
		"chat.scheduleMessage":        {run: s.scheduleMessage, scopes: write, tier: 3, json: true, args: postArgs + " post_at"},
		"chat.scheduledMessages.list": {run: s.listScheduled, tier: 3, args: "channel cursor latest limit oldest team_id"},
		"chat.deleteScheduledMessage": {run: s.deleteScheduled, scopes: write, tier: 3, json: true, args: "channel scheduled_message_id as_user"},
		"assistant.threads.setStatus": {run: s.setStatus, scopes: []string{"assistant:write", "chat:write"}, tier: 4, json: true, args: "channel_id thread_ts status loading_messages username icon_url icon_emoji"},
		"chat.startStream":            {run: s.startStream, scopes: write, tier: 2, json: true, args: "channel thread_ts markdown_text chunks recipient_user_id recipient_team_id task_display_mode username icon_url icon_emoji"},
		"chat.appendStream":           {run: s.appendStream, scopes: write, tier: 4, json: true, args: "channel ts markdown_text chunks"},
		"chat.stopStream":             {run: s.stopStream, scopes: write, tier: 2, json: true, args: "channel ts markdown_text chunks blocks metadata"},
	}
}

// where finds the conversation that somebody may write to.
func (s *Slack) where(c *call, id string) (*conversation, *refusal) {
	if userShape.MatchString(id) && c.name != "chat.update" && c.name != "chat.delete" {
		u := s.userByID(id)
		if u == nil || u.Deleted || u.Bot {
			return nil, refuse("channel_not_found")
		}
		return s.im(id), nil
	}
	ch, refused := s.visible(id)
	switch {
	case refused != nil:
		return nil, refused
	case ch.Archived:
		return nil, refuse("is_archived")
	case ch.IM == "" && !ch.BotIn && (c.name != "chat.postMessage" || !c.token.has("chat:write.public")):
		return nil, refuse("not_in_channel")
	case ch.ReadOnly:
		return nil, refuse("restricted_action")
	}
	return ch, nil
}

// visible finds a conversation that the bot can see.
func (s *Slack) visible(id string) (*conversation, *refusal) {
	if !channelShape.MatchString(id) {
		return nil, refuse("channel_not_found")
	}
	ch := s.channelByID(id)
	if ch == nil || ch.Private && !ch.BotIn {
		return nil, refuse("channel_not_found")
	}
	return ch, nil
}

func (s *Slack) permalink(c *call) (object, *refusal) {
	ch, refused := s.visible(c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	m := ch.find(c.str("message_ts"))
	if m == nil {
		return nil, refuse("message_not_found")
	}
	return object{"channel": ch.ID, "permalink": permalinkOf(ch, m)}, nil
}

func permalinkOf(ch *conversation, m *message) string {
	link := "https://acme.slack.example/archives/" + ch.ID + "/p" + strings.ReplaceAll(m.ts, ".", "")
	if m.isReply() {
		link += "?thread_ts=" + m.threadTS + "&cid=" + ch.ID
	}
	return link
}
