package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
)

// unhurried is how long to wait when Slack wants us to and does not say how long.
const unhurried = 30 * time.Second

// tooOften reports whether an answer says that nothing was done because too much is
// asked (docs.slack.dev/apis/web-api/rate-limits).
func tooOften(word string) bool {
	switch word {
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		return true
	}
	return false
}

// never reports whether an answer says that nothing was done, and that the same call
// will never be of use (docs.slack.dev/reference/methods, the errors of each). What is
// wrong with the app itself is not among them: a token that was revoked, a scope that
// is missing, a channel that it was taken out of. Somebody will repair that, and the
// letters wait for it.
func never(word string) bool {
	switch word {
	case // the place
		"is_archived", "is_inactive", "invalid_channel", "channel_is_limited_access", "team_not_found",
		"messages_tab_disabled", "posting_to_channel_denied", "restricted_action", "restricted_action_non_threadable_channel",
		"restricted_action_read_only_channel", "restricted_action_thread_locked", "restricted_action_thread_only_channel", "not_enabled",
		"cannot_reply_to_message", "invalid_thread_ts", "thread_not_found",
		// the person
		"user_not_found", "user_not_in_channel", "user_disabled", "user_not_visible", "cannot_dm_bot", "invalid_user_combination", "user_is_external_guest",
		// the message that is to be changed
		"message_not_found", "cant_update_message", "cant_delete_message", "edit_window_closed", "block_mismatch", "cant_broadcast_message",
		"no_dual_broadcast_content_update", "streaming_state_conflict",
		// what is said
		"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "no_text", "invalid_attachments", "too_many_attachments",
		"invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large", "metadata_must_be_sent_from_app", "view_too_large", "invalid_arguments",
		// pins
		"not_pinnable", "too_many_pins", "bad_timestamp", "no_item_specified",
		// files
		"file_uploads_disabled", "file_uploads_except_images_disabled", "file_type_not_allowed", "blocked_file_type", "file_upload_size_restricted",
		"storage_limit_reached", "alt_txt_too_large", "snippet_too_large", "slack_connect_file_upload_sharing_blocked", "slack_connect_blocked_file_type",
		// the address for answers, which lives half an hour and works five times
		"expired_url", "used_url":
		return true
	}
	return false
}

// classified is an error of Slack, or on the way to it, in the words of chat. No
// token is in it, and no address: some are as good as a password.
func classified(doing string, err error) error {
	if err == nil {
		return nil
	}
	told := fmt.Errorf("%s: %w", doing, hushed(err))
	var limited *slackgo.RateLimitedError
	var status slackgo.StatusCodeError
	switch word := wordOf(err); {
	case errors.As(err, &limited):
		return &chat.RetryAfter{After: max(limited.RetryAfter, time.Second), Err: told}
	case tooOften(word), errors.As(err, &status) && status.Code == http.StatusTooManyRequests:
		return &chat.RetryAfter{After: unhurried, Err: told}
	case never(word), strings.HasSuffix(word, "_thread_locked"):
		return &chat.Permanent{Err: told}
	}
	return told
}

// toldIn is told for a channel: that there is no such channel is believed when Slack
// says so twice.
func (p *Platform) toldIn(ctx context.Context, channel, doing string, err error) error {
	if wordOf(err) == "channel_not_found" {
		_, again := p.api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: channel})
		if wordOf(again) == "channel_not_found" {
			return &chat.Permanent{Err: fmt.Errorf("%s: %w", doing, hushed(err))}
		}
	}
	return p.told(doing, err)
}

// wordOf is Slack's word for what is wrong, "" when the error is not Slack's.
func wordOf(err error) string {
	var e slackgo.SlackErrorResponse
	if errors.As(err, &e) {
		return e.Err
	}
	return ""
}

// hushed is an error without what may be secret or hostile in it.
func hushed(err error) error {
	var told slackgo.SlackErrorResponse
	var limited *slackgo.RateLimitedError
	var status slackgo.StatusCodeError
	var away *url.Error
	switch {
	case errors.As(err, &told):
		return slackSays(told)
	case errors.As(err, &limited):
		return errors.New("asked too often")
	case errors.As(err, &status):
		return fmt.Errorf("HTTP status %d", status.Code)
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.As(err, &away):
		return fmt.Errorf("no way to Slack: %.200s", away.Err)
	}
	return errors.New("the answer cannot be read")
}

// slackSays is Slack's word, and what it says about blocks: where in them, and
// nothing that was in them.
func slackSays(e slackgo.SlackErrorResponse) error {
	s := chat.Clean(fmt.Sprintf("%.80s", e.Err))
	if e.Needed != "" {
		s += chat.Clean(fmt.Sprintf(" (needs the scope %.80s)", e.Needed))
	}
	if len(e.ResponseMetadata.Messages) > 0 {
		s += chat.Clean(fmt.Sprintf(" (%.200s)", e.ResponseMetadata.Messages[0]))
	}
	return errors.New(s)
}
