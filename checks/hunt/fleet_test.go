package hunt_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/checks/hunt"
	"github.com/allclear-bot/allclear/state"
)

func TestTheLogsOfAFleetTellItsTruth(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(fleet.Options{Servers: 60, Seed: 1, CompromisedShare: 0.2})
	require.NoError(t, err)
	var servers []state.Server
	for _, name := range f.Farms() {
		for _, s := range f.Members(name) {
			servers = append(servers, state.Server{Name: s, Farm: name})
		}
	}
	h := hunt.New(hunt.Options{Playbook: toolshell(t)})
	whose := hunt.NewWhose(servers)
	var all []hunt.Assigned
	for _, name := range f.Farms() {
		var b bytes.Buffer
		require.NoError(t, f.WriteLogs(name, time.Date(2025, 7, 20, 0, 0, 0, 0, time.UTC), &b))
		logs, left, err := hunt.Packed("logs.zip", b.Bytes())
		require.NoError(t, err)
		require.Empty(t, left)
		for _, l := range logs {
			o, ok := whose.Origin(l, hunt.Identity{})
			require.True(t, ok)
			all = append(all, hunt.Assigned{Log: l, Origin: o})
		}
	}
	require.NoError(t, h.ReadAll(t.Context(), all, nil))
	shells, refused := 0, 0
	var traffic []hunt.Traffic
	for _, s := range servers {
		truth, err := f.Truth(s.Name)
		require.NoError(t, err)
		r := h.Report(s.Name, time.Time{})
		traffic = append(traffic, r.Traffic...)
		require.Equal(t, truth.Compromised, r.Worst == state.AttackShell, s.Name)
		switch r.Worst {
		case state.AttackShell:
			shells++
		case state.AttackAttempt:
			refused++
			require.True(t, r.Proves)
		default:
			require.Empty(t, r.Worst)
			require.True(t, r.Proves)
		}
	}
	require.Positive(t, shells)
	require.Positive(t, refused)
	clusters := hunt.Clusters(traffic)
	require.Len(t, clusters, 1, "it was one wave")
	require.Len(t, clusters[0].Touched, shells+refused)
}
