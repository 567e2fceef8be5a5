package bot_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func TestWhoIsMentionedIsTheOwnerThatTheInventoryNames(t *testing.T) {
	t.Parallel()
	calls := make(chan chat.Call, 1)
	do := bottest.Command{
		What: chat.Spec{Path: "do", Flags: []chat.Arg{{Name: "owner", Type: chat.Owner}, {Name: "second", Type: chat.Person}}, Global: true},
		Do: func(_ context.Context, c chat.Call) (chat.Message, error) {
			calls <- c
			return chat.Say(chat.P("done")), nil
		},
	}
	people := state.People{
		{ID: "lead-1", Links: []string{"test:T1:U1"}, Owns: []string{"owner-hr"}},
		{ID: "lead-2", Links: []string{"test:T1:U2"}},
	}
	r, err := bot.New(bot.Options{
		Commands: []bot.Command{do}, Store: &bottest.Store{},
		People: func(context.Context) (state.People, error) { return people, nil },
		Open:   func(context.Context) ([]string, error) { return nil, nil },
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-done) })
	ask := func(id, line string) bot.Ack {
		ack, err := r.Handle(t.Context(), chat.Request{
			ID: id, Text: line, Actor: chat.Actor{Link: "test:T1:U9"}, At: time.Now(), Place: state.Place{Platform: "test", Channel: "c", Ceiling: state.TLPAmberStrict},
		})
		require.NoError(t, err)
		return ack
	}
	require.True(t, ask("r1", "do --owner test:T1:U1 --second test:T1:U1").Accepted)
	c := <-calls
	require.Equal(t, "owner-hr", c.Values.String("owner"))
	require.Equal(t, "lead-1", c.Values.String("second"))
	require.True(t, ask("r2", "do --owner test:T1:U2").Accepted)
	c = <-calls
	require.Equal(t, "lead-2", c.Values.String("owner"), "who acts for nobody else acts for themselves")
	require.True(t, ask("r3", "do --owner owner-x").Accepted)
	c = <-calls
	require.Equal(t, "owner-x", c.Values.String("owner"))
	ack := ask("r4", "do --owner test:T1:U7")
	require.False(t, ack.Accepted)
	require.Contains(t, ack.Message.Parts[0].(chat.Para).Text.Plain(), "test:T1:U7 is nobody who is known here.")
}
