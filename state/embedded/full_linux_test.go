package embedded

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARealFullDiskLosesNothingAcknowledged(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	if os.Getuid() != 0 || syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m") != nil {
		t.Skip("needs the right to mount a small file system; the same with an injected fault runs everywhere")
	}
	defer func() { require.NoError(t, syscall.Unmount(dir, 0)) }()
	e, c := opened(t, dir, Options{})
	acked := 0
	value := strings.Repeat("x", 10_000)
	for c.RPush(ctx, "list", value+strconv.Itoa(acked)).Err() == nil {
		acked++
		require.Less(t, acked, 1000)
	}
	<-e.Failed()
	require.ErrorIs(t, e.Err(), syscall.ENOSPC)
	require.Error(t, c.Ping(ctx).Err())
	require.Error(t, e.Close())

	e, err := Open(dir, Options{})
	require.NoError(t, err, "a full disk can still be read")
	c = e.Client()
	require.EqualValues(t, acked, c.LLen(context.Background(), "list").Val())
	require.NoError(t, c.Close())
	_ = e.Close()
	require.True(t, bytes.Contains(journalOf(t, dir), []byte("list")))
}
