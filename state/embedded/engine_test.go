package embedded

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func TestReopenAfterCloseFindsTheSameState(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	e, c := opened(t, dir, Options{})
	fill(ctx, t, c)
	require.Equal(t, "3", c.Get(ctx, "tx").Val())
	want := digest(ctx, t, c)
	require.NoError(t, e.Close())
	require.NoError(t, e.Close(), "again")

	e, c = opened(t, dir, Options{})
	require.Equal(t, want, digest(ctx, t, c))
	r := e.Recovery()
	require.True(t, r.Closed)
	require.False(t, r.Torn)
	require.Positive(t, r.Commands)
}

func TestScriptsAreJournalledAsTheirEffects(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	e, c := opened(t, dir, Options{})
	fill(ctx, t, c)
	require.NoError(t, e.Close())
	b := journalOf(t, dir)
	require.NotContains(t, string(b), "EVAL")
	require.Contains(t, string(b), "MULTI")
	require.NotContains(t, string(b), "PX\r\n", "expiry is absolute")
}

func TestADirectoryHasOneOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e, _ := opened(t, dir, Options{})
	_, err := Open(dir, Options{})
	require.ErrorIs(t, err, ErrLocked)
	require.Contains(t, err.Error(), "process ")
	require.NoError(t, e.Close())
	e, err = Open(dir, Options{})
	require.NoError(t, err)
	require.NoError(t, e.Close())
}

func TestAJournalOfANewerProgramIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	putJournal(t, dir, appendFrame(nil, 0, appendCommand(nil, "ECHO", noteFormat+" 2")))
	_, err := Open(dir, Options{})
	require.ErrorIs(t, err, ErrNewer)
}

func TestCompactionKeepsTheState(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	e, c := opened(t, dir, Options{})
	fill(ctx, t, c)
	require.NoError(t, c.XAdd(ctx, &redis.XAddArgs{Stream: "empty", ID: "7", Values: []string{"a", "b"}}).Err())
	require.NoError(t, c.XDel(ctx, "empty", "7-0").Err())
	for i := range 3000 {
		require.NoError(t, c.HSet(ctx, "big", i%1500, i).Err())
	}
	want := digest(ctx, t, c)
	before := len(journalOf(t, dir))
	require.NoError(t, e.Compact(ctx))
	require.Equal(t, want, digest(ctx, t, c))
	require.NoError(t, c.Set(ctx, "after", "x", 0).Err())
	want = digest(ctx, t, c)
	require.NoError(t, e.Close())
	require.Less(t, len(journalOf(t, dir)), before)
	_, c = opened(t, dir, Options{})
	require.Equal(t, want, digest(ctx, t, c))
}

func TestTheJournalCompactsItselfWhileWritersWrite(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	e, c := opened(t, dir, Options{CompactBytes: 20_000})
	var wg sync.WaitGroup
	var wrong atomic.Pointer[error]
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if err := c.Eval(ctx, "redis.call('INCR', KEYS[1]) return redis.call('INCR', KEYS[2])", []string{"a", "b"}).Err(); err != nil {
					wrong.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	require.Nil(t, wrong.Load())
	require.NoError(t, e.Close())
	require.Less(t, len(journalOf(t, dir)), 100_000)
	_, c = opened(t, dir, Options{})
	require.Equal(t, "1600", c.Get(ctx, "a").Val())
	require.Equal(t, "1600", c.Get(ctx, "b").Val())
}

func TestKeysExpireExactlyAndStayExpired(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	var now atomic.Int64
	now.Store(1_750_000_000_000)
	o := Options{Now: func() time.Time { return time.UnixMilli(now.Load()) }}
	e, c := opened(t, dir, o)
	require.NoError(t, c.Set(ctx, "a", "1", 10*time.Second).Err())
	require.NoError(t, c.Set(ctx, "b", "1", 0).Err())
	require.True(t, c.Expire(ctx, "b", 20*time.Second).Val())
	require.NoError(t, c.Incr(ctx, "a").Err())
	require.NoError(t, c.Set(ctx, "c", "1", 10*time.Second).Err())
	require.NoError(t, c.Set(ctx, "c", "2", 0).Err(), "a plain SET keeps no time to live")
	require.NoError(t, c.Rename(ctx, "b", "d").Err())
	now.Add(9_999)
	require.Equal(t, "2", c.Get(ctx, "a").Val())
	require.Equal(t, time.Millisecond, c.PTTL(ctx, "a").Val())
	require.Equal(t, 10*time.Second, c.TTL(ctx, "d").Val())
	require.False(t, c.ExpireGT(ctx, "d", 5*time.Second).Val())
	now.Add(1)
	require.Equal(t, redis.Nil, c.Get(ctx, "a").Err())
	require.Equal(t, "2", c.Get(ctx, "c").Val())
	require.NoError(t, c.Incr(ctx, "a").Err(), "a new key of that name lives on")
	require.NoError(t, e.Close())

	now.Add(1_000_000)
	_, c = opened(t, dir, o)
	require.Equal(t, "1", c.Get(ctx, "a").Val())
	require.Equal(t, time.Duration(-1), c.TTL(ctx, "a").Val())
	require.Equal(t, "2", c.Get(ctx, "c").Val())
	require.Equal(t, redis.Nil, c.Get(ctx, "d").Err(), "its time came while nobody ran")
	secs, err := c.Time(ctx).Result()
	require.NoError(t, err)
	require.Equal(t, now.Load(), secs.UnixMilli())
}

func TestAnIdleEngineExpiresKeysByItself(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e, c := inMemory(t, Options{})
	require.NoError(t, c.Set(ctx, "a", "1", 50*time.Millisecond).Err())
	require.Eventually(t, func() bool { return len(e.m.DB(0).Keys()) == 0 }, 5*time.Second, 20*time.Millisecond)
}

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

func TestAFlushIsReplayed(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	e, c := opened(t, dir, Options{})
	fill(ctx, t, c)
	require.NoError(t, c.FlushAll(ctx).Err())
	require.NoError(t, c.Set(ctx, "left", "1", 0).Err())
	require.NoError(t, e.Close())
	_, c = opened(t, dir, Options{})
	require.Equal(t, []string{"left"}, c.Keys(ctx, "*").Val())
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

func TestStateIsWrittenAsPlainCommands(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e, c := opened(t, t.TempDir(), Options{})
	fill(ctx, t, c)
	var out bytes.Buffer
	require.NoError(t, e.WriteRESP(ctx, &out))
	_, other := inMemory(t, Options{})
	pipe(ctx, t, other, out.Bytes())
	require.Equal(t, digest(ctx, t, c), digest(ctx, t, other))
}

func TestAPanicEndsTheEngineNotTheProcess(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	e, c := opened(t, dir, Options{})
	require.NoError(t, c.Set(ctx, "kept", "1", 0).Err())
	err := c.Eval(ctx, "redis.call('SET', 'half', 1) return redis.call", nil).Err()
	require.ErrorContains(t, err, "must end")
	<-e.Failed()
	require.Error(t, e.Err())
	require.Error(t, c.Get(ctx, "kept").Err())
	require.Error(t, e.Close())
	_, c = opened(t, dir, Options{})
	require.Equal(t, []string{"kept"}, c.Keys(ctx, "*").Val())
}

func TestAScriptThatFailsHalfWayLeavesWhatItWrote(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	e, c := opened(t, dir, Options{})
	require.Error(t, c.Eval(ctx, "redis.call('SET', 'a', 1) redis.call('INCR', 'h', 2) redis.call('SET', 'b', 1)", nil).Err())
	require.Error(t, c.Eval(ctx, "redis.call('SET', 'c', 1) error('enough')", nil).Err())
	want := digest(ctx, t, c)
	require.NoError(t, e.Close())
	_, c = opened(t, dir, Options{})
	require.Equal(t, want, digest(ctx, t, c))
	require.EqualValues(t, 2, c.Exists(ctx, "a", "b", "c").Val())
}

func TestAnEngineInMemoryRunsInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		e, err := OpenMemory(Options{})
		require.NoError(t, err)
		c := e.Client()
		require.NoError(t, c.Set(ctx, "k", "v", time.Hour).Err())
		synctest.Wait()
		time.Sleep(time.Hour - time.Second)
		require.Equal(t, "v", c.Get(ctx, "k").Val())
		time.Sleep(time.Second)
		require.ErrorIs(t, c.Get(ctx, "k").Err(), redis.Nil)
		require.NoError(t, c.Close())
		require.NoError(t, e.Close())
	})
}

func TestANewDirectoryIsPrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/a/b"
	opened(t, dir, Options{})
	for name, want := range map[string]os.FileMode{"": 0o700, "journal": 0o600, "lock": 0o600, "pid": 0o600} {
		st, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		if runtime.GOOS != "windows" {
			require.Equal(t, want, st.Mode().Perm(), name)
		}
	}
}

func TestAFullDiskFailsTheEngine(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"write", "sync"} {
		ctx, dir := t.Context(), t.TempDir()
		faulty := &faultyFile{where: where}
		e, c := opened(t, dir, Options{wrap: func(f file) file { faulty.file = f; return faulty }})
		require.NoError(t, c.Set(ctx, "kept", "1", 0).Err())
		idle := c.(*redis.Client).Conn()
		require.NoError(t, idle.Ping(ctx).Err())
		faulty.full.Store(true)
		err := c.Set(ctx, "lost", "1", 0).Err()
		require.ErrorContains(t, err, "no space", where)
		<-e.Failed()
		require.ErrorIs(t, e.Err(), errNoSpace)
		faulty.full.Store(false)
		require.Error(t, idle.Get(ctx, "kept").Err(), "not even a read, though there is space again")
		require.Error(t, c.Set(ctx, "lost", "1", 0).Err())
		require.Error(t, e.Compact(ctx))
		require.ErrorIs(t, e.Close(), errNoSpace)
		_ = idle.Close()

		_, c = opened(t, dir, Options{})
		require.Equal(t, "1", c.Get(ctx, "kept").Val())
	}
}

func TestACompactionThatFindsNoSpaceLeavesTheOldJournal(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	var full atomic.Bool
	e, c := opened(t, dir, Options{wrap: func(f file) file {
		n := &faultyFile{file: f, where: "write"}
		n.full.Store(full.Load())
		return n
	}})
	fill(ctx, t, c)
	full.Store(true)
	require.ErrorIs(t, e.Compact(ctx), errNoSpace)
	full.Store(false)
	require.NoError(t, e.Err())
	require.NoError(t, c.Set(ctx, "more", "1", 0).Err())
	require.NoError(t, e.Compact(ctx))
}

var errNoSpace = errors.New("no space left on device")

type faultyFile struct {
	file
	where string
	full  atomic.Bool
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	if f.where == "write" && f.full.Load() {
		n, _ := f.file.WriteAt(p[:len(p)/2], off)
		return n, errNoSpace
	}
	return f.file.WriteAt(p, off)
}

func (f *faultyFile) Sync() error {
	if f.where == "sync" && f.full.Load() {
		return errNoSpace
	}
	return f.file.Sync()
}
