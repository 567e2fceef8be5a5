package embedded

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func TestAnOrderIsWhatSortingGives(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		model := map[string]float64{}
		o := newOrder(nil)
		for step := range 30_000 {
			name := "m" + strconv.Itoa(r.IntN(4000))
			if r.IntN(3) == 0 || step > 25_000 {
				o.remove(name)
				delete(model, name)
			} else {
				score := float64(r.IntN(40)) / 4
				o.put(ranked{score, name})
				model[name] = score
			}
			if step%997 == 0 {
				requireOrder(t, o, model)
			}
		}
		requireOrder(t, o, model)
		for name := range model {
			o.remove(name)
		}
		require.Zero(t, o.len())
		require.Empty(t, o.runs, "no empty run is left")
	}
}

func requireOrder(t *testing.T, o *order, model map[string]float64) {
	t.Helper()
	var want, got []ranked
	for name, score := range model {
		want = append(want, ranked{score, name})
	}
	slices.SortFunc(want, compareRanked)
	o.slice(0, o.len(), func(m ranked) { got = append(got, m) })
	require.Equal(t, want, got)
	for _, run := range o.runs {
		require.NotEmpty(t, run)
		require.LessOrEqual(t, len(run), maxRun)
	}
	for _, from := range []int{0, 1, maxRun - 1, maxRun + 1, len(want) - 1} {
		to := min(from+700, len(want))
		if from < 0 || from >= to {
			continue
		}
		got = nil
		o.slice(from, to, func(m ranked) { got = append(got, m) })
		require.Equal(t, want[from:to], got)
		require.Equal(t, from, o.before(func(m ranked) bool { return compareRanked(m, want[from]) < 0 }))
	}
}

// ordersOf are the orders that the engine keeps now.
func ordersOf(e *Engine) map[string]*order {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.orders)
}

// wide are the members of the sets in these tests: more than a small set has.
func wide(r *rand.Rand) string { return fmt.Sprintf("member-%03d", r.IntN(300)) }

// onLargeSets is a command on a few large sorted sets.
func onLargeSets(r *rand.Rand) []string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	key, other := pick("z1", "z2", "same"), pick("z1", "z2")
	score := func() string {
		if key == "same" {
			return "0"
		}
		return pick("1", "2", "-3", "2.5", "1e21", "inf", "0.1", "0.30000000000000004", "1753000000123", "9007199254740991")
	}
	bound := func() string { return pick("-inf", "+inf", "(2", "(-3", "0", "(1e21") }
	place := func() string { return strconv.Itoa(r.IntN(400) - 150) }
	name := func() string { return pick("-", "+", "["+wide(r), "("+wide(r), "(member-\xff") }
	limit := []string{"LIMIT", strconv.Itoa(r.IntN(200) - 5), strconv.Itoa(r.IntN(40) - 3)}
	switch n := r.IntN(100); {
	case n < 25:
		out := []string{"ZADD", key}
		for range 1 + r.IntN(20) {
			out = append(out, score(), wide(r))
		}
		return out
	case n < 33:
		return []string{"ZREM", key, wide(r), wide(r), wide(r)}
	case n < 36:
		return []string{"ZADD", key, pick("NX", "XX", "GT", "LT", "CH"), score(), wide(r), score(), wide(r)}
	case n < 38:
		return []string{"ZINCRBY", other, pick("1", "-2.5"), wide(r)}
	case n < 40:
		return []string{"ZADD", other, "INCR", "1", wide(r)}
	case n < 41:
		return [][]string{
			{"ZREMRANGEBYSCORE", key, "2", "(3"},
			{"ZREMRANGEBYRANK", key, "0", "3"},
			{"ZPOPMIN", key},
			{"ZPOPMAX", key, "2"},
			{"ZUNIONSTORE", other, "2", "z1", "z2"},
			{"ZINTERSTORE", "z2", "2", "z1", "same"},
			{"RENAME", other, pick("z1", "z2")},
			{"COPY", other, pick("z1", "z2"), "REPLACE"},
			{"DEL", key},
			{"ZADD", key, "0", wide(r), "x", wide(r)},
			{"SET", key, "text"},
			{"GETDEL", key},
		}[r.IntN(12)]
	case n < 60:
		out := []string{"ZRANGEBYSCORE", key, bound(), bound()}
		if r.IntN(3) == 0 {
			out = append(out, "WITHSCORES")
		}
		if r.IntN(3) > 0 {
			out = append(out, limit...)
		}
		return out
	case n < 72:
		out := []string{"ZRANGE", key, place(), place()}
		if r.IntN(3) == 0 {
			out = append(out, "WITHSCORES")
		}
		return out
	case n < 82:
		return []string{"ZCOUNT", key, bound(), bound()}
	case n < 95:
		out := []string{"ZRANGEBYLEX", "same", name(), name()}
		if r.IntN(2) == 0 {
			out = append(out, limit...)
		}
		return out
	default:
		return [][]string{
			{"ZRANGE", key, "0", "x"},
			{"ZRANGE", key, "0", "-1", "REV"},
			{"ZRANGEBYSCORE", key, "a", "b"},
			{"ZRANGEBYSCORE", key, "0", "5", "LIMIT", "1"},
			{"ZRANGEBYLEX", key, "a", "[b"},
			{"ZCOUNT", key, "1"},
			{"ZREVRANGE", key, "0", "4", "WITHSCORES"},
			{"ZCARD", key},
		}[r.IntN(8)]
	}
}

// compareLargeSets runs the same commands here and there, some of them in scripts, and counts the ranges that an order
// answered here.
func compareLargeSets(ctx context.Context, t *testing.T, there redis.UniversalClient, seeds uint64) {
	t.Helper()
	e, ours := inMemory(t, Options{})
	kept := 0
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 11))
		require.NoError(t, there.FlushAll(ctx).Err())
		require.NoError(t, ours.FlushAll(ctx).Err())
		require.Empty(t, ordersOf(e))
		for range 1200 {
			args := onLargeSets(r)
			o := ordersOf(e)[args[1]]
			run := args
			if r.IntN(4) == 0 {
				run = append([]string{"EVAL", echoScript, "0"}, args...)
			}
			want, got := flat(there.Do(ctx, asAny(run)...)), flat(ours.Do(ctx, asAny(run)...))
			if run[0] == "EVAL" && len(want) > 5 && want[:5] == "error" {
				want, got = want[:5], got[:min(5, len(got))]
			}
			require.Equal(t, want, got, "seed %d: %q", seed, run)
			if o != nil && ordersOf(e)[args[1]] == o {
				kept++
			}
		}
	}
	require.Greater(t, kept, int(seeds)*400, "orders were kept from one command to the next")
}

// flat is a reply with members and scores in one list, and with scores in one spelling: versions of Redis and of its
// protocol differ in both.
func flat(cmd *redis.Cmd) string {
	v, err := cmd.Result()
	if err != nil {
		return reply(cmd, "")
	}
	return strings.Join(flatten(v), " ")
}

func flatten(v any) (out []string) {
	if list, ok := v.([]any); ok {
		for _, x := range list {
			out = append(out, flatten(x)...)
		}
		return out
	}
	text := fmt.Sprint(v)
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		text = fmt.Sprint(f)
	}
	return []string{text}
}

func TestRangesOfLargeSetsAreThoseOfARealRedis(t *testing.T) {
	t.Parallel()
	compareLargeSets(t.Context(), t, realRedis(t), 3)
}

func TestRangesOfLargeSetsAreThoseOfMiniredis(t *testing.T) {
	t.Parallel()
	there := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { require.NoError(t, there.Close()) })
	compareLargeSets(t.Context(), t, there, 3)
}

func TestTheOrderOfALargeSetIsMadeOnceAndFollowsWhatIsWritten(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e, c := inMemory(t, Options{})
	for i := range 5000 {
		require.NoError(t, c.ZAdd(ctx, "z", redis.Z{Score: float64(i % 7), Member: fmt.Sprint("m", i)}).Err())
	}
	require.Empty(t, ordersOf(e), "nobody has asked for a range yet")
	first := func() []string {
		return c.ZRangeByScore(ctx, "z", &redis.ZRangeBy{Min: "-inf", Max: "+inf", Count: 2}).Val()
	}
	require.Equal(t, []string{"m0", "m1001"}, first())
	made := ordersOf(e)["z"]
	require.NotNil(t, made)
	require.NoError(t, c.ZRem(ctx, "z", "m0").Err())
	require.NoError(t, c.Eval(ctx, "return redis.call('ZADD', KEYS[1], '-1', 'm3', '9', 'm1001')", []string{"z"}).Err())
	require.Equal(t, []string{"m3", "m1008"}, first())
	require.Same(t, made, ordersOf(e)["z"])
	require.NoError(t, c.ZIncrBy(ctx, "z", -5, "m4").Err())
	require.Equal(t, []string{"m3", "m4"}, first())
	require.NotSame(t, made, ordersOf(e)["z"], "what it does not follow ends it")
	require.NoError(t, c.Del(ctx, "z").Err())
	require.Empty(t, ordersOf(e))
}

func TestTheOrderOfASetEndsWithIt(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	var now atomic.Int64
	now.Store(1_753_000_000_000)
	e, c := inMemory(t, Options{Now: func() time.Time { return time.UnixMilli(now.Load()) }})
	fill := func() {
		for i := range 100 {
			require.NoError(t, c.ZAdd(ctx, "z", redis.Z{Score: 1, Member: fmt.Sprint("m", i)}).Err())
		}
		require.EqualValues(t, 100, c.ZCount(ctx, "z", "-inf", "+inf").Val())
		require.Len(t, ordersOf(e), 1)
	}
	fill()
	require.NoError(t, c.Expire(ctx, "z", time.Second).Err())
	now.Add(2000)
	require.Zero(t, c.ZCount(ctx, "z", "-inf", "+inf").Val())
	require.Empty(t, ordersOf(e))

	fill()
	require.NoError(t, c.ZRemRangeByRank(ctx, "z", 0, -1).Err())
	require.Empty(t, ordersOf(e))
}

func TestAConnectionThatListensGetsNoRanges(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e, c := inMemory(t, Options{})
	for i := range 100 {
		require.NoError(t, c.ZAdd(ctx, "z", redis.Z{Member: fmt.Sprint("m", i)}).Err())
	}
	nc, err := e.Dial(ctx)
	require.NoError(t, err)
	defer nc.Close()
	_, err = nc.Write(appendCommand(appendCommand(nil, "SUBSCRIBE", "x"), "ZCOUNT", "z", "-inf", "+inf"))
	require.NoError(t, err)
	var got string
	buf := make([]byte, 4096)
	for !strings.Contains(got, "-ERR") {
		n, err := nc.Read(buf)
		require.NoError(t, err)
		got += string(buf[:n])
	}
	require.Contains(t, got, "Can't execute 'zcount'")
}
