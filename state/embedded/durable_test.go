package embedded

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// heldFile does not finish a sync before it is told to.
type heldFile struct {
	file
	mu   sync.Mutex
	gate chan struct{}
}

func (f *heldFile) hold(t *testing.T) (release func()) {
	gate := make(chan struct{})
	f.mu.Lock()
	f.gate = gate
	f.mu.Unlock()
	release = sync.OnceFunc(func() {
		f.mu.Lock()
		f.gate = nil
		f.mu.Unlock()
		close(gate)
	})
	t.Cleanup(release)
	return release
}

func (f *heldFile) Sync() error {
	f.mu.Lock()
	gate := f.gate
	f.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return f.file.Sync()
}

func TestNoReplyBeforeTheSync(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	held := &heldFile{}
	_, c := opened(t, t.TempDir(), Options{wrap: func(f file) file { held.file = f; return held }})
	require.NoError(t, c.Set(ctx, "k", "old", 0).Err())
	sub := c.Subscribe(ctx, "ch")
	_, err := sub.Receive(ctx)
	require.NoError(t, err)
	require.NoError(t, c.Get(ctx, "k").Err())

	release := held.hold(t)
	answers := make(chan string, 3)
	go func() { answers <- "write " + c.Set(ctx, "k", "new", 0).Val() }()
	quiet(t, answers)
	go func() { answers <- "read " + c.Get(ctx, "k").Val() }()
	go func() { answers <- "publish " + strconv.FormatInt(c.Publish(ctx, "ch", "news").Val(), 10) }()
	quiet(t, answers)
	select {
	case m := <-sub.Channel():
		require.Fail(t, "a message before the sync", m)
	case <-time.After(50 * time.Millisecond):
	}
	release()
	got := []string{<-answers, <-answers, <-answers}
	slices.Sort(got)
	require.Equal(t, []string{"publish 1", "read new", "write OK"}, got)
	require.Equal(t, "news", (<-sub.Channel()).Payload)
	require.NoError(t, sub.Close())
}

func quiet(t *testing.T, answers <-chan string) {
	t.Helper()
	select {
	case a := <-answers:
		require.Fail(t, "an answer before the sync", a)
	case <-time.After(50 * time.Millisecond):
	}
}

func TestACompactionTakesOverWhatWaitsForASync(t *testing.T) {
	t.Parallel()
	ctx, dir := t.Context(), t.TempDir()
	e, c := opened(t, dir, Options{})
	require.NoError(t, c.Incr(ctx, "n").Err())
	e.fileMu.Lock()
	before := e.appended.Load()
	answer := make(chan error, 1)
	go func() { answer <- c.Incr(ctx, "n").Err() }()
	require.Eventually(t, func() bool { return e.appended.Load() > before }, 5*time.Second, time.Millisecond)
	e.mu.Lock()
	err := e.rewrite(ctx)
	e.mu.Unlock()
	e.fileMu.Unlock()
	require.NoError(t, err)
	require.NoError(t, <-answer)
	require.NoError(t, e.Close())
	_, c = opened(t, dir, Options{})
	require.Equal(t, "2", c.Get(ctx, "n").Val())
}

func TestAPipelineSharesASync(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	counted := &countedFile{}
	_, c := opened(t, t.TempDir(), Options{wrap: func(f file) file { counted.file = f; return counted }})
	require.NoError(t, c.Ping(ctx).Err())
	before := counted.syncs
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range 200 {
			p.Set(ctx, strconv.Itoa(i), "v", 0)
		}
		return nil
	})
	require.NoError(t, err)
	require.LessOrEqual(t, counted.syncs-before, 3)
}

// countedFile may be read when all syncs have been answered.
type countedFile struct {
	file
	syncs int
}

func (f *countedFile) Sync() error { f.syncs++; return f.file.Sync() }

// powerFile knows what would be left after a power cut: what was synced, and any blocks of what was written since.
type powerFile struct {
	file
	mu      sync.Mutex
	now     []byte
	durable []byte
}

func (f *powerFile) WriteAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if grow := int(off) + len(p) - len(f.now); grow > 0 {
		f.now = append(f.now, make([]byte, grow)...)
	}
	copy(f.now[off:], p)
	return f.file.WriteAt(p, off)
}

func (f *powerFile) Sync() error {
	f.mu.Lock()
	upTo := slices.Clone(f.now)
	f.mu.Unlock()
	err := f.file.Sync()
	f.mu.Lock()
	f.durable = upTo
	f.mu.Unlock()
	return err
}

func (f *powerFile) cut(rng *rand.Rand) []byte {
	const block = 64
	f.mu.Lock()
	defer f.mu.Unlock()
	left := append(slices.Clone(f.durable), make([]byte, len(f.now)-len(f.durable))...)
	for at := 0; at < len(left); at += block {
		if end := min(at+block, len(left)); rng.IntN(2) == 0 {
			copy(left[at:end], f.now[at:end])
		}
	}
	return left
}

func TestAPowerCutLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	power := &powerFile{}
	dir := t.TempDir()
	// The header is written by another file that is renamed; this one starts with it.
	_, c := opened(t, dir, Options{CompactBytes: 1 << 40, wrap: func(f file) file { power.file = f; return power }})
	var mu sync.Mutex
	var acked []string
	var writers sync.WaitGroup
	for w := range 16 {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("%d-%d", w, i)
				if c.Eval(ctx, writeScript, writeKeys(), id, i).Err() == nil {
					mu.Lock()
					acked = append(acked, id)
					mu.Unlock()
				}
			}
		})
	}
	torn, cuts := 0, 40
	if testing.Short() {
		cuts = 8
	}
	for range cuts {
		time.Sleep(time.Duration(rng.IntN(8000)) * time.Microsecond)
		mu.Lock()
		told := slices.Clone(acked)
		mu.Unlock()
		if requireAll(t, power.cut(rng), told) {
			torn++
		}
	}
	cancel()
	writers.Wait()
	t.Logf("%d cuts, %d torn tails, %d acknowledged", cuts, torn, len(acked))
}

func requireAll(t *testing.T, journal []byte, told []string) (torn bool) {
	t.Helper()
	ctx, dir := context.Background(), t.TempDir()
	putJournal(t, dir, journal)
	e, c := opened(t, dir, Options{})
	requireKept(ctx, t, c, told)
	requireConsistent(ctx, t, c)
	require.NoError(t, c.Close())
	require.NoError(t, e.Close())
	return e.Recovery().Torn
}
