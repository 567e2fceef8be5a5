package statetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// claimIDs claims and gives the ids in order.
func claimIDs(t testing.TB, s *redisstore.Store, now time.Time) (ids []string, letters map[string]state.ClaimedLetter) {
	t.Helper()
	got, err := s.Claim(t.Context(), "h", now, time.Minute, 10)
	require.NoError(t, err)
	letters = map[string]state.ClaimedLetter{}
	for _, l := range got {
		ids = append(ids, l.Letter.ID)
		letters[l.Letter.ID] = l
	}
	return ids, letters
}

func testOutbox(t *testing.T, start Start) {
	ctx := t.Context()
	s := storeAt(t, start(t).Addr, redisstore.Options{})
	ping := func(id string) state.Letter {
		l := Letter(id, "a", Epoch)
		l.Notice.Coalesce = "pings"
		return l
	}
	future := Letter("later", "a", Epoch)
	future.Due = Epoch.Add(2 * time.Hour)
	require.NoError(t, s.Post(ctx, []state.Letter{future, ping("p1"), Letter("x", "a", Epoch), ping("p2"), Letter("y", "b", Epoch)}))
	require.NoError(t, s.Post(ctx, []state.Letter{ping("p1")}))

	now := Epoch.Add(time.Second)
	ids, l := claimIDs(t, s, now)
	require.ElementsMatch(t, []string{"p1", "p2", "y"}, ids, "what coalesces goes together, x waits")
	require.Equal(t, 1, l["p1"].Claims)
	ids, _ = claimIDs(t, s, now)
	require.Empty(t, ids)
	r := state.Receipt{Place: l["p1"].Letter.Place, MessageID: "m1", At: now, Card: "card", Hash: "h1"}
	require.NoError(t, s.Delivered(ctx, l["p1"].Letter, l["p1"].Token, r))
	require.NoError(t, s.Delivered(ctx, l["p1"].Letter, l["p1"].Token, r), "told twice, because the reply was lost")
	require.NoError(t, s.Delivered(ctx, l["p2"].Letter, l["p2"].Token, r))
	require.NoError(t, s.Later(ctx, l["y"].Letter, l["y"].Token, Epoch.Add(10*time.Minute), "rate limit"))
	require.NoError(t, s.Post(ctx, []state.Letter{Letter("z", "b", Epoch.Add(-time.Hour)), ping("p1")}))

	ids, l = claimIDs(t, s, now)
	require.Equal(t, []string{"x"}, ids, "z waits behind y, though it is older; p1 was delivered")
	late := now.Add(2 * time.Minute)
	_, l2 := claimIDs(t, s, late)
	require.Equal(t, 2, l2["x"].Claims, "the lease was over")
	require.ErrorIs(t, s.Delivered(ctx, l["x"].Letter, l["x"].Token, r), state.ErrLeaseLost)
	require.NoError(t, s.Dead(ctx, l2["x"].Letter, l2["x"].Token, "the channel is gone"))

	held, err := s.Held(ctx, 10)
	require.NoError(t, err)
	require.Len(t, held, 2)
	require.ElementsMatch(t, []string{"the channel is gone", "rate limit"}, []string{held[0].Held, held[1].Held})
	healthy(t, s)
	ids, l = claimIDs(t, s, Epoch.Add(10*time.Minute))
	require.Equal(t, []string{"y"}, ids)
	held, err = s.Held(ctx, 10)
	require.NoError(t, err)
	require.Len(t, held, 2, "it is held until it is known how this try ends")
	require.NoError(t, s.Later(ctx, l["y"].Letter, l["y"].Token, Epoch.Add(11*time.Minute), ""))
	held, err = s.Held(ctx, 10)
	require.NoError(t, err)
	require.Len(t, held, 1, "it waits, but for no reason")
	_, l = claimIDs(t, s, Epoch.Add(11*time.Minute))
	require.NoError(t, s.Later(ctx, l["y"].Letter, l["y"].Token, Epoch.Add(12*time.Minute), "rate limit"))
	healthy(t, s)
	got, found, err := s.CardReceipt(ctx, "card", r.Place)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, r, got)
	got, err = s.ReceiptOf(ctx, "p1")
	require.NoError(t, err)
	require.Equal(t, "m1", got.MessageID)
	_, err = s.ReceiptOf(ctx, "x")
	require.ErrorIs(t, err, state.ErrNotFound)
	n, oldest, err := s.QueueSize(ctx)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Equal(t, Epoch.Add(-time.Hour), oldest)
	ids, _ = claimIDs(t, s, Epoch.Add(3*time.Hour))
	require.ElementsMatch(t, []string{"later", "y"}, ids)
}
