package statetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// busy fills a store with some of everything.
func busy(t *testing.T, s *redisstore.Store) *wanderer {
	t.Helper()
	ctx := t.Context()
	w := wander(t, s, "one", rand.Uint64())
	for range 120 {
		w.step()
	}
	Open(t, s, "two", 30, 1)
	_, err := s.Accept(ctx, "job 1", []byte{0xff, 0, 1}, Epoch)
	require.NoError(t, err)
	_, err = s.Accept(ctx, "job 2", []byte("text"), Epoch)
	require.NoError(t, err)
	_, _, err = s.Lease(ctx, "h", Epoch, time.Minute)
	require.NoError(t, err)
	for i, c := range mustClaim(t, s, w.now, 8) {
		switch i % 4 {
		case 0:
			require.NoError(t, s.Delivered(ctx, c.Letter, c.Token, state.Receipt{Place: c.Letter.Place, MessageID: "m", At: w.now, Card: "card"}))
		case 1:
			require.NoError(t, s.Later(ctx, c.Letter, c.Token, w.now.Add(time.Hour), "rate limit"))
		case 2:
			require.NoError(t, s.Dead(ctx, c.Letter, c.Token, "gone"))
		}
	}
	_, err = s.Fire(ctx, state.Firing{Job: "digest", Is: state.Cursor{Next: Epoch}, Requests: []state.Job{{ID: "job 3", Payload: []byte("slot"), Accepted: Epoch}}})
	require.NoError(t, err)
	_, _, err = s.Hold(ctx, "sweep", "h", Epoch, time.Minute)
	require.NoError(t, err)
	_, _, err = s.BeginScan(ctx, state.Scan{ID: "s1", Incident: "one", Selection: "all", Started: Epoch}, time.Hour)
	require.NoError(t, err)
	_, err = s.AskEnd(ctx, "one", "s1", "ann")
	require.NoError(t, err)
	_, err = s.Update(ctx, Work("remind", "ann", w.now), "one", nil, func(tx *state.Tx) error {
		_, err := tx.Remind(w.now, nil, map[string]state.PingMemory{"person:ann": {Left: 2}, "person:bob": {Facts: "f"}})
		return err
	})
	require.NoError(t, err)
	require.NoError(t, s.SaveFeed(ctx, "vendor", []byte{0xfe, 1}))
	desk(t, s, Work("guild", "alice", Epoch), "", state.DeskNeed{All: true}, func(tx *state.Tx) error { return tx.SetCommunity(guild(1, state.TLPClear)) })
	desk(t, s, Work("draft", "alice", Epoch), "one", state.DeskNeed{}, func(tx *state.Tx) error {
		_, err := tx.SaveDraft(0, text("First", state.TLPGreen), nil, nil)
		return err
	})
	return w
}

func mustClaim(t *testing.T, s *redisstore.Store, now time.Time, limit int) []state.ClaimedLetter {
	t.Helper()
	got, err := s.Claim(t.Context(), "h", now, time.Minute, limit)
	require.NoError(t, err)
	return got
}

func keysOf(t *testing.T, c redis.UniversalClient) []string {
	t.Helper()
	keys, err := c.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	slices.Sort(keys)
	return keys
}

func testMove(t *testing.T, start Start) {
	ctx := t.Context()
	from := start(t)
	s := storeAt(t, from.Addr, redisstore.Options{Writer: "w"})
	w := busy(t, s)
	var file bytes.Buffer
	require.NoError(t, s.Export(ctx, &file))
	digest, err := s.Digest(ctx)
	require.NoError(t, err)
	keys := keysOf(t, client(t, from.Addr))

	for name, to := range targets(t) {
		other := redisstore.New(to, redisstore.Options{Writer: "w"})
		require.NoError(t, other.Import(ctx, bytes.NewReader(file.Bytes()), false), name)
		require.NoError(t, other.Init(ctx))
		got, err := other.Digest(ctx)
		require.NoError(t, err)
		require.Equal(t, digest, got, name)
		require.Equal(t, keys, keysOf(t, to), "%s: every key is exported, and no other", name)
		healthy(t, other)
		require.ErrorIs(t, other.Import(ctx, bytes.NewReader(file.Bytes()), false), redisstore.ErrNotEmpty)

		v := *w // life goes on
		v.s = other
		for range 20 {
			v.step()
		}
		healthy(t, other)
		require.NoError(t, other.Import(ctx, bytes.NewReader(file.Bytes()), true))
		got, err = other.Digest(ctx)
		require.NoError(t, err)
		require.Equal(t, digest, got, "%s: emptied first", name)
		require.Equal(t, keys, keysOf(t, to))
	}
}

// targets are engines to move to.
func targets(t *testing.T) map[string]redis.UniversalClient {
	t.Helper()
	e, err := embedded.OpenMemory(embedded.Options{})
	require.NoError(t, err)
	c := e.Client()
	t.Cleanup(func() {
		_ = c.Close()
		_ = e.Close()
	})
	out := map[string]redis.UniversalClient{"embedded": c}
	if lookRedis() {
		out["redis"] = client(t, Redis(t).Addr)
	}
	return out
}

func testDamagedExport(t *testing.T, start Start) {
	ctx := t.Context()
	s := storeAt(t, start(t).Addr, redisstore.Options{})
	Open(t, s, "one", 3, 1)
	var file bytes.Buffer
	require.NoError(t, s.Export(ctx, &file))
	text := file.String()
	lines := strings.SplitAfter(text, "\n")
	target := start(t)
	to := storeAt(t, target.Addr, redisstore.Options{})
	before, err := to.Digest(ctx)
	require.NoError(t, err)
	for what, damaged := range map[string]string{
		"cut off":             text[:len(text)/2],
		"without its end":     strings.Join(lines[:len(lines)-2], ""),
		"a line less":         strings.Join(lines[1:], ""),
		"two lines swapped":   lines[1] + lines[0] + strings.Join(lines[2:], ""),
		"something changed":   strings.Replace(text, "SP-00001", "SP-00009", 1),
		"something behind it": text + "{}\n",
		"an unknown key":      `{"k":"evil","t":"string","v":"x"}` + "\n" + text,
		"empty":               "",
	} {
		require.Error(t, to.Import(ctx, strings.NewReader(damaged), true), what)
		after, err := to.Digest(ctx)
		require.NoError(t, err)
		require.Equal(t, before, after, "%s: nothing was written", what)
	}
	require.ErrorIs(t, to.Import(ctx, strings.NewReader(ofSchema(t, lines, redisstore.Schema+1)), true), state.ErrNewer)
	require.ErrorContains(t, to.Import(ctx, strings.NewReader(ofSchema(t, lines, 1)), true), "before the first release")
	require.NoError(t, to.Import(ctx, strings.NewReader(ofSchema(t, lines, redisstore.Schema)), false))
}

// ofSchema is a whole export of another version of the layout.
func ofSchema(t *testing.T, lines []string, n int) string {
	t.Helper()
	body := strings.Join(lines[:len(lines)-2], "")
	now := fmt.Sprintf(`"schema":"%d"`, redisstore.Schema)
	require.Equal(t, 1, strings.Count(body, now))
	body = strings.Replace(body, now, fmt.Sprintf(`"schema":"%d"`, n), 1)
	return body + fmt.Sprintf(`{"keys":%d,"sha256":"%x"}`+"\n", len(lines)-2, sha256.Sum256([]byte(body)))
}

func testNewer(t *testing.T, start Start) {
	ctx := t.Context()
	e := start(t)
	s := storeAt(t, e.Addr, redisstore.Options{Prefix: "p:"})
	Open(t, s, "one", 1, 1)
	c := client(t, e.Addr)
	require.NoError(t, c.HSet(ctx, "p:{s00}:meta", "schema", redisstore.Schema+1).Err())
	err := redisstore.New(c, redisstore.Options{Prefix: "p:"}).Init(ctx)
	require.ErrorIs(t, err, state.ErrNewer)
	require.ErrorContains(t, err, fmt.Sprint("schema ", redisstore.Schema+1))
	_, err = s.Update(ctx, Work("r", "ann", Epoch), "one", []string{"SP-00000"}, func(tx *state.Tx) error { return tx.Claim("SP-00000", "", "") })
	require.ErrorIs(t, err, state.ErrNewer, "one that was started before writes nothing any more")
	require.ErrorIs(t, s.Post(ctx, []state.Letter{Letter("l", "a", Epoch)}), state.ErrNewer)
	_, err = s.Accept(ctx, "a", nil, Epoch)
	require.ErrorIs(t, err, state.ErrNewer)
	require.NoError(t, redisstore.New(c, redisstore.Options{}).Init(context.Background()), "another prefix is another store")
	require.NoError(t, c.HSet(ctx, "p:{s00}:meta", "schema", 1).Err())
	require.ErrorContains(t, redisstore.New(c, redisstore.Options{Prefix: "p:"}).Init(ctx), "before the first release")
	_, err = s.Accept(ctx, "a", nil, Epoch)
	require.ErrorContains(t, err, "before the first release")
}
