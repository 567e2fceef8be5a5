package embedded

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
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
