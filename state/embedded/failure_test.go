package embedded

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

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
