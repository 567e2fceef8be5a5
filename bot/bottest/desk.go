package bottest

import (
	"context"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
)

// Desk is a desk made of a function. It knows no commands and suggests nothing.
type Desk func(ctx context.Context, req chat.Request) (bot.Ack, error)

var _ bot.Desk = Desk(nil)

// Handle calls the function.
func (d Desk) Handle(ctx context.Context, req chat.Request) (bot.Ack, error) { return d(ctx, req) }

// Specs are none.
func (Desk) Specs() []chat.Spec { return nil }

// Suggest suggests nothing.
func (Desk) Suggest(context.Context, bot.Question) ([]string, error) { return nil, nil }
