package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// cutting is a store whose caller goes away, or which breaks, at the second write.
type cutting struct {
	Store
	writes int
	cut    func()
	broken error
}

func (c *cutting) Update(ctx context.Context, w state.Work, incident string, farms []string, change func(*state.Tx) error) (state.Outcome, error) {
	if c.writes++; c.writes == 2 {
		if c.cut != nil {
			c.cut()
		}
		if c.broken != nil {
			return state.Outcome{}, c.broken
		}
	}
	if err := ctx.Err(); err != nil {
		return state.Outcome{}, err
	}
	return c.Store.Update(ctx, w, incident, farms, change)
}

func many() chat.File {
	var b strings.Builder
	b.WriteString("name,owner\n")
	for i := range 300 {
		fmt.Fprintf(&b, "sp-%03d,alice\n", i)
	}
	return chat.File{Name: "x.csv", Data: []byte(b.String())}
}

func TestAnImportThatHasBegunIsFinishedThoughTheCallerGoes(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "")
	_, call := w.call(t, "lead-1", "server import", many())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m, err := serverImport{&cutting{Store: w.store, cut: cancel}, nil, w.clock}.Run(ctx, call)
	require.NoError(t, err)
	require.Contains(t, words(m), "Added 300")
	_, total, err := w.store.List(t.Context(), "toolshell-1", state.Filter{}, 0, 1)
	require.NoError(t, err)
	require.Equal(t, 300, total)
}

func TestAnImportThatIsCutOffSaysHowFarItCame(t *testing.T) {
	t.Parallel()
	for _, broken := range []error{context.Canceled, state.ErrUnavailable, errors.New("disk on fire")} {
		w := opened(t, 2, "")
		_, call := w.call(t, "lead-1", "server import", many())
		_, err := serverImport{&cutting{Store: w.store, broken: broken}, nil, w.clock}.Run(t.Context(), call)
		var p *chat.Problem
		require.ErrorAs(t, err, &p, "%v", broken)
		require.Contains(t, p.What, "at least 64 of 300 servers were written")
		require.Contains(t, p.Try, "Import the same file again")
		require.ErrorIs(t, err, broken)
		m, err := serverImport{w.store, nil, w.clock}.Run(t.Context(), call)
		require.NoError(t, err)
		require.Contains(t, words(m), "Added 300")
	}
}

func TestAnImportOfFarmsThatAreTooBigTogetherIsDivided(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "")
	_, call := w.call(t, "lead-1", "server import", many())
	m, err := serverImport{tight{w.store, 10}, nil, w.clock}.Run(t.Context(), call)
	require.NoError(t, err)
	require.Contains(t, words(m), "Added 300")
}

func TestWhatOutlastsItsCallerEndsAfterAWhile(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	long, done := outlast(ctx, 20*time.Millisecond)
	defer done()
	cancel()
	require.NoError(t, long.Err())
	require.Eventually(t, func() bool { return long.Err() != nil }, 5*time.Second, time.Millisecond)
}
