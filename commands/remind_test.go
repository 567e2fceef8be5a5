package commands

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

func (b *board) remind() int {
	b.t.Helper()
	sent, err := Remind(b.t.Context(), b.parts, boardID, b.now)
	require.NoError(b.t, err)
	return sent
}

func TestEachSlotRemindsOnce(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	require.Equal(t, 2, b.remind())
	require.Zero(t, b.remind())
	b.now = b.now.Add(3*time.Hour + 59*time.Minute)
	require.Zero(t, b.remind())
	ls := b.said()
	require.Len(t, ls, 2)
	require.Equal(t, "ping ts-1 2025-07-21T08:00:00Z alice", ls[0].Key)
	b.now = b.now.Add(time.Minute)
	require.Equal(t, 2, b.remind())
	require.Len(t, b.said(), 2)
}

func TestRemindersOfAPersonAndOfTheClockAreTheSame(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("resp-1", "ping --send")
	b.remind()
	require.Len(t, b.said(), 2)
}

func TestTwoReplicasRemindOnce(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	var wg sync.WaitGroup
	sent := make([]int, 8)
	for i := range sent {
		wg.Go(func() { sent[i], _ = Remind(context.WithoutCancel(t.Context()), b.parts, boardID, b.now) })
	}
	wg.Wait()
	total := 0
	for _, n := range sent {
		total += n
	}
	require.Equal(t, 2, total)
	require.Len(t, b.said(), 2)
}

func TestNobodyIsRemindedOfWhatIsOver(t *testing.T) {
	t.Parallel()
	b, id := almost(t)
	require.Zero(t, b.remind(), "all is settled")
	b.must("lead-2", "approve "+id)
	require.Zero(t, b.remind())
	b.said()
	b.now = b.now.Add(80 * time.Hour)
	_, err := Sweep(t.Context(), b.store, boardID, b.now)
	require.NoError(t, err)
	require.Equal(t, 2, b.remind(), "time has taken clear back")
	b.now = b.now.Add(5 * time.Hour)
	b.must("lead-1", "incident close given up")
	require.Zero(t, b.remind())
	_, err = Remind(t.Context(), b.parts, "no-such", b.now)
	require.ErrorIs(t, err, state.ErrNotFound)
}

func TestWhenNothingIsDueTheSlotStaysOpen(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	for _, s := range []string{"sp-fin-01", "sp-fin-02", "sp-hr-01"} {
		b.must("resp-1", "claim "+s)
	}
	require.Zero(t, b.remind())
	b.must("resp-1", `evidence add {"schema":"allclear/evidence/1","farm":"sp-hr-01","observed":"2025-07-21T08:00:00Z","servers":{"sp-hr-01":{"modules":"malicious"}}}`)
	require.Equal(t, 1, b.remind())
}
