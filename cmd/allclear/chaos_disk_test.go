//go:build chaos && linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

// smallDisk is a file system of three megabytes: less than a journal would like to take in advance.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := shortDir(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m,mode=0700"); err != nil {
		t.Skip("NOT RUN: it needs the right to mount a small file system:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// crowdOut takes what room there is on a disk.
func crowdOut(t *testing.T, dir string) (free func()) {
	t.Helper()
	name := filepath.Join(dir, "something-else")
	f, err := os.Create(name)
	require.NoError(t, err)
	for page := make([]byte, 4<<10); err == nil; {
		_, err = f.Write(page)
	}
	require.True(t, errors.Is(err, syscall.ENOSPC), err)
	require.NoError(t, f.Close())
	return func() { require.NoError(t, os.Remove(name)) }
}

// TestChaosFullDisk fills the disk of an embedded store under load, and empties it again.
func TestChaosFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	data, n := filepath.Join(dir, "store"), scale(30, 120)
	c := &troupe{
		t: t, config: peopleFile(t), replicas: make([]*child, 1), ends: "has room again",
		fake: slackfake.New(t, slackfake.Options{Pace: slackfake.NoPace(), Patience: settled}),
	}
	c.fake.Allow(slackfake.Unacked) // what is typed while the process is started again
	c.begin = func() *child {
		return serveAs(t, c.config, "ALLCLEAR_DATA="+data, "ALLCLEAR_HTTP=127.0.0.1:0", leaseVariable+"="+chaosLease.String(),
			"ALLCLEAR_SLACK_BOT_TOKEN="+c.fake.BotToken(), "ALLCLEAR_SLACK_APP_TOKEN="+c.fake.AppToken(), "ALLCLEAR_SLACK_API="+c.fake.APIURL())
	}
	c.start(0)
	c.fake.AwaitConnections(1)
	c.open(plainServers(n), n)
	ready := func() string { return attendant{c.replicas[0]}.page(t, "/readyz") }
	require.Contains(t, ready(), "store: ready\n")

	for range n / 3 {
		c.claim()
	}
	free := crowdOut(t, dir)
	for range n / 3 {
		c.claim()
	}
	require.Positive(t, c.refused)
	require.Contains(t, ready(), "store: not ready\n")
	said := c.fake.User("lead-1").Types(storyChannel, "/allclear claim srv-000").Done()
	require.Contains(t, fmt.Sprint(said.Reply), "Not done: ")
	select {
	case <-c.replicas[0].done:
		require.Fail(t, "it ends though nobody is helped by that", "%s", c.replicas[0].errs)
	default:
	}
	kept := len(c.promised)

	free()
	require.True(t, eventually(settled, func() bool { c.supervise(); return strings.Contains(ready(), "store: ready\n") }), c.replicas[0].errs)
	c.fake.AwaitConnections(1)
	for c.typed < n {
		c.claim()
	}
	require.Greater(t, len(c.promised), kept, "work goes on")
	doubled := c.checkStore(config{Data: data})
	t.Logf("%d commands, %d acknowledged, %d refused while the disk was full, all acknowledged ones answered, %d answered twice", c.typed, len(c.promised), c.refused, doubled)
	require.Zero(t, doubled)
}
