package statetest

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// engines to compare. Redis syncs its file at each write, as the embedded journal does.
func engines() map[string]Start {
	out := map[string]Start{"embedded": Embedded}
	if lookRedis() {
		out["redis"] = Redis
	}
	return out
}

// BenchmarkTransitions changes the status of servers, each a farm of its own, among 8,000. Reported per server.
func BenchmarkTransitions(b *testing.B) {
	for name, start := range engines() {
		s := storeAt(b, start(b).Addr, redisstore.Options{Timeout: time.Minute})
		Open(b, s, "one", 8000, 1)
		lookAround(b, s)
		b.Run(name+"/one by one", func(b *testing.B) { transitions(b, s, 1, 1) })
		b.Run(name+"/64 together", func(b *testing.B) { transitions(b, s, 64, 1) })
		many := storeAt(b, start(b).Addr, redisstore.Options{Timeout: time.Minute, Lanes: 8})
		Open(b, many, "one", 8000, 1)
		lookAround(b, many)
		b.Run(name+"/one by one, 8 lanes", func(b *testing.B) { transitions(b, many, 1, 8) })
	}
}

// lookAround reads the lists that people look at: from then on the embedded engine keeps their order with each change.
func lookAround(b *testing.B, s *redisstore.Store) {
	filters := []state.Filter{{}}
	for i := range 10 {
		filters = append(filters, state.Filter{Owner: fmt.Sprint("owner-", i)}, state.Filter{Group: fmt.Sprint("group-", i%3)})
	}
	for _, f := range filters {
		_, _, err := s.List(b.Context(), "one", f, 0, 5)
		require.NoError(b, err)
	}
}

// flips makes each change of status a new one, and each request too.
var flips atomic.Int64

func transitions(b *testing.B, s *redisstore.Store, batch, workers int) {
	var next atomic.Int64
	var wg sync.WaitGroup
	total := int64(b.N)
	for range workers {
		wg.Go(func() {
			for {
				from := next.Add(int64(batch)) - int64(batch)
				if from >= total {
					return
				}
				flip(b, s, from, min(int64(batch), total-from))
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "servers/s")
}

func flip(b *testing.B, s *redisstore.Store, from, n int64) {
	k := flips.Add(1)
	at := Epoch.Add(time.Duration(k) * time.Second)
	var farms []string
	for i := from; i < from+n; i++ {
		farms = append(farms, Server(int(i%8000), 1).Name)
	}
	_, err := s.Update(b.Context(), Work(fmt.Sprint("flip ", k), "ann", at), "one", farms, func(tx *state.Tx) error {
		for _, f := range farms {
			st, err := tx.Farm(f)
			if err != nil {
				return err
			}
			build := Vulnerable
			if st.Rows[f].Status == state.StatusExposed {
				build = Fixed
			}
			if err := tx.Record(f, Patched(f, build, at)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkRead reads what digests and lists need at several sizes; set ALLCLEAR_BENCH_MILLION for a million servers.
func BenchmarkRead(b *testing.B) {
	for name, start := range engines() {
		for _, n := range []int{8_000, 100_000, 1_000_000} {
			if n == 1_000_000 && (name == "embedded" || os.Getenv("ALLCLEAR_BENCH_MILLION") == "") || n > 8000 && testing.Short() {
				continue
			}
			s := storeAt(b, start(b).Addr, redisstore.Options{Timeout: time.Minute})
			began := time.Now()
			Open(b, s, "one", n, 1)
			b.Logf("%s: %d servers added in %s", name, n, time.Since(began).Round(time.Millisecond))
			read(b, fmt.Sprintf("%s/%d", name, n), s)
		}
	}
}

func read(b *testing.B, name string, s *redisstore.Store) {
	ctx := b.Context()
	exposed := state.StatusUnknown
	for what, f := range map[string]func() error{
		"counts":          func() error { return second(s.Counts(ctx, "one", state.Filter{})) },
		"counts of owner": func() error { return second(s.Counts(ctx, "one", state.Filter{Owner: "owner-1"})) },
		"tallies":         func() error { return second(s.Tallies(ctx, "one", "owner", true)) },
		"list 20": func() error {
			_, _, err := s.List(ctx, "one", state.Filter{Status: &exposed}, 0, 20)
			return err
		},
		"complete": func() error { return second(s.Complete(ctx, "one", "sp-0012", 20)) },
		"due":      func() error { return second(s.Due(ctx, "one", Epoch, 64)) },
		"board":    func() error { return second(s.Board(ctx, "one", Epoch)) },
	} {
		b.Run(name+"/"+what, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, f())
			}
		})
	}
}
