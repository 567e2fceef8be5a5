package statetest

import (
	"context"
	"net"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
)

func TestStoreOnRedis(t *testing.T) {
	t.Parallel()
	HaveRedis(t)
	suite(t, Redis)
}

func TestStoreEmbedded(t *testing.T) {
	t.Parallel()
	suite(t, Embedded)
}

// Start starts an empty engine for a test.
type Start func(t testing.TB) *Engine

// suite is what the store must pass on every engine. Each test gets an engine of its own.
func suite(t *testing.T, start Start) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Start)
	}{
		{"changes are kept with all that follows from them", testChanges},
		{"a crowd changes one farm, and nothing is overwritten", testExclusive},
		{"what only one may have, one gets", testOneWins},
		{"a conflict is tried again, and then said", testConflict},
		{"audit lanes are taken, left and used again", testLanes},
		{"what is not there is not found", testNotFound},
		{"a store that is away is unavailable, and comes back whole", testUnavailable},
		{"a cancelled context returns in time", testCancelled},
		{"lost replies apply nothing twice", testLostReplies},
		{"a lost reply is no news", testLostReplyIsNoNews},
		{"counters and indexes equal a recount", testRecount},
		{"clear is declared on the board that is there", testClear},
		{"what is due and what is behind is found", testDueAndBehind},
		{"pages of lists are in order of what should be done first", testPages},
		{"names may be anything that is text", testNames},
		{"big changes are made, and too big ones refused", testBig},
		{"damage is found", testDamage},
		{"everything moves from engine to engine", testMove},
		{"a damaged export changes nothing", testDamagedExport},
		{"a newer store is left alone", testNewer},
		{"who was not updated stops when the schema moves", testMoved},
		{"what one holds, one holds", testHold},
		{"what is old is forgotten, but not what is unfinished", testPrune},
		{"requests are kept, leased, fenced and finished once", testInbox},
		{"letters go out in order, together, and once", testOutbox},
		{"advisories are published by two persons, once, to whom may see them", testDesk},
		{"a crowd reports: each once, and no more than is taken", testDeskCrowd},
		{"what sources said is kept, and names are found", testFeedsAndNames},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, start)
		})
	}
}

// client is a client as the program makes it.
func client(t testing.TB, addr string) redis.UniversalClient {
	t.Helper()
	c, err := redisstore.Dial("redis://"+addr+"/0", redisstore.DialOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// beforeScript runs f before each script that a client sends.
type beforeScript struct{ f func() }

func (beforeScript) DialHook(next redis.DialHook) redis.DialHook { return next }

func (beforeScript) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (b beforeScript) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "evalsha" {
			b.f()
		}
		return next(ctx, cmd)
	}
}

// storeAt is a new store on what listens at an address, prepared.
func storeAt(t testing.TB, addr string, o redisstore.Options) *redisstore.Store {
	t.Helper()
	s := redisstore.New(client(t, addr), o)
	require.NoError(t, s.Init(t.Context()))
	return s
}

// Embedded starts the engine of this process with a journal in a directory of the test, and a listener before it.
func Embedded(t testing.TB) *Engine {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	e := &Engine{Addr: "127.0.0.1:" + port}
	var (
		engine *embedded.Engine
		cancel context.CancelFunc
		served chan struct{}
	)
	stop := func(testing.TB) {
		if engine != nil {
			cancel()
			<-served
			_ = engine.Close()
			engine = nil
		}
	}
	e.Kill = stop
	e.Restart = func(t testing.TB) {
		t.Helper()
		var err error
		engine, err = embedded.Open(dir, embedded.Options{})
		require.NoError(t, err)
		l, err := net.Listen("tcp", e.Addr)
		require.NoError(t, err)
		var ctx context.Context
		ctx, cancel = context.WithCancel(context.Background())
		served = make(chan struct{})
		go func() {
			defer close(served)
			_ = engine.Serve(ctx, l)
		}()
		awaitPing(t, e.Addr)
	}
	t.Cleanup(func() { stop(t) })
	e.Restart(t)
	return e
}
