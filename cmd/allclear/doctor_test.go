package main

import (
	"bytes"
	"errors"
	"log/slog"
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

func TestTheDoctorLooksAtTheChannelsOfCommunitiesAndCopies(t *testing.T) {
	t.Parallel()
	c := config{Redis: secret("redis://" + statetest.Redis(t).Addr)}
	store, err := openStore(t.Context(), c, true, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	statetest.Open(t, store.Store, "one", 1, 1)
	desk := func(request string, need state.DeskNeed, change func(tx *state.Tx) error) {
		_, err := store.UpdateDesk(t.Context(), statetest.Work(request, "lead-1", statetest.Epoch), "one", need, change)
		require.NoError(t, err)
	}
	at := func(channel string, top state.TLP) *state.Place {
		return &state.Place{Platform: "discord", Workspace: "1", Channel: channel, Ceiling: top}
	}
	desk("inside", state.DeskNeed{}, func(tx *state.Tx) error { // where one lead is enough
		errs := []error{tx.Bind(*at("13", state.TLPAmberStrict))}
		for _, p := range tx.Incident.Places {
			if !p.Sees(state.TLPAmberStrict) {
				errs = append(errs, tx.Unbind(p.Key()))
			}
		}
		return errors.Join(errs...)
	})
	desk("draft", state.DeskNeed{All: true}, func(tx *state.Tx) error {
		words := []state.Paragraph{{Text: "Patch.", TLP: state.TLPClear}}
		_, err := tx.SaveDraft(0, state.AdvisoryText{Title: "First", TLP: state.TLPClear, Summary: words}, nil, nil)
		return err
	})
	desk("publish", state.DeskNeed{All: true, Advisories: []int{1}}, func(tx *state.Tx) error {
		_, _, err := tx.Publish(1, "pub-1", nil)
		return err
	})
	desk("setup", state.DeskNeed{All: true}, func(tx *state.Tx) error {
		return errors.Join(tx.SetTriage(at("12", state.TLPAmberStrict)), tx.SetCommunity(state.Community{ID: "discord:1", Name: "Friends", Place: at("11", state.TLPClear)}))
	})
	desk("unbind", state.DeskNeed{}, func(tx *state.Tx) error { return tx.Unbind(at("13", state.TLPAmberStrict).Key()) })
	require.NoError(t, store.Close())
	places, _ := storeFindings(t.Context(), c)
	var channels []string
	for _, p := range places {
		channels = append(channels, p.Channel)
	}
	require.Subset(t, channels, []string{"11", "12", "13"}, "what is left in 13 is a copy")
}

func TestTheDoctorSaysWhenTheStoreIsAway(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.Error(t, doctor(t.Context(), config{Redis: "redis://:marked-password@127.0.0.1:1"}, &out))
	require.Contains(t, out.String(), "WRONG    the store: ")
	require.NotContains(t, out.String(), "marked-password")
}
