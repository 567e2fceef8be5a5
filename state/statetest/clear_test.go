package statetest

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// confirmAll takes all servers of farms of one server each from nothing to confirmed.
func confirmAll(t testing.TB, s *redisstore.Store, id string, n int, at time.Time) {
	t.Helper()
	for i := range n {
		name := Server(i, 1).Name
		Record(t, s, Work("prove "+name+at.String(), "ann", at), id, name, Proved([]string{name}, at.Add(-time.Hour))...)
		change := func(request string, by state.PersonID, f func(*state.Tx) error) {
			_, err := s.Update(t.Context(), Work(request+name+at.String(), by, at), id, []string{name}, f)
			require.NoError(t, err)
		}
		change("ask", "bob", func(tx *state.Tx) error {
			return tx.Propose(state.Proposal{ID: "confirm " + name, Kind: state.ProposeConfirm, Server: name})
		})
		change("approve", "cleo", func(tx *state.Tx) error {
			_, err := tx.Approve("confirm " + name)
			return err
		})
	}
}

func testClear(t *testing.T, start Start) {
	ctx := t.Context()
	e := start(t)
	s, other := storeAt(t, e.Addr, redisstore.Options{}), storeAt(t, e.Addr, redisstore.Options{})
	Open(t, s, "one", 4, 1)
	at := Epoch.Add(3 * time.Hour)
	confirmAll(t, s, "one", 4, at)
	tries := 0
	ask := func(at time.Time) (state.Board, string) {
		t.Helper()
		tries++
		id := fmt.Sprint("clear ", tries)
		b, err := s.Board(ctx, "one", at)
		require.NoError(t, err)
		_, err = s.Update(ctx, Work("ask "+id, "ann", at), "one", nil, func(tx *state.Tx) error {
			return tx.Propose(state.Proposal{ID: id, Kind: state.ProposeClear, Hash: b.Hash})
		})
		require.NoError(t, err)
		return b, id
	}
	declare := func(id string, by time.Time, f func(tx *state.Tx) error) error {
		return second(s.Update(ctx, Work("declare "+id, "bob", by), "one", nil, f))
	}

	// A server re-opens between the look at the board and the declaration, or while the declaration is made, or in the
	// moment in which it is written.
	var atWriting atomic.Pointer[func()]
	c := client(t, e.Addr)
	c.AddHook(beforeScript{func() {
		if f := atWriting.Swap(nil); f != nil {
			(*f)()
		}
	}})
	hooked := redisstore.New(c, redisstore.Options{})
	warm(t, hooked)
	for when := range 3 {
		at = at.Add(time.Minute)
		b, id := ask(at)
		require.NoError(t, b.MayClear())
		reopen := func() {
			Record(t, other, Work(fmt.Sprint("found ", when), "ann", at), "one", "SP-00002", Found("SP-00002", at))
		}
		if when == 0 {
			reopen()
		}
		_, err := hooked.Update(ctx, Work("declare "+id, "bob", at), "one", nil, func(tx *state.Tx) error {
			switch when {
			case 1:
				reopen()
			case 2:
				atWriting.Store(&reopen)
			}
			return tx.DeclareClear(id, b)
		})
		var no *state.Refusal
		require.ErrorAs(t, err, &no, "%d: a board that nobody saw is not clear", when)
		inc, err := s.Incident(ctx, "one")
		require.NoError(t, err)
		require.Nil(t, inc.Clear)
		evict(t, s, fmt.Sprint(when), at)
	}

	// One that two persons retired is settled, but it is not the board that was seen.
	stale, old := ask(at)
	_, err := s.Update(ctx, Work("retire", "ann", at), "one", []string{"SP-00003"}, func(tx *state.Tx) error {
		return tx.Propose(state.Proposal{ID: "retire", Kind: state.ProposeRetire, Server: "SP-00003", Reason: "scrapped"})
	})
	require.NoError(t, err)
	_, err = s.Update(ctx, Work("retired", "bob", at), "one", []string{"SP-00003"}, func(tx *state.Tx) error { return second(tx.Approve("retire")) })
	require.NoError(t, err)
	err = declare(old, at, func(tx *state.Tx) error { return tx.DeclareClear(old, stale) })
	require.ErrorContains(t, err, "changed")

	// Proof that was good when the board was looked at is too old when clear is declared, and nobody has assessed it anew.
	soon := Epoch.Add(2 * time.Hour).Add(PatchAge)
	b, id := ask(soon.Add(-time.Minute))
	require.Zero(t, b.Overdue)
	err = declare(id, soon.Add(time.Minute), func(tx *state.Tx) error { return tx.DeclareClear(id, b) })
	require.ErrorContains(t, err, "assessed anew")

	b, id = ask(at)
	require.NoError(t, declare(id, at, func(tx *state.Tx) error { return tx.DeclareClear(id, b) }))
	heads, err := s.Incidents(ctx)
	require.NoError(t, err)
	require.True(t, heads[0].Clear)

	// Whoever re-opens a server must see the declaration, and revokes it.
	out := Record(t, other, Work("again", "ann", at), "one", "SP-00001", Found("SP-00001", at))
	require.Len(t, out.Changes, 1)
	inc, err := s.Incident(ctx, "one")
	require.NoError(t, err)
	require.Nil(t, inc.Clear)
	healthy(t, s)
}

// evict clears the compromise of a server by two persons' word, and has it confirmed again.
func evict(t testing.TB, s *redisstore.Store, when string, at time.Time) {
	t.Helper()
	const name = "SP-00002"
	at = at.Add(time.Second)
	e := &state.Evidence{Subject: state.Subject{Server: name}, Kind: state.KindEviction, Value: state.EvictionEvicted, At: at, Observed: at}
	_, err := s.Update(t.Context(), Work("evict"+when, "ann", at), "one", []string{name}, func(tx *state.Tx) error {
		return tx.Propose(state.Proposal{ID: "evict", Kind: state.ProposeAttest, Server: name, Evidence: e})
	})
	require.NoError(t, err)
	_, err = s.Update(t.Context(), Work("evicted"+when, "bob", at), "one", []string{name}, func(tx *state.Tx) error {
		return second(tx.Approve("evict"))
	})
	require.NoError(t, err)
	_, err = s.Update(t.Context(), Work("confirm"+when, "cleo", at), "one", []string{name}, func(tx *state.Tx) error {
		return tx.Propose(state.Proposal{ID: "anew", Kind: state.ProposeConfirm, Server: name})
	})
	require.NoError(t, err)
	_, err = s.Update(t.Context(), Work("confirmed"+when, "dora", at), "one", []string{name}, func(tx *state.Tx) error {
		return second(tx.Approve("anew"))
	})
	require.NoError(t, err)
	r, err := s.Row(t.Context(), "one", name)
	require.NoError(t, err)
	require.Equal(t, state.StatusConfirmed, r.Status)
}

func testDueAndBehind(t *testing.T, start Start) {
	ctx := t.Context()
	s := storeAt(t, start(t).Addr, redisstore.Options{})
	Open(t, s, "one", 40, 1)
	for i := range 40 {
		name := Server(i, 1).Name
		at := Epoch.Add(time.Duration(i) * 10 * time.Minute)
		Record(t, s, Work("patch "+name, "ann", Epoch.Add(10*time.Hour)), "one", name, Patched(name, Fixed, at))
	}
	ends := Epoch.Add(PatchAge)
	due, err := s.Due(ctx, "one", ends.Add(-time.Second), 100)
	require.NoError(t, err)
	require.Empty(t, due)
	due, err = s.Due(ctx, "one", ends.Add(95*time.Minute), 100)
	require.NoError(t, err)
	require.Len(t, due, 10)
	require.Equal(t, "SP-00000", due[0], "the longest waiting first")
	b, err := s.Board(ctx, "one", ends.Add(95*time.Minute))
	require.NoError(t, err)
	require.Equal(t, 10, b.Overdue)
	due, err = s.Due(ctx, "one", ends.Add(95*time.Minute), 3)
	require.NoError(t, err)
	require.Equal(t, []string{"SP-00000", "SP-00001", "SP-00002"}, due)
	out, err := s.Update(ctx, Work("sweep", "", ends.Add(95*time.Minute)), "one", due, func(tx *state.Tx) error {
		for _, f := range due {
			if err := tx.Reassess(f); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.NotZero(t, out.Seq)
	due, err = s.Due(ctx, "one", ends.Add(95*time.Minute), 100)
	require.NoError(t, err)
	require.Len(t, due, 7)

	behind, err := s.Behind(ctx, "one", 100)
	require.NoError(t, err)
	require.Empty(t, behind)
	_, err = s.Update(ctx, Work("revise", "lead", ends), "one", nil, func(tx *state.Tx) error { return tx.Revise(Rules(2)) })
	require.NoError(t, err)
	b, err = s.Board(ctx, "one", Epoch)
	require.NoError(t, err)
	require.Equal(t, 40, b.Overdue)
	for n := 0; ; n++ {
		behind, err = s.Behind(ctx, "one", 15)
		require.NoError(t, err)
		if len(behind) == 0 {
			require.Equal(t, 3, n)
			break
		}
		_, err = s.Update(ctx, Work(fmt.Sprint("anew ", n), "", ends), "one", behind, func(tx *state.Tx) error {
			for _, f := range behind {
				if err := tx.Reassess(f); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(t, err)
	}
	healthy(t, s)

	// A revision that changes nothing for a farm is noted all the same, or it would stand in the way of clear for ever.
	_, err = s.Update(ctx, Work("revise again", "lead", ends), "one", nil, func(tx *state.Tx) error { return tx.Revise(Rules(3)) })
	require.NoError(t, err)
	_, err = s.Update(ctx, Work("anew again", "", ends), "one", []string{"SP-00039"}, func(tx *state.Tx) error { return tx.Reassess("SP-00039") })
	require.NoError(t, err)
	b, err = s.Board(ctx, "one", Epoch)
	require.NoError(t, err)
	require.Equal(t, 39, b.Overdue)
	healthy(t, s)
}
