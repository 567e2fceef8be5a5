package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

const (
	echoScript = `return redis.call(ARGV[1], unpack(ARGV, 2))`
	manyScript = `
		local out = {}
		local n = 1
		while n <= #ARGV do
			local args = {}
			for i = 1, tonumber(ARGV[n]) do args[i] = ARGV[n + i] end
			n = n + tonumber(ARGV[n]) + 1
			local r = redis.pcall(unpack(args))
			if type(r) == 'table' and r.err then r = 'an error' end
			if type(r) == 'table' and r.ok then r = r.ok end
			out[#out + 1] = r
		end
		return out`
)

// randomCommand is one of the commands that the store uses, on few keys, so that types collide.
func randomCommand(r *rand.Rand) []string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	n := func() string { return strconv.Itoa(r.IntN(9) - 2) }
	k := func() string { return pick("k1", "k2", "k3", "k4", "k5", "k6") }
	f := func() string { return pick("f1", "f2", "f3", "ünï", "") }
	v := func() string { return pick("1", "-7", "text", "", "a\r\nb\x00", "12345678901", n()) }
	switch cmd := pick("HSET", "HGET", "HGETALL", "HINCRBY", "HDEL", "HMGET", "HSETNX", "SADD", "SREM", "SMEMBERS", "SCARD", "ZADD",
		"ZADD", "ZREM", "ZRANGEBYSCORE", "ZRANGE", "ZCARD", "ZSCORE", "SET", "GET", "DEL", "DEL", "INCR", "EXISTS", "SETNX", "MSET",
		"SISMEMBER", "RPUSH", "LPOP", "LRANGE", "LREM", "ZINCRBY", "ZREMRANGEBYSCORE", "HLEN", "HEXISTS", "TYPE", "RENAME",
		"GETDEL", "XADD", "XRANGE", "XLEN", "ZCOUNT", "RPOPLPUSH", "PERSIST", "EXPIRE"); cmd {
	case "HSET":
		return []string{cmd, k(), f(), v(), f(), v()}
	case "HGET", "HDEL", "HMGET", "HEXISTS":
		return []string{cmd, k(), f()}
	case "HINCRBY":
		return []string{cmd, k(), f(), n()}
	case "HSETNX":
		return []string{cmd, k(), f(), v()}
	case "SADD", "SREM":
		return []string{cmd, k(), f(), f()}
	case "SISMEMBER", "ZREM", "ZSCORE":
		return []string{cmd, k(), f()}
	case "ZADD":
		if r.IntN(3) == 0 {
			return []string{cmd, k(), pick("NX", "XX", "GT", "LT", "CH"), n(), f()}
		}
		return []string{cmd, k(), n() + pick("", ".5"), f(), n(), f()}
	case "ZINCRBY":
		return []string{cmd, k(), n(), f()}
	case "ZRANGEBYSCORE", "ZCOUNT", "ZREMRANGEBYSCORE":
		return []string{cmd, k(), pick("-inf", "(1", n()), pick("+inf", "(5", n())}
	case "ZRANGE", "LRANGE":
		return []string{cmd, k(), n(), n()}
	case "SET":
		return append([]string{cmd, k(), v()}, [][]string{nil, nil, {"NX"}, {"XX"}, {"GET"}, {"EX", "100000"}, {"KEEPTTL"}}[r.IntN(7)]...)
	case "SETNX", "RPUSH":
		return []string{cmd, k(), v()}
	case "MSET":
		return []string{cmd, k(), v(), k(), v()}
	case "LREM":
		return []string{cmd, k(), n(), v()}
	case "RENAME", "RPOPLPUSH", "EXISTS":
		return []string{cmd, k(), k()}
	case "XADD":
		return []string{cmd, k(), strconv.Itoa(r.IntN(50)) + pick("", "-1", "-2", "-x"), f(), v()}
	case "XRANGE":
		return []string{cmd, k(), pick("-", "3"), pick("+", "40")}
	case "EXPIRE":
		return []string{cmd, k(), pick("100000", "-1")}
	default:
		return []string{cmd, k()}
	}
}

func asAny(args []string) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a
	}
	return out
}

// reply is what a client sees, in a form that does not depend on the order of sets or on the wording of errors.
func reply(cmd *redis.Cmd, name string) string {
	v, err := cmd.Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		kind, _, _ := strings.Cut(err.Error(), " ")
		return "error " + kind
	}
	if list, ok := v.([]any); ok && name == "SMEMBERS" {
		s := make([]string, len(list))
		for i := range list {
			s[i] = fmt.Sprint(list[i])
		}
		slices.Sort(s)
		v = s
	}
	return fmt.Sprintf("%#v", v)
}

func TestRepliesAreThoseOfARealRedis(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	real := realRedis(t)
	dir := t.TempDir()
	e, ours := opened(t, dir, Options{})
	rounds := 30
	if testing.Short() {
		rounds = 4
	}
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 7))
		require.NoError(t, real.FlushAll(ctx).Err())
		require.NoError(t, ours.FlushAll(ctx).Err())
		for range 400 {
			compareOne(ctx, t, r, real, ours, seed)
		}
		require.EqualValues(t, 1, ours.PoolStats().Misses, "a second reply to one command costs the connection")
		state := withoutTimes(ctx, t, ours)
		require.Equal(t, withoutTimes(ctx, t, real), state, "seed %d", seed)
		require.NoError(t, ours.Close())
		require.NoError(t, e.Close())
		e, ours = opened(t, dir, Options{})
		require.Equal(t, state, withoutTimes(ctx, t, ours), "seed %d after a replay", seed)
		require.NoError(t, e.Compact(ctx))
	}
}

// compareTransaction uses no command that this engine judges earlier than Redis.
func compareTransaction(ctx context.Context, t *testing.T, r *rand.Rand, real, ours redis.UniversalClient, seed uint64) {
	t.Helper()
	var all [][]string
	for len(all) < 4 {
		if one := randomCommand(r); one[0] != "XADD" && one[0] != "HGETALL" && one[0] != "SMEMBERS" {
			all = append(all, one)
		}
	}
	all = append(all, []string{"EVAL", "return redis.pcall('INCR', KEYS[1]) and 1", "1", "k1"})
	run := func(c redis.UniversalClient) (out []string) {
		cmds, _ := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
			for _, one := range all {
				p.Do(ctx, asAny(one)...)
			}
			return nil
		})
		for i, cmd := range cmds {
			out = append(out, reply(cmd.(*redis.Cmd), all[i][0]))
		}
		return out
	}
	require.Equal(t, run(real), run(ours), "seed %d: %q", seed, all)
}

func compareOne(ctx context.Context, t *testing.T, r *rand.Rand, real, ours redis.UniversalClient, seed uint64) {
	t.Helper()
	if r.IntN(10) == 0 {
		compareTransaction(ctx, t, r, real, ours, seed)
	}
	args := randomCommand(r)
	name := args[0]
	switch {
	case (name == "HGETALL" || name == "SMEMBERS") || r.IntN(4) > 0:
	case r.IntN(2) == 0:
		args = append([]string{"EVAL", echoScript, "0"}, args...)
	default:
		script := []string{"EVAL", manyScript, "0"}
		for range 1 + r.IntN(4) {
			one := randomCommand(r)
			if one[0] == "HGETALL" || one[0] == "SMEMBERS" || one[0] == "XRANGE" {
				continue
			}
			script = append(append(script, strconv.Itoa(len(one))), one...)
		}
		args = script
	}
	want := reply(real.Do(ctx, asAny(args)...), name)
	got := reply(ours.Do(ctx, asAny(args)...), name)
	if args[0] == "EVAL" && strings.HasPrefix(want, "error") {
		want, got = want[:5], got[:min(5, len(got))]
	}
	require.Equal(t, want, got, "seed %d: %q", seed, args)
}

// withoutTimes is the state with whether, not when, a key ends: two servers have two clocks.
func withoutTimes(ctx context.Context, t testing.TB, c redis.UniversalClient) string {
	t.Helper()
	keys, err := c.Keys(ctx, "*").Result()
	require.NoError(t, err)
	slices.Sort(keys)
	var b strings.Builder
	for _, k := range keys {
		v, err := valueOf(ctx, c, k)
		require.NoError(t, err, k)
		fmt.Fprintf(&b, "%s %#v %v\n", k, v, c.TTL(ctx, k).Val() > 0)
	}
	return b.String()
}

func TestTheWrittenStateAndTheJournalMoveToARealRedis(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	real := realRedis(t)
	dir := t.TempDir()
	e, c := opened(t, dir, Options{})
	fill(ctx, t, c)
	want := digest(ctx, t, c)
	var out bytes.Buffer
	require.NoError(t, e.WriteRESP(ctx, &out))
	pipe(ctx, t, real, out.Bytes())
	require.Equal(t, want, digest(ctx, t, real))

	require.NoError(t, real.FlushAll(ctx).Err())
	require.NoError(t, e.Close())
	pipe(ctx, t, real, unframed(t, journalOf(t, dir)))
	require.Equal(t, want, digest(ctx, t, real))
}

func unframed(t testing.TB, b []byte) (out []byte) {
	t.Helper()
	_, err := scanFrames(bytes.NewReader(b), int64(len(b)), func(_ int64, p []byte) error {
		out = append(out, p...)
		return nil
	})
	require.NoError(t, err)
	return out
}
