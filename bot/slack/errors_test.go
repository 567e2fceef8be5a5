package slack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

func isPermanent(err error) bool { return errors.As(err, new(*chat.Permanent)) }

func isPace(err error) bool { return errors.As(err, new(*chat.RetryAfter)) }

func TestErrorsAreToldAsWhatTheyMean(t *testing.T) {
	t.Parallel()
	said := func(word string) error { return slackgo.SlackErrorResponse{Err: word} }
	for _, word := range []string{
		"is_archived", "restricted_action", "thread_not_found", "restricted_action_thread_locked", "some_thread_locked", "cannot_reply_to_message", "user_not_in_channel", "message_not_found", "cant_update_message",
		"edit_window_closed", "block_mismatch", "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text",
		"metadata_too_large", "view_too_large", "file_uploads_disabled", "expired_url", "used_url", "user_disabled", "too_many_pins",
	} {
		require.True(t, isPermanent(classified("x", said(word))), word)
	}
	for _, word := range []string{"ratelimited", "rate_limited", "message_limit_exceeded"} {
		require.True(t, isPace(classified("x", said(word))), word)
	}
	// What Slack does not say it did not do, and what somebody will repair.
	for _, word := range []string{
		"internal_error", "fatal_error", "service_unavailable", "request_timeout", "update_failed", "team_added_to_org", "something_new",
		"channel_not_found", "not_in_channel", "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope", "not_allowed_token_type",
	} {
		err := classified("x", said(word))
		require.False(t, isPermanent(err) || isPace(err), word)
		require.ErrorContains(t, err, word)
	}
	require.NoError(t, classified("x", nil))
}

func TestSlackSaysHowLongToWait(t *testing.T) {
	t.Parallel()
	var again *chat.RetryAfter
	require.ErrorAs(t, classified("x", &slackgo.RateLimitedError{RetryAfter: 7 * time.Second}), &again)
	require.Equal(t, 7*time.Second, again.After)
	require.ErrorAs(t, classified("x", slackgo.StatusCodeError{Code: 429}), &again)
	require.Equal(t, unhurried, again.After)
	require.False(t, isPace(classified("x", slackgo.StatusCodeError{Code: 503, Status: "503"})))

	st := newStage(t, false, slackfake.Options{Pace: slackfake.SlackPace()}, nil)
	var err error
	for i := 0; i < 20 && err == nil; i++ {
		_, err = st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("x")), number(i))
	}
	require.ErrorAs(t, err, &again)
	require.Positive(t, again.After)
	require.Positive(t, st.counts.Of("rate limited"))
}

func TestNoSecretIsInAnError(t *testing.T) {
	t.Parallel()
	const hidden = "xoxb-1-secret"
	for name, err := range map[string]error{
		"an address":      &url.Error{Op: "Post", URL: "https://hooks.slack.com/commands/" + hidden, Err: errors.New("connection refused")},
		"an upload":       fmt.Errorf("refusing to send the token to %q", "https://files.slack.com/"+hidden),
		"a body":          errors.New(hidden),
		"an ended wait":   fmt.Errorf("%s: %w", hidden, context.DeadlineExceeded),
		"a cancelled one": &url.Error{Op: "Post", URL: hidden, Err: context.Canceled},
		"a status":        slackgo.StatusCodeError{Code: 500, Status: hidden},
	} {
		err = classified("post", err)
		require.NotContains(t, err.Error(), hidden, name)
		require.ErrorContains(t, err, "post: ", name)
	}
	require.ErrorIs(t, classified("x", &url.Error{Err: context.Canceled}), context.Canceled)
	bad := classified("x", slackgo.SlackErrorResponse{Err: "<!channel>\x1b[31m\u202e", ResponseMetadata: slackgo.ResponseMetadata{Messages: []string{"[ERROR] must be less"}}})
	require.NotContains(t, bad.Error(), "\x1b")
	require.NotContains(t, bad.Error(), "\u202e")
	require.ErrorContains(t, bad, "[ERROR] must be less")
}

func TestEveryFaultOfTheNetworkLeavesItUnknownWhetherAMessageArrived(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]slackfake.Fault{
		"lost": slackfake.Lost(), "its answer was lost": slackfake.LostAnswer(), "an error of Slack's": slackfake.ServerError(), "half done": slackfake.HalfDone(),
		"no JSON": {Garbage: true}, "an error of Slack's in words": {Error: "internal_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, false, slackfake.Options{}, nil)
			st.NextCalls("*", 1, fault)
			_, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("x")), "k")
			require.Error(t, err)
			require.False(t, classifiedAs(err))
			require.NotContains(t, err.Error(), st.BotToken())
			require.NotContains(t, st.log.String(), st.BotToken())
		})
	}
}

func TestPlacesThatWillNeverHaveItAreSaidSo(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	for _, channel := range []string{slackfake.Hidden, slackfake.Archived, slackfake.Notices, "C0NOWHERE01", ""} {
		_, err := st.p.Post(t.Context(), at(channel), chat.Say(chat.P("x")), "k")
		require.True(t, isPermanent(err), "%s: %v", channel, err)
	}
	st.RevokeTokens("token_revoked")
	_, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("x")), "k")
	require.Error(t, err)
	require.False(t, classifiedAs(err), "somebody will repair that, and the letters wait")
}

func TestALetterWaitsForAChannelThatMayComeBack(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	id, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("x")), "k-1")
	require.NoError(t, err)
	post := func() error {
		_, err := st.p.Post(t.Context(), incidentPlace(), chat.Say(chat.P("x")), "k-2")
		return err
	}
	st.In("incident").KickBot()
	_, _, err = st.p.Find(t.Context(), incidentPlace(), "k-2")
	for _, err := range []error{err, post(), st.p.Edit(t.Context(), incidentPlace(), id, chat.Say(chat.P("y")), "k-3")} {
		require.ErrorContains(t, err, "not_in_channel")
		require.False(t, classifiedAs(err))
	}
	st.In("incident").InviteBot()
	st.NextCalls("chat.postMessage", 1, slackfake.Fault{Error: "channel_not_found"})
	err = post()
	require.ErrorContains(t, err, "channel_not_found")
	require.False(t, classifiedAs(err), "it is there when we ask again")
	require.NoError(t, post())
}
