package statetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// TestStoreOnOneNodeOfACluster runs the suite where every key of a script must be of one slot.
func TestStoreOnOneNodeOfACluster(t *testing.T) {
	t.Parallel()
	HaveRedis(t)
	suite(t, clusterNode)
}

// clusterNode starts a Cluster of one node, for clients that know nothing of it.
func clusterNode(t testing.TB) *Engine {
	e := RedisWith(t, "--cluster-enabled", "yes")
	one := ClientAt(t, e.Addr)
	require.NoError(t, one.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", 0, 16383).Err())
	whole := func(t testing.TB) {
		require.Eventually(t, func() bool { return one.Set(context.Background(), "whole", 1, time.Millisecond).Err() == nil }, 20*time.Second, 20*time.Millisecond)
	}
	whole(t)
	restart := e.Restart
	e.Restart = func(t testing.TB) { restart(t); whole(t) }
	return e
}

func dialled(t testing.TB, url string) redis.UniversalClient {
	t.Helper()
	c, err := redisstore.Dial(url, redisstore.DialOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestStoreOnAClusterOfThree runs a history where nodes redirect.
func TestStoreOnAClusterOfThree(t *testing.T) {
	t.Parallel()
	cluster := StartCluster(t, 0)
	s := redisstore.New(dialled(t, cluster.URL), redisstore.Options{})
	require.NoError(t, s.Init(t.Context()))
	busy(t, s)
	healthy(t, s)
	var file bytes.Buffer
	require.NoError(t, s.Export(t.Context(), &file))
	require.NoError(t, s.Import(t.Context(), &file, true))
	healthy(t, s)
	strict := redisstore.New(dialled(t, cluster.URL), redisstore.Options{Strict: true})
	_, err := strict.Accept(t.Context(), "r1", []byte("{}"), time.Now())
	require.ErrorIs(t, err, state.ErrUnavailable, "no replica, no promise")
}

// TestStrictLosesNothingInAFailover kills masters while requests are accepted.
func TestStrictLosesNothingInAFailover(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) (url string, kill func()){
		"Sentinel": func(t *testing.T) (string, func()) {
			s := StartSentinels(t)
			return s.URL, func() { s.KillMaster(t) }
		},
		"Cluster": func(t *testing.T) (string, func()) {
			c := StartCluster(t, 1)
			return c.URL, func() { c.KillOwner(t, "allclear:{s00}:meta") }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, kill := start(t)
			s := redisstore.New(dialled(t, url), redisstore.Options{Strict: true})
			require.NoError(t, s.Init(t.Context()))
			var kept []string
			accept := func(id string) bool {
				_, err := s.Accept(t.Context(), id, []byte("{}"), time.Now())
				if err != nil {
					require.ErrorIs(t, err, state.ErrUnavailable)
					return false
				}
				kept = append(kept, id)
				return true
			}
			for i := range 200 {
				require.True(t, accept(fmt.Sprintf("before-%d", i)))
			}
			kill()
			n := 0
			require.Eventually(t, func() bool { n++; return accept(fmt.Sprintf("after-%d", n)) }, time.Minute, 100*time.Millisecond, "another master takes over")
			for i := range 50 {
				accept(fmt.Sprintf("then-%d", i))
			}
			found := map[string]bool{}
			require.Eventually(t, func() bool {
				for {
					job, ok, err := s.Lease(t.Context(), "reader", time.Now(), time.Hour)
					if err != nil {
						return false
					}
					if !ok {
						return true
					}
					found[job.ID] = true
				}
			}, time.Minute, 100*time.Millisecond)
			for _, id := range kept {
				require.True(t, found[id], "%s was acknowledged and is lost", id)
			}
			t.Logf("%d requests acknowledged, %d tries in the failover refused, none lost", len(kept), n-1)
		})
	}
}

// testMoved: a replica that was not updated writes nothing more when the schema moves.
func testMoved(t *testing.T, start Start) {
	e := start(t)
	s := storeAt(t, e.Addr, redisstore.Options{})
	busy(t, s)
	now := time.Now()
	_, err := s.Accept(t.Context(), "before", []byte("{}"), now)
	require.NoError(t, err)
	require.NoError(t, s.Post(t.Context(), []state.Letter{{ID: "l1", Place: state.Place{Platform: "p", Channel: "c"}, Due: now, Notice: state.Notice{Key: "l1"}}}))
	c := e.Client(t)
	require.NoError(t, c.HSet(t.Context(), "allclear:{s00}:meta", "schema", redisstore.Schema+1).Err())
	for name, write := range map[string]func() error{
		"accept": func() error { _, err := s.Accept(t.Context(), "r", nil, now); return err },
		"lease":  func() error { _, _, err := s.Lease(t.Context(), "h", now, time.Minute); return err },
		"claim":  func() error { _, err := s.Claim(t.Context(), "h", now.Add(time.Hour), time.Minute, 10); return err },
		"hold":   func() error { _, _, err := s.Hold(t.Context(), "n", "h", now, time.Minute); return err },
		"post": func() error {
			return s.Post(t.Context(), []state.Letter{{ID: "l2", Place: state.Place{Platform: "p"}, Due: now}})
		},
		"scan": func() error {
			_, _, err := s.BeginScan(t.Context(), state.Scan{ID: "s1", Incident: "i", Started: now}, time.Minute)
			return err
		},
	} {
		if err := write(); !errors.Is(err, state.ErrNewer) {
			t.Errorf("%s: %v, want that the store is newer", name, err)
		}
	}
	require.NoError(t, c.HSet(t.Context(), "allclear:{s00}:meta", "schema", redisstore.Schema).Err())
	job, ok, err := s.Lease(t.Context(), "h", now, time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	require.NotEmpty(t, job.ID)
	healthy(t, s)
}

// testHold: of a name there is one holder at a time, whatever the clocks of the replicas say.
func testHold(t *testing.T, start Start) {
	s := storeAt(t, start(t).Addr, redisstore.Options{})
	hold := func(holder string, now time.Time, ttl time.Duration) (int64, bool) {
		epoch, by, err := s.Hold(t.Context(), "gateway", holder, now, ttl)
		require.NoError(t, err)
		if by != holder {
			require.Equal(t, "a", by, "it is said who has it")
		}
		return epoch, by == holder
	}
	epoch, ok := hold("a", time.Time{}, time.Hour)
	require.True(t, ok)
	require.Equal(t, int64(1), epoch)
	_, ok = hold("b", time.Time{}, time.Hour)
	require.False(t, ok)
	epoch, ok = hold("a", time.Time{}, time.Hour)
	require.True(t, ok)
	require.Equal(t, int64(1), epoch, "it is renewed")
	_, ok = hold("a", time.Time{}, 0)
	require.True(t, ok, "it is given back")
	epoch, ok = hold("b", time.Time{}, time.Hour)
	require.True(t, ok)
	require.Equal(t, int64(2), epoch)
	epoch, ok = hold("a", time.Now().Add(2*time.Hour), time.Minute)
	require.True(t, ok, "its time is over")
	require.Equal(t, int64(3), epoch)
}
