package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/statetest"
)

func TestTheDoctorNamesWhatIsWrongWithARedisAndWhatToDo(t *testing.T) {
	t.Parallel()
	e := statetest.RedisWith(t, "--maxmemory-policy", "allkeys-lru", "--appendonly", "no")
	var out bytes.Buffer
	err := doctor(t.Context(), config{Redis: secret("redis://" + e.Addr)}, &out)
	require.Equal(t, outcome{exitFailure}, err)
	for _, line := range []string{
		"  WRONG    the eviction policy: it is allkeys-lru: when memory is short, records are thrown away\n           → Set maxmemory-policy to noeviction.\n",
		"  WRONG    the append-only file: there is none",
		"  ok       the clock of the Redis\n",
		"  ok       the role of the Redis\n",
		"  warning  a chat platform: none is configured\n",
		"  warning  leads who can act: 1: two are needed",
		"2 wrong.",
	} {
		require.Contains(t, out.String(), line)
	}
}

func TestTheDoctorHasNothingAgainstAGoodSetUp(t *testing.T) {
	t.Parallel()
	e := statetest.Redis(t)
	var out bytes.Buffer
	people := state.People{
		{ID: "lead-1", Role: state.RoleLead, Links: []string{"console:uid-1"}}, {ID: "lead-2", Role: state.RoleLead, Links: []string{"console:uid-2"}},
	}
	require.NoError(t, doctor(t.Context(), config{Redis: secret("redis://" + e.Addr), People: people}, &out), "%s", &out)
	require.Contains(t, out.String(), "  ok       leads who can act: 2\n")
	require.Contains(t, out.String(), "Nothing is wrong.")
}

func TestTheDoctorSaysWhenTheStoreIsAway(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.Error(t, doctor(t.Context(), config{Redis: "redis://:marked-password@127.0.0.1:1"}, &out))
	require.Contains(t, out.String(), "WRONG    the store: ")
	require.NotContains(t, out.String(), "marked-password")
}
