package redisjobs

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

// estate is servers that count who asks them.
type estate struct {
	mu    sync.Mutex
	asked map[string]int
	by    map[string]int // replica -> servers
	look  func(ctx context.Context, name string)
}

func newEstate() *estate {
	return &estate{asked: map[string]int{}, by: map[string]int{}, look: func(context.Context, string) {}}
}

type asker struct {
	e    *estate
	name string
}

func (a asker) Look(ctx context.Context, t checks.Target, _ *checks.Client) checks.Result {
	a.e.mu.Lock()
	a.e.asked[t.Server.Name]++
	a.e.by[a.name]++
	a.e.mu.Unlock()
	a.e.look(ctx, t.Server.Name)
	if ctx.Err() != nil {
		return checks.Result{Error: "cut off"}
	}
	return checks.Result{Reached: true, Judgement: state.Judgement{Verdict: state.VerdictFixed}, Evidence: []state.Evidence{{
		Subject: state.Subject{Server: t.Server.Name}, Kind: state.KindReach, Value: state.ReachAnswered, Observed: time.Unix(1, 5).UTC(),
	}}}
}

// replica is one process's jobs; it works until stop.
type replica struct {
	*Jobs
	stop func()
}

func (e *estate) replica(t *testing.T, name string, c redis.UniversalClient, working bool) *replica {
	t.Helper()
	j := New(c, checks.NewRunner(checks.Options{Concurrency: 8}), func(checks.Plan) checks.Check { return asker{e, name} },
		Options{Chunk: 10, Hands: 2, Hold: 3 * time.Second})
	r := &replica{Jobs: j, stop: func() {}}
	if working {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = j.Work(ctx)
		}()
		r.stop = sync.OnceFunc(func() { cancel(); <-done })
		t.Cleanup(r.stop)
	}
	return r
}

func dial(t *testing.T, addr string) redis.UniversalClient {
	t.Helper()
	c, err := redisstore.Dial("redis://"+addr, redisstore.DialOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func many(n int) []checks.Target {
	var out []checks.Target
	for i := range n {
		out = append(out, checks.Target{Server: state.Server{Name: fmt.Sprintf("srv-%04d", i)}})
	}
	return out
}

// told collects results, and fails on one that comes twice.
type told struct {
	t    *testing.T
	mu   sync.Mutex
	seen map[string]checks.Result
}

func (c *told) emit(r checks.Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, twice := c.seen[r.Server]; twice {
		c.t.Errorf("%s was told twice", r.Server)
	}
	c.seen[r.Server] = r
}

func listener(t *testing.T) *told { return &told{t: t, seen: map[string]checks.Result{}} }

func (c *told) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}

// each checks how often servers were asked.
func (e *estate) each(t *testing.T, most, twice int) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	more := 0
	for name, n := range e.asked {
		require.LessOrEqual(t, n, most, name)
		if n > 1 {
			more++
		}
	}
	require.LessOrEqual(t, more, twice, "servers that were asked more than once")
}

func TestAScanUsesEveryReplicaAndAsksEachServerOnce(t *testing.T) {
	t.Parallel()
	r, e := statetest.Redis(t), newEstate()
	var gate sync.WaitGroup // the first two replicas to look wait for each other
	gate.Add(2)
	var first sync.Map
	a, b := e.replica(t, "a", dial(t, r.Addr), true), e.replica(t, "b", dial(t, r.Addr), true)
	check := func(name string) func(checks.Plan) checks.Check {
		return func(checks.Plan) checks.Check {
			return waiting{asker{e, name}, func() {
				if _, came := first.LoadOrStore(name, true); !came {
					gate.Done()
				}
				gate.Wait()
			}}
		}
	}
	a.check, b.check = check("a"), check("b")
	got := listener(t)
	sum, err := a.Run(t.Context(), "s1", checks.Plan{}, many(203), got.emit)
	require.NoError(t, err)
	require.True(t, sum.Complete)
	require.Equal(t, []int{203, 203, 203, 203, 0}, []int{sum.Targets, sum.Looked, sum.Reached, sum.Fixed, sum.NotLooked})
	require.Len(t, got.seen, 203)
	require.Equal(t, time.Unix(1, 5).UTC(), got.seen["srv-0007"].Evidence[0].Observed, "evidence arrives as it was seen")
	e.each(t, 1, 0)
	require.Len(t, e.by, 2, "both replicas look")

	again, err := b.Run(t.Context(), "s1", checks.Plan{}, many(203), listener(t).emit)
	require.NoError(t, err)
	require.True(t, again.Complete, "who resumes the request is told what was seen")
	e.each(t, 1, 0)

	other, err := b.Run(t.Context(), "s1", checks.Plan{Rules: state.Rules{Revision: 2}}, many(11), listener(t).emit)
	require.NoError(t, err)
	require.True(t, other.Complete)
	require.Equal(t, 2, e.asked["srv-0007"], "another plan is another scan, whatever its id")
}

// waiting does something before each look.
type waiting struct {
	asker
	before func()
}

func (w waiting) Look(ctx context.Context, t checks.Target, c *checks.Client) checks.Result {
	w.before()
	return w.asker.Look(ctx, t, c)
}

func TestWhoTakesOverTellsWhatWasSeenAndAsksOnlyTheRest(t *testing.T) {
	t.Parallel()
	r, e := statetest.Redis(t), newEstate()
	taken := make(chan struct{})
	var looks atomic.Int64
	e.look = func(context.Context, string) {
		if looks.Add(1) > 60 {
			<-taken
		}
	}
	follower, worker := e.replica(t, "a", dial(t, r.Addr), false), e.replica(t, "b", dial(t, r.Addr), true)
	ctx, cancel := context.WithCancel(t.Context())
	half := listener(t)
	sum, err := follower.Run(ctx, "s1", checks.Plan{}, many(100), func(r checks.Result) {
		half.emit(r)
		if half.count() == 20 {
			cancel()
		}
	})
	require.NoError(t, err)
	require.False(t, sum.Complete)
	close(taken)
	got := listener(t)
	sum, err = worker.Run(t.Context(), "s1", checks.Plan{}, many(100), got.emit)
	require.NoError(t, err)
	require.True(t, sum.Complete)
	require.Len(t, got.seen, 100)
	e.each(t, 1, 0)
}

func TestWhoTakesOverWithOtherServersEndsAndSaysThatNotAllWereLookedAt(t *testing.T) {
	t.Parallel()
	r, e := statetest.Redis(t), newEstate()
	ctx, kill := context.WithCancel(t.Context())
	first := e.replica(t, "first", dial(t, r.Addr), false)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = first.Run(ctx, "s1", checks.Plan{}, many(20), func(checks.Result) {})
	}()
	require.Eventually(t, func() bool {
		keys, err := dial(t, r.Addr).Keys(t.Context(), "*:run").Result()
		return err == nil && len(keys) == 1
	}, 30*time.Second, 20*time.Millisecond)
	kill()
	<-done
	ctx, enough := context.WithTimeout(t.Context(), time.Minute)
	defer enough()
	second, heard := e.replica(t, "second", dial(t, r.Addr), true), listener(t)
	sum, err := second.Run(ctx, "s1", checks.Plan{}, many(21), heard.emit)
	require.NoError(t, err)
	require.NoError(t, ctx.Err(), "it ends by itself")
	require.False(t, sum.Complete)
	require.Equal(t, 1, sum.NotLooked)
	require.Equal(t, 20, heard.count())
}

func TestWhatADeadReplicaHeldIsAskedByAnother(t *testing.T) {
	t.Parallel()
	r, e := statetest.Redis(t), newEstate()
	proxy := statetest.NewProxy(t, r.Addr)
	dead, alive := e.replica(t, "dead", dial(t, proxy.Addr), true), e.replica(t, "alive", dial(t, r.Addr), false)
	stuck := make(chan struct{})
	var once sync.Once
	dead.check = func(checks.Plan) checks.Check {
		return waiting{asker{e, "dead"}, func() {
			once.Do(func() { proxy.Silence(true); close(stuck) })
		}}
	}
	done := make(chan checks.Summary, 1)
	got := listener(t)
	go func() {
		sum, err := alive.Run(t.Context(), "s1", checks.Plan{}, many(60), got.emit)
		if err != nil {
			t.Error(err)
		}
		done <- sum
	}()
	<-stuck
	second := e.replica(t, "second", dial(t, r.Addr), true)
	defer second.stop()
	sum := <-done
	require.True(t, sum.Complete)
	require.Equal(t, 60, sum.Looked)
	require.Len(t, got.seen, 60)
	e.each(t, 2, 20) // two hands with a chunk each
	proxy.Silence(false)
}

func TestAScanThatIsToEndTellsWhatItHas(t *testing.T) {
	t.Parallel()
	r, e := statetest.Redis(t), newEstate()
	var a *replica
	var looks atomic.Int64
	e.look = func(ctx context.Context, _ string) {
		if looks.Add(1) > 30 { // the rest would take for ever
			<-ctx.Done()
		}
	}
	a = e.replica(t, "a", dial(t, r.Addr), true)
	got := listener(t)
	sum, err := a.Run(t.Context(), "s1", checks.Plan{}, many(200), func(r checks.Result) {
		got.emit(r)
		if got.count() == 15 {
			_, err := a.Run(t.Context(), "s1", checks.Plan{}, many(200), got.emit)
			require.ErrorIs(t, err, checks.ErrRunning)
			require.True(t, a.Cancel("s1"))
			require.True(t, a.Cancel("s1"))
		}
	})
	require.NoError(t, err)
	require.False(t, sum.Complete)
	require.GreaterOrEqual(t, sum.Looked, 15)
	require.Equal(t, 200, sum.Looked+sum.NotLooked)
	require.False(t, a.Cancel("s1"))
}

func TestAReplicaThatIsStoppedGivesBackWhatItDidNotSee(t *testing.T) {
	t.Parallel()
	r, e := statetest.Redis(t), newEstate()
	var leaving *replica
	stopped := make(chan struct{})
	var once sync.Once
	e.look = func(ctx context.Context, name string) {
		if name == "srv-0005" {
			once.Do(func() {
				go func() { leaving.stop(); close(stopped) }()
				<-ctx.Done()
			})
		}
	}
	leaving = e.replica(t, "leaving", dial(t, r.Addr), true)
	stays := e.replica(t, "stays", dial(t, r.Addr), false)
	got := listener(t)
	done := make(chan checks.Summary, 1)
	go func() {
		sum, err := stays.Run(t.Context(), "s1", checks.Plan{}, many(40), got.emit)
		if err != nil {
			t.Error(err)
		}
		done <- sum
	}()
	<-stopped
	e.replica(t, "second", dial(t, r.Addr), true)
	sum := <-done
	require.True(t, sum.Complete)
	require.Len(t, got.seen, 40)
	require.True(t, got.seen["srv-0005"].Reached)
	e.each(t, 2, 16) // what was cut off, and what was just being asked
}

func TestAFewServersAreAskedByOneself(t *testing.T) {
	t.Parallel()
	e := newEstate()
	a := e.replica(t, "a", dial(t, "127.0.0.1:1"), false)
	sum, err := a.Run(t.Context(), "v1", checks.Plan{}, many(10), listener(t).emit)
	require.NoError(t, err)
	require.True(t, sum.Complete)
}

func TestARedisThatComesBackLosesNothingOfAScan(t *testing.T) {
	t.Parallel()
	r, e := statetest.Redis(t), newEstate()
	a := e.replica(t, "a", dial(t, r.Addr), true)
	e.replica(t, "b", dial(t, r.Addr), true)
	got := listener(t)
	var once sync.Once
	sum, err := a.Run(t.Context(), "s1", checks.Plan{}, many(120), func(res checks.Result) {
		got.emit(res)
		once.Do(func() { r.Kill(t); r.Restart(t) })
	})
	require.NoError(t, err)
	require.True(t, sum.Complete)
	require.Len(t, got.seen, 120)
}

func TestATaskWithoutALeaseIsFound(t *testing.T) {
	t.Parallel()
	r := statetest.Redis(t)
	c := dial(t, r.Addr)
	j := New(c, nil, nil, Options{})
	require.NoError(t, c.LPush(t.Context(), "asynq:{"+j.o.Queue+"}:active", "lost", "held").Err())
	require.NoError(t, c.ZAdd(t.Context(), "asynq:{"+j.o.Queue+"}:lease", redis.Z{Score: 5, Member: "held"}).Err())
	found, err := j.orphans(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"lost"}, found)
	j.adopt(t.Context(), "lost")
	j.adopt(t.Context(), "held")
	found, err = j.orphans(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
	require.InDelta(t, 5, c.ZScore(t.Context(), "asynq:{"+j.o.Queue+"}:lease", "held").Val(), 0.1)
}

// A plan that is read again must ask and judge the same.
func TestEveryPlanTravels(t *testing.T) {
	t.Parallel()
	names := playbook.Builtins()
	require.NotEmpty(t, names)
	for _, name := range names {
		pb, err := playbook.Load(name)
		require.NoError(t, err)
		plan := pb.Plan()
		raw, err := json.Marshal(plan)
		require.NoError(t, err)
		var back checks.Plan
		require.NoError(t, json.Unmarshal(raw, &back))
		again, err := json.Marshal(back)
		require.NoError(t, err)
		require.JSONEq(t, string(raw), string(again), name)
		require.Len(t, back.Observers, len(plan.Observers))
		for i, o := range plan.Observers {
			if o.Pattern != nil {
				require.Equal(t, o.Pattern.String(), back.Observers[i].Pattern.String())
			}
			require.Equal(t, o.Stamps, back.Observers[i].Stamps)
		}
		require.Equal(t, plan.Rules, back.Rules)
		require.Equal(t, plan.Indicators, back.Indicators)
	}
}
