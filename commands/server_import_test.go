package commands

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func TestAColumnThatAFileDoesNotHaveIsNotTakenAway(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	before := b.server("sp-fin-01")
	m := b.must("lead-1", "server import", chat.File{Name: "i.csv", Data: []byte("name,exposure,rack\nsp-fin-01,internal,7\n")})
	require.Contains(t, plain(m), "updated 1")
	after := b.server("sp-fin-01")
	require.Equal(t, state.ExposureInternal, after.Exposure)
	require.Equal(t, map[string]string{"rack": "7"}, after.Tags)
	before.Exposure, before.Tags = after.Exposure, after.Tags
	require.Equal(t, before, after)
	b.must("lead-1", "server import", chat.File{Name: "i.csv", Data: []byte("name,owner\nsp-fin-01,\n")})
	require.Empty(t, b.server("sp-fin-01").Owner, "what it does say is taken")
}

func (b *board) server(name string) state.Server {
	b.t.Helper()
	all, err := allServers(b.t.Context(), b.store, boardID)
	require.NoError(b.t, err)
	for _, s := range all {
		if s.Name == name {
			return s
		}
	}
	require.Fail(b.t, "no server "+name)
	return state.Server{}
}
