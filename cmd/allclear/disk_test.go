package main

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

// openers are the command lines that open a store; serve gets no input, so it ends when it is up.
var openers = [][]string{{"serve"}, {"do", "status"}, {"audit", "verify"}, {"export"}}

func withData(opener []string, dir string) []string {
	if opener[0] == "audit" {
		return append([]string{"audit", "verify", "--data", dir}, opener[2:]...)
	}
	return append([]string{opener[0], "--data", dir}, opener[1:]...)
}

// requireRefused: one clear line, exit status 1, nothing else.
func requireRefused(t *testing.T, args []string, want ...string) {
	t.Helper()
	sys, out, errs := piped(t, "")
	require.Equal(t, exitFailure, run(t.Context(), args, sys), "%v: %s%s", args, out, errs)
	require.Empty(t, out.String(), args)
	require.True(t, strings.HasPrefix(errs.String(), "allclear: "), "%v: %s", args, errs)
	require.Equal(t, 1, strings.Count(errs.String(), "\n"), "%v: %s", args, errs)
	for _, w := range want {
		require.Contains(t, errs.String(), w, args)
	}
}

// aStore is a directory with a small incident in it.
func aStore(t *testing.T) (dir string, journal []byte) {
	t.Helper()
	dir = shortDir(t)
	done(t, dir, "incident", "open", "ts-1")
	done(t, dir, "server", "add", "sp-1", "--farm", "f")
	done(t, dir, "claim", "sp-1", "patch")
	return dir, journalIn(t, dir)
}

func journalIn(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "journal"))
	require.NoError(t, err)
	return b
}

func withJournal(t *testing.T, journal []byte) (dir string) {
	t.Helper()
	dir = shortDir(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "journal"), journal, 0o600))
	return dir
}

func TestADirectoryThatCannotBeWrittenIsSaid(t *testing.T) {
	t.Parallel()
	file := filepath.Join(shortDir(t), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, o := range openers {
		requireRefused(t, withData(o, file), file, "not a directory")
		below := filepath.Join(file, "store")
		requireRefused(t, withData(o, below), below, "not a directory")
	}
	t.Run("read-only", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("NOT RUN: root may write a directory that is read-only; a file in its place was tried instead")
		}
		dir, _ := aStore(t)
		require.NoError(t, os.Chmod(dir, 0o500))
		t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
		empty := shortDir(t)
		require.NoError(t, os.Chmod(empty, 0o500))
		for _, o := range openers {
			requireRefused(t, withData(o, dir), dir, "permission denied")
			requireRefused(t, withData(o, empty), empty, "permission denied")
		}
	})
}

func TestOneProcessOwnsADirectoryAndLendsIt(t *testing.T) {
	t.Parallel()
	dir, _ := aStore(t)
	c := startChild(t, "serve", "--data", dir)
	c.ask(t, "status", "1 claimed")
	owner := "is owned by process " + strconv.Itoa(c.cmd.Process.Pid)
	requireRefused(t, []string{"serve", "--data", dir}, dir, "in use", owner)
	requireRefused(t, []string{"import", "--data", dir, "/dev/null"}, dir, "in use", owner)

	done(t, dir, "server", "add", "sp-2")
	c.ask(t, "status", "2 unknown")
	sys, out, errs := piped(t, "")
	require.Zero(t, run(t.Context(), []string{"health", "--data", dir}, sys), errs)
	require.Contains(t, out.String(), "ok")

	c.kill()
	requireRefused(t, []string{"health", "--data", dir}, dir, "does not answer")
	done(t, dir, "server", "add", "sp-3") // the lock and the socket of the dead are in nobody's way
	atRest(t, dir, func(o *opened) { nothingLeft(t, o) })
}

func TestATornTailIsCutOffAndSaid(t *testing.T) {
	t.Parallel()
	_, journal := aStore(t)
	for _, cut := range []int{1, 20, 60} {
		for _, o := range openers {
			dir := withJournal(t, journal[:len(journal)-cut])
			sys, out, errs := piped(t, "")
			require.Zero(t, run(t.Context(), withData(o, dir), sys), "%v: %s%s", o, out, errs)
			said := regexp.MustCompile(`(?m)^.*level=WARN.*cut off.* (?:offset|at)=(\d+) bytes=(\d+) .*$`).FindStringSubmatch(errs.String())
			require.Len(t, said, 3, errs)
			at, _ := strconv.Atoi(said[1])
			bytes, _ := strconv.Atoi(said[2])
			require.Equal(t, len(journal)-cut, at+bytes, "all of the rest is named")
			require.Equal(t, 1, strings.Count(errs.String(), "cut off"), "once: %s", errs)
			sys, out, errs = piped(t, "")
			require.Zero(t, run(t.Context(), withData(o, dir), sys), out)
			require.NotContains(t, errs.String(), "cut off", "it is not torn any more")
		}
	}
}

func TestACorruptByteStopsTheStartAndIsNamed(t *testing.T) {
	t.Parallel()
	_, journal := aStore(t)
	const places = 12
	for n := range places {
		at := (len(journal) - 100) * n / places // not in the last record, which a crash may have torn
		bad := append([]byte(nil), journal...)
		bad[at] ^= 0x20
		dir := withJournal(t, bad)
		for _, o := range openers[:1+n%len(openers)] {
			requireRefused(t, withData(o, dir), "corrupt at offset ", filepath.Join(dir, "journal"))
			require.Equal(t, bad, journalIn(t, dir), "it is left as it was, for whoever looks")
		}
	}
}

func TestANewerStoreIsRefused(t *testing.T) {
	t.Parallel()
	t.Run("its journal", func(t *testing.T) {
		t.Parallel()
		const version = "allclear-journal 2"
		journal := frame(0, fmt.Sprintf("*2\r\n$4\r\nECHO\r\n$%d\r\n%s\r\n", len(version), version))
		for _, o := range openers {
			dir := withJournal(t, journal)
			requireRefused(t, withData(o, dir), dir, "newer", "this program knows 1")
			require.Equal(t, journal, journalIn(t, dir))
		}
	})
	t.Run("what is in it", func(t *testing.T) {
		t.Parallel()
		dir, _ := aStore(t)
		e, err := embedded.Open(dir, embedded.Options{})
		require.NoError(t, err)
		c, err := e.Dial(t.Context())
		require.NoError(t, err)
		go func() {
			_, _ = io.WriteString(c, "*4\r\n$4\r\nHSET\r\n$19\r\nallclear:{s00}:meta\r\n$6\r\nschema\r\n$3\r\n999\r\n")
		}()
		reply := make([]byte, 4)
		_, err = io.ReadFull(c, reply)
		require.NoError(t, err)
		require.Equal(t, ":0\r\n", string(reply), "the store keeps its schema elsewhere")
		require.NoError(t, c.Close())
		require.NoError(t, e.Close())
		for _, o := range openers {
			requireRefused(t, withData(o, dir), dir, "schema 999", fmt.Sprintf("this program knows %d", redisstore.Schema), "newer")
		}
	})
}

// frame is a record of the journal at an offset.
func frame(at uint64, payload string) []byte {
	sum := func(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
	n := uint32(len(payload))
	head := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(nil, at), n)
	out := binary.LittleEndian.AppendUint32(nil, n)
	out = binary.LittleEndian.AppendUint32(out, sum(head))
	out = binary.LittleEndian.AppendUint32(out, sum([]byte(payload)))
	return append(out, payload...)
}

// aRedis is a real one with a small incident in it.
func aRedis(t *testing.T, target string) (*statetest.Engine, string) {
	t.Helper()
	e := statetest.Redis(t)
	url := "redis://" + e.Addr + "/0"
	for _, line := range [][]string{{"incident", "open", "ts-1"}, {"server", "add", "sp-1", "--url", target}} {
		sys, out, errs := piped(t, "")
		require.Zero(t, run(t.Context(), append([]string{"do", "--redis", url}, line...), sys), "%s%s", out, errs)
	}
	return e, url
}

func atRedis(t *testing.T, url string, f func(*opened)) {
	t.Helper()
	o, err := openStore(t.Context(), config{Redis: secret(url)}, false, nil)
	require.NoError(t, err)
	f(o)
	require.NoError(t, o.Close())
}

const notDone = "Not done, or not all of it: the store does not answer."

func TestDoSaysNotDoneWhenRedisIsGone(t *testing.T) {
	t.Parallel()
	target := newTarget(t)
	e, url := aRedis(t, target.URL)
	c := startChild(t, "do", "--redis", url, "scan")
	target.awaitRequest(t)
	e.Kill(t)
	target.release()
	require.Equal(t, exitFailure, c.status(t, soon), "%s%s", c.out, c.errs)
	require.Contains(t, c.out.String(), notDone)
	require.NotContains(t, c.errs.String(), "redis: ", "the client library says nothing of its own")
	requireRefused(t, []string{"do", "--redis", url, "claim", "sp-1", "patch"}, "not done", "the store is not available")
	requireRefused(t, []string{"serve", "--redis", url}, "not done", "the store is not available")

	e.Restart(t)
	atRedis(t, url, func(o *opened) {
		nothingLeft(t, o)
		require.Equal(t, map[string]int{"incident opened": 1, "job scheduled": 2, "server put sp-1": 1}, events(t, o), "nothing of it was written")
	})
}

func TestServeSaysNotDoneWhileRedisIsGoneAndGoesOn(t *testing.T) {
	t.Parallel()
	e, url := aRedis(t, "")
	c := startChild(t, "serve", "--redis", url)
	c.ask(t, "status", "1 unknown")
	e.Kill(t)
	for n, line := range []string{"claim sp-1 patch", "status", "claim sp-1 psconfig"} {
		c.typed(t, line)
		if !eventually(soon, func() bool { return strings.Count(c.out.String(), "Not done: the ") == n+1 }) {
			require.Fail(t, "not said: not done", "%s%s", c.out, c.errs)
		}
	}
	require.NotContains(t, c.out.String(), noted("sp-1"))
	e.Restart(t)
	for answers := strings.Count(c.out.String(), "1 unknown"); strings.Count(c.out.String(), "1 unknown") == answers; {
		refused := strings.Count(c.out.String(), "Not done: the ") // a busy machine may take a while to find its Redis again
		c.typed(t, "status")
		require.True(t, eventually(soon, func() bool {
			return strings.Count(c.out.String(), "1 unknown") > answers || strings.Count(c.out.String(), "Not done: the ") > refused
		}), "%s%s", c.out, c.errs)
	}
	c.ask(t, "claim sp-1 amsi", noted("sp-1"))
	c.ends(t)
	require.Equal(t, 1, strings.Count(c.out.String(), noted("sp-1")))
	atRedis(t, url, func(o *opened) {
		nothingLeft(t, o)
		require.Equal(t, 1, events(t, o)["claim sp-1"])
	})
}

func TestAScanThatLosesItsRedisIsAnsweredOnce(t *testing.T) {
	slow(t, "it waits until a store is given up")
	target := newTarget(t)
	e, url := aRedis(t, target.URL)
	c := startChild(t, "serve", "--redis", url)
	c.typed(t, "scan")
	target.awaitRequest(t)
	e.Kill(t)
	target.release()
	require.True(t, eventually(soon, func() bool { return strings.Contains(c.errs.String(), "no work can be taken") }), c.errs)
	e.Restart(t)
	require.True(t, eventually(leaseEnds, func() bool { return answersToScan(c) > 0 }), "%s%s", c.out, c.errs)
	c.ask(t, "status", "1 server")
	c.ends(t)
	require.Equal(t, 1, answersToScan(c), c.out)
	atRedis(t, url, func(o *opened) {
		nothingLeft(t, o)
		require.Equal(t, strings.Contains(c.out.String(), looked), events(t, o)["evidence sp-1"] > 0, "what is said is what was done")
	})
}

// answersToScan: it was done when the store was back in time, and was not done else.
func answersToScan(c *child) int {
	return strings.Count(c.out.String(), looked) + strings.Count(c.out.String(), notDone)
}

func TestAnImportThatLosesItsRedisTellsHowFarItCame(t *testing.T) {
	t.Parallel()
	e, url := aRedis(t, "")
	file := filepath.Join(shortDir(t), "servers.csv")
	var csv strings.Builder
	const servers = 4_000
	for n := range servers {
		fmt.Fprintf(&csv, "https://sp-%05d.example.com\n", n)
	}
	require.NoError(t, os.WriteFile(file, []byte(csv.String()), 0o600))
	c := startChild(t, "do", "--redis", url, "server", "import", "@"+file)
	atRedis(t, url, func(o *opened) {
		require.True(t, eventually(soon, func() bool {
			n, err := o.Counts(t.Context(), "ts-1", state.Filter{})
			require.NoError(t, err)
			return n.Total() > 200
		}), c.errs)
	})
	e.Kill(t)
	require.Equal(t, exitFailure, c.status(t, soon), "%s%s", c.out, c.errs)
	e.Restart(t)
	atRedis(t, url, func(o *opened) {
		nothingLeft(t, o)
		n, err := o.Counts(t.Context(), "ts-1", state.Filter{})
		require.NoError(t, err)
		told := regexp.MustCompile(`^Not all of it was done: at least (\d+) of 4000 servers were written`).FindStringSubmatch(c.out.String())
		require.Len(t, told, 2, c.out)
		least, _ := strconv.Atoi(told[1])
		require.LessOrEqual(t, least, n.Total()-1)
		require.Positive(t, least)
	})
	sys, out, errs := piped(t, "")
	require.Zero(t, run(t.Context(), []string{"do", "--redis", url, "server", "import", "@" + file}, sys), "%s%s", out, errs)
	atRedis(t, url, func(o *opened) {
		n, err := o.Counts(t.Context(), "ts-1", state.Filter{})
		require.NoError(t, err)
		require.Equal(t, servers+1, n.Total())
	})
}
