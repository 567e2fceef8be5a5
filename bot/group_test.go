package bot_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
)

// diary notes in which order things end.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, s)
}

func (d *diary) part(name string) func(context.Context) error {
	return func(ctx context.Context) error { <-ctx.Done(); d.note(name); return ctx.Err() }
}

func (d *diary) cleanup(name string, err error) func(context.Context) error {
	return func(context.Context) error { d.note(name); return err }
}

func TestAGroupGoesDownLastInFirstOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		g := bot.NewGroup(nil, time.Minute)
		g.Cleanup("store", d.cleanup("store", nil))
		g.Add("outbox", d.part("outbox"))
		g.Cleanup("files", d.cleanup("files", nil))
		g.Add("router", d.part("router"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, g.Run(ctx))
		require.Equal(t, []string{"router", "files", "outbox", "store"}, d.lines)
		require.NoError(t, g.Close(), "it is down already")
	})
}

func TestTheFirstErrorOfAPartEndsTheGroup(t *testing.T) {
	t.Parallel()
	boom, worse := errors.New("boom"), errors.New("disk full")
	for _, c := range []struct {
		name string
		run  func(context.Context) error
		want error
	}{
		{"an error", func(context.Context) error { return boom }, boom},
		{"a wish to stop", func(context.Context) error { return bot.ErrStop }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var d diary
			g := bot.NewGroup(nil, time.Minute)
			g.Cleanup("store", d.cleanup("store", worse))
			g.Add("outbox", d.part("outbox"))
			g.Add("done at once", func(context.Context) error { return nil })
			g.Add("socket", c.run)
			err := g.Run(t.Context())
			if c.want != nil {
				require.ErrorIs(t, err, c.want)
				require.ErrorContains(t, err, "socket: ")
			}
			require.ErrorIs(t, err, worse, "what the cleanups say is told too")
			require.Equal(t, []string{"outbox", "store"}, d.lines)
		})
	}
}

func TestAPanicOfAPartIsItsError(t *testing.T) {
	t.Parallel()
	g := bot.NewGroup(nil, time.Minute)
	g.Add("web", func(context.Context) error { panic("oh") })
	require.ErrorContains(t, g.Run(t.Context()), "web: it panicked: oh")
}

func TestWhatDoesNotEndIsLeftBehindByName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		forever := make(chan struct{})
		g := bot.NewGroup(nil, 25*time.Second)
		g.Cleanup("store", d.cleanup("store", nil))
		g.Add("deaf", func(context.Context) error { <-forever; return nil })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		require.ErrorContains(t, g.Run(ctx), "stop deaf: it does not end in time")
		require.Equal(t, 25*time.Second, time.Since(began))
		synctest.Wait()
		require.Equal(t, []string{"store"}, d.lines, "the rest is still taken down")
		close(forever)
	})
}

func TestAGroupThatNeverRanIsOnlyCleanedUp(t *testing.T) {
	t.Parallel()
	var d diary
	g := bot.NewGroup(nil, time.Minute)
	g.Cleanup("a", d.cleanup("a", nil))
	g.Add("part", d.part("part"))
	g.Cleanup("b", d.cleanup("b", nil))
	require.NoError(t, g.Close())
	require.Equal(t, []string{"b", "a"}, d.lines)
}
