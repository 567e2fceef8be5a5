package slackfake_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

func TestPostsIntoAChannelAreLimitedToOneASecondAfterABurst(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	s.Clock().Freeze()
	text := object{"channel": slackfake.Incident, "text": "x"}
	for range 5 {
		done(t, post(t, s, "chat.postMessage", text))
	}
	out := postAs(t, s, s.BotToken(), "chat.postMessage", text)
	require.Equal(t, 429, out.status)
	require.Equal(t, "1", out.header.Get("Retry-After"))
	refused(t, "ratelimited", out.body)
	done(t, post(t, s, "chat.postMessage", mix(text, object{"channel": slackfake.Secret})))

	s.Clock().Advance(300 * time.Millisecond) // too early
	require.Equal(t, 429, postAs(t, s, s.BotToken(), "chat.postMessage", text).status)
	require.Equal(t, []slackfake.Kind{slackfake.TooFast}, kinds(s))
	s.Clock().Advance(time.Second)
	done(t, post(t, s, "chat.postMessage", text))
	require.Len(t, s.Messages("incident"), 6)
}

func TestMethodsAreLimitedByTheirTier(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{})
	s.Clock().Freeze()
	for range 20 {
		done(t, form(t, s, "conversations.list", nil))
	}
	_, _, err := client(s).GetConversationsContext(t.Context(), &slack.GetConversationsParameters{})
	var limited *slack.RateLimitedError
	require.ErrorAs(t, err, &limited)
	require.Equal(t, 3*time.Second, limited.RetryAfter)
	s.Clock().Advance(limited.RetryAfter)
	done(t, form(t, s, "conversations.list", nil))
	s.SetPace(slackfake.NoPace())
	for range 30 {
		done(t, form(t, s, "conversations.list", nil))
	}
}

func TestCallsAreBrokenAsOrdered(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	api := client(s)
	send := func(ctx context.Context) error {
		_, _, err := api.PostMessageContext(ctx, slackfake.Incident, slack.MsgOptionText("x", false))
		return err
	}
	fault := func(f slackfake.Fault) error {
		s.NextCalls("chat.postMessage", 1, f)
		return send(t.Context())
	}
	var status slack.StatusCodeError
	require.ErrorAs(t, fault(slackfake.ServerError()), &status)
	require.Equal(t, 500, status.Code)
	require.ErrorIs(t, fault(slackfake.Lost()), io.EOF)
	require.ErrorContains(t, fault(slackfake.Fault{Garbage: true}), "invalid character")
	require.EqualError(t, fault(slackfake.Fault{Error: "internal_error"}), "internal_error")
	require.Empty(t, s.Messages("incident"), "none of them was done")

	require.ErrorIs(t, fault(slackfake.LostAnswer()), io.EOF)
	require.ErrorAs(t, fault(slackfake.HalfDone()), &status)
	require.Len(t, s.Messages("incident"), 2, "these were")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	s.NextCalls("*", 1, slackfake.Fault{Hang: true})
	require.ErrorIs(t, send(ctx), context.DeadlineExceeded)
	require.NoError(t, fault(slackfake.Fault{Slow: 10 * time.Millisecond}))

	var limited *slack.RateLimitedError
	require.ErrorAs(t, fault(slackfake.RateLimited(2*time.Second)), &limited)
	require.Equal(t, 2*time.Second, limited.RetryAfter)
	require.ErrorAs(t, send(t.Context()), &limited, "it is meant until then")
	s.Clock().Advance(2 * time.Second)
	s.NextCalls("chat.postMessage", -1, slackfake.ServerError())
	require.Error(t, send(t.Context()))
	require.Error(t, send(t.Context()))
	s.Heal()
	require.NoError(t, send(t.Context()))
	require.True(t, errors.As(fault(slackfake.ServerError()), &status))
}

func TestScheduledMessagesComeInTheirTime(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	plan := func(d time.Duration) object {
		return post(t, s, "chat.scheduleMessage", object{"channel": slackfake.Incident, "text": "later", "post_at": s.Clock().Now().Add(d).Unix()})
	}
	refused(t, "time_in_past", plan(-time.Minute))
	refused(t, "time_too_far", plan(121*24*time.Hour))
	first := done(t, plan(time.Hour))["scheduled_message_id"].(string)
	base := s.Clock().Now().Add(10 * time.Hour).Truncate(5 * time.Minute)
	for range 30 {
		done(t, plan(base.Sub(s.Clock().Now())+time.Second))
	}
	refused(t, "restricted_too_many", plan(base.Sub(s.Clock().Now())+time.Second))
	require.Len(t, done(t, form(t, s, "chat.scheduledMessages.list", nil))["scheduled_messages"], 31)
	require.Empty(t, s.Messages("incident"))
	s.Clock().Advance(61 * time.Minute)
	s.In("incident").Sees("later")
	refused(t, "invalid_scheduled_message_id", post(t, s, "chat.deleteScheduledMessage", object{"channel": slackfake.Incident, "scheduled_message_id": first}))
}
