package statetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

// Updater is what makes changes; O is whatever it says of their outcome.
type Updater[O any] interface {
	Update(ctx context.Context, w state.Work, incident string, farms []string, change func(*state.Tx) error) (O, error)
}

// perChange is how many farms are changed at once.
const perChange = 64

// Open makes an incident with n servers.
func Open[O any](t testing.TB, s Updater[O], id string, n, perFarm int) {
	t.Helper()
	_, err := s.Update(t.Context(), Work("open "+id, "lead", Epoch), id, nil, func(tx *state.Tx) error {
		return tx.OpenIncident(Incident(id))
	})
	require.NoError(t, err)
	AddServers(t, s, id, 0, n, perFarm)
}

// AddServers adds the servers from a number to another, in as few changes as it takes.
func AddServers[O any](t testing.TB, s Updater[O], id string, from, to, perFarm int) {
	t.Helper()
	for n := from; n < to; {
		var farms []string
		var servers []state.Server
		for ; n < to && len(farms) < perChange; n++ {
			sv := Server(n, perFarm)
			if len(farms) == 0 || farms[len(farms)-1] != sv.Farm {
				farms = append(farms, sv.Farm)
			}
			servers = append(servers, sv)
		}
		_, err := s.Update(t.Context(), Work(fmt.Sprintf("import %s to %d", id, n), "lead", Epoch), id, farms, func(tx *state.Tx) error {
			for _, sv := range servers {
				if err := tx.PutServer(sv); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(t, err)
	}
}

// Record adds evidence to a farm.
func Record[O any](t testing.TB, s Updater[O], w state.Work, id, farm string, evidence ...state.Evidence) O {
	t.Helper()
	out, err := s.Update(t.Context(), w, id, []string{farm}, func(tx *state.Tx) error { return tx.Record(farm, evidence...) })
	require.NoError(t, err)
	return out
}
