package bottest

import (
	"context"
	"time"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
)

// Command is a command made of its parts.
type Command struct {
	What  chat.Spec
	Do    func(context.Context, chat.Call) (chat.Message, error)
	Limit time.Duration
}

var (
	_ bot.Command = Command{}
	_ bot.Limited = Command{}
)

// Spec is What.
func (c Command) Spec() chat.Spec { return c.What }

// TimeLimit is Limit.
func (c Command) TimeLimit() time.Duration { return c.Limit }

// Run calls Do.
func (c Command) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	return c.Do(ctx, call)
}

// Says makes a command that anybody may run without an incident, and that answers
// what f returns.
func Says(path string, f func(chat.Call) chat.Message) Command {
	return Command{What: chat.Spec{Path: path, Summary: path, Global: true}, Do: func(_ context.Context, c chat.Call) (chat.Message, error) {
		return f(c), nil
	}}
}
