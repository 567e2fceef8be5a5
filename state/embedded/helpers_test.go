package embedded

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// opened is an engine on dir with a client; both are closed with the test.
func opened(t testing.TB, dir string, o Options) (*Engine, redis.UniversalClient) {
	t.Helper()
	e, err := Open(dir, o)
	require.NoError(t, err)
	return e, clientOf(t, e)
}

func inMemory(t testing.TB, o Options) (*Engine, redis.UniversalClient) {
	t.Helper()
	e, err := OpenMemory(o)
	require.NoError(t, err)
	return e, clientOf(t, e)
}

func clientOf(t testing.TB, e *Engine) redis.UniversalClient {
	t.Helper()
	c := e.Client()
	t.Cleanup(func() {
		_ = c.Close()
		_ = e.Close()
	})
	return c
}

// digest is the same for the same state, on any Redis.
func digest(ctx context.Context, t testing.TB, c redis.UniversalClient) string {
	t.Helper()
	keys, err := c.Keys(ctx, "*").Result()
	require.NoError(t, err)
	slices.Sort(keys)
	h := sha256.New()
	for _, k := range keys {
		v, err := valueOf(ctx, c, k)
		require.NoError(t, err, k)
		at, err := c.Do(ctx, "PEXPIRETIME", k).Int64()
		require.NoError(t, err)
		fmt.Fprintf(h, "%q %q %d\n", k, v, at)
	}
	return fmt.Sprintf("%d keys %s", len(keys), hex.EncodeToString(h.Sum(nil)))
}

func valueOf(ctx context.Context, c redis.UniversalClient, k string) (any, error) {
	switch t := c.Type(ctx, k).Val(); t {
	case "string":
		return c.Get(ctx, k).Result()
	case "hash":
		m, err := c.HGetAll(ctx, k).Result()
		return fmt.Sprint(m), err
	case "set":
		s, err := c.SMembers(ctx, k).Result()
		slices.Sort(s)
		return s, err
	case "list":
		return c.LRange(ctx, k, 0, -1).Result()
	case "zset":
		z, err := c.ZRangeWithScores(ctx, k, 0, -1).Result()
		return fmt.Sprint(z), err
	case "stream":
		x, err := c.XRange(ctx, k, "-", "+").Result()
		var out []string
		for _, m := range x {
			out = append(out, m.ID, fmt.Sprint(m.Values))
		}
		return out, err
	default:
		return nil, fmt.Errorf("type %q", t)
	}
}

func journalOf(t testing.TB, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, journalName))
	require.NoError(t, err)
	return b
}

func putJournal(t testing.TB, dir string, b []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, journalName), b, 0o600))
}

// fill writes one key of every type, by commands, scripts and transactions.
func fill(ctx context.Context, t testing.TB, c redis.UniversalClient) {
	t.Helper()
	require.NoError(t, c.Set(ctx, "str", "va\r\nlue\x00", 0).Err())
	require.NoError(t, c.HSet(ctx, "hash", "a", 1, "b", "zwei").Err())
	require.NoError(t, c.SAdd(ctx, "set", "x", "y", "z").Err())
	require.NoError(t, c.ZAdd(ctx, "zset", redis.Z{Score: 1.5, Member: "m"}, redis.Z{Score: 1e21, Member: "n"}).Err())
	require.NoError(t, c.RPush(ctx, "list", "1", "2", "1").Err())
	require.NoError(t, c.XAdd(ctx, &redis.XAddArgs{Stream: "stream", ID: "5-1", Values: []string{"f", "v"}}).Err())
	require.NoError(t, c.Set(ctx, "timed", "v", 1e12).Err())
	script := redis.NewScript(`
		redis.call('HINCRBY', KEYS[1], 'n', ARGV[1])
		redis.pcall('INCR', KEYS[1])
		local t = redis.call('TIME')
		redis.call('RPUSH', KEYS[2], 'at', 's')
		return redis.call('HGET', KEYS[1], 'n')`)
	for range 3 {
		require.NoError(t, script.Run(ctx, c, []string{"scripted", "scripted-list"}, 2).Err())
	}
	_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "tx", "1", 0)
		p.Eval(ctx, "redis.call('INCR', KEYS[1]) return 1", []string{"tx"})
		p.Set(ctx, "tx2", "2", 0)
		p.Incr(ctx, "tx")
		return nil
	})
	require.NoError(t, err)
}

// pipe sends a stream of commands as redis-cli --pipe would; none may give an error.
func pipe(ctx context.Context, t testing.TB, c redis.UniversalClient, stream []byte) {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(stream))
	p := c.Pipeline()
	for {
		args, err := readCommand(r)
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		any := make([]any, len(args))
		for i, a := range args {
			any[i] = a
		}
		p.Do(ctx, any...)
		if p.Len() >= 1000 {
			_, err := p.Exec(ctx)
			require.NoError(t, err)
		}
	}
	_, err := p.Exec(ctx)
	require.NoError(t, err)
}
