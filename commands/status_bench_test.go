package commands

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

// BenchmarkStatus runs the commands that lists are read for on incidents of several sizes, in farms of four, with ten
// owners and three groups: soon after a scan, when nobody has assessed anything for so long that every farm is overdue,
// and when the playbook was revised and all or five farms are behind. x8000 is the median, over that of 8,000 servers on
// the same engine; first is what the first of them took: the embedded engine sorts a list once after its start. The reads
// that an engine may have to sort for are reported too.
//
// Set ALLCLEAR_BENCH_MILLION=1 for a million servers on Redis.
func BenchmarkStatus(b *testing.B) {
	for _, e := range []struct {
		name  string
		sizes []int
		start func(testing.TB) *redisstore.Store
	}{
		{"embedded", []int{8_000, 20_000, 100_000}, inMemory},
		{"redis", []int{8_000, 100_000, 1_000_000}, onRedis},
	} {
		b.Run(e.name, func(b *testing.B) {
			base := map[string]time.Duration{}
			for _, n := range e.sizes {
				if n == 1_000_000 && os.Getenv("ALLCLEAR_BENCH_MILLION") != "1" || n > 8_000 && testing.Short() {
					continue
				}
				b.Run(fmt.Sprint(n), func(b *testing.B) {
					s := e.start(b)
					fillFarms(b, s, n)
					benchLooks(b, s, n, base)
				})
			}
		})
	}
}

// benchLooks measures one command after the other, from a fresh incident to one that was revised.
func benchLooks(b *testing.B, s *redisstore.Store, n int, base map[string]time.Duration) {
	fresh, late := statetest.Epoch.Add(time.Hour), statetest.Epoch.Add(72*time.Hour)
	show := func(store Store, at time.Time) Command {
		return status{store, func() time.Time { return at }, time.Hour}
	}
	remind := func(store Store, at time.Time) Command {
		return ping{store, pinger{store: store, now: func() time.Time { return at }, cadence: time.Hour}}
	}
	list := func(store Store, _ time.Time) Command { return serverList{store} }
	for _, l := range []look{
		{name: "status", command: show, at: fresh, says: fmt.Sprintf("of %d servers open", n)},
		{name: "status of a group", command: show, at: fresh, args: []string{"--group", "group-1"}, says: "group group-1"},
		{name: "status of an owner", command: show, at: fresh, args: []string{"--owner", "owner-1"}, says: "owner owner-1"},
		{name: "status of a server", command: show, at: fresh, args: []string{"sp-00777"}, says: "SP-00777"},
		{name: "ping", command: remind, at: fresh, says: "owner-9"},
		{name: "page in the middle", command: list, at: fresh, args: []string{"--after", fmt.Sprint(n / 2)}, says: "servers"},
		{name: "all overdue", command: show, at: late, says: "farms or more wait"},
		{name: "all behind", command: show, at: fresh, says: "farms or more wait", before: func() { revise(b, s) }},
		{name: "five behind", command: show, at: fresh, says: "5 farms wait", before: func() { catchUp(b, s, n/perFarm-5) }},
	} {
		if l.before != nil {
			if n > 100_000 {
				return // to assess so many farms anew takes longer than all the rest
			}
			l.before()
		}
		b.Run(l.name, func(b *testing.B) { l.bench(b, s, n, base) })
	}
}

// look is a command that shows something of an incident.
type look struct {
	name    string
	command func(Store, time.Time) Command
	at      time.Time
	args    []string
	says    string // in its answer
	before  func()
}

func inMemory(t testing.TB) *redisstore.Store {
	t.Helper()
	e, err := embedded.OpenMemory(embedded.Options{})
	require.NoError(t, err)
	c := e.Client()
	t.Cleanup(func() {
		require.NoError(t, c.Close())
		require.NoError(t, e.Close())
	})
	s := redisstore.New(c, redisstore.Options{Timeout: time.Minute})
	require.NoError(t, s.Init(t.Context()))
	return s
}

func onRedis(t testing.TB) *redisstore.Store {
	t.Helper()
	c, err := redisstore.Dial("redis://"+statetest.RedisWith(t, "--appendonly", "no").Addr+"/0", redisstore.DialOptions{Timeout: time.Minute})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	s := redisstore.New(c, redisstore.Options{Timeout: time.Minute})
	require.NoError(t, s.Init(t.Context()))
	return s
}

const perFarm = 4

// fillFarms makes the incident "one" of n servers: a third vulnerable, a third fixed, a third unknown, and a scan. It
// takes half an hour of the incident's time whatever n is: the history is as long for each. With owned, servers are theirs.
func fillFarms(b *testing.B, s *redisstore.Store, n int, owned ...func(i int, sv *state.Server)) {
	b.Helper()
	_, err := s.Update(b.Context(), statetest.Work("open", "lead", statetest.Epoch), "one", nil, func(tx *state.Tx) error {
		return tx.OpenIncident(statetest.Incident("one"))
	})
	require.NoError(b, err)
	began := time.Now()
	for from := 0; from < n; from += farmsAtOnce * perFarm {
		at := statetest.Epoch.Add(30 * time.Minute * time.Duration(from) / time.Duration(n))
		to := min(n, from+farmsAtOnce*perFarm)
		var farms []string
		for i := from; i < to; i += perFarm {
			farms = append(farms, statetest.FarmName(i/perFarm))
		}
		_, err := s.Update(b.Context(), statetest.Work(fmt.Sprint("fill ", from), "lead", at), "one", farms, func(tx *state.Tx) error {
			for i := from; i < to; i++ {
				sv := statetest.Server(i, perFarm)
				for _, o := range owned {
					o(i, &sv)
				}
				if err := putServer(tx, sv, i, at); err != nil {
					return err
				}
			}
			return nil
		})
		require.NoError(b, err)
	}
	scan := state.Scan{ID: "1", Incident: "one", Selection: "all", By: "lead", Started: statetest.Epoch, Total: n, Looked: n, Reached: n}
	_, _, err = s.BeginScan(b.Context(), scan, time.Hour)
	require.NoError(b, err)
	scan.Ended, scan.Complete = statetest.Epoch.Add(30*time.Minute), true
	require.NoError(b, s.EndScan(b.Context(), scan))
	b.Logf("%d servers added in %s", n, time.Since(began).Round(time.Millisecond))
}

func putServer(tx *state.Tx, sv state.Server, i int, at time.Time) error {
	if err := tx.PutServer(sv); err != nil || i%3 == 0 {
		return err
	}
	build := statetest.Vulnerable
	if i%3 == 1 {
		build = statetest.Fixed
	}
	return tx.Record(sv.Farm, statetest.Patched(sv.Name, build, at))
}

// revise moves the fix line, and assesses nothing anew.
func revise(b *testing.B, s *redisstore.Store) {
	b.Helper()
	_, err := s.Update(b.Context(), statetest.Work("revise", "lead", statetest.Epoch.Add(time.Hour)), "one", nil, func(tx *state.Tx) error {
		return tx.Revise(statetest.Rules(2))
	})
	require.NoError(b, err)
}

// catchUp assesses the first farms anew.
func catchUp(b *testing.B, s *redisstore.Store, farms int) {
	b.Helper()
	for from := 0; from < farms; from += farmsAtOnce {
		var names []string
		for i := from; i < min(farms, from+farmsAtOnce); i++ {
			names = append(names, statetest.FarmName(i))
		}
		_, err := s.Update(b.Context(), statetest.Work(fmt.Sprint("catch up ", from), "lead", statetest.Epoch.Add(time.Hour)), "one", names, reassess(names))
		require.NoError(b, err)
	}
}

func (l look) bench(b *testing.B, s *redisstore.Store, n int, base map[string]time.Duration) {
	watched := &watchedStore{Store: s}
	c := l.command(watched, l.at)
	values, err := chat.Parse(c.Spec(), l.args, nil)
	require.NoError(b, err)
	run := func() (chat.Message, time.Duration) {
		began := time.Now()
		m, err := c.Run(b.Context(), chat.Call{Values: values, Incident: "one"})
		require.NoError(b, err)
		return m, time.Since(began)
	}
	m, first := run()
	require.Contains(b, plain(m), l.says)
	watched.list, watched.due = 0, 0
	var took []time.Duration
	for b.Loop() {
		_, d := run()
		took = append(took, d)
	}
	slices.Sort(took)
	median := took[len(took)/2]
	if n == 8_000 {
		base[l.name] = median
	}
	b.ReportMetric(float64(median), "median-ns")
	b.ReportMetric(float64(first), "first-ns")
	b.ReportMetric(float64(watched.list)/float64(len(took)), "list-ns/op")
	b.ReportMetric(float64(watched.due)/float64(len(took)), "due-ns/op")
	if base[l.name] > 0 { // else 8,000 was not asked for
		b.ReportMetric(float64(median)/float64(base[l.name]), "x8000")
	}
}

// watchedStore measures the reads that go by the order of something.
type watchedStore struct {
	Store
	list, due time.Duration
}

func (w *watchedStore) List(ctx context.Context, incident string, f state.Filter, offset, limit int) ([]state.Row, int, error) {
	began := time.Now()
	defer func() { w.list += time.Since(began) }()
	return w.Store.List(ctx, incident, f, offset, limit)
}

func (w *watchedStore) Behind(ctx context.Context, incident string, limit int) ([]string, error) {
	began := time.Now()
	defer func() { w.due += time.Since(began) }()
	return w.Store.Behind(ctx, incident, limit)
}

func (w *watchedStore) Due(ctx context.Context, incident string, now time.Time, limit int) ([]string, error) {
	began := time.Now()
	defer func() { w.due += time.Since(began) }()
	return w.Store.Due(ctx, incident, now, limit)
}
