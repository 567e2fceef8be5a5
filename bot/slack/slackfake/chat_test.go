package slackfake_test

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

func quiet() slackfake.Options { return slackfake.Options{Pace: slackfake.NoPace()} }

func TestPostsAreRefusedWhereTheBotMayNotWrite(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	for channel, word := range map[string]string{
		"C0NOWHERE01": "channel_not_found", "incident": "channel_not_found", slackfake.Hidden: "channel_not_found",
		slackfake.General: "not_in_channel", slackfake.Archived: "is_archived", slackfake.Notices: "restricted_action",
		slackfake.Gone: "channel_not_found",
	} {
		refused(t, word, post(t, s, "chat.postMessage", object{"channel": channel, "text": "x"}))
	}
	refused(t, "no_text", post(t, s, "chat.postMessage", object{"channel": slackfake.Incident}))
	s.Grant("chat:write", "chat:write.public")
	done(t, post(t, s, "chat.postMessage", object{"channel": slackfake.General, "text": "x"}))
	refused(t, "missing_scope", post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "x", "username": "other"}))
	out := done(t, post(t, s, "chat.postMessage", object{"channel": slackfake.Lead1, "text": "to you"}))
	require.Equal(t, byte('D'), out["channel"].(string)[0], "a person's id opens the direct conversation")
}

func TestLongTextsAreCutOrRefused(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	out := done(t, post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": strings.Repeat("é", 40001)}))
	require.Equal(t, "message_truncated", out["warning"])
	require.Len(t, []rune(s.In("incident").Last().Text), 40000)
	ts := out["ts"]
	refused(t, "msg_too_long", post(t, s, "chat.update", object{"channel": slackfake.Incident, "ts": ts, "text": strings.Repeat("é", 2001)}))
	done(t, post(t, s, "chat.update", object{"channel": slackfake.Incident, "ts": ts, "text": strings.Repeat("é", 2000)}))
	many := make([]any, 101)
	for i := range many {
		many[i] = object{"text": "x"}
	}
	refused(t, "too_many_attachments", post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "x", "attachments": many}))
}

func TestEditsKeepTheNameAndNotifyNobody(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	s.Allow(slackfake.StrangeEdit)
	ts := say(t, s, slackfake.Incident, "first <@"+slackfake.Lead1+">")
	update := func(args object) object {
		return post(t, s, "chat.update", mix(object{"channel": slackfake.Incident, "ts": ts}, args))
	}
	require.Equal(t, ts, done(t, update(object{"text": "second <@" + slackfake.Lead2 + ">"}))["ts"])
	m := s.In("incident").Last()
	require.Equal(t, "second @lead-2", m.Text)
	require.Equal(t, []string{slackfake.Lead1}, m.Pings)
	require.Equal(t, []string{slackfake.Lead2}, m.Mentions)
	require.Equal(t, 1, m.Edits)

	done(t, update(object{"text": "fallback", "blocks": []any{section("shown")}}))
	done(t, update(object{"text": "other fallback"}))
	require.Equal(t, "shown", s.In("incident").Last().Text, "blocks that are not given stay")
	done(t, update(object{"text": "bare", "blocks": []any{}}))
	require.Equal(t, "bare", s.In("incident").Last().Text)

	refused(t, "message_not_found", post(t, s, "chat.update", object{"channel": slackfake.Incident, "ts": "1.2", "text": "x"}))
	theirs := s.User("lead-1").Says("incident", "mine").TS
	refused(t, "cant_update_message", post(t, s, "chat.update", object{"channel": slackfake.Incident, "ts": theirs, "text": "x"}))
	refused(t, "cant_delete_message", post(t, s, "chat.delete", object{"channel": slackfake.Incident, "ts": theirs}))
	done(t, post(t, s, "chat.delete", object{"channel": slackfake.Incident, "ts": ts}))
	refused(t, "message_not_found", update(object{"text": "x"}))
	require.Len(t, s.Messages("incident"), 1)
}

func mix(a, b object) object {
	out := object{}
	for _, m := range []object{a, b} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func section(text string) object {
	return object{"type": "section", "text": object{"type": "mrkdwn", "text": text}}
}

func TestThreadsHangOnTheirFirstMessage(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	root := say(t, s, slackfake.Incident, "root")
	reply := func(ts string, more object) object {
		return post(t, s, "chat.postMessage", mix(object{"channel": slackfake.Incident, "text": "reply", "thread_ts": ts}, more))
	}
	first := done(t, reply(root, nil))["ts"].(string)
	done(t, reply(root, object{"reply_broadcast": true}))
	refused(t, "invalid_thread_ts", reply("yesterday", nil))
	refused(t, "cannot_reply_to_message", reply(first, nil))
	require.Len(t, s.Thread("incident", root), 3)

	history := done(t, form(t, s, "conversations.history", map[string]string{"channel": slackfake.Incident}))
	require.Len(t, history["messages"], 2, "the broadcast reply and the root, not the quiet reply")
	require.EqualValues(t, 2, history["messages"].([]any)[1].(object)["reply_count"])
	thread := done(t, form(t, s, "conversations.replies", map[string]string{"channel": slackfake.Incident, "ts": root, "oldest": first}))
	require.Len(t, thread["messages"], 2, "the root comes always")
	require.Len(t, done(t, form(t, s, "conversations.replies", map[string]string{"channel": slackfake.Incident, "ts": first}))["messages"], 1)
	refused(t, "thread_not_found", form(t, s, "conversations.replies", map[string]string{"channel": slackfake.Incident, "ts": "1700000000.000001"}))

	done(t, post(t, s, "chat.delete", object{"channel": slackfake.Incident, "ts": root}))
	require.True(t, s.Thread("incident", root)[0].Deleted)
	lonely := say(t, s, slackfake.Incident, "lonely")
	done(t, post(t, s, "chat.delete", object{"channel": slackfake.Incident, "ts": lonely}))
	out := done(t, reply(lonely, nil))
	require.NotContains(t, out["message"], "thread_ts", "what hung on it falls into the channel")
}

func TestMetadataComesBackWhenItIsAskedFor(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	api := client(s)
	meta := slack.SlackMetadata{EventType: "allclear_letter", EventPayload: map[string]any{"key": "k-1", "n": 7.5}}
	_, ts, err := api.PostMessageContext(t.Context(), slackfake.Incident, slack.MsgOptionText("x", false), slack.MsgOptionMetadata(meta))
	require.NoError(t, err)
	with, err := api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: slackfake.Incident, IncludeAllMetadata: true, Oldest: ts, Inclusive: true, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, meta, with.Messages[0].Metadata)
	without, err := api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: slackfake.Incident})
	require.NoError(t, err)
	require.Empty(t, without.Messages[0].Metadata.EventType)
	after, err := api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: slackfake.Incident, Oldest: ts})
	require.NoError(t, err)
	require.Empty(t, after.Messages, "oldest is exclusive")
	for word, m := range map[string]any{"invalid_metadata_format": "[]", "invalid_metadata_schema": object{"event_type": "x"}, "metadata_too_large": object{"event_type": "x", "event_payload": object{"a": strings.Repeat("x", 9000)}}} {
		refused(t, word, post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "x", "metadata": m}))
	}
}

func TestARepeatedClientMessageIDPostsOnce(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	args := object{"channel": slackfake.Incident, "text": "once", "client_msg_id": "1b671a64-40d5-491e-99b0-da01ff1f3341"}
	first := done(t, post(t, s, "chat.postMessage", args))
	require.Equal(t, first["ts"], done(t, post(t, s, "chat.postMessage", args))["ts"])
	require.Len(t, s.Messages("incident"), 1)
	refused(t, "duplicate_channel_not_found", post(t, s, "chat.postMessage", mix(args, object{"channel": slackfake.Secret})))
	done(t, post(t, s, "chat.delete", object{"channel": slackfake.Incident, "ts": first["ts"]}))
	refused(t, "duplicate_message_not_found", post(t, s, "chat.postMessage", args))

	off := slackfake.New(t, slackfake.Options{NoDedupe: true})
	done(t, post(t, off, "chat.postMessage", args))
	done(t, post(t, off, "chat.postMessage", args))
	require.Len(t, off.Messages("incident"), 2)
}

func TestEphemeralMessagesAreForOneAndCannotBeFound(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	s.Allow(slackfake.StrangeEdit)
	whisper := func(ch, user string) object {
		return post(t, s, "chat.postEphemeral", object{"channel": ch, "user": user, "text": "for your eyes <!channel>"})
	}
	ts := done(t, whisper(slackfake.Incident, slackfake.Lead1))["message_ts"]
	m := s.User("lead-1").Sees("for your eyes")
	require.True(t, m.Private)
	require.Empty(t, m.Pings)
	require.Empty(t, s.Ephemerals("lead-2"))
	require.Empty(t, s.Messages("incident"))
	refused(t, "message_not_found", post(t, s, "chat.update", object{"channel": slackfake.Incident, "ts": ts, "text": "x"}))
	require.Empty(t, done(t, form(t, s, "conversations.history", map[string]string{"channel": slackfake.Incident}))["messages"])
	refused(t, "user_not_found", whisper(slackfake.Incident, "U0NOBODY001"))
	refused(t, "user_not_in_channel", whisper(slackfake.Secret, slackfake.Manager))
	refused(t, "not_in_channel", whisper(slackfake.General, slackfake.Lead1))
}

func TestPinsReactionsAndPermalinks(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	api := client(s)
	ts := say(t, s, slackfake.Incident, "card")
	ref := slack.NewRefToMessage(slackfake.Incident, ts)
	require.NoError(t, api.AddPinContext(t.Context(), slackfake.Incident, ref))
	require.EqualError(t, api.AddPinContext(t.Context(), slackfake.Incident, ref), "already_pinned")
	require.Equal(t, "card", s.Pins("incident")[0].Text)
	items, _, err := api.ListPinsContext(t.Context(), slackfake.Incident)
	require.NoError(t, err)
	require.Equal(t, ts, items[0].Message.Timestamp)
	require.NoError(t, api.RemovePinContext(t.Context(), slackfake.Incident, ref))
	require.EqualError(t, api.RemovePinContext(t.Context(), slackfake.Incident, ref), "no_pin")
	require.EqualError(t, api.AddPinContext(t.Context(), slackfake.Incident, slack.NewRefToMessage(slackfake.Incident, "1700000000.000001")), "message_not_found")
	require.EqualError(t, api.AddPinContext(t.Context(), slackfake.General, ref), "not_in_channel")

	require.NoError(t, api.AddReactionContext(t.Context(), "eyes", ref))
	require.EqualError(t, api.AddReactionContext(t.Context(), "eyes", ref), "already_reacted")
	require.Equal(t, []string{slackfake.BotUser}, s.In("incident").Last().Reactions["eyes"])
	require.NoError(t, api.RemoveReactionContext(t.Context(), "eyes", ref))
	require.EqualError(t, api.RemoveReactionContext(t.Context(), "eyes", ref), "no_reaction")

	link, err := api.GetPermalinkContext(t.Context(), &slack.PermalinkParameters{Channel: slackfake.Incident, Ts: ts})
	require.NoError(t, err)
	require.Equal(t, "https://acme.slack.example/archives/"+slackfake.Incident+"/p"+strings.ReplaceAll(ts, ".", ""), link)
}

func TestHistoryComesInPagesNewestFirst(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	var names []string
	for range 5 {
		names = append(names, say(t, s, slackfake.Incident, "x"))
	}
	require.IsIncreasing(t, names)
	page := done(t, form(t, s, "conversations.history", map[string]string{"channel": slackfake.Incident, "limit": "2"}))
	require.Equal(t, names[4], page["messages"].([]any)[0].(object)["ts"])
	require.Equal(t, true, page["has_more"])
	next := page["response_metadata"].(object)["next_cursor"].(string)
	rest := done(t, form(t, s, "conversations.history", map[string]string{"channel": slackfake.Incident, "cursor": next}))
	require.Len(t, rest["messages"], 3)
	require.Equal(t, false, rest["has_more"])
	refused(t, "invalid_limit", form(t, s, "conversations.history", map[string]string{"channel": slackfake.Incident, "limit": "1000"}))
	refused(t, "not_in_channel", form(t, s, "conversations.history", map[string]string{"channel": slackfake.General}))
	between := done(t, form(t, s, "conversations.history", map[string]string{"channel": slackfake.Incident, "oldest": names[1], "latest": names[3], "inclusive": "true"}))
	require.Len(t, between["messages"], 3)
}
