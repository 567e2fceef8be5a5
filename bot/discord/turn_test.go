package discord

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/discord/discordfake"
)

// seat is a store of one name.
type seat struct {
	mu    sync.Mutex
	by    string
	until time.Time
	away  bool
}

func (s *seat) Hold(_ context.Context, _, holder string, _ time.Time, ttl time.Duration) (int64, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.away:
		return 0, "", errors.New("away")
	case s.by != holder && s.until.After(time.Now()):
		return 1, s.by, nil
	}
	s.by, s.until = holder, time.Now().Add(ttl)
	return 1, holder, nil
}

func (s *seat) set(by string, away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by, s.until, s.away = by, time.Now().Add(time.Hour), away
}

func (s *seat) free() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.until = time.Time{}
}

func TestWhoIsNotConnectedIsReadyAndPosts(t *testing.T) {
	t.Parallel()
	s := &seat{}
	s.set("OTHER", false)
	st := newStage(t, false, discordfake.Options{}, func(o *Options) {
		o.Sole = &bot.Sole{Store: s, Name: "gateway", Lease: 300 * time.Millisecond}
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- st.p.Run(ctx, &desk{specs: someSpecs()}) }()
	soon(t, "it is ready", func() bool { return st.p.Ready() == nil })
	require.Equal(t, "standby, the gateway is held by OTHER", st.p.Standby())
	require.Zero(t, st.Identifies())
	_, err := st.p.Post(t.Context(), st.here(), says("from who is not connected"), "k")
	require.NoError(t, err)

	s.free()
	soon(t, "it takes its turn", func() bool { return st.p.Standby() == "" && st.p.Ready() == nil && st.Connected() == 1 })

	s.set("", true)
	soon(t, "it leaves, for another may be there by now", func() bool { return st.Connected() == 0 })
	require.ErrorContains(t, st.p.Ready(), "the store does not say")
	require.Empty(t, st.p.Standby())
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, 1, st.Together())
}
