package statetest_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

func TestALostRowIsNeverAServerThatIsDone(t *testing.T) {
	t.Parallel()
	engine, err := embedded.OpenMemory(embedded.Options{})
	require.NoError(t, err)
	client := engine.Client()
	t.Cleanup(func() { _, _ = client.Close(), engine.Close() })
	s := redisstore.New(client, redisstore.Options{Prefix: "t:"})
	ctx := context.Background()
	require.NoError(t, s.Init(ctx))
	_, err = s.Update(ctx, state.Work{Request: "r", Step: "1", By: "p", At: statetest.Epoch}, "inc", []string{"f"}, func(tx *state.Tx) error {
		if err := tx.OpenIncident(state.Incident{ID: "inc", Rules: statetest.Rules(1)}); err != nil {
			return err
		}
		return tx.PutServer(state.Server{Name: "a", Farm: "f"})
	})
	require.NoError(t, err)
	_, err = s.Board(ctx, "inc", statetest.Epoch)
	require.NoError(t, err)
	keys, err := client.Keys(ctx, "t:*row:*").Result()
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	require.NoError(t, client.Del(ctx, keys...).Err())
	_, err = s.Board(ctx, "inc", statetest.Epoch)
	require.ErrorIs(t, err, redisstore.ErrLost)
}

func TestThePeopleAreThoseOfTheProcessThatServes(t *testing.T) {
	t.Parallel()
	engine, err := embedded.OpenMemory(embedded.Options{})
	require.NoError(t, err)
	client := engine.Client()
	t.Cleanup(func() { _, _ = client.Close(), engine.Close() })
	s := redisstore.New(client, redisstore.Options{})
	ctx := context.Background()
	require.NoError(t, s.Init(ctx))
	_, known, err := s.People(ctx)
	require.NoError(t, err)
	require.False(t, known)
	want := state.People{{ID: "lead-1", Name: "lead", Role: state.RoleLead, Links: []string{"console:uid-1"}}}
	require.NoError(t, s.SetPeople(ctx, want))
	got, known, err := s.People(ctx)
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, want, got)
}
