package statetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

func testChanges(t *testing.T, start Start) {
	ctx := t.Context()
	s := storeAt(t, start(t).Addr, redisstore.Options{})
	Open(t, s, "one", 12, 4)

	counts, err := s.Counts(ctx, "one", state.Filter{})
	require.NoError(t, err)
	require.Equal(t, 12, counts.Total())
	require.Equal(t, 12, counts.Flags[state.FlagNeverLooked])
	names, err := s.Complete(ctx, "one", "sp-0000", 3)
	require.NoError(t, err)
	require.Equal(t, []string{"SP-00000", "SP-00001", "SP-00002"}, names)

	at := Epoch.Add(time.Hour)
	servers := []string{"SP-00000", "SP-00001", "SP-00002", "SP-00003"}
	out := Record(t, s, Work("r1", "alice", at), "one", FarmName(0), Proved(servers, Epoch.Add(10*time.Minute))...)
	require.Len(t, out.Changes, 4)
	require.False(t, out.Already)
	again := Record(t, s, Work("r1", "alice", at), "one", FarmName(0), Found("SP-00000", at))
	require.True(t, again.Already, "the same request again")
	require.Equal(t, out.Seq, again.Seq)
	require.Equal(t, out.Changes, again.Changes)

	ready := state.StatusReady
	rows, total, err := s.List(ctx, "one", state.Filter{Status: &ready}, 1, 2)
	require.NoError(t, err)
	require.Equal(t, 4, total)
	require.Len(t, rows, 2)
	require.Equal(t, "SP-00003", rows[1].Name)
	st, err := s.Server(ctx, "one", "SP-00003")
	require.NoError(t, err)
	require.Equal(t, FarmName(0), st.Farm.Name)
	require.Equal(t, state.StatusReady, st.Rows["SP-00003"].Status)

	due, err := s.Due(ctx, "one", Epoch.Add(72*time.Hour), 10)
	require.NoError(t, err)
	require.Equal(t, []string{FarmName(0)}, due)
	entries, err := s.AuditOf(ctx, "one", "SP-00003", 10)
	require.NoError(t, err)
	require.Len(t, entries, 2)
	require.Equal(t, out.Seq, entries[0].Seq)
}
