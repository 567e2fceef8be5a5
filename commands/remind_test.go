package commands

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

func TestNobodyIsRemindedOfWhatIsOver(t *testing.T) {
	t.Parallel()
	b, id := almost(t)
	require.Empty(t, b.fired(), "all is settled")
	b.must("lead-2", "approve "+id)
	require.Empty(t, b.fired())
	require.Contains(t, b.no("resp-1", "ping"), "is declared clear; nobody is reminded, until something re-opens")
	b.said()
	b.now = b.now.Add(80 * time.Hour)
	_, err := Sweep(t.Context(), b.store, boardID, b.now)
	require.NoError(t, err)
	b.said()
	require.NotEmpty(t, b.fired(), "time has taken clear back, and reminders start again by themselves")
	b.now = b.now.Add(5 * time.Hour)
	b.must("lead-1", "incident close given up")
	require.Empty(t, b.fired())
	require.Contains(t, b.no("resp-1", "ping"), "is closed; nobody is reminded")
	_, err = Tend(t.Context(), b.parts, "no-such", b.now)
	require.ErrorIs(t, err, state.ErrNotFound)
}

func TestAClaimGrowsOldAndGoesBackToThePool(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	sweep := func() (out []state.Notice) {
		_, err := Sweep(t.Context(), b.store, boardID, b.now)
		require.NoError(t, err)
		for _, n := range b.said() {
			if n.Kind == state.NoticeClaimAsked || n.Kind == state.NoticeClaimEnded {
				out = append(out, n)
			}
		}
		return out
	}
	b.must("resp-1", "claim sp-hr-01")
	b.now = b.now.Add(state.ClaimLife - time.Second)
	require.Empty(t, sweep())
	b.now = b.now.Add(time.Second)
	ns := sweep()
	require.Len(t, ns, 1)
	m := b.render(ns[0])
	require.Contains(t, plain(m), "resp-1: still on it? You claimed this more than 4 h ago, and nothing shows it done\n? sp-hr-01 unknown")
	require.Contains(t, plain(m), "Without an answer it goes back to the pool at 12:30 UTC.")
	require.Equal(t, []string{"person:resp-1"}, m.Notify)
	require.Contains(t, lines(m), "claim --incident ts-1 sp-hr-01")

	b.must("resp-1", "claim sp-hr-01") // still on it
	require.Empty(t, b.render(ns[0]).Parts, "who has answered is not asked")
	b.now = b.now.Add(state.ClaimGrace)
	require.Empty(t, sweep())
	b.now = b.now.Add(state.ClaimLife)
	require.Len(t, sweep(), 1)
	b.now = b.now.Add(state.ClaimGrace)
	ns = sweep()
	require.Len(t, ns, 1)
	m = b.render(ns[0])
	require.Contains(t, plain(m), "Back in the pool: resp-1 claimed it and did not answer")
	require.Empty(t, m.Notify)
	row, err := b.store.Row(t.Context(), boardID, "sp-hr-01")
	require.NoError(t, err)
	require.False(t, row.Claimed)
	require.Empty(t, row.ClaimedBy)
	b.now = b.now.Add(24 * time.Hour)
	require.Empty(t, sweep())
}
