package redisstore

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

const mark = "s3cr3t-mark"

func TestAPasswordIsNeverShown(t *testing.T) {
	var log bytes.Buffer
	ClientLog(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for _, url := range []string{"http://u:" + mark + "@h", "redis://u:" + mark + "@h:port", "redis://:" + mark + "@h/x", "://" + mark} {
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

func TestPrefixWithBracesIsRefused(t *testing.T) {
	t.Parallel()
	c, err := Dial("redis://127.0.0.1:1", DialOptions{})
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	require.ErrorContains(t, New(c, Options{Prefix: "a{b}"}).Init(context.Background()), "brace")
}
