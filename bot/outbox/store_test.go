package outbox_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/outbox"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
)

var (
	_ outbox.Store = (*redisstore.Store)(nil)
	_ outbox.Store = (*bottest.Store)(nil)
)

// dying is the real store until a process dies: then nothing more is noted.
type dying struct {
	*redisstore.Store
	mu   sync.Mutex
	dead bool
}

func (d *dying) Delivered(ctx context.Context, l state.Letter, token string, r state.Receipt) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errors.New("killed")
	}
	return d.Store.Delivered(ctx, l, token, r)
}

func TestTheRealStoreAndACrashDoubleNothingAndLoseNothing(t *testing.T) {
	t.Parallel()
	engine, err := embedded.OpenMemory(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	client := engine.Client()
	t.Cleanup(func() { _ = client.Close() })
	store := &dying{Store: redisstore.New(client, redisstore.Options{})}
	require.NoError(t, store.Init(t.Context()))

	ch := &channel{}
	o := outbox.Options{
		Store: store, Posters: map[string]outbox.Poster{"test": ch}, Poll: 5 * time.Millisecond, Window: 50 * time.Millisecond, CardEvery: 50 * time.Millisecond,
		Claim: 300 * time.Millisecond, Timeout: 50 * time.Millisecond, Grace: 10 * time.Millisecond,
		Render: func(_ context.Context, ns []state.Notice, _ state.Place) (chat.Message, error) {
			m := chat.Message{}
			for _, n := range ns {
				m.Add(chat.P(n.Key))
			}
			return m, nil
		},
	}
	post := func(n state.Notice) {
		n.At = time.Now()
		require.NoError(t, store.Post(t.Context(), n.Address([]state.Place{team})))
	}
	run := func(until func() bool) {
		ob, err := outbox.New(o)
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- ob.Run(ctx) }()
		require.Eventually(t, until, 15*time.Second, 5*time.Millisecond)
		cancel()
		require.NoError(t, <-done)
	}
	size := func() int {
		n, _, err := store.QueueSize(context.WithoutCancel(t.Context()))
		if err != nil {
			return -1
		}
		return n
	}

	// The first process posts one message and dies before it notes so.
	store.dead = true
	post(state.Notice{Key: "plain"})
	run(func() bool { return len(ch.texts()) == 1 })
	store.mu.Lock()
	store.dead = false
	store.mu.Unlock()

	// The next one finds it and goes on, through a hold, a slow-down and a card.
	post(state.Notice{Key: "c1", Coalesce: "x"})
	post(state.Notice{Key: "c2", Coalesce: "x"})
	post(state.Notice{Key: "b1", Card: "board"})
	post(state.Notice{Key: "b2", Card: "board"})
	ch.fail(func(method string, _ state.Place) error {
		if method == "Post" {
			ch.fail(nil)
			return &chat.RetryAfter{After: 100 * time.Millisecond}
		}
		return nil
	})
	run(func() bool { return size() == 0 })
	got := ch.texts()
	slices.Sort(got)
	if len(got) == 4 { // the two fell on both sides of a window
		require.Equal(t, []string{"b2", "c1", "c2", "plain"}, got)
	} else {
		require.Equal(t, []string{"b2", "c1|c2", "plain"}, got)
	}
	held, err := store.Held(t.Context(), 10)
	require.NoError(t, err)
	require.Empty(t, held)
}
