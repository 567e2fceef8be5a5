package discord

import (
	"context"
	"errors"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

var _ chat.Pinner = (*Platform)(nil)

// Pin keeps a message at the top of its channel. That it is there already is no error;
// that we may not, or that there are too many, is permanent.
func (p *Platform) Pin(ctx context.Context, place state.Place, messageID string) error {
	if place.Person != "" || !snowflake.MatchString(messageID) || !snowflake.MatchString(place.Channel) {
		return &chat.Permanent{Err: errors.New("discord: this message cannot be pinned")}
	}
	err := p.rest.call(ctx, "PUT", "channels/"+place.Channel+"/messages/pins/"+messageID, nil, nil)
	told := p.told("pin a message", err)
	if code := codeOf(err); code == missingAccess || code == missingRight {
		return &chat.Permanent{Err: told}
	}
	return told
}
