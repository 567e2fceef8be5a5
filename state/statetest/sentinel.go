package statetest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// node is one redis-server process of several.
type node struct {
	addr, dir string
	args      []string
	cmd       *exec.Cmd
}

func (n *node) port() string {
	_, port, _ := net.SplitHostPort(n.addr)
	return port
}

func (n *node) start(t testing.TB) {
	t.Helper()
	n.cmd = exec.Command(HaveRedis(t), n.args...)
	require.NoError(t, n.cmd.Start())
	awaitPing(t, n.addr)
}

// kill is kill -9.
func (n *node) kill() {
	if n.cmd != nil {
		_ = n.cmd.Process.Kill()
		_ = n.cmd.Wait()
		n.cmd = nil
	}
}

// newNode makes a Redis that is ready to start, with an append-only file.
func newNode(t testing.TB, settings ...string) *node {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	n := &node{addr: "127.0.0.1:" + port, dir: dir}
	n.args = append([]string{
		"--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
		"--logfile", filepath.Join(dir, "log"),
	}, settings...)
	t.Cleanup(n.kill)
	return n
}

// Sentinels is a Redis with two replicas, watched by a Sentinel. It ends with the test.
type Sentinels struct {
	// URL is for redisstore.Dial.
	URL string
	// Addr is the Sentinel's.
	Addr  string
	nodes []*node
}

// masterName is what the Sentinel calls its Redis.
const masterName = "allclear"

// StartSentinels starts them: the redis-server of the machine is all of it. One Sentinel decides alone, so that a busy
// machine elects nobody late; out there it takes three.
func StartSentinels(t testing.TB) *Sentinels {
	t.Helper()
	s := &Sentinels{nodes: []*node{newNode(t), newNode(t), newNode(t)}}
	master := s.nodes[0]
	master.start(t)
	for _, n := range s.nodes[1:] {
		n.args = append(n.args, "--replicaof", "127.0.0.1", master.port(), "--repl-diskless-sync-delay", "0")
		n.start(t)
	}
	sentinel := newNode(t)
	s.Addr = sentinel.addr
	conf := filepath.Join(sentinel.dir, "sentinel.conf")
	require.NoError(t, os.WriteFile(conf, []byte(fmt.Sprintf(`port %s
bind 127.0.0.1
dir %s
logfile %s
sentinel monitor %s 127.0.0.1 %s 1
sentinel down-after-milliseconds %s 1500
sentinel failover-timeout %s 20000
`, sentinel.port(), sentinel.dir, filepath.Join(sentinel.dir, "log"), masterName, master.port(), masterName, masterName)), 0o600))
	sentinel.args = []string{conf, "--sentinel"}
	sentinel.start(t)
	s.URL = "redis-sentinel://" + s.Addr + "/" + masterName
	c := ClientAt(t, master.addr)
	require.Eventually(t, func() bool {
		info, err := c.Info(context.Background(), "replication").Result()
		return err == nil && strings.Count(info, "state=online") == 2
	}, 30*time.Second, 50*time.Millisecond, "the replicas follow the master")
	watch := sentinelAt(t, s.Addr)
	require.Eventually(t, func() bool {
		replicas, err := watch.Replicas(context.Background(), masterName).Result()
		return err == nil && len(replicas) == 2
	}, 30*time.Second, 50*time.Millisecond, "the Sentinel knows the replicas")
	return s
}

func sentinelAt(t testing.TB, addr string) *redis.SentinelClient {
	t.Helper()
	c := redis.NewSentinelClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Master is where the master listens, as the Sentinel knows it.
func (s *Sentinels) Master(t testing.TB) string {
	t.Helper()
	got, err := sentinelAt(t, s.Addr).GetMasterAddrByName(context.Background(), masterName).Result()
	require.NoError(t, err)
	return net.JoinHostPort(got[0], got[1])
}

// KillMaster is kill -9 of the master. The Sentinel makes another one within seconds.
func (s *Sentinels) KillMaster(t testing.TB) {
	t.Helper()
	kill(s.nodes, s.Master(t))
}

func kill(nodes []*node, addr string) {
	for _, n := range nodes {
		if n.addr == addr {
			n.kill()
		}
	}
}

// Cluster is a Cluster of three masters. It ends with the test.
type Cluster struct {
	// URL is for redisstore.Dial.
	URL   string
	nodes []*node
}

// StartCluster starts one; each master has a number of replicas.
func StartCluster(t testing.TB, replicas int) *Cluster {
	t.Helper()
	const masters = 3
	c := &Cluster{}
	var clients []*redis.Client
	var addrs []string
	for range masters * (1 + replicas) {
		n := newNode(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0")
		n.start(t)
		c.nodes, addrs = append(c.nodes, n), append(addrs, n.addr)
		client := redis.NewClient(&redis.Options{Addr: n.addr})
		t.Cleanup(func() { _ = client.Close() })
		clients = append(clients, client)
	}
	c.URL = "redis-cluster://" + strings.Join(addrs, ",")
	ctx := t.Context()
	for i, n := range c.nodes {
		if i < masters {
			require.NoError(t, clients[i].ClusterAddSlotsRange(ctx, i*16384/masters, (i+1)*16384/masters-1).Err())
		}
		require.NoError(t, clients[i].Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err())
		if i > 0 {
			require.NoError(t, clients[0].ClusterMeet(ctx, "127.0.0.1", n.port()).Err())
		}
	}
	for i, client := range clients[masters:] {
		id, err := clients[i%masters].ClusterMyID(ctx).Result()
		require.NoError(t, err)
		require.Eventually(t, func() bool { return client.ClusterReplicate(ctx, id).Err() == nil }, 30*time.Second, 50*time.Millisecond)
	}
	for _, client := range clients {
		require.Eventually(t, func() bool {
			info, err := client.ClusterInfo(ctx).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d", len(clients)))
		}, 30*time.Second, 50*time.Millisecond, "the Cluster is whole")
	}
	if replicas > 0 {
		for _, client := range clients[:masters] {
			require.Eventually(t, func() bool {
				info, err := client.Info(ctx, "replication").Result()
				return err == nil && strings.Count(info, "state=online") == replicas
			}, 30*time.Second, 50*time.Millisecond, "the replicas follow")
		}
	}
	return c
}

// KillOwner is kill -9 of the node that has a key. When its replica has taken over, it is started again, as a replica.
func (c *Cluster) KillOwner(t testing.TB, key string) {
	t.Helper()
	old := c.owner(t, key)
	kill(c.nodes, old)
	require.Eventually(t, func() bool { now := c.owner(t, key); return now != "" && now != old }, time.Minute, 100*time.Millisecond, "a replica takes over")
	for _, n := range c.nodes {
		if n.addr == old {
			n.start(t)
		}
	}
}

// owner is the node that has a key, as the first of the others says that can be asked; "" if it does not know.
func (c *Cluster) owner(t testing.TB, key string) string {
	t.Helper()
	for _, n := range c.nodes {
		if n.cmd == nil {
			continue
		}
		client := redis.NewClient(&redis.Options{Addr: n.addr})
		defer func() { _ = client.Close() }()
		slot, err := client.ClusterKeySlot(t.Context(), key).Result()
		if err != nil {
			continue
		}
		shards, err := client.ClusterShards(t.Context()).Result()
		for _, s := range shards {
			for _, r := range s.Slots {
				if err == nil && r.Start <= slot && slot <= r.End {
					return masterOf(s.Nodes)
				}
			}
		}
	}
	return ""
}

func masterOf(nodes []redis.Node) string {
	for _, n := range nodes {
		if n.Role == "master" {
			return fmt.Sprintf("%s:%d", n.IP, n.Port)
		}
	}
	return ""
}
