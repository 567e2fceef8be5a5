package slack

import (
	"context"
	"errors"
	"fmt"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

var _ chat.Pinner = (*Platform)(nil)

// Pin keeps a message at the top of its channel. That it is there already is no
// error; that we may not is permanent, whatever the reason.
func (p *Platform) Pin(ctx context.Context, place state.Place, messageID string) error {
	t, err := p.target(ctx, place)
	if err != nil {
		return err
	}
	if t.surface != inChannel || !stamp.MatchString(messageID) {
		return &chat.Permanent{Err: errors.New("slack: this message cannot be pinned")}
	}
	err = p.api.AddPinContext(ctx, t.channel, slackgo.NewRefToMessage(t.channel, messageID))
	if wordOf(err) == "already_pinned" {
		return nil
	}
	told := p.told("slack: pin a message", err)
	if word := wordOf(err); word != "" && !tooOften(word) && !errors.As(told, new(*chat.Permanent)) {
		return &chat.Permanent{Err: fmt.Errorf("%w", told)}
	}
	return told
}
