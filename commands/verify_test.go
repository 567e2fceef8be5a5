package commands

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
)

func TestVerifyAnswersWithWhatWasFoundAndWhatIsMissing(t *testing.T) {
	t.Parallel()
	f, inventory := serving(t, fleet.Options{Servers: 30, HangingShare: -1, CompromisedShare: -1, HostileShare: -1})
	w := opened(t, 2, inventory)
	w.run(t, "alice", "scan")
	for _, s := range f.Inventory() {
		text := words(w.run(t, "alice", "verify "+s.Name))
		truth, err := f.Truth(s.Name)
		require.NoError(t, err)
		require.Contains(t, text, "Status: ")
		require.NotContains(t, text, "remediated")
		switch {
		case s.URL == "":
			require.Contains(t, text, "it has no URL, so it cannot be asked")
		case s.Via != "":
			require.Contains(t, text, "so this is about the farm and not about this server")
			require.True(t, w.row(t, s.Name).LastReached.IsZero())
		case truth.Vulnerable:
			require.NotContains(t, text, "it says it is fixed", s.Name)
			require.Contains(t, text, "Still missing, ")
		}
	}
}

func TestVerifyOfAServerThatDoesNotAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	f, inventory := serving(t, fleet.Options{Servers: 30, HangingShare: -1, CompromisedShare: -1, HostileShare: -1})
	w := opened(t, 2, inventory)
	w.run(t, "alice", "scan")
	rows, _, err := w.store.List(t.Context(), "toolshell-1", state.Filter{}, 0, 100)
	require.NoError(t, err)
	require.Equal(t, state.StatusExposed, rows[0].Status)
	require.NoError(t, f.Disconnect(rows[0].Name))
	text := words(w.run(t, "alice", "verify "+rows[0].Name))
	require.Contains(t, text, "no answer, which proves nothing")
	require.Contains(t, text, "Status: exposed, as before.")
}

func TestAServerThatSharesItsURLIsNeverJudgedAlone(t *testing.T) {
	t.Parallel()
	f, _ := serving(t, fleet.Options{Servers: 5, HangingShare: -1, CompromisedShare: -1, HostileShare: -1})
	url := f.URL("sp-finance-w1")
	w := opened(t, 2, "name,url,addresses,farm\na,"+url+",127.0.0.1,one\nb,"+url+",127.0.0.1,two\n")
	for _, line := range []string{"verify a", "scan b"} {
		w.run(t, "alice", line)
	}
	require.True(t, w.row(t, "a").LastLook.IsZero())
	require.True(t, w.row(t, "b").LastLook.IsZero())
}
