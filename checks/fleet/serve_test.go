package fleet_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/fleet"
)

// Not parallel: it looks at all goroutines of the process.
func TestCloseLeavesNothingBehind(t *testing.T) {
	for _, secure := range []bool{false, true} {
		f, err := fleet.New(fleet.Options{Seed: 1, TLS: secure})
		require.NoError(t, err)
		require.NoError(t, f.Start(t.Context()))
		require.Error(t, f.Start(t.Context()), "only once")
		c := client(t, f)
		get(t, c, f.URL(of(t, f, fleet.Product2019)), "/")
		failed := make(chan error, 1)
		go func() {
			_, err := ask(context.Background(), c, http.MethodGet, f.URL(f.With(fleet.TraitHangs)[0]), "/")
			failed <- err
		}()
		require.Eventually(t, func() bool { return f.Asked().Requests == 2 }, 5*time.Second, time.Millisecond)
		require.NoError(t, f.Close())
		require.Error(t, <-failed)
		require.NoError(t, f.Close(), "again")
		c.CloseIdleConnections()
		require.Eventually(t, func() bool {
			all := stacks()
			return !strings.Contains(all, "net/http.(*conn)") && !strings.Contains(all, "checks/fleet.(*")
		}, 5*time.Second, 10*time.Millisecond)
	}
}

func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

func TestAFleetThatNeverStartedCloses(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(fleet.Options{})
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestListenAndServeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var seen string
	err := fleet.ListenAndServe(ctx, fleet.Options{Seed: 1}, func(f *fleet.Fleet) {
		r, err := ask(ctx, client(t, f), http.MethodGet, f.Inventory()[0].URL, "/")
		seen = fmt.Sprint(r.version(), err)
		cancel()
	})
	require.NoError(t, err)
	require.Equal(t, "16.0.0.10417<nil>", seen)

	f := started(t, fleet.Options{})
	var port int
	_, err = fmt.Sscanf(f.Inventory()[0].URL, "http://sp-finance-w1.fleet.test:%d/", &port)
	require.NoError(t, err)
	require.ErrorContains(t, fleet.ListenAndServe(t.Context(), fleet.Options{Port: port}, nil), "start the fleet")
	require.Error(t, fleet.ListenAndServe(t.Context(), fleet.Options{Servers: -1}, nil))
}

func TestTheCertificateIsForTheFleetOnly(t *testing.T) {
	t.Parallel()
	f := started(t, fleet.Options{TLS: true})
	require.Contains(t, string(f.CertPEM()), "BEGIN CERTIFICATE")
	c := client(t, f)
	get(t, c, f.Inventory()[0].URL, "/")
	_, err := ask(t.Context(), c, http.MethodGet, strings.Replace(f.Inventory()[0].URL, "fleet.test", "other.test", 1), "/")
	require.ErrorContains(t, err, "certificate")
	plain := get(t, c, strings.Replace(f.Inventory()[0].URL, "https", "http", 1), "/")
	require.Equal(t, http.StatusBadRequest, plain.status)
	require.Empty(t, plain.version())
}

func TestLatencyIsPerRequest(t *testing.T) {
	t.Parallel()
	f := started(t, fleet.Options{Latency: 60 * time.Millisecond})
	begin := time.Now()
	get(t, client(t, f), f.Inventory()[0].URL, "/")
	require.GreaterOrEqual(t, time.Since(begin), 60*time.Millisecond)
}

func TestHangingEndsByItself(t *testing.T) {
	t.Parallel()
	f := started(t, fleet.Options{HangFor: 50 * time.Millisecond})
	_, err := ask(t.Context(), client(t, f), http.MethodGet, f.URL(one(t, f, fleet.TraitHangs)), "/")
	require.Error(t, err)
	require.NotErrorIs(t, err, context.DeadlineExceeded)
}

// Everybody works on the fleet at once while it is scanned; the race detector looks on.
func TestPeopleAndScansAtOnce(t *testing.T) {
	t.Parallel()
	f := started(t, fleet.Options{Seed: 2, HangingShare: -1})
	c := client(t, f)
	var wg sync.WaitGroup
	for _, farm := range f.Farms() {
		wg.Go(func() {
			_ = f.Remediate(farm, fleet.Ticking(began(), time.Second)) // some cannot be
			_, _ = f.Collect(farm, began().Add(time.Hour))
			for _, name := range f.Members(farm) {
				_, _ = f.Truth(name)
				_ = f.Snapshot(name)
				_, _ = f.Compromise(name), f.Restore(name, began())
			}
		})
		wg.Go(func() {
			for _, r := range f.Inventory()[:10] {
				if r.URL != "" {
					_, _ = ask(t.Context(), c, http.MethodGet, r.URL, "/")
				}
			}
		})
	}
	wg.Wait()
	require.Zero(t, f.Asked().Writes)
}

func TestEightThousandServersNeedFewConnections(t *testing.T) {
	t.Parallel()
	f := started(t, fleet.Options{Servers: 8000, HangingShare: -1, HostileShare: -1})
	c := client(t, f)
	var answered, most atomic.Int64
	work := make(chan string)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for url := range work {
				if _, err := ask(t.Context(), c, http.MethodGet, url, "/"); err == nil {
					answered.Add(1)
				}
				if n := f.Connections(); n > most.Load() {
					most.Store(n)
				}
			}
		})
	}
	sent := int64(0)
	for i, r := range f.Inventory() {
		if r.URL != "" && i%4 == 0 {
			work <- r.URL
			sent++
		}
	}
	close(work)
	wg.Wait()
	require.Greater(t, answered.Load(), sent*9/10)
	require.LessOrEqual(t, most.Load(), int64(160))
}

func BenchmarkNew8000(b *testing.B) {
	for b.Loop() {
		if _, err := fleet.New(fleet.Options{Servers: 8000}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestRunEndsWhenTheFleetIsClosed(t *testing.T) {
	t.Parallel()
	f, err := fleet.New(fleet.Options{})
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- f.Run(t.Context()) }()
	require.Eventually(t, func() bool { return strings.Count(f.Inventory()[0].URL, ":") == 2 }, 5*time.Second, time.Millisecond)
	require.NoError(t, f.Close())
	require.NoError(t, <-ended)
}
