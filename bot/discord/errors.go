package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-bot/allclear/bot/chat"
)

// Discord's numbers for what is wrong
// (docs.discord.com/developers/topics/opcodes-and-status-codes#json).
const (
	unknownChannel = 10003
	unknownGuild   = 10004
	unknownMember  = 10007
	unknownMessage = 10008
	unknownUser    = 10013
	unknownCommand = 10063
	unknownWebhook = 10015 // also of an interaction that is not answered yet
	oldEdits       = 30046 // of messages that are older than an hour
	tooManyPins    = 30003
	crossposted    = 40033
	acknowledged   = 40060 // somebody answered the interaction before
	missingAccess  = 50001
	missingRight   = 50013
	badWebhook     = 50027 // the 15 minutes of an interaction are over
	hasThread      = 160004
)

// never reports whether an answer says that nothing was done, and that the same call
// will never be of use. What is wrong with the app or its rights is not among them:
// somebody will repair that, and the letters wait for it.
func never(code, status int) bool {
	switch code {
	case missingAccess, missingRight, 40001, 40333:
		return false
	case unknownChannel, unknownGuild, unknownMessage, unknownUser, unknownMember, oldEdits,
		50007, 50005, 50021: // cannot write to this person, another's message, a system message
		return true
	}
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return true
	}
	return false
}

// classified is an error of Discord, or on the way to it, in the words of chat. No
// token is in it, and no address: some are as good as a password.
func classified(doing string, err error) error {
	if err == nil {
		return nil
	}
	told := fmt.Errorf("%s: %w", doing, hushed(err))
	if codeOf(err) == unknownChannel {
		told = fmt.Errorf("%s: %w: %w", doing, errNoChannel, hushed(err))
	}
	switch code := codeOf(err); {
	case never(code, statusOf(err)):
		return &chat.Permanent{Err: told}
	case patience(err) > 0:
		return &chat.RetryAfter{After: patience(err), Err: told}
	case statusOf(err) >= 400 && statusOf(err) < 500:
		return &chat.Refused{Err: told}
	}
	return told
}

// errNoChannel is a channel or thread that was deleted, or never was.
var errNoChannel = errors.New("there is no such channel any more")

// told is classified, and what is too much is counted.
func (p *Platform) told(doing string, err error) error {
	err = classified("discord: "+doing, err)
	if errors.As(err, new(*chat.RetryAfter)) {
		p.opt.Count("rate limited")
	}
	return err
}

// hushed is an error without what may be secret or hostile in it.
func hushed(err error) error {
	var said *discordgo.RESTError
	var slow *limited
	var away *url.Error
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.As(err, &slow):
		return errors.New(slow.Error())
	case errors.As(err, &said) && said.Message != nil && said.Message.Message != "":
		return errors.New(chat.Clean(fmt.Sprintf("%.120s (%d)", said.Message.Message, said.Message.Code)))
	case errors.As(err, &said):
		return fmt.Errorf("HTTP status %d", statusOf(err))
	case errors.As(err, &away):
		return fmt.Errorf("no way to Discord: %.200s", away.Err)
	}
	return errGarbled
}
