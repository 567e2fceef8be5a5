package redisstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// What answers leave behind is forgotten, and what is edited for ever is not.
func TestPruneForgetsTheCardsOfAnswersAndOldDeadLetters(t *testing.T) {
	t.Parallel()
	engine, err := embedded.OpenMemory(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	client := engine.Client()
	t.Cleanup(func() { _ = client.Close() })
	ctx := t.Context()
	s := redisstore.New(client, redisstore.Options{})
	require.NoError(t, s.Init(ctx))
	const day = 24 * time.Hour
	start := time.Date(2025, 7, 21, 18, 0, 0, 0, time.UTC)
	place := state.Place{Platform: "test", Channel: "team"}
	claim := func(key, card string, at time.Time) state.ClaimedLetter {
		t.Helper()
		n := state.Notice{Key: key, Card: card, Payload: []byte("x"), At: at}
		require.NoError(t, s.Post(ctx, n.Address([]state.Place{place})))
		got, err := s.Claim(ctx, "test", at, time.Minute, 1)
		require.NoError(t, err)
		require.Len(t, got, 1)
		return got[0]
	}
	show := func(key, card string, at time.Time) {
		t.Helper()
		c := claim(key, card, at)
		require.NoError(t, s.Delivered(ctx, c.Letter, c.Token, state.Receipt{Place: place, MessageID: "m", At: at, Card: card}))
	}
	shown := func(card string) bool {
		t.Helper()
		_, found, err := s.CardReceipt(ctx, card, place)
		require.NoError(t, err)
		return found
	}
	keys := func() int {
		t.Helper()
		all, err := client.Keys(ctx, "*").Result()
		require.NoError(t, err)
		return len(all)
	}
	before := keys()
	for i := range 1200 { // more than one step
		show(fmt.Sprint("answer ", i), fmt.Sprint("answer ", i), start)
	}
	show("board 1", "board", start)
	show("progress long 1", "answer long", start)
	show("answer long", "answer long", start.Add(5*day))
	c := claim("lost", "", start)
	require.NoError(t, s.Dead(ctx, c.Letter, c.Token, "given up"))

	_, err = s.Prune(ctx, start.Add(3*day))
	require.NoError(t, err)
	for i := range 1200 {
		require.False(t, shown(fmt.Sprint("answer ", i)))
	}
	require.True(t, shown("answer long"), "it was edited since")
	require.True(t, shown("board"), "it is edited as long as it is there")
	dead, err := s.Held(ctx, 10)
	require.NoError(t, err)
	require.Len(t, dead, 1, "people may still want to see it")

	_, err = s.Prune(ctx, start.Add(31*day))
	require.NoError(t, err)
	require.False(t, shown("answer long"))
	require.True(t, shown("board"))
	dead, err = s.Held(ctx, 10)
	require.NoError(t, err)
	require.Empty(t, dead)
	n, err := s.Prune(ctx, start.Add(31*day))
	require.NoError(t, err)
	require.Zero(t, n)
	require.LessOrEqual(t, keys(), before+2, "the card of the board, and the number of letters")
}
