package slackfake_test

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

// The library calls every method, and nothing of what it sends is strange.
func TestTheLibraryCallsEveryMethod(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	s.Grant(append(slackfake.DefaultScopes(), "channels:manage", "assistant:write")...)
	api, ctx := client(s), t.Context()
	check := func(err error) { t.Helper(); require.NoError(t, err) }

	_, err := api.AuthTestContext(ctx)
	check(err)
	_, err = api.GetBotInfoContext(ctx, slack.GetBotInfoParameters{Bot: slackfake.BotID})
	check(err)
	_, err = api.GetTeamInfoContext(ctx)
	check(err)
	u, err := api.GetUserInfoContext(ctx, slackfake.Lead1)
	check(err)
	require.Equal(t, "lead-1@acme.example", u.Profile.Email)
	all, err := api.GetUsersContext(ctx)
	check(err)
	require.Len(t, all, 8)
	_, err = api.GetUserByEmailContext(ctx, "lead-2@acme.example")
	check(err)
	groups, err := api.GetUserGroupsContext(ctx, slack.GetUserGroupsOptionIncludeUsers(true), slack.GetUserGroupsOptionIncludeCount(true))
	check(err)
	require.Equal(t, 2, groups[0].UserCount)
	_, err = api.GetUserGroupMembersContext(ctx, slackfake.SPTeam)
	check(err)
	ch, err := api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: slackfake.Shared, IncludeNumMembers: true})
	check(err)
	require.True(t, ch.IsExtShared)
	require.Equal(t, 7, ch.NumMembers)
	_, _, err = api.GetConversationsContext(ctx, &slack.GetConversationsParameters{ExcludeArchived: true, Types: []string{"public_channel", "private_channel"}})
	check(err)
	_, _, err = api.GetConversationsForUserContext(ctx, &slack.GetConversationsForUserParameters{})
	check(err)
	_, _, err = api.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: slackfake.Incident})
	check(err)
	_, _, _, err = api.JoinConversationContext(ctx, slackfake.General)
	check(err)
	_, err = api.LeaveConversationContext(ctx, slackfake.General)
	check(err)
	dm, _, _, err := api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{slackfake.Lead1}, ReturnIM: true})
	check(err)
	require.True(t, dm.IsIM)

	_, ts, err := api.PostMessageContext(ctx, slackfake.Incident, slack.MsgOptionText("a", false), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
		slack.MsgOptionBlocks(slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, "shown", false, false), nil, nil)),
		slack.MsgOptionAttachments(slack.Attachment{Text: "x", Color: "#ff0000"}))
	check(err)
	_, _, _, err = api.UpdateMessageContext(ctx, slackfake.Incident, ts, slack.MsgOptionText("b", false), slack.MsgOptionBlocks())
	check(err)
	require.Equal(t, "b\nx\n", s.In("incident").Last().Text)
	_, err = api.PostEphemeralContext(ctx, slackfake.Incident, slackfake.Lead1, slack.MsgOptionText("a", false), slack.MsgOptionTS(ts))
	check(err)
	_, _, _, err = api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{ChannelID: slackfake.Incident, Timestamp: ts, IncludeAllMetadata: true})
	check(err)
	check(api.AddReactionContext(ctx, "eyes", slack.NewRefToMessage(slackfake.Incident, ts)))
	reactions, err := api.GetReactionsContext(ctx, slack.NewRefToMessage(slackfake.Incident, ts), slack.NewGetReactionsParameters())
	check(err)
	require.Equal(t, "eyes", reactions.Reactions[0].Name)
	_, _, err = api.DeleteMessageContext(ctx, slackfake.Incident, ts)
	check(err)

	_, err = api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: slackfake.Lead1, View: slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: []slack.Block{slack.NewDividerBlock()}}}})
	check(err)
	files, _, err := api.GetFilesContext(ctx, slack.NewGetFilesParameters())
	check(err)
	require.Empty(t, files)
	_, _, err = api.GetScheduledMessagesContext(ctx, &slack.GetScheduledMessagesParameters{})
	check(err)
}

func TestStreamsAndStatus(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	s.Allow(slackfake.Malformed)
	root := say(t, s, slackfake.Incident, "root")
	thread := object{"channel_id": slackfake.Incident, "thread_ts": root, "status": "scanning"}
	done(t, post(t, s, "assistant.threads.setStatus", thread))
	refused(t, "invalid_arguments", post(t, s, "assistant.threads.setStatus", mix(thread, object{"loading_messages": times(11, func(int) any { return "x" })})))
	refused(t, "invalid_thread_ts", post(t, s, "chat.startStream", object{"channel": slackfake.Incident}))
	ts := done(t, post(t, s, "chat.startStream", object{"channel": slackfake.Incident, "thread_ts": root, "markdown_text": "one "}))["ts"]
	add := func(args object) object {
		return post(t, s, "chat.appendStream", mix(object{"channel": slackfake.Incident, "ts": ts}, args))
	}
	done(t, add(object{"markdown_text": "two"}))
	done(t, add(object{"chunks": []any{object{"type": "blocks", "blocks": []any{object{"type": "alert", "text": plain(1), "level": "warning"}}}}}))
	refused(t, "msg_too_long", add(object{"markdown_text": strings.Repeat("x", 12001)}))
	refused(t, "invalid_chunks", add(object{"chunks": []any{object{"type": "song"}}}))
	done(t, post(t, s, "chat.stopStream", object{"channel": slackfake.Incident, "ts": ts}))
	refused(t, "message_not_in_streaming_state", add(object{"markdown_text": "three"}))
	require.Equal(t, "one two", s.In("incident").Last().Fallback)
}

func TestPeopleOfOtherOrganisationsDoNotHaveTheCommands(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	require.Contains(t, s.User("stranger").TypesNow("shared", "/allclear status").Words, "not a valid command")
	require.Empty(t, s.Deliveries())
}
