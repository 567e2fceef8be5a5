package embedded

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// realRedis starts a redis-server of its own on a socket. Without one on PATH the test is skipped, but not in CI.
func realRedis(t testing.TB) redis.UniversalClient {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "CI must have a redis-server: what was not compared is not known")
		t.Skip("NOT COMPARED WITH A REAL REDIS: no redis-server on PATH")
	}
	dir, err := os.MkdirTemp("", "allclear-redis-")
	require.NoError(t, err)
	sock := filepath.Join(dir, "s")
	cmd := exec.Command(bin, "--port", "0", "--unixsocket", sock, "--dir", dir, "--save", "", "--appendonly", "no")
	require.NoError(t, cmd.Start())
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: sock, ReadTimeout: time.Minute, MaxRetries: -1})
	t.Cleanup(func() {
		_ = c.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	})
	require.Eventually(t, func() bool {
		nc, err := net.Dial("unix", sock)
		if err == nil {
			_ = nc.Close()
		}
		return err == nil
	}, 20*time.Second, 10*time.Millisecond)
	return c
}
