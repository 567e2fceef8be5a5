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

func TestInACommunityNothingOfTheResponseCanBeAskedForWhoeverAsks(t *testing.T) {
	t.Parallel()
	calls := make(chan chat.Call, 4)
	command := func(path string, community bool) bottest.Command {
		return bottest.Command{
			What: chat.Spec{Path: path, Summary: "s", Global: true, Community: community},
			Do: func(_ context.Context, c chat.Call) (chat.Message, error) {
				calls <- c
				return chat.Say(chat.P("done")), nil
			},
		}
	}
	r, err := bot.New(bot.Options{
		Commands: []bot.Command{command("status", false), command("advisories", true)}, Store: &bottest.Store{},
		People: func(context.Context) (state.People, error) {
			return state.People{{ID: "lead-1", Role: state.RoleLead, Links: []string{"test:T1:U1"}}}, nil
		},
		Open: func(context.Context) ([]string, error) { return nil, nil },
		Community: func(_ context.Context, p state.Place) (string, state.TLP, error) {
			if p.Workspace == "friends" {
				return "test:friends", state.TLPGreen, nil
			}
			return "", 0, nil
		},
	})
	require.NoError(t, err)
	ask := func(line, workspace string) (chat.Message, bool) {
		return r.Do(t.Context(), chat.Request{
			ID: line + workspace, Text: line, At: time.Now(), Actor: chat.Actor{Link: "test:T1:U1", Admin: true}, Community: "test:claimed",
			Place: state.Place{Platform: "test", Workspace: workspace, Channel: "c", Ceiling: state.TLPAmberStrict},
		}, func(string, chat.Message) {})
	}
	m, ok := ask("status", "friends")
	require.False(t, ok, "also a lead is a guest there")
	require.Contains(t, m.Parts[0].(chat.Para).Text.Plain(), `There is no command "status"`)
	_, ok = ask("advisories", "friends")
	require.True(t, ok)
	c := <-calls
	require.Equal(t, "test:friends", c.Request.Community)
	require.Equal(t, state.TLPGreen, c.Request.Place.Ceiling)
	require.True(t, c.Request.Actor.Admin)
	_, ok = ask("status", "own")
	require.True(t, ok)
	c = <-calls
	require.Empty(t, c.Request.Community, "what the platform says of it does not count")
	require.Equal(t, state.TLPAmberStrict, c.Request.Place.Ceiling)
	names, err := r.Suggest(t.Context(), bot.Question{Link: "test:T1:U1", Place: state.Place{Platform: "test", Workspace: "friends"}, Command: "status", Arg: "incident"})
	require.NoError(t, err)
	require.Empty(t, names)
}
