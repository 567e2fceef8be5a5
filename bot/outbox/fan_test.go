package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/outbox"
	"github.com/allclear-bot/allclear/state"
)

// strictChannel is a platform that takes so many posts a second and no more, each
// after a while, as Discord does (50 a second; discord.com/developers/docs, rate limits).
type strictChannel struct {
	perSecond int
	latency   time.Duration

	mu      sync.Mutex
	window  time.Time
	taken   int
	refused int
	got     map[string]int
}

func (c *strictChannel) Post(ctx context.Context, p state.Place, _ chat.Message, _ string) (string, error) {
	select {
	case <-time.After(c.latency):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.window) >= time.Second {
		c.window, c.taken = now, 0
	}
	if c.taken++; c.taken > c.perSecond {
		c.refused++
		return "", &chat.RetryAfter{After: time.Until(c.window.Add(time.Second)), Err: errors.New("429")}
	}
	c.got[p.Key()]++
	return "m", nil
}

func (c *strictChannel) Edit(context.Context, state.Place, string, chat.Message, string) error {
	return nil
}

func (c *strictChannel) Find(context.Context, state.Place, string) (string, bool, error) {
	return "", false, nil
}

func TestOneCardToFiveHundredPlacesTakesLittleLongerThanTheLimitsDemand(t *testing.T) {
	t.Parallel()
	const places, perSecond = 500, 50
	synctest.Test(t, func(t *testing.T) {
		ch := &strictChannel{perSecond: perSecond, latency: 100 * time.Millisecond, got: map[string]int{}}
		f := newOffice(t, outbox.Options{Posters: map[string]outbox.Poster{"test": ch}})
		n := state.Notice{Key: "advisory 1", Card: "advisory 1", Coalesce: "advisory 1", Payload: document(chat.P("Patch.")), At: time.Now()}
		var to []state.Place
		for i := range places {
			to = append(to, state.Place{Platform: "test", Workspace: fmt.Sprint(i), Channel: "news", Ceiling: state.TLPAmberStrict})
		}
		require.NoError(t, f.store.Post(t.Context(), n.Address(to)))
		began := time.Now()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		for range 600 {
			time.Sleep(50 * time.Millisecond)
			ch.mu.Lock()
			n := len(ch.got)
			ch.mu.Unlock()
			if n == places {
				break
			}
		}
		took := time.Since(began)
		stop()
		require.NoError(t, <-done)
		require.Len(t, ch.got, places, "none is lost")
		for p, n := range ch.got {
			require.Equal(t, 1, n, p)
		}
		limit := time.Duration(places/perSecond) * time.Second
		t.Logf("%d places at %d a second: %s, %.2f of what the limit alone allows (%s); refused %d times", places, perSecond, took, float64(took)/float64(limit), limit, ch.refused)
		require.LessOrEqual(t, took, limit*12/10)
		require.Empty(t, f.store.Queue())
	})
}
