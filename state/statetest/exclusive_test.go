package statetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

const crowd = 50

// together runs f in a crowd of goroutines and gives their errors.
func together(f func(i int) error) []error {
	errs := make([]error, crowd)
	var wg sync.WaitGroup
	for i := range crowd {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// three stores on one engine, as three replicas have them.
func three(t testing.TB, e *Engine) []*redisstore.Store {
	var out []*redisstore.Store
	for i := range 3 {
		out = append(out, storeAt(t, e.Addr, redisstore.Options{Writer: fmt.Sprintf("replica-%d", i), Timeout: time.Minute}))
	}
	return out
}

func testExclusive(t *testing.T, start Start) {
	ctx := t.Context()
	stores := three(t, start(t))
	s := stores[0]
	Open(t, s, "one", 3, 3)
	before, err := s.AuditSeq(ctx)
	require.NoError(t, err)

	require.Empty(t, together(func(i int) error {
		w := Work(fmt.Sprintf("claim %d", i), state.PersonID(fmt.Sprintf("person-%d", i)), Epoch)
		_, err := stores[i%3].Update(ctx, w, "one", []string{FarmName(0)}, func(tx *state.Tx) error { return tx.Claim("SP-00000", "", "") })
		return err
	}))
	f, err := s.Farm(ctx, "one", FarmName(0))
	require.NoError(t, err)
	require.Len(t, f.Farm.Claims, crowd, "no claim was overwritten")
	require.EqualValues(t, 1+crowd, f.Rev)

	var first atomic.Int64
	require.Empty(t, together(func(i int) error {
		out, err := stores[i%3].Update(ctx, Work("the same", "ann", Epoch), "one", []string{FarmName(0)}, func(tx *state.Tx) error {
			return tx.Claim("SP-00001", "", "")
		})
		if err == nil && !out.Already {
			first.Add(1)
		}
		return err
	}))
	require.EqualValues(t, 1, first.Load(), "one request is applied once, whoever has it")
	after, err := s.AuditSeq(ctx)
	require.NoError(t, err)
	require.EqualValues(t, before+crowd+1, after)
	require.GreaterOrEqual(t, len(healthy(t, s).Heads), 3, "each writer has a lane")
}

// testOneWins lets a crowd ask for what only one may have.
func testOneWins(t *testing.T, start Start) {
	ctx := t.Context()
	stores := three(t, start(t))
	Open(t, stores[0], "one", 1, 1)
	_, err := stores[0].Accept(ctx, "job", []byte("x"), Epoch)
	require.NoError(t, err)
	require.NoError(t, stores[0].Post(ctx, []state.Letter{Letter("letter", "a", Epoch)}))
	for name, ask := range map[string]func(s *redisstore.Store, i int) (bool, error){
		"accept": func(s *redisstore.Store, _ int) (bool, error) { return s.Accept(ctx, "new", nil, Epoch) },
		"lease": func(s *redisstore.Store, i int) (bool, error) {
			_, ok, err := s.Lease(ctx, fmt.Sprint(i), Epoch, time.Minute)
			return ok, err
		},
		"claim": func(s *redisstore.Store, i int) (bool, error) {
			got, err := s.Claim(ctx, fmt.Sprint(i), Epoch, time.Minute, 5)
			return len(got) == 1, err
		},
		"fire": func(s *redisstore.Store, i int) (bool, error) {
			return s.Fire(ctx, state.Firing{Job: "digest", Is: state.Cursor{Next: Epoch}, Letters: []state.Letter{Letter(fmt.Sprint("fired ", i), "b", Epoch.Add(time.Hour))}})
		},
		"hold": func(s *redisstore.Store, i int) (bool, error) {
			_, by, err := s.Hold(ctx, "sweeper", fmt.Sprint(i), Epoch, time.Minute)
			return by == fmt.Sprint(i), err
		},
		"begin a scan": func(s *redisstore.Store, i int) (bool, error) {
			_, ok, err := s.BeginScan(ctx, state.Scan{ID: fmt.Sprint("scan-", i), Incident: "one", Selection: "all", Started: Epoch}, time.Hour)
			return ok, err
		},
	} {
		if name == "accept" {
			continue // after the lease, so that there is one request to lease
		}
		requireOneWinner(t, name, stores, ask)
	}
	requireOneWinner(t, "accept", stores, func(s *redisstore.Store, _ int) (bool, error) { return s.Accept(ctx, "new", nil, Epoch) })
	n, _, err := stores[0].QueueSize(ctx)
	require.NoError(t, err)
	require.Equal(t, 2, n, "the letter, and the one of the slot")
}

func requireOneWinner(t *testing.T, name string, stores []*redisstore.Store, ask func(*redisstore.Store, int) (bool, error)) {
	t.Helper()
	var wins atomic.Int64
	require.Empty(t, together(func(i int) error {
		ok, err := ask(stores[i%len(stores)], i)
		if ok {
			wins.Add(1)
		}
		return err
	}), name)
	require.EqualValues(t, 1, wins.Load(), name)
}

func testConflict(t *testing.T, start Start) {
	ctx := t.Context()
	e := start(t)
	a, b := storeAt(t, e.Addr, redisstore.Options{}), storeAt(t, e.Addr, redisstore.Options{})
	Open(t, a, "one", 1, 1)
	runs := 0
	interfere := func(until int) func(*state.Tx) error {
		return func(tx *state.Tx) error {
			if runs++; runs <= until {
				Record(t, b, Work(fmt.Sprintf("other %d %d", until, runs), "bob", Epoch), "one", "SP-00000", Looked("SP-00000", runs%2 == 0, Epoch.Add(-time.Duration(runs*10000+until)*time.Second)))
			}
			return tx.Claim("SP-00000", "", "")
		}
	}
	_, err := a.Update(ctx, Work("patient", "ann", Epoch), "one", []string{"SP-00000"}, interfere(3))
	require.NoError(t, err)
	require.Equal(t, 4, runs)
	runs = 0
	_, err = a.Update(ctx, Work("unlucky", "ann", Epoch), "one", []string{"SP-00000"}, interfere(1000))
	require.ErrorIs(t, err, state.ErrConflict)
	f, err := a.Farm(ctx, "one", "SP-00000")
	require.NoError(t, err)
	require.Len(t, f.Farm.Claims, 1)

	// A change to the incident is a conflict for every change that was made by its old rules.
	runs = 0
	_, err = a.Update(ctx, Work("old rules", "ann", Epoch), "one", []string{"SP-00000"}, func(tx *state.Tx) error {
		if runs++; runs == 1 {
			_, err := b.Update(ctx, Work("revise", "bob", Epoch), "one", nil, func(tx *state.Tx) error { return tx.Revise(Rules(2)) })
			require.NoError(t, err)
		}
		return tx.Claim("SP-00000", "patch", "")
	})
	require.NoError(t, err)
	require.Equal(t, 2, runs)
	f, err = a.Farm(ctx, "one", "SP-00000")
	require.NoError(t, err)
	require.Equal(t, 2, f.Revision)

	own := errors.New("the command's own")
	_, err = a.Update(ctx, Work("own", "ann", Epoch), "one", nil, func(*state.Tx) error { return own })
	require.Equal(t, own, err)
	healthy(t, a)
}

// testLanes lets writers come, be silent for too long, and come back.
func testLanes(t *testing.T, start Start) {
	ctx := t.Context()
	e := start(t)
	now := Epoch
	clock := func() time.Time { return now }
	o := func(name string) redisstore.Options {
		return redisstore.Options{Writer: name, Now: clock, LaneLease: time.Minute}
	}
	a, b := storeAt(t, e.Addr, o("a")), storeAt(t, e.Addr, o("b"))
	Open(t, a, "one", 1, 1)
	claim := func(s *redisstore.Store, request string) {
		t.Helper()
		_, err := s.Update(ctx, Work(request, state.PersonID(request), Epoch), "one", []string{"SP-00000"}, func(tx *state.Tx) error { return tx.Claim("SP-00000", "", "") })
		require.NoError(t, err)
	}
	claim(b, "b1")
	require.Len(t, healthy(t, a).Heads, 2)
	now = now.Add(2 * time.Minute) // both have been silent
	claim(storeAt(t, e.Addr, o("c")), "c1")
	claim(a, "a2")
	claim(b, "b2")
	claim(storeAt(t, e.Addr, o("b")), "b3") // the same writer, started again
	claim(b, "b4")
	r := healthy(t, a)
	require.LessOrEqual(t, len(r.Heads), 3, "lanes are used again")
	require.EqualValues(t, 8, r.Entries)
}
