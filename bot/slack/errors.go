package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
)

// unhurried is how long to wait when Slack wants us to and does not say how long.
const unhurried = 30 * time.Second

// tooOften are answers that say that nothing was done because too much is asked
// (docs.slack.dev/apis/web-api/rate-limits).
var tooOften = map[string]bool{
	"ratelimited": true, "rate_limited": true, "message_limit_exceeded": true,
}

// never are answers that say that nothing was done, and that the same call will
// never be of use (docs.slack.dev/reference/methods, the errors of each). What is
// wrong with the app itself is not among them: a token that was revoked, a scope
// that is missing. Somebody will repair that, and the letters wait for it.
var never = map[string]bool{
	// The place.
	"channel_not_found": true, "not_in_channel": true, "is_archived": true, "is_inactive": true, "invalid_channel": true,
	"channel_is_limited_access": true, "team_not_found": true, "messages_tab_disabled": true, "posting_to_channel_denied": true,
	"restricted_action": true, "restricted_action_non_threadable_channel": true, "restricted_action_read_only_channel": true,
	"restricted_action_thread_locked": true, "restricted_action_thread_only_channel": true, "not_enabled": true,
	"cannot_reply_to_message": true, "invalid_thread_ts": true, "thread_not_found": true,
	// The person.
	"user_not_found": true, "user_not_in_channel": true, "user_disabled": true, "user_not_visible": true, "cannot_dm_bot": true,
	"invalid_user_combination": true, "user_is_external_guest": true,
	// The message that is to be changed.
	"message_not_found": true, "cant_update_message": true, "cant_delete_message": true, "edit_window_closed": true, "block_mismatch": true,
	"cant_broadcast_message": true, "no_dual_broadcast_content_update": true, "streaming_state_conflict": true,
	// What is said.
	"invalid_blocks": true, "invalid_blocks_format": true, "msg_blocks_too_long": true, "msg_too_long": true, "no_text": true,
	"invalid_attachments": true, "too_many_attachments": true, "invalid_metadata_format": true, "invalid_metadata_schema": true,
	"metadata_too_large": true, "metadata_must_be_sent_from_app": true, "view_too_large": true, "invalid_arguments": true,
	// Pins.
	"not_pinnable": true, "too_many_pins": true, "bad_timestamp": true, "no_item_specified": true,
	// Files.
	"file_uploads_disabled": true, "file_uploads_except_images_disabled": true, "file_type_not_allowed": true, "blocked_file_type": true,
	"file_upload_size_restricted": true, "storage_limit_reached": true, "alt_txt_too_large": true, "snippet_too_large": true,
	"slack_connect_file_upload_sharing_blocked": true, "slack_connect_blocked_file_type": true,
	// The address for answers, which lives half an hour and works five times.
	"expired_url": true, "used_url": true,
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
	case tooOften[word], errors.As(err, &status) && status.Code == http.StatusTooManyRequests:
		return &chat.RetryAfter{After: unhurried, Err: told}
	case never[word]:
		return &chat.Permanent{Err: told}
	}
	return told
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
