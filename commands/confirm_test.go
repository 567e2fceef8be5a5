package commands

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func TestTwoPersonsConfirmAServer(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	m := b.must("lead-1", "confirm sp-fin-01")
	text := plain(m)
	require.Contains(t, text, "sp-fin-01: 1 asked for a second person.")
	require.Contains(t, text, "◉ sp-fin-01 waits for a second person · c-sp-fin-01-")
	require.Contains(t, text, "● patch verified 16.0.10417.20037 · collector, 22 Jul 11:30")
	require.Contains(t, text, "Who may approve: lead-2.")
	require.Len(t, lines(m), 1)
	require.Equal(t, state.StatusReady, b.status("sp-fin-01"))

	require.Contains(t, plain(b.must("lead-1", "confirm sp-fin-01")), "1 waiting for a second person since you asked")
	refs, err := b.store.Proposals(t.Context(), boardID)
	require.NoError(t, err)
	require.Len(t, refs, 1)
	require.Contains(t, b.no("lead-1", "approve "+refs[0].ID), "You asked for this yourself. It takes a second person. Who may approve: lead-2.")

	m = b.must("lead-2", "confirm SP-FIN-01") // the second person says the same
	require.Equal(t, chat.ToneGood, m.Tone)
	require.Contains(t, plain(m), "● sp-fin-01 confirmed: asked by lead-1, approved by lead-2, on facts ")
	require.Equal(t, state.StatusConfirmed, b.status("sp-fin-01"))
	require.Contains(t, plain(b.must("lead-2", "confirm sp-fin-01")), "confirmed 15:03 by lead-1 and lead-2")
}

func TestARequestToConfirmThatRunsAgainSaysHowItIs(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	first, err := b.askAs("a", "lead-1", "confirm --farm fin")
	require.NoError(t, err)
	require.Contains(t, plain(first), "farm fin: 2 asked for a second person.")
	again, err := b.askAs("a", "lead-1", "confirm --farm fin")
	require.NoError(t, err)
	require.Contains(t, plain(again), "farm fin: 2 waiting for a second person since you asked.")
	_, err = b.askAs("b", "lead-2", "confirm --farm fin")
	require.NoError(t, err)
	again, err = b.askAs("b", "lead-2", "confirm --farm fin")
	require.NoError(t, err)
	require.Contains(t, plain(again), "farm fin: 2 confirmed before.")
	entries, err := b.store.AuditOf(t.Context(), boardID, "sp-fin-02", 50)
	require.NoError(t, err)
	confirmed := 0
	for _, e := range entries {
		for _, ev := range e.Events {
			if ev.Type == "confirmed" && ev.Server == "sp-fin-02" {
				confirmed++
			}
		}
	}
	require.Equal(t, 1, confirmed)
}

func TestWhatIsNotReadyIsNotAskedFor(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	require.Contains(t, b.no("lead-1", "confirm sp-hr-01"), "? sp-hr-01 not ready · preserve")
	m := b.must("lead-1", "confirm --group emea")
	require.Contains(t, plain(m), "group emea: 2 asked for a second person · 1 not ready.")
	require.Contains(t, plain(m), "? sp-hr-01 unknown · bob")
	require.Contains(t, b.no("lead-1", "confirm"), "one of: a server, --farm, --group")
	require.Contains(t, b.no("lead-1", "confirm sp-hr-01 --farm fin"), "one of")
	require.Contains(t, b.no("lead-1", "confirm --group ema"), "Did you mean: emea")
	refs, err := b.store.Proposals(t.Context(), boardID)
	require.NoError(t, err)
	require.Len(t, refs, 2)
}

func TestWhoClaimedIsNotTheSecondPerson(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("resp-1", "claim sp-fin-01 patch")
	b.prove()
	b.must("lead-1", "confirm sp-fin-01")
	text := b.no("resp-1", "confirm sp-fin-01")
	require.Contains(t, text, "1 refused to you")
	require.Contains(t, text, "You claimed, attested, seconded or handed in something that this rests on.")
	require.Contains(t, text, "Who may approve: lead-2.")
	require.Equal(t, state.StatusReady, b.status("sp-fin-01"))
}

func TestAnApprovalOnChangedFactsIsVoid(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	b.must("lead-1", "confirm sp-fin-01")
	refs, err := b.store.Proposals(t.Context(), boardID)
	require.NoError(t, err)
	b.now = b.now.Add(time.Hour)
	b.must("resp-1", `evidence add {"schema":"allclear/evidence/1","farm":"fin","observed":"2025-07-22T16:00:00Z","servers":{"sp-fin-01":{"keysMatch":"no"}}}`)
	require.Contains(t, b.no("lead-2", "approve "+refs[0].ID), "has changed since; it is")
	require.Contains(t, b.no("lead-2", "confirm sp-fin-01"), "not ready · verify: ")
	require.NotEqual(t, state.StatusConfirmed, b.status("sp-fin-01"))
	b.now = b.now.Add(25 * time.Hour)
	require.Contains(t, b.no("lead-2", "approve "+refs[0].ID), "Nothing waits as")
}
