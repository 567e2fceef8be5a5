package redisstore

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

const mark = "s3cr3t-mark"

func TestAPasswordIsNeverShown(t *testing.T) {
	var log bytes.Buffer
	ClientLog(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, url := range []string{"redis-sentinel://u:" + mark + "@h", "redis-cluster://u:" + mark + "@h/x", "redis-cluster://u:%" + mark + "@h", "http://u:" + mark + "@h", "redis://u:" + mark + "@h:port", "redis://:" + mark + "@h/x", "://" + mark} {
		_, err := Dial(url, DialOptions{})
		require.Error(t, err)
		require.NotContains(t, err.Error(), mark)
	}
	c, err := Dial("redis://user:"+mark+"@127.0.0.1:1/0", DialOptions{Timeout: time.Second})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	err = New(c, Options{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}).Init(t.Context())
	require.ErrorIs(t, err, state.ErrUnavailable)
	require.NotContains(t, err.Error(), mark)
	require.NotEmpty(t, log.String(), "the client's own words are in the log")
	require.NotContains(t, log.String(), mark)
}

func TestTLSSettingsNeedATLSURL(t *testing.T) {
	t.Parallel()
	_, err := Dial("redis://h:1", DialOptions{TLS: &tls.Config{MinVersion: tls.VersionTLS13}})
	require.ErrorContains(t, err, "rediss://")
	c, err := Dial("rediss://h:1", DialOptions{TLS: &tls.Config{MinVersion: tls.VersionTLS13}, PoolSize: 3})
	require.NoError(t, err)
	require.NoError(t, c.Close())
}

func TestAURLSaysOneRedisSentinelsOrACluster(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]address{
		"redis-sentinel://u:p%40@a,b:1,[::1]/main/3?sentinel_user=su&sentinel_password=sp": {
			kind: "-sentinel", hosts: []string{"a:26379", "b:1", "[::1]:26379"}, user: "u", password: "p@", master: "main", db: 3, sentinelUser: "su", sentinelPassword: "sp",
		},
		"redis-sentinel://a/main":              {kind: "-sentinel", hosts: []string{"a:26379"}, master: "main"},
		"redis-cluster://:p@a:7000,b,[::1]:1/": {kind: "-cluster", hosts: []string{"a:7000", "b:6379", "[::1]:1"}, password: "p"},
	} {
		got, err := readURL(url)
		require.NoError(t, err, url)
		got.scheme = ""
		require.Equal(t, want, got)
	}
	for url, want := range map[string]any{
		"rediss-cluster://a": &redis.ClusterClient{}, "rediss-sentinel://a/m": &redis.Client{}, "rediss://a": &redis.Client{},
	} {
		a, err := readURL(url)
		require.NoError(t, err)
		require.NotNil(t, a.tls, url)
		c, err := Dial(url, DialOptions{})
		require.NoError(t, err)
		require.IsType(t, want, c)
		require.NoError(t, c.Close())
	}
	for _, url := range []string{
		"", "redis", "redis-x://a", "http-cluster://a", "redis-sentinel://a", "redis-sentinel://a/m/x", "redis-sentinel://a/m/1/2", "redis-cluster://", "redis-cluster://a,,b",
		"redis-cluster://a/1", "redis-cluster://a?x=1", "redis-cluster://a:1:2", "redis-sentinel:///m", "redis-cluster://u:%zz@a",
	} {
		_, err := Dial(url, DialOptions{})
		require.Error(t, err, url)
	}
}

func FuzzURL(f *testing.F) {
	f.Add("redis-sentinel://u:p@a,b:1/main/3?sentinel_user=x")
	f.Add("rediss-cluster://[::1]:1,b")
	f.Fuzz(func(t *testing.T, url string) {
		a, err := readURL(url)
		if err != nil || a.kind == "" {
			return
		}
		for _, h := range a.hosts {
			if _, port, err := net.SplitHostPort(h); err != nil || port == "" {
				t.Fatalf("%q: host %q", url, h)
			}
		}
	})
}

func TestPrefixWithBracesIsRefused(t *testing.T) {
	t.Parallel()
	c, err := Dial("redis://127.0.0.1:1", DialOptions{})
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	require.ErrorContains(t, New(c, Options{Prefix: "a{b}"}).Init(context.Background()), "brace")
}
