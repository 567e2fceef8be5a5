package statetest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"
)

// Engine is a running Redis, of whatever kind. It ends with the test.
type Engine struct {
	// Addr is where it listens; the same after a restart.
	Addr string
	// Kill ends it at once, without a word.
	Kill func(t testing.TB)
	// Restart starts it again after Kill, with what it had on disk.
	Restart func(t testing.TB)
}

// Snapshot is all that a store holds in it, by key.
func (e *Engine) Snapshot(t testing.TB) map[string]string {
	t.Helper()
	client, all := e.Client(t), map[string]string{}
	for keys := client.Scan(t.Context(), 0, "allclear:*", 1000).Iterator(); keys.Next(t.Context()); {
		raw, err := client.Dump(t.Context(), keys.Val()).Result()
		require.NoError(t, err, keys.Val())
		all[keys.Val()] = raw
	}
	require.NotEmpty(t, all)
	return all
}

// Client is a new client of the engine, closed with the test.
func (e *Engine) Client(t testing.TB) redis.UniversalClient { return ClientAt(t, e.Addr) }

// ClientAt is a client of what listens at an address.
func ClientAt(t testing.TB, addr string) redis.UniversalClient {
	t.Helper()
	c := redis.NewClient(&redis.Options{
		Addr: addr, ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// RedisServer is the program that Redis starts.
const RedisServer = "redis-server"

// HaveRedis reports whether there is a redis-server on this machine. Without one the test is skipped, but fails where
// nobody would see that: under CI, unless -short says that it is meant.
func HaveRedis(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath(RedisServer)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" && !testing.Short() {
		t.Fatalf("%s is not on PATH, and CI wants the suite to run on a real Redis", RedisServer)
	}
	t.Skipf("NOT RUN: %s is not on PATH, so nothing was tested on a real Redis", RedisServer)
	return ""
}

func lookRedis() bool {
	_, err := exec.LookPath(RedisServer)
	return err == nil
}

// Redis starts a real Redis with an append-only file in a directory of the test.
func Redis(t testing.TB) *Engine {
	t.Helper()
	return RedisWith(t)
}

// RedisWith does what Redis does, with more settings.
func RedisWith(t testing.TB, settings ...string) *Engine {
	t.Helper()
	path := HaveRedis(t)
	dir, port := t.TempDir(), freePort(t)
	e := &Engine{Addr: "127.0.0.1:" + port}
	var cmd *exec.Cmd
	stop := func(testing.TB) {
		if cmd != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			cmd = nil
		}
	}
	e.Kill = stop
	e.Restart = func(t testing.TB) {
		t.Helper()
		args := append([]string{
			"--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "yes",
			"--appendfsync", "always", "--logfile", filepath.Join(dir, "log"),
		}, settings...)
		cmd = exec.Command(path, args...)
		require.NoError(t, cmd.Start())
		awaitPing(t, e.Addr)
	}
	t.Cleanup(func() { stop(t) })
	e.Restart(t)
	return e
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

func awaitPing(t testing.TB, addr string) {
	t.Helper()
	c := ClientAt(t, addr)
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		return c.Ping(ctx).Err() == nil
	}, 20*time.Second, 20*time.Millisecond, "no answer at %s", addr)
}
