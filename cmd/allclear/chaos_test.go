//go:build chaos

package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/statetest"
)

// chaosLease is how long what a dead replica had stays with it here.
const chaosLease = 4 * time.Second

// settled is how long all that was promised may take when everything works again, on a slow machine.
const settled = 3 * time.Minute

// troupe is replicas on one Redis, and a Slack that sees them.
type troupe struct {
	t        *testing.T
	fake     *slackfake.Slack
	config   string
	env      []string
	urls     []string // of the Redis, by replica
	replicas []*child
	promised []string // servers of which a claim was acknowledged
	refused  int      // commands of which it was said at once that they are not done
	typed    int

	dead  []string      // the logs of those that were killed
	begin func() *child // one of them; nil: on the Redis of its number
	ends  string        // why one of them may end by itself; "": it found no Redis
	blind bool          // Slack may not say in time who reads the channel: then an answer is withheld from it
}

// newTroupe starts replicas whose clocks differ by up to six seconds.
func newTroupe(t *testing.T, dedupe bool, urls []string, env ...string) *troupe {
	t.Helper()
	c := &troupe{
		t: t, urls: urls, config: peopleFile(t), replicas: make([]*child, len(urls)),
		fake: slackfake.New(t, slackfake.Options{Pace: slackfake.NoPace(), Patience: settled, NoDedupe: !dedupe}),
		env:  append([]string{leaseVariable + "=" + chaosLease.String()}, env...),
	}
	c.fake.Allow(slackfake.Unacked)
	for i := range urls {
		c.start(i)
	}
	c.fake.AwaitConnections(len(urls))
	return c
}

func (c *troupe) start(i int) {
	if c.begin != nil {
		c.replicas[i] = c.begin()
		return
	}
	skew := time.Duration(i-1) * 3 * time.Second
	c.replicas[i] = replicaOf(c.t, c.fake, c.urls[i], c.config, append([]string{childVariable + "=" + skew.String()}, c.env...)...)
}

// supervise starts again what ended by itself, as systemd and Kubernetes do: a process that finds no Redis at its start.
func (c *troupe) supervise() {
	for i, r := range c.replicas {
		select {
		case <-r.done:
			log := strings.TrimSpace(r.errs.String())
			if why := log[strings.LastIndex(log, "allclear: ")+1:]; !strings.Contains(why, cmp.Or(c.ends, "the store is not available")) {
				require.Fail(c.t, "a replica ended by itself", why)
			}
			c.start(i)
		default:
		}
	}
}

// restart is kill -9, and a new process.
func (c *troupe) restart(i int) {
	c.replicas[i].kill()
	c.dead = append(c.dead, c.replicas[i].errs.String())
	c.start(i)
}

// open opens an incident with servers, when all is well.
func (c *troupe) open(inventory string, n int) {
	leader := c.fake.User("lead-1")
	leader.Types(storyChannel, "/allclear incident open chaos-1")
	c.fake.In(storyChannel).Sees("Incident chaos-1 is open")
	leader.Uploads(storyChannel, "servers.csv", []byte(inventory), "@allclear server import")
	c.fake.In(storyChannel).Sees(fmt.Sprintf("%d servers", n))
}

func plainServers(n int) string {
	var b strings.Builder
	b.WriteString("name\n")
	for i := range n {
		fmt.Fprintf(&b, "srv-%03d\n", i)
	}
	return b.String()
}

// claim claims the next server, and notes whether that was acknowledged.
func (c *troupe) claim() {
	c.supervise()
	name := fmt.Sprintf("srv-%03d", c.typed)
	d := c.fake.User([]string{"lead-1", "lead-2"}[c.typed%2]).Types(storyChannel, "/allclear claim "+name).Done()
	c.typed++
	switch {
	case promised(d):
		c.promised = append(c.promised, name)
	case d.Outcome == slackfake.OK:
		c.refused++
	}
}

// answers counts the answers to each claim.
func (c *troupe) answers() map[string]int {
	out := map[string]int{}
	for _, m := range c.fake.Messages(storyChannel) {
		if _, rest, ok := strings.Cut(m.Text, "Noted: "); ok {
			name, _, _ := strings.Cut(rest, " ")
			out[name]++
		}
	}
	return out
}

// withheld counts the answers of which the channel was told no more than that they are withheld from it.
func (c *troupe) withheld() int {
	n := 0
	for _, m := range c.fake.Messages(storyChannel) {
		if c.blind && strings.Contains(m.Text, "1 part is withheld") {
			n++
		}
	}
	return n
}

// check proves that nothing that was promised is lost, and counts what was said twice.
func (c *troupe) check(redis string) (doubled int) {
	c.t.Helper()
	return c.checkStore(config{Redis: secret(redis)})
}

func (c *troupe) checkStore(conf config) (doubled int) {
	c.t.Helper()
	missing := func() []string {
		got := c.answers()
		return slices.DeleteFunc(slices.Clone(c.promised), func(n string) bool { return got[n] > 0 })
	}
	paced := time.Duration(len(c.promised)) * slack.PostEvery // a channel hears one a second
	if !eventually(settled+paced, func() bool { c.supervise(); return len(missing()) <= c.withheld() }) {
		lost := missing()
		require.Fail(c.t, "acknowledged, and never answered", "%v\n%s%s", lost, linesOf(lost[0], c.fake.Scene()), c.undone())
	}
	for _, n := range c.answers() {
		doubled += n - 1
	}
	c.dismiss()
	o, err := openStore(c.t.Context(), conf, false, slog.New(slog.DiscardHandler))
	require.NoError(c.t, err)
	defer func() { _ = o.Close() }()
	nothingLeft(c.t, o) // chain, counters and indexes with it
	claims := happened(c.t, o, "claim")
	for _, name := range c.promised {
		require.Equal(c.t, 1, claims[name], "%s is claimed once (%v was not told of)\n%s", name, missing(), c.undone())
	}
	honest(c.t, o)
	return doubled
}

// dismiss ends the replicas as people do, once all of them are at work: one that has just begun hears no signal yet.
func (c *troupe) dismiss() {
	c.t.Helper()
	require.True(c.t, eventually(settled, func() bool { c.supervise(); return c.fake.Connections() >= len(c.replicas) }), "all replicas are at work")
	for _, r := range c.replicas {
		r.interrupt(c.t)
	}
	for _, r := range c.replicas {
		require.Zero(c.t, r.status(c.t, inShutdown), "%s", r.errs)
	}
}

// undone are the lines of all logs about claims that did not end as they should.
func (c *troupe) undone() string {
	logs := slices.Clone(c.dead)
	for _, r := range c.replicas {
		logs = append(logs, r.errs.String())
	}
	var out strings.Builder
	for line := range strings.Lines(linesOf(`"command":"claim"`, logs...)) {
		if !strings.Contains(line, `"outcome":"done"`) {
			out.WriteString(line)
		}
	}
	return out.String() + linesOf("ceiling", logs...) + linesOf("next to nothing", logs...)
}

// happened counts the events of a type in the record, by server.
func happened(t *testing.T, o *opened, kind string) map[string]int {
	t.Helper()
	entries, err := o.Audit(t.Context(), 1, 100_000)
	require.NoError(t, err)
	n := map[string]int{}
	for _, e := range entries {
		for _, ev := range e.Events {
			if ev.Type == kind {
				n[ev.Server]++
			}
		}
	}
	return n
}

// honest checks that no server is called better than its evidence makes it.
func honest(t *testing.T, o *opened) {
	t.Helper()
	inc, err := o.Incident(t.Context(), "chaos-1")
	require.NoError(t, err)
	farms, err := o.AllFarms(t.Context(), inc.ID, "", 100_000)
	require.NoError(t, err)
	for _, name := range farms {
		f, err := o.Farm(t.Context(), inc.ID, name)
		require.NoError(t, err)
		now := f.Assess(inc.Rules, time.Now())
		for server, row := range f.Rows {
			got, ok := now.Server(server)
			require.True(t, ok, server)
			require.False(t, row.Status.Settled() && !got.Status.Settled(), "%s is %s, and its evidence says %s", server, row.Status, got.Status)
			require.NotEqual(t, state.StatusConfirmed, row.Status, server)
		}
	}
}

func scale(short, long int) int {
	if testing.Short() {
		return short
	}
	return long
}

// TestChaosReplicasAndRedis: three replicas with clocks that differ, connections to Redis that break and are slow; replicas
// and the Redis are killed, and Slack has storms of 429 and of 500.
func TestChaosReplicasAndRedis(t *testing.T) {
	t.Parallel()
	for name, dedupe := range map[string]bool{"with Slack's own dedupe": true, "without it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := scale(24, 200)
			redis := statetest.Redis(t)
			var proxies []*statetest.Proxy
			var urls []string
			for range 3 {
				p := statetest.NewProxy(t, redis.Addr)
				proxies, urls = append(proxies, p), append(urls, "redis://"+p.Addr)
			}
			c := newTroupe(t, dedupe, urls)
			c.open(plainServers(n), n)
			for i := range n {
				switch i % 12 {
				case 1:
					proxies[rand.IntN(3)].Lose(3)
				case 2:
					c.fake.NextCalls("chat.postMessage", 3, slackfake.RateLimited(time.Second))
				case 3:
					c.restart(rand.IntN(3))
				case 5:
					c.fake.NextCalls("chat.postMessage", 2, slackfake.ServerError())
					c.fake.NextCalls("chat.postMessage", 1, slackfake.HalfDone())
				case 6:
					for _, p := range proxies {
						p.Lose(0)
					}
					redis.Kill(t)
				case 7:
					redis.Restart(t)
				case 9:
					c.fake.NextCalls("chat.postMessage", 1, slackfake.LostAnswer())
					c.restart(rand.IntN(3))
				}
				c.claim()
			}
			for _, p := range proxies {
				p.Lose(0)
			}
			c.fake.Heal()
			doubled := c.check("redis://" + redis.Addr)
			t.Logf("%d commands, %d acknowledged, %d refused at once, all acknowledged ones answered, %d answered twice", c.typed, len(c.promised), c.refused, doubled)
			require.Greater(t, len(c.promised), n/3)
			require.Zero(t, doubled, "the channel is searched before anything is posted again")
		})
	}
}

// TestChaosFailover kills the master of Sentinels, and the owner of a Cluster's slot, under replicas that want a change to be
// on two machines.
func TestChaosFailover(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) (string, func()){
		"Sentinel": func(t *testing.T) (string, func()) {
			s := statetest.StartSentinels(t)
			return s.URL, func() { s.KillMaster(t) }
		},
		"Cluster": func(t *testing.T) (string, func()) {
			s := statetest.StartCluster(t, 1)
			return s.URL, func() { s.KillOwner(t, "allclear:{s00}:meta") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := scale(12, 60)
			url, kill := start(t)
			c := newTroupe(t, true, []string{url, url}, "ALLCLEAR_DURABILITY=strict")
			c.open(plainServers(n), n)
			for i := range n {
				if i == n/3 {
					kill()
				}
				if i == 2*n/3 {
					c.restart(rand.IntN(2))
				}
				c.claim()
			}
			doubled := c.check(url)
			t.Logf("%d commands, %d acknowledged, %d refused at once, all acknowledged ones answered, %d answered twice", c.typed, len(c.promised), c.refused, doubled)
			require.NotEmpty(t, c.promised)
			require.Zero(t, doubled)
		})
	}
}

// crowd is servers that count who asks what.
type crowd struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]map[string]int // server -> path
	pause time.Duration
}

func newCrowd(t *testing.T, pause time.Duration) *crowd {
	t.Helper()
	c := &crowd{asked: map[string]map[string]int{}, pause: pause}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := strings.Cut(r.Host, ".")
		c.mu.Lock()
		if c.asked[name] == nil {
			c.asked[name] = map[string]int{}
		}
		c.asked[name][r.URL.Path]++
		c.mu.Unlock()
		time.Sleep(c.pause)
		w.Header().Set("MicrosoftSharePointTeamServices", "16.0.0.5495")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(c.Close)
	return c
}

// inventory is servers of which each has a name of its own on loopback.
func (c *crowd) inventory(n int) string {
	_, port, _ := strings.Cut(strings.TrimPrefix(c.URL, "http://"), ":")
	var b strings.Builder
	b.WriteString("name,url,addresses\n")
	for i := range n {
		fmt.Fprintf(&b, "sp-%04d,http://sp-%04d.localhost:%s/,127.0.0.1\n", i, i, port)
	}
	return b.String()
}

// started is how many servers were asked something.
func (c *crowd) started() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.asked)
}

// twice are the servers of which something was asked more than once, and how many were asked at all.
func (c *crowd) twice() (more []string, all int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A made-up name that shows whether a server answers everything has another path each time.
	usual := c.usual()
	for name, paths := range c.asked {
		if slices.Max(slices.Collect(maps.Values(paths))) > usual {
			more = append(more, name)
		}
	}
	slices.Sort(more)
	return more, len(c.asked)
}

// usual is how often one look asks the same path at most.
func (c *crowd) usual() int {
	counts := map[int]int{}
	for _, paths := range c.asked {
		counts[slices.Max(slices.Collect(maps.Values(paths)))]++
	}
	best := 0
	for n, servers := range counts {
		if servers > counts[best] {
			best = n
		}
	}
	return best
}

// TestChaosScan kills replicas while they scan: who looks is replaced, and so is who tells of it.
func TestChaosScan(t *testing.T) {
	t.Parallel()
	n := scale(900, 3000) // more than the replicas look at at once
	servers := newCrowd(t, 150*time.Millisecond)
	redis := statetest.Redis(t)
	url := "redis://" + redis.Addr
	c := newTroupe(t, true, []string{url, url, url})
	c.open(servers.inventory(n), n)
	leader := c.fake.User("lead-1")
	leader.Types(storyChannel, "/allclear scan")
	require.True(t, eventually(settled, func() bool { return servers.started() > n/20 }), "the scan begins")
	const kills = 2
	for i := range kills {
		c.restart(i) // with luck the one that tells of it
		require.True(t, eventually(settled, func() bool { return servers.started() > (i+1)*n/3 }), "it goes on")
	}
	looked := fmt.Sprintf("%d of %d looked at, %d answered", n, n, n)
	require.True(t, eventually(settled, func() bool {
		return slices.ContainsFunc(c.fake.Messages(storyChannel), func(m slackfake.Message) bool { return strings.Contains(m.Text, looked) })
	}), "%s\n%s%s%s", c.fake.Scene(), c.replicas[0].errs, c.replicas[1].errs, c.replicas[2].errs)
	more, all := servers.twice()
	require.Equal(t, n, all, "every server was asked")
	const most = kills * 4 * 64 // what two replicas had in their hands
	require.LessOrEqual(t, len(more), most)
	c.check(url)
	o, err := openStore(t.Context(), config{Redis: secret(url)}, false, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer func() { _ = o.Close() }()
	scans, err := o.LastScans(t.Context(), "chaos-1", 10)
	require.NoError(t, err)
	require.Len(t, scans, 1)
	require.True(t, scans[0].Complete)
	require.Equal(t, []int{n, n, n}, []int{scans[0].Total, scans[0].Looked, scans[0].Reached})
	seen := map[int]int{} // pieces of evidence about a server -> servers
	for _, times := range happened(t, o, "evidence") {
		seen[times]++
	}
	require.Len(t, seen, 1, "of each server as much is recorded as of every other: %v", seen)
	answers := 0
	for _, m := range c.fake.Messages(storyChannel) {
		answers += strings.Count(m.Text, looked)
	}
	require.Equal(t, 1, answers, "the scan is told once")
	t.Logf("%d servers, %d kills, %d asked again, summary and evidence exact", n, kills, len(more))
}

// TestMeasureScanByReplicas prints how long one scan takes with one, two and three replicas. ALLCLEAR_MEASURE is how many servers.
func TestMeasureScanByReplicas(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("ALLCLEAR_MEASURE"))
	if err != nil {
		t.Skip("NOT RUN: ALLCLEAR_MEASURE is not set")
	}
	var first time.Duration
	for replicas := 1; replicas <= 3; replicas++ {
		servers := newCrowd(t, 120*time.Millisecond)
		redis := statetest.Redis(t)
		urls := slices.Repeat([]string{"redis://" + redis.Addr}, replicas)
		c := newTroupe(t, true, urls)
		c.open(servers.inventory(n), n)
		began := time.Now()
		c.fake.User("lead-1").Types(storyChannel, "/allclear scan")
		looked := fmt.Sprintf("%d of %d looked at, %d answered", n, n, n)
		require.True(t, eventually(10*time.Minute, func() bool {
			time.Sleep(100 * time.Millisecond)
			return slices.ContainsFunc(c.fake.Messages(storyChannel), func(m slackfake.Message) bool { return strings.Contains(m.Text, looked) })
		}), "%s", c.replicas[0].errs)
		took := time.Since(began)
		if first == 0 {
			first = took
		}
		more, all := servers.twice()
		t.Logf("%d servers, %d replicas: %s, %.2f of one; %d asked, %d of them twice", n, replicas, took.Round(100*time.Millisecond), took.Seconds()/first.Seconds(), all, len(more))
		require.Empty(t, more)
		for _, r := range c.replicas {
			r.kill()
		}
		servers.Close()
	}
}

// TestChaosCancel ends a scan at a replica that may not be the one that runs it.
func TestChaosCancel(t *testing.T) {
	t.Parallel()
	servers := newCrowd(t, 3*time.Second)
	redis := statetest.Redis(t)
	url := "redis://" + redis.Addr
	c := newTroupe(t, true, []string{url, url, url})
	const n = 3000 // more than the replicas have hands
	c.open(servers.inventory(n), n)
	c.fake.User("lead-1").Types(storyChannel, "/allclear scan")
	require.True(t, eventually(settled, func() bool { return servers.started() > 0 }), "the scan begins")
	c.fake.User("lead-2").Types(storyChannel, "/allclear scan --cancel")
	c.fake.In(storyChannel).Sees("It tells what it has")
	c.fake.In(storyChannel).Sees("Incomplete")
	require.Less(t, servers.started(), n)
	c.check(url)
}

// TestChaosUpgrade moves the schema under replicas that do not know the new one.
func TestChaosUpgrade(t *testing.T) {
	t.Parallel()
	redis := statetest.Redis(t)
	url := "redis://" + redis.Addr
	c := newTroupe(t, true, []string{url, url}, "ALLCLEAR_HTTP=127.0.0.1:0")
	c.open(plainServers(6), 6)
	c.claim()
	require.True(t, eventually(settled, func() bool { return len(c.answers()) == 1 }))
	client := redis.Client(t)
	meta := "allclear:{s00}:meta"
	schema, err := client.HGet(t.Context(), meta, "schema").Result()
	require.NoError(t, err)
	require.NoError(t, client.HSet(t.Context(), meta, "schema", schema+"0").Err())
	for i, r := range c.replicas {
		require.True(t, eventually(settled, func() bool { return strings.Contains(attendant{r}.page(t, "/readyz"), "not ready") }), "replica %d is not ready", i)
	}
	before := redis.Snapshot(t)
	for range 3 {
		c.claim()
	}
	require.Len(t, c.promised, 1, "nothing more is promised")
	require.Equal(t, 3, c.refused, "and everybody is told")
	time.Sleep(2 * chaosLease) // whoever leases, claims, fires and renews had occasion to
	require.Equal(t, before, redis.Snapshot(t), "nothing is written")
	require.NoError(t, client.HSet(t.Context(), meta, "schema", schema).Err())
	c.check(url)
}
