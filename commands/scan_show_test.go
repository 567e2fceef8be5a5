package commands

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func TestEachChangeOfAScanIsShownOrHandedOut(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	require.Contains(t, plain(b.must("view-1", "scan show")), "No scan has ended yet")
	require.Contains(t, b.no("view-1", "scan show s-nope"), "no scan \"s-nope\"")
	s := state.Scan{
		ID: "s-1", Incident: boardID, Selection: "all", Started: b.now, Total: 4, Looked: 4, Reached: 3, Complete: true,
		Changes: []state.Transition{
			{Server: "sp-hr-01", Owner: "bob", From: state.StatusUnknown, To: state.StatusExposed, Why: `=HYPERLINK("x")`},
			{Server: "sp-fin-01", From: state.StatusUnknown, To: state.StatusCompromised, Why: "a shell was found"},
		},
		Unreached: []string{"sp-edge-01"}, NotReached: 3,
	}
	_, begun, err := b.store.BeginScan(t.Context(), s, time.Minute)
	require.NoError(t, err)
	require.True(t, begun)
	s.Ended = b.now.Add(time.Minute)
	require.NoError(t, b.store.EndScan(t.Context(), s))

	text := plain(b.must("view-1", "scan show"))
	require.Contains(t, text, "✖ sp-fin-01 unknown → compromised · a shell was found\n▲ sp-hr-01 unknown → exposed")
	require.Contains(t, text, "3 gave no answer, which proves nothing: sp-edge-01")

	m := b.must("view-1", "scan show --csv s-1")
	require.Contains(t, plain(m), "2 changes and 1 server without an answer, in the file.\n2 more gave no answer; their names were not kept.")
	var file chat.Attachment
	for _, p := range m.Parts {
		if a, ok := p.(chat.Attachment); ok {
			file = a
		}
	}
	require.Equal(t, "scan-s-1.csv", file.Name)
	require.Equal(t, state.TLPAmberStrict, file.TLP)
	require.Equal(t, strings.Join([]string{
		"server,owner,group,from,to,why",
		"sp-fin-01,,,unknown,compromised,a shell was found",
		`sp-hr-01,bob,,unknown,exposed,"'=HYPERLINK(""x"")"`,
		`sp-edge-01,,,,,"no answer, which proves nothing"`,
	}, "\n")+"\n", string(file.Data))
}
