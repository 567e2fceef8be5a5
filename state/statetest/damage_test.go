package statetest

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state/redisstore"
)

// testDamage does behind the store's back what must never happen, and expects the verification to name it. It is the one
// test that looks at keys.
func testDamage(t *testing.T, start Start) {
	ctx := t.Context()
	e := start(t)
	s := storeAt(t, e.Addr, redisstore.Options{Prefix: "p:"})
	w := wander(t, s, "one", 42)
	for range 60 {
		w.step()
	}
	healthy(t, s)
	c := client(t, e.Addr)
	const p = "p:{s00}:"
	first, err := c.LIndex(ctx, p+"audit:0", 0).Result()
	require.NoError(t, err)
	counts, err := c.HKeys(ctx, p+"count:one").Result()
	require.NoError(t, err)
	counted := counts[0]
	rows, err := c.Keys(ctx, p+"row:*").Result()
	require.NoError(t, err)
	due, err := c.Keys(ctx, p+"due-*").Result()
	require.NoError(t, err)
	farms, err := c.ZRange(ctx, p+"farms-1:one", 0, 0).Result()
	require.NoError(t, err)
	farm := farms[0]
	for what, damage := range map[string]struct{ do, undo []any }{
		"counter count:one":       {[]any{"HINCRBY", p + "count:one", counted, 1}, []any{"HINCRBY", p + "count:one", counted, -1}},
		"counter count-owner:one": {[]any{"HSET", p + "count-owner:one", "ghost|s:ready", 3}, []any{"HDEL", p + "count-owner:one", "ghost|s:ready"}},
		"counter revisions:one":   {[]any{"HSET", p + "revisions:one", "99", 1}, []any{"HDEL", p + "revisions:one", "99"}},
		"the farms of its revis":  {[]any{"ZADD", p + "farms-1:one", 1, farm}, []any{"ZADD", p + "farms-1:one", 0, farm}},
		"farms-1:one lists":       {[]any{"ZADD", p + "farms-1:one", 0, "ghost"}, []any{"ZREM", p + "farms-1:one", "ghost"}},
		`letter "ghost"`:          {[]any{"HSET", p + "out:held", "ghost", "nowhere"}, []any{"HDEL", p + "out:held", "ghost"}},
		"the list of all":         {[]any{"ZINCRBY", p + "index:one", 1, "SP-00001"}, []any{"ZINCRBY", p + "index:one", -1, "SP-00001"}},
		"index:one lists":         {[]any{"ZADD", p + "index:one", 1, "ghost"}, []any{"ZREM", p + "index:one", "ghost"}},
		"names-server:one lists":  {[]any{"ZADD", p + "names-server:one", 0, "ghost"}, []any{"ZREM", p + "names-server:one", "ghost"}},
		"farms are listed as due": {[]any{"ZADD", due[0], 1, "ghost"}, []any{"ZREM", due[0], "ghost"}},
		"is listed and not there": {[]any{"HSET", p + "proposals:one", "x", `{"id":"x"}`}, []any{"HDEL", p + "proposals:one", "x"}},
		"its hash does not fit":   {[]any{"LSET", p + "audit:0", 0, strings.Replace(first, "lead", "evil", 1)}, []any{"LSET", p + "audit:0", 0, first}},
	} {
		require.NoError(t, c.Do(ctx, damage.do...).Err(), what)
		requireProblem(t, s, what)
		require.NoError(t, c.Do(ctx, damage.undo...).Err(), what)
		healthy(t, s)
	}
	fields, err := c.HGetAll(ctx, rows[0]).Result()
	require.NoError(t, err)
	for name, doc := range fields {
		require.NoError(t, c.HSet(ctx, rows[0], name, strings.Replace(doc, `"status":`, `"status":"confirmed","x":`, 1)).Err())
		requireProblem(t, s, "the row of "+name)
		require.NoError(t, c.HSet(ctx, rows[0], name, doc).Err())
		break
	}
	cutTail(t, c, p)
	requireProblem(t, s, "audit lane 0 does not end")
}

// cutTail takes away the newest audit entry, as somebody would who has something to hide.
func cutTail(t *testing.T, c redis.UniversalClient, p string) {
	t.Helper()
	require.NoError(t, c.RPop(t.Context(), p+"audit:0").Err())
	require.NoError(t, c.Decr(t.Context(), p+"audit:seq").Err())
}

func requireProblem(t *testing.T, s *redisstore.Store, want string) {
	t.Helper()
	r, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.Contains(t, strings.Join(r.Problems, "\n"), want)
}
