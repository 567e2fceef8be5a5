package statetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

func testNotFound(t *testing.T, start Start) {
	ctx := t.Context()
	s := storeAt(t, start(t).Addr, redisstore.Options{})
	Open(t, s, "one", 1, 1)
	for what, err := range map[string]error{
		"incident": second(s.Incident(ctx, "two")),
		"farm":     second(s.Farm(ctx, "one", "x")),
		"row":      second(s.Row(ctx, "one", "x")),
		"server":   second(s.Server(ctx, "one", "x")),
		"receipt":  second(s.ReceiptOf(ctx, "x")),
		"scan":     second(s.Scan(ctx, "one", "x")),
		"board":    second(s.Board(ctx, "two", Epoch)),
		"behind":   second(s.Behind(ctx, "two", 1)),
		"trail":    second(s.AuditOf(ctx, "one", "x", 1)),
		"save":     s.SaveScan(ctx, state.Scan{ID: "s", Incident: "two"}),
		"change": second(s.Update(ctx, Work("r", "a", Epoch), "two", nil, func(tx *state.Tx) error {
			return tx.Bind(state.Place{Platform: "console"})
		})),
	} {
		require.ErrorIs(t, err, state.ErrNotFound, what)
	}
	rows, n, err := s.List(ctx, "two", state.Filter{}, 0, 10)
	require.NoError(t, err)
	require.Empty(t, rows)
	require.Zero(t, n)
	farms, err := s.FarmsOf(ctx, "one", []string{"x", "SP-00000"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"SP-00000": "SP-00000"}, farms)
}

func second[T any](_ T, err error) error { return err }

// asks are some of everything that a store does.
func asks(s *redisstore.Store) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"init":   s.Init,
		"counts": func(ctx context.Context) error { return second(s.Counts(ctx, "one", state.Filter{})) },
		"list": func(ctx context.Context) error {
			_, _, err := s.List(ctx, "one", state.Filter{}, 0, 10)
			return err
		},
		"update": func(ctx context.Context) error {
			return second(s.Update(ctx, Work("r", "a", Epoch), "one", []string{"SP-00000"}, func(tx *state.Tx) error { return tx.Claim("SP-00000", "", "") }))
		},
		"accept": func(ctx context.Context) error { return second(s.Accept(ctx, "x", nil, Epoch)) },
		"lease": func(ctx context.Context) error {
			_, _, err := s.Lease(ctx, "h", Epoch, time.Minute)
			return err
		},
		"claim":  func(ctx context.Context) error { return second(s.Claim(ctx, "h", Epoch, time.Minute, 1)) },
		"board":  func(ctx context.Context) error { return second(s.Board(ctx, "one", Epoch)) },
		"digest": func(ctx context.Context) error { return second(s.Digest(ctx)) },
	}
}

func testUnavailable(t *testing.T, start Start) {
	ctx := t.Context()
	e := start(t)
	s := storeAt(t, e.Addr, redisstore.Options{})
	Open(t, s, "one", 5, 1)
	digest, err := s.Digest(ctx)
	require.NoError(t, err)
	e.Kill(t)
	for name, ask := range asks(s) {
		began := time.Now()
		require.ErrorIs(t, ask(ctx), state.ErrUnavailable, name)
		require.Less(t, time.Since(began), 6*time.Second, name)
	}
	e.Restart(t)
	var same string
	require.Eventually(t, func() bool {
		same, err = s.Digest(ctx)
		return err == nil
	}, 5*time.Second, 50*time.Millisecond, "the client does not come back")
	require.Equal(t, digest, same, "nothing was lost, and nothing was done")
	for name, ask := range asks(s) {
		require.NoError(t, ask(ctx), name)
	}
	healthy(t, s)
}

func testCancelled(t *testing.T, start Start) {
	e := start(t)
	Open(t, storeAt(t, e.Addr, redisstore.Options{}), "one", 1, 1)
	p := NewProxy(t, e.Addr)
	s := storeAt(t, p.Addr, redisstore.Options{Timeout: 20 * time.Second})
	p.Silence(true)
	for name, ask := range asks(s) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(30*time.Millisecond, cancel)
		began := time.Now()
		require.ErrorIs(t, ask(ctx), context.Canceled, name)
		require.Less(t, time.Since(began), time.Second, name)
		ctx, cancel = context.WithTimeout(t.Context(), 30*time.Millisecond)
		require.ErrorIs(t, ask(ctx), context.DeadlineExceeded, name)
		cancel()
		require.Less(t, time.Since(began), 2*time.Second, name)
	}
	p.Silence(false)
	for name, ask := range asks(storeAt(t, e.Addr, redisstore.Options{})) {
		require.NoError(t, ask(t.Context()), name)
	}
	require.NoError(t, asks(s)["update"](t.Context()), "what was in doubt is tried again")
	f, err := s.Farm(t.Context(), "one", "SP-00000")
	require.NoError(t, err)
	require.Len(t, f.Farm.Claims, 1)
	healthy(t, s)
}

// testLostReplies runs three replicas over connections that break after one reply in ten.
func testLostReplies(t *testing.T, start Start) {
	const each = 60
	ctx := t.Context()
	e := start(t)
	Open(t, storeAt(t, e.Addr, redisstore.Options{}), "one", 9, 3)
	p := NewProxy(t, e.Addr)
	var stores []*redisstore.Store
	for i := range 3 {
		stores = append(stores, storeAt(t, p.Addr, redisstore.Options{Writer: fmt.Sprint("replica-", i)}))
	}
	p.Lose(10)
	var wg sync.WaitGroup
	failures := make(chan error, 3*each*10)
	for i, s := range stores {
		for k := range 2 {
			r := rand.New(rand.NewPCG(uint64(i), uint64(k)))
			wg.Go(func() {
				for n := range each / 2 {
					w := Work(fmt.Sprintf("w %d %d %d", i, k, n), state.PersonID(fmt.Sprintf("p-%d-%d-%d", i, k, n)), Epoch)
					sv := Server(r.IntN(9), 3)
					insist(failures, func() error {
						_, err := s.Update(ctx, w, "one", []string{sv.Farm}, func(tx *state.Tx) error { return tx.Claim(sv.Name, "", "") })
						return err
					})
					insist(failures, func() error { return second(s.Accept(ctx, w.Request, nil, Epoch)) })
					insist(failures, func() error { return s.Post(ctx, []state.Letter{Letter(w.Request, "a", Epoch)}) })
				}
			})
		}
	}
	wg.Wait()
	p.Lose(0)
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	t.Logf("%d replies were lost", p.Lost.Load())
	require.Greater(t, p.Lost.Load(), int64(20))
	s := storeAt(t, e.Addr, redisstore.Options{})
	r := healthy(t, s)
	require.EqualValues(t, 2+3*each, r.Entries, "every change once")
	claims := 0
	for n := range 3 {
		f, err := s.Farm(ctx, "one", FarmName(n))
		require.NoError(t, err)
		claims += len(f.Farm.Claims)
	}
	require.Equal(t, 3*each, claims)
	n, _, err := s.QueueSize(ctx)
	require.NoError(t, err)
	require.Equal(t, 3*each, n, "every letter once")
	n, _, err = s.Waiting(ctx)
	require.NoError(t, err)
	require.Equal(t, 3*each, n, "every request once")
}

// insist tries until the store is reached. Any other error is a failure.
func insist(failures chan<- error, f func() error) {
	for range 50 {
		err := f()
		if err == nil {
			return
		}
		if !errors.Is(err, state.ErrUnavailable) {
			failures <- err
			return
		}
	}
	failures <- errors.New("never reached the store")
}

// testLostReplyIsNoNews loses the one reply that says how something ended: the answer must be as if it had arrived.
func testLostReplyIsNoNews(t *testing.T, start Start) {
	ctx := t.Context()
	e := start(t)
	p := NewProxy(t, e.Addr)
	var armed atomic.Bool
	c := client(t, p.Addr)
	c.AddHook(beforeScript{func() {
		if armed.CompareAndSwap(true, false) {
			p.LoseNext(1)
		}
	}})
	s := redisstore.New(c, redisstore.Options{})
	require.NoError(t, s.Init(ctx))
	Open(t, s, "one", 1, 1)
	lost := func() { armed.Store(true) }
	warm(t, s)

	lost()
	out, err := s.Update(ctx, Work("r1", "ann", Epoch), "one", []string{"SP-00000"}, func(tx *state.Tx) error {
		return tx.Record("SP-00000", Found("SP-00000", Epoch))
	})
	require.NoError(t, err)
	require.False(t, out.Already, "it was this call that did it")
	require.Len(t, out.Changes, 1)
	require.NotZero(t, out.Seq)

	lost()
	fresh, err := s.Accept(ctx, "a", []byte("x"), Epoch)
	require.NoError(t, err)
	require.True(t, fresh)
	lost()
	job, ok, err := s.Lease(ctx, "h", Epoch, time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, 1, job.Attempt)
	lost()
	require.NoError(t, s.Finish(ctx, "a", "h", 1, []state.Letter{Letter("answer", "a", Epoch)}, Epoch))
	lost()
	fired, err := s.Fire(ctx, state.Firing{Job: "digest", Is: state.Cursor{Next: Epoch}, Letters: []state.Letter{Letter("fired", "b", Epoch)}})
	require.NoError(t, err)
	require.True(t, fired)
	for {
		lost()
		claimed, err := s.Claim(ctx, "h", Epoch.Add(state.CoalesceWindow), time.Minute, 1)
		require.NoError(t, err)
		if len(claimed) == 0 {
			break
		}
		c := claimed[0]
		require.Equal(t, 1, c.Claims, "%s", c.Letter.ID)
		lost()
		require.NoError(t, s.Delivered(ctx, c.Letter, c.Token, state.Receipt{Place: c.Letter.Place, MessageID: "m", At: Epoch}))
	}
	armed.Store(false)
	require.EqualValues(t, 5+2*4, p.Lost.Load(), "four letters")
	healthy(t, s)
}

// warm has the scripts loaded and a lane taken.
func warm(t *testing.T, s *redisstore.Store) {
	t.Helper()
	ctx := t.Context()
	_, err := s.Accept(ctx, "warm", nil, Epoch)
	require.NoError(t, err)
	_, _, err = s.Lease(ctx, "w", Epoch, time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.Finish(ctx, "warm", "w", 1, nil, Epoch))
}
