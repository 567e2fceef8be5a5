package commands

import (
	"context"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// helpCommand says what can be asked for, from the Specs alone.
type helpCommand struct {
	specs []chat.Spec
}

func (helpCommand) Spec() chat.Spec {
	return chat.Spec{
		Path: "help", Summary: "Say what can be asked for here, and how",
		Args:     []chat.Arg{{Name: "command", Help: "a command, like scan", Optional: true, Rest: true}},
		Examples: []chat.Example{{Line: "help claim", Does: "shows how claim is used"}},
		Role:     state.RoleViewer, Private: true, Global: true,
	}
}

func (h helpCommand) Run(context.Context, chat.Call) (chat.Message, error) {
	return chat.Message{}, nil
}
