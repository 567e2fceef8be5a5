package discordfake

import (
	"net/http"
	"time"
)

// apiError is a refusal as Discord writes it.
// https://docs.discord.com/developers/topics/opcodes-and-status-codes#json
type apiError struct {
	Status  int
	Code    int
	Message string
	Form    *problems     // with 50035
	After   time.Duration // with 429
	Global  bool
	Scope   string // user, global, shared
}

func (e *apiError) body() map[string]any {
	body := map[string]any{"message": e.Message, "code": e.Code}
	if e.Form != nil {
		body["errors"] = e.Form.tree()
	}
	if e.Status == http.StatusTooManyRequests && e.After > 0 {
		body["retry_after"] = e.After.Seconds()
		body["global"] = e.Global
		if e.Code == 0 {
			delete(body, "code")
		}
	}
	return body
}

func notFound(code int, what string) *apiError {
	return &apiError{Status: http.StatusNotFound, Code: code, Message: "Unknown " + what}
}

func forbidden(code int, message string) *apiError {
	return &apiError{Status: http.StatusForbidden, Code: code, Message: message}
}

func badRequest(code int, message string) *apiError {
	return &apiError{Status: http.StatusBadRequest, Code: code, Message: message}
}

var (
	errUnauthorized       = &apiError{Status: http.StatusUnauthorized, Message: "401: Unauthorized"}
	errNoRoute            = &apiError{Status: http.StatusNotFound, Message: "404: Not Found"}
	errMethod             = &apiError{Status: http.StatusMethodNotAllowed, Message: "405: Method Not Allowed"}
	errUserAgent          = forbidden(40333, "internal network error")
	errVersion            = badRequest(50041, "Invalid API version provided.")
	errJSON               = badRequest(50109, "The request body contains invalid JSON.")
	errTooLarge           = &apiError{Status: http.StatusRequestEntityTooLarge, Code: 40005, Message: "Request entity too large"}
	errFileTooLarge       = &apiError{Status: http.StatusRequestEntityTooLarge, Code: 40005, Message: "Request entity too large"}
	errUnknownChannel     = notFound(10003, "Channel")
	errUnknownGuild       = notFound(10004, "Guild")
	errUnknownMember      = notFound(10007, "Member")
	errUnknownMessage     = notFound(10008, "Message")
	errUnknownUser        = notFound(10013, "User")
	errUnknownWebhook     = notFound(10015, "Webhook")
	errUnknownApp         = notFound(10002, "Application")
	errUnknownInteraction = notFound(10062, "interaction")
	errUnknownCommand     = notFound(10063, "application command")
	errMissingAccess      = forbidden(50001, "Missing Access")
	errMissingPermissions = forbidden(50013, "Missing Permissions")
	errNotAuthor          = forbidden(50005, "Cannot edit a message authored by another user")
	errBotsOnly           = forbidden(20001, "Bots cannot use this endpoint")
	errEmpty              = badRequest(50006, "Cannot send an empty message")
	errCannotDM           = forbidden(50007, "Cannot send messages to this user")
	errNotText            = badRequest(50008, "Cannot send messages in a non-text channel")
	errWebhookToken       = &apiError{Status: http.StatusUnauthorized, Code: 50027, Message: "Invalid Webhook Token"}
	errSystemMessage      = forbidden(50021, "Cannot execute action on a system message")
	errChannelType        = badRequest(50024, "Cannot execute action on this channel type")
	errArchived           = badRequest(50083, "Thread is archived")
	errAcknowledged       = badRequest(40060, "Interaction has already been acknowledged.")
	errCrossposted        = badRequest(40033, "This message has already been crossposted.")
	errNeedsTag           = badRequest(40067, "A tag is required to create a forum post in this channel")
	errFollowUps          = badRequest(40094, "This interaction has hit the maximum number of follow up messages")
	errOldEdits           = &apiError{Status: http.StatusTooManyRequests, Code: 30046, Message: "Maximum number of edits to messages older than 1 hour reached. Try again later"}
	errPins               = badRequest(30003, "Maximum number of pins reached (250)")
	errWebhooks           = badRequest(30007, "Maximum number of webhooks reached (15)")
	errGuildWebhooks      = badRequest(30058, "Maximum number of webhooks per guild reached (1000)")
	errReactions          = badRequest(30010, "Maximum number of reactions reached (20)")
	errThreadMembers      = badRequest(30033, "Maximum number of thread participants has been reached (1000)")
	errCommands           = badRequest(30032, "Maximum number of application commands reached (100)")
	errDailyCreates       = &apiError{Status: http.StatusTooManyRequests, Code: 30034, Message: "Maximum number of daily application command creates has been reached (200)"}
	errHasThread          = badRequest(160004, "A thread has already been created for this message")
	errThreadLocked       = badRequest(160005, "Thread is locked")
	errBulkCount          = badRequest(50016, "Provided too few or too many messages to delete. Must provide at least 2 and fewer than 100 messages to delete.")
	errBulkOld            = badRequest(50034, "A message provided was too old to bulk delete")
	errUnknownEmoji       = badRequest(10014, "Unknown Emoji")
)
