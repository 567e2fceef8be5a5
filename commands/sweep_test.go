package commands

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

func TestASweepMakesStaleWhatIsTooOldAndComesToAnEnd(t *testing.T) {
	t.Parallel()
	w := cleared(t)
	swept, err := Sweep(t.Context(), w.store, "toolshell-1", w.clock())
	require.NoError(t, err)
	require.Zero(t, swept.Farms)
	w.wait(60 * 24 * time.Hour)
	swept, err = Sweep(t.Context(), w.store, "toolshell-1", w.clock())
	require.NoError(t, err)
	require.Equal(t, 2, swept.Farms)
	require.NotEmpty(t, swept.Changes)
	board, err := w.store.Board(t.Context(), "toolshell-1", w.clock())
	require.NoError(t, err)
	require.Zero(t, board.Overdue)
	swept, err = Sweep(t.Context(), w.store, "toolshell-1", w.clock())
	require.NoError(t, err)
	require.Zero(t, swept.Farms)
}

// noRecord is a store in which nothing was ever revised.
type noRecord struct{ Auditor }

func (noRecord) Incident(_ context.Context, id string) (state.Incident, error) {
	return state.Incident{ID: id}, nil
}

// stubborn lists farms that never leave the list.
type stubborn struct {
	noRecord
	n       int
	updated map[string]int
}

func (s *stubborn) Update(_ context.Context, _ state.Work, _ string, farms []string, _ func(*state.Tx) error) (state.Outcome, error) {
	for _, f := range farms {
		s.updated[f]++
	}
	if len(farms) > farmsAtOnce {
		return state.Outcome{}, fmt.Errorf("%d farms at once", len(farms))
	}
	return state.Outcome{}, nil
}

func (s *stubborn) Due(_ context.Context, _ string, _ time.Time, limit int) ([]string, error) {
	var out []string
	for i := range min(limit, s.n) {
		out = append(out, fmt.Sprint(i))
	}
	return out, nil
}

func (s *stubborn) Behind(context.Context, string, int) ([]string, error) { return nil, nil }

func TestASweepTakesEachFarmOnceWhateverTheListSays(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 63, 64, 65, 128, 300} {
		s := &stubborn{n: n, updated: map[string]int{}}
		swept, err := Sweep(t.Context(), s, "x", morning)
		require.NoError(t, err)
		require.Equal(t, n, swept.Farms)
		require.Len(t, s.updated, n)
		for f, k := range s.updated {
			require.Equal(t, 1, k, f)
		}
	}
}
