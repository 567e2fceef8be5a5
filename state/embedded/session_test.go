package embedded

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func TestWhatCannotBeReplayedIsRefused(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, c := inMemory(t, Options{})
	require.NoError(t, c.SAdd(ctx, "s", "m").Err())
	for _, cmd := range []string{
		"SPOP s", "XADD x * f v", "XADD x 5-* f v", "XADD x nomkstream maxlen ~ 5 * f v", "HEXPIRE h 5 FIELDS 1 f", "BLPOP l 0",
		"XREAD BLOCK 0 STREAMS x $", "WAIT 1 100", "SELECT 1", "XGROUP CREATE x g $ MKSTREAM", "RESTORE k 0 x", "PFADD p x",
		"SWAPDB 0 1", "SET k v PXAT 5", "SET k v EX 999999999999", "EVAL redis.call('SPOP','s') 0",
		"EVAL redis.call('FLUSHALL') 0", "XADD x maxlen", "XADD x maxlen ~", "XADD x nomkstream maxlen ~ 1",
	} {
		args := make([]any, 0, 8)
		for w := range strings.FieldsSeq(cmd) {
			args = append(args, w)
		}
		err := c.Do(ctx, args...).Err()
		require.Error(t, err, cmd)
		require.NotErrorIs(t, err, redis.Nil, cmd)
	}
	require.Equal(t, []string{"s"}, c.Keys(ctx, "*").Val())
}

func TestATransactionWithAnErrorIsRefusedEarly(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, c := inMemory(t, Options{})
	for _, bad := range [][]any{{"NOSUCH", "x"}, {"GET"}, {"SPOP", "s"}, {"SET", "k", "v", "WRONG"}, {"SUBSCRIBE", "x"}} {
		conn := c.(*redis.Client).Conn()
		require.NoError(t, conn.Do(ctx, "MULTI").Err())
		require.Equal(t, "QUEUED", conn.Do(ctx, "SET", "k", "v").Val())
		require.ErrorContains(t, conn.Do(ctx, bad...).Err(), "ERR", bad)
		require.ErrorContains(t, conn.Do(ctx, "EXEC").Err(), "EXECABORT")
		require.ErrorContains(t, conn.Do(ctx, "EXEC").Err(), "EXEC without MULTI")
		require.NoError(t, conn.Close())
	}
	require.Zero(t, c.Exists(ctx, "k").Val())
}

func TestWatchAbortsATransaction(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, c := inMemory(t, Options{})
	require.NoError(t, c.Set(ctx, "w", "1", 0).Err())
	for _, disturb := range []func(){
		func() { c.Incr(ctx, "w") },
		func() { c.FlushAll(ctx) },
		func() { c.Eval(ctx, "redis.call('SET', KEYS[1], 5)", []string{"w"}) },
	} {
		err := c.Watch(ctx, func(tx *redis.Tx) error {
			disturb()
			_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Set(ctx, "w", "mine", 0); return nil })
			return err
		}, "w")
		require.ErrorIs(t, err, redis.TxFailedErr)
	}
	err := c.Watch(ctx, func(tx *redis.Tx) error {
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { p.Set(ctx, "w", "mine", 0); return nil })
		return err
	}, "w")
	require.NoError(t, err)
	require.Equal(t, "mine", c.Get(ctx, "w").Val())
}

func TestPublishedMessagesReachSubscribers(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	e, c := opened(t, dir, Options{})
	sub := c.Subscribe(ctx, "ch")
	_, err := sub.Receive(ctx)
	require.NoError(t, err)
	require.NoError(t, sub.Ping(ctx))
	for range 100 {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
			p.Incr(ctx, "n")
			p.Publish(ctx, "ch", "hello")
			return nil
		})
		require.NoError(t, err)
	}
	for range 100 {
		select {
		case m := <-sub.Channel():
			require.Equal(t, "hello", m.Payload)
		case <-time.After(5 * time.Second):
			require.Fail(t, "no message")
		}
	}
	require.NoError(t, sub.Close())
	require.Eventually(t, func() bool { return e.m.PubSubNumSub("ch")["ch"] == 0 }, 5*time.Second, 5*time.Millisecond)
	require.Zero(t, c.Publish(ctx, "ch", "nobody").Val())
}

func TestAScriptIsKnownByItsHash(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	_, c := inMemory(t, Options{})
	sha, err := c.ScriptLoad(ctx, "return redis.call('INCR', KEYS[1])").Result()
	require.NoError(t, err)
	require.EqualValues(t, 1, c.EvalSha(ctx, sha, []string{"k"}).Val())
	require.ErrorContains(t, c.EvalSha(ctx, strings.Repeat("0", 40), []string{"k"}).Err(), "NOSCRIPT")
}

func TestAClosedEngineAnswersNobody(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e, c := inMemory(t, Options{})
	require.NoError(t, c.Ping(ctx).Err())
	require.NoError(t, e.Close())
	require.Error(t, c.Ping(ctx).Err())
	_, err := e.Dial(ctx)
	require.ErrorIs(t, err, ErrClosed)
}

func TestServeTakesClientsOnTheLocalSocket(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"short": t.TempDir(), "long": t.TempDir() + "/" + strings.Repeat("x", 120)} {
		e, inside := opened(t, dir, Options{})
		l, err := e.ListenSocket()
		require.NoError(t, err, name)
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- e.Serve(ctx, l) }()
		outside := redis.NewClient(&redis.Options{
			MaxRetries: -1,
			Dialer:     func(ctx context.Context, _, _ string) (net.Conn, error) { return DialSocket(ctx, dir) },
		})
		require.NoError(t, outside.Set(ctx, "k", "v", 0).Err(), name)
		require.Equal(t, "v", inside.Get(ctx, "k").Val())
		cancel()
		require.NoError(t, <-served)
		require.Error(t, outside.Ping(t.Context()).Err())
		require.NoError(t, outside.Close())
		require.NoFileExists(t, SocketPath(dir))
	}
}

func TestOneClientThatStopsReadingHoldsUpNobody(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e, c := inMemory(t, Options{})
	nc, err := e.Dial(ctx)
	require.NoError(t, err)
	for range 100 {
		_, err := nc.Write(appendCommand(nil, "PING"))
		require.NoError(t, err)
	}
	require.NoError(t, c.Set(ctx, "k", "v", 0).Err())
	require.NoError(t, nc.Close())
}
