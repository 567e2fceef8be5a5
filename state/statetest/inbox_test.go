package statetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

func testInbox(t *testing.T, start Start) {
	ctx := t.Context()
	s := storeAt(t, start(t).Addr, redisstore.Options{MaxInbox: 3})
	payload := []byte{0, 255, 'x', '\n'}
	fresh, err := s.Accept(ctx, "a", payload, Epoch)
	require.NoError(t, err)
	require.True(t, fresh)
	fresh, err = s.Accept(ctx, "a", []byte("other"), Epoch.Add(time.Second))
	require.NoError(t, err)
	require.False(t, fresh)
	for _, id := range []string{"b", "c"} {
		_, err = s.Accept(ctx, id, []byte(id), Epoch.Add(time.Second))
		require.NoError(t, err)
	}
	_, err = s.Accept(ctx, "d", nil, Epoch)
	require.ErrorIs(t, err, redisstore.ErrFull)
	n, oldest, err := s.Waiting(ctx)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	require.Equal(t, Epoch, oldest)

	job, ok, err := s.Lease(ctx, "w1", Epoch, time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, state.Job{ID: "a", Payload: payload, Attempt: 1, Accepted: Epoch}, job)
	next, ok, err := s.Lease(ctx, "w2", Epoch, time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "b", next.ID)
	require.NoError(t, s.Renew(ctx, "a", "w1", 1, Epoch.Add(30*time.Second), time.Minute))
	require.ErrorIs(t, s.Renew(ctx, "a", "w2", 1, Epoch, time.Minute), state.ErrLeaseLost)

	taken, ok, err := s.Lease(ctx, "w3", Epoch.Add(time.Minute), time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "b", taken.ID, "its lease is over, that of a was renewed")
	require.Equal(t, 2, taken.Attempt)
	answer := []state.Letter{Letter("answer b", "war-room", Epoch)}
	require.ErrorIs(t, s.Finish(ctx, "b", "w2", 1, answer, Epoch), state.ErrLeaseLost)
	require.NoError(t, s.Finish(ctx, "b", "w3", 2, answer, Epoch))
	require.ErrorIs(t, s.Finish(ctx, "b", "w3", 2, answer, Epoch.Add(time.Second)), state.ErrLeaseLost, "finished already")
	require.NoError(t, s.Finish(ctx, "a", "w1", 1, nil, Epoch))
	size, _, err := s.QueueSize(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, size)

	last, ok, err := s.Lease(ctx, "w1", Epoch, time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "c", last.ID)
	_, ok, err = s.Lease(ctx, "w1", Epoch, time.Minute)
	require.NoError(t, err)
	require.False(t, ok)
	fresh, err = s.Accept(ctx, "a", payload, Epoch.Add(time.Hour))
	require.NoError(t, err)
	require.False(t, fresh, "finished, and not forgotten")
}
