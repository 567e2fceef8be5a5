package embedded

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

const crashDirVariable = "ALLCLEAR_TEST_CRASH_DIR"

// writeScript is a change as the store makes them: a record, a counter, an index, a due list and an audit entry at once.
const writeScript = `
	local id = ARGV[1]
	if redis.call('HSETNX', KEYS[1], id, ARGV[2]) == 0 then return redis.error_reply('AGAIN ' .. id) end
	redis.call('HINCRBY', KEYS[2], 'n', 1)
	redis.call('SADD', KEYS[3], id)
	redis.call('ZADD', KEYS[4], ARGV[2], id)
	redis.call('XADD', KEYS[5], redis.call('HGET', KEYS[2], 'n') .. '-1', 'id', id)
	return 1`

func writeKeys() []string { return []string{"rec", "cnt", "idx", "due", "aud"} }

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDirVariable); dir != "" {
		fmt.Fprintln(os.Stderr, writeUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeUntilKilled is the child: each id that was acknowledged is a line on stdout, written by one system call.
func writeUntilKilled(dir string) error {
	e, err := Open(dir, Options{CompactBytes: 300_000})
	if err != nil {
		return err
	}
	c := e.Client()
	script := redis.NewScript(writeScript)
	if err := script.Load(context.Background(), c).Err(); err != nil {
		return err
	}
	fmt.Println("ready")
	failed := make(chan error, 16)
	for w := range 16 {
		go func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, i)
				if err := script.Run(context.Background(), c, writeKeys(), id, i).Err(); err != nil {
					failed <- err
					return
				}
				_, _ = os.Stdout.WriteString(id + "\n")
			}
		}()
	}
	return <-failed
}

// killAtRandom runs the child, kills it and returns what it said was acknowledged.
func killAtRandom(t *testing.T, dir string, alive time.Duration) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDirVariable+"="+dir)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan(), complaints.String())
	require.Equal(t, "ready", lines.Text())
	killer := time.AfterFunc(alive, func() { _ = cmd.Process.Kill() })
	defer killer.Stop()
	var acked []string
	for lines.Scan() {
		acked = append(acked, lines.Text())
	}
	_ = cmd.Wait()
	require.Empty(t, complaints.String())
	return acked
}

func TestNothingAcknowledgedIsLostByKilling(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	kills := 100
	if testing.Short() {
		kills = 10
	}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	acked, torn := map[string]bool{}, 0
	for range kills {
		got := killAtRandom(t, dir, time.Duration(rng.IntN(60_000))*time.Microsecond)
		for _, id := range got {
			acked[id] = true
		}
		e, c := opened(t, dir, Options{})
		if e.Recovery().Torn {
			torn++
		}
		requireKept(ctx, t, c, got)
		requireConsistent(ctx, t, c)
		require.NoError(t, c.Close())
		require.NoError(t, e.Close())
	}
	e, c := opened(t, dir, Options{})
	requireKept(ctx, t, c, slices.Collect(maps.Keys(acked)))
	want := digest(ctx, t, c)
	t.Logf("%d kills, %d acknowledged, %d kept, %d torn tails", kills, len(acked), c.HLen(ctx, "rec").Val(), torn)
	require.NotEmpty(t, acked)
	require.NoError(t, e.Close())

	t.Run("and the journal makes the same state on a real Redis", func(t *testing.T) {
		real := realRedis(t)
		pipe(ctx, t, real, unframed(t, journalOf(t, dir)))
		require.Equal(t, want, digest(ctx, t, real))
	})
}

func requireKept(ctx context.Context, t *testing.T, c redis.UniversalClient, acked []string) {
	t.Helper()
	kept, err := c.HGetAll(ctx, "rec").Result()
	require.NoError(t, err)
	for _, id := range acked {
		if _, ok := kept[id]; !ok {
			require.Fail(t, "acknowledged and lost", id)
		}
	}
}

func requireConsistent(ctx context.Context, t *testing.T, c redis.UniversalClient) {
	t.Helper()
	n := c.HLen(ctx, "rec").Val()
	require.Equal(t, n, c.SCard(ctx, "idx").Val())
	require.Equal(t, n, c.ZCard(ctx, "due").Val())
	require.Equal(t, n, c.XLen(ctx, "aud").Val())
	counted, err := c.HGet(ctx, "cnt", "n").Result()
	if n > 0 {
		require.NoError(t, err)
		require.Equal(t, strconv.FormatInt(n, 10), counted)
	}
}
