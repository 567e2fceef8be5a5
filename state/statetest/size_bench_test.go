package statetest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// sized is how many servers there are where size is what matters.
const sized = 20_000

// BenchmarkMemory tells what a server costs: in the inventory alone, and after one scan, with the audit record of both, and
// when all lists have been looked at, of which the embedded engine then keeps the order.
func BenchmarkMemory(b *testing.B) {
	b.Run("redis", func(b *testing.B) {
		for b.Loop() {
			c := RedisWith(b, "--appendonly", "no").Client(b)
			memory(b, c, func() int64 { return usedMemory(b, c) })
		}
	})
	b.Run("embedded heap", func(b *testing.B) {
		for b.Loop() {
			e, c := openAt(b, b.TempDir())
			memory(b, c, heap)
			closeEngine(b, e, c)
		}
	})
	b.Run("embedded journal", func(b *testing.B) {
		for b.Loop() {
			dir := b.TempDir()
			journalOf(b, dir)
			b.ReportMetric(float64(sizeOf(b, dir))/sized, "written-B/server")
			e, c := openAt(b, dir)
			require.NoError(b, e.Compact(b.Context()))
			closeEngine(b, e, c)
			b.ReportMetric(float64(sizeOf(b, dir))/sized, "B/server")
		}
	})
}

func memory(b *testing.B, c redis.UniversalClient, used func() int64) {
	b.Helper()
	s := redisstore.New(c, redisstore.Options{Timeout: time.Minute})
	require.NoError(b, s.Init(b.Context()))
	before := used()
	Open(b, s, "one", sized, 4)
	b.ReportMetric(float64(used()-before)/sized, "unscanned-B/server")
	scanAll(b, s)
	b.ReportMetric(float64(used()-before)/sized, "B/server")
	lookAround(b, s)
	_, err := s.Complete(b.Context(), "one", "sp", 5)
	require.NoError(b, err)
	b.ReportMetric(float64(used()-before)/sized, "looked-at-B/server")
	runtime.KeepAlive(s)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what a pool holds goes with the second
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

var usedMemoryLine = regexp.MustCompile(`(?m)^used_memory:(\d+)`)

func usedMemory(b *testing.B, c redis.UniversalClient) int64 {
	b.Helper()
	info, err := c.Info(b.Context(), "memory").Result()
	require.NoError(b, err)
	m := usedMemoryLine.FindStringSubmatch(info)
	require.NotNil(b, m, info)
	n, err := strconv.ParseInt(m[1], 10, 64)
	require.NoError(b, err)
	return n
}

// BenchmarkStart opens a store that was closed: the engine, with the replay of its journal, and a first read.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	journalOf(b, dir)
	b.Run("as written", func(b *testing.B) { startUp(b, dir) })
	e, c := openAt(b, dir)
	require.NoError(b, e.Compact(b.Context()))
	closeEngine(b, e, c)
	b.Run("compacted", func(b *testing.B) { startUp(b, dir) })
}

func startUp(b *testing.B, dir string) {
	var r embedded.Recovery
	for b.Loop() {
		e, c := openAt(b, dir)
		s := redisstore.New(c, redisstore.Options{})
		require.NoError(b, s.Init(b.Context()))
		counts, err := s.Counts(b.Context(), "one", state.Filter{})
		require.NoError(b, err)
		b.StopTimer()
		require.Equal(b, sized, counts.Total())
		r = e.Recovery()
		closeEngine(b, e, c)
		b.StartTimer()
	}
	b.ReportMetric(float64(r.Commands), "commands")
	b.ReportMetric(float64(r.Bytes)/1e6, "MB")
}

// journalOf leaves a journal of scanned servers in dir, as the engine wrote it.
func journalOf(b *testing.B, dir string) {
	b.Helper()
	e, c := openAt(b, dir)
	s := redisstore.New(c, redisstore.Options{Timeout: time.Minute})
	require.NoError(b, s.Init(b.Context()))
	Open(b, s, "one", sized, 4)
	scanAll(b, s)
	closeEngine(b, e, c)
}

// openAt opens an engine that compacts its journal only when it is asked to.
func openAt(b *testing.B, dir string) (*embedded.Engine, redis.UniversalClient) {
	b.Helper()
	e, err := embedded.Open(dir, embedded.Options{CompactBytes: 1 << 40})
	require.NoError(b, err)
	return e, e.Client()
}

func closeEngine(b *testing.B, e *embedded.Engine, c redis.UniversalClient) {
	b.Helper()
	require.NoError(b, c.Close())
	require.NoError(b, e.Close())
}

func sizeOf(b *testing.B, dir string) int64 {
	b.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(b, err)
	sum := int64(0)
	for _, entry := range entries {
		st, err := os.Stat(filepath.Join(dir, entry.Name()))
		require.NoError(b, err)
		sum += st.Size()
	}
	return sum
}

// scanAll records one scan of all servers, farm after farm, in changes as big as the command scan makes them.
func scanAll(b *testing.B, s *redisstore.Store) {
	b.Helper()
	const perFarm, farmsAtOnce = 4, perChange
	at := Epoch.Add(time.Hour)
	for from := 0; from < sized; from += farmsAtOnce * perFarm {
		to := min(sized, from+farmsAtOnce*perFarm)
		var farms []string
		for i := from; i < to; i += perFarm {
			farms = append(farms, FarmName(i/perFarm))
		}
		_, err := s.Update(b.Context(), Work(fmt.Sprint("scan ", from), "ann", at), "one", farms, func(tx *state.Tx) error {
			for i := from; i < to; i += perFarm {
				var found []state.Evidence
				for k := i; k < min(to, i+perFarm); k++ {
					found = append(found, oneLook(Server(k, perFarm).Name, at)...)
				}
				if err := tx.Record(FarmName(i/perFarm), found...); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(b, err)
	}
}

// oneLook is what a probe leaves of a server that it reached: that it did, a build from the header, ten indicators that
// are not there. Words and digests are as long as the real ones.
func oneLook(server string, at time.Time) []state.Evidence {
	const digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	header := Probed(server, Vulnerable, at)
	header.Tool, header.Digest, header.Detail = "header", digest, "MicrosoftSharePointTeamServices: "+Vulnerable
	out := []state.Evidence{Looked(server, true, at), header}
	for i := range 10 {
		out = append(out, state.Evidence{
			Subject: state.Subject{Server: server}, Kind: state.KindIndicator, Value: "absent", Source: state.SourceProbe,
			Tool: fmt.Sprintf("spinstall%d-15", i), Digest: digest, Detail: fmt.Sprintf("GET /_layouts/15/spinstall%d.aspx: 404", i), Observed: at,
		})
	}
	return out
}
