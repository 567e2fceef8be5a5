package bot_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func asked(t *testing.T, role state.Role, q bot.Question) []string {
	t.Helper()
	look := bottest.Command{What: chat.Spec{
		Path: "look", Args: []chat.Arg{{Name: "server", Type: chat.Server}},
		Flags: []chat.Arg{{Name: "how", Choices: []string{"fast", "far", "slow"}}}, Role: state.RoleResponder,
	}}
	r, err := bot.New(bot.Options{
		Commands: []bot.Command{look}, Store: &bottest.Store{},
		People: func(context.Context) (state.People, error) {
			return state.People{{ID: "somebody", Role: role, Links: []string{"test:T1:U1"}}}, nil
		},
		Open: func(context.Context) ([]string, error) { return []string{"toolshell-1"}, nil },
		Names: func(_ context.Context, incident string, _ chat.Type, prefix string, limit int) ([]string, error) {
			require.Equal(t, "toolshell-1", incident)
			require.Equal(t, bot.MaxSuggestions, limit)
			return []string{prefix + "-01"}, nil
		},
	})
	require.NoError(t, err)
	q.Link, q.Command = "test:T1:U1", "look"
	out, err := r.Suggest(t.Context(), q)
	require.NoError(t, err)
	return out
}

func TestNamesAreSuggestedToThoseWhoMaySeeThem(t *testing.T) {
	t.Parallel()
	inside := state.Place{Ceiling: state.TLPAmberStrict}
	require.Equal(t, []string{"sp-01"}, asked(t, state.RoleResponder, bot.Question{Place: inside, Arg: "server", Prefix: "sp"}))
	require.Equal(t, []string{"sp-01"}, asked(t, state.RoleResponder, bot.Question{Place: inside, Arg: "server", Prefix: "sp", Incident: "tool"}))
	require.Empty(t, asked(t, state.RoleViewer, bot.Question{Place: inside, Arg: "server", Prefix: "sp"}), "who may not run it")
	require.Empty(t, asked(t, state.RoleLead, bot.Question{Place: state.Place{Ceiling: state.TLPGreen}, Arg: "server", Prefix: "sp"}), "a place that may not see names")
	require.Empty(t, asked(t, state.RoleLead, bot.Question{Place: inside, Arg: "colour"}))
	require.Equal(t, []string{"fast", "far"}, asked(t, state.RoleViewer, bot.Question{Arg: "how", Prefix: "F"}), "choices are no secret")
	require.Equal(t, []string{"toolshell-1"}, asked(t, state.RoleLead, bot.Question{Place: inside, Arg: "incident", Prefix: ""}))
}
