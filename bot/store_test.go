package bot_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
)

func realStore(t *testing.T) *redisstore.Store {
	t.Helper()
	engine, err := embedded.OpenMemory(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	client := engine.Client()
	t.Cleanup(func() { _ = client.Close() })
	s := redisstore.New(client, redisstore.Options{})
	require.NoError(t, s.Init(t.Context()))
	return s
}

var (
	_ bot.Inbox = (*redisstore.Store)(nil)
	_ bot.Inbox = (*bottest.Store)(nil)
)

func TestTheRouterAndTheRealStoreAnswerOnce(t *testing.T) {
	t.Parallel()
	store := realStore(t)
	o := bot.Options{Store: store, Poll: 10 * time.Millisecond, Lease: time.Second}
	d := newDesk(t, o, bottest.Says("hello", func(c chat.Call) chat.Message {
		c.Say("", chat.Say(chat.P("thinking")))
		return hello(c)
	}))
	stop := running(t, d.Router)
	for i := range 2 {
		ack, err := d.Handle(t.Context(), ask("1", "lea", "hello"))
		require.NoError(t, err)
		require.Equal(t, i > 0, ack.Duplicate)
	}
	require.Equal(t, map[string]int{"answer 1 @ console//terminal//": 1, "progress 1 1.1 @ console//terminal//": 1}, claimAll(t, store, 2))
	require.NoError(t, stop())
}

func TestTheRouterResumesFromTheRealStore(t *testing.T) {
	t.Parallel()
	store := realStore(t)
	d := newDesk(t, bot.Options{Store: store, Poll: 10 * time.Millisecond}, bottest.Says("hello", hello))
	mustAsk(t, d, "1", "hello")
	_, ok, err := store.Lease(t.Context(), "killed", time.Now(), 100*time.Millisecond)
	require.NoError(t, err)
	require.True(t, ok)
	running(t, d.Router)
	require.Equal(t, map[string]int{"answer 1 @ console//terminal//": 1}, claimAll(t, store, 1))
}

// claimAll takes letters from the outbox until there are enough, and then looks for more.
func claimAll(t *testing.T, s *redisstore.Store, enough int) map[string]int {
	t.Helper()
	got := map[string]int{}
	take := func() {
		letters, err := s.Claim(t.Context(), "test", time.Now(), time.Minute, 10)
		require.NoError(t, err)
		for _, l := range letters {
			got[l.Letter.ID]++
			require.NoError(t, s.Delivered(t.Context(), l.Letter, l.Token, state.Receipt{Place: l.Letter.Place, MessageID: "m", At: time.Now()}))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for len(got) < enough && ctx.Err() == nil {
		take()
	}
	for range 3 {
		<-time.After(20 * time.Millisecond)
		take()
	}
	return got
}
