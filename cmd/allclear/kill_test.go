package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// childVariable makes the test binary the program itself; with a duration as its value, by a clock that is wrong by that. It does not begin with ALLCLEAR_, which the program would refuse.
const childVariable = "TEST_AS_ALLCLEAR"

// leaseVariable makes the leases of such a process shorter.
const leaseVariable = "TEST_ALLCLEAR_LEASE"

// unpacedVariable makes such a process write as fast as it can.
const unpacedVariable = "TEST_ALLCLEAR_UNPACED"

// clockVariable names a file that says by how many nanoseconds the clock of such a process is put forward or back,
// beside what it is wrong by.
const clockVariable = "TEST_ALLCLEAR_CLOCK"

// slotsVariable is the clock of the schedule of such a process: when it began to run, what it showed then, how much faster
// than others it runs, and where it ends.
const slotsVariable = "TEST_ALLCLEAR_SLOTS"

// slotClock reads slotsVariable; nil when it is not set. A clock that is wrong by seconds is wrong by as many minutes here.
func slotClock(text string, now func() time.Time) func() time.Time {
	var began, from, factor, end int64
	if n, _ := fmt.Sscan(text, &began, &from, &factor, &end); n != 4 {
		return nil
	}
	return func() time.Time {
		real := time.Now()
		skew := 60 * now().Sub(real).Round(time.Second)
		return time.UnixMilli(min(end, from+factor*(real.UnixMilli()-began)+skew.Milliseconds()))
	}
}

func TestMain(m *testing.M) {
	if as := os.Getenv(childVariable); as != "" {
		sys := process()
		sys.Now = time.Now
		if skew, err := time.ParseDuration(as); err == nil {
			now := clockOf(os.Getenv(clockVariable))
			sys.Now = func() time.Time { return now().Add(skew) }
		}
		sys.Slots = slotClock(os.Getenv(slotsVariable), sys.Now)
		sys.Lease, _ = time.ParseDuration(os.Getenv(leaseVariable))
		sys.Unpaced = os.Getenv(unpacedVariable) != ""
		os.Exit(start(sys))
	}
	redisstore.ClientLog(slog.New(slog.DiscardHandler)) // tests look at a Redis that is not there yet
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(max(waiting, runtime.GOMAXPROCS(0)))); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// clockOf is a clock that a test moves: the real one, when there is no file.
func clockOf(file string) func() time.Time {
	if file == "" {
		return time.Now
	}
	f, err := os.Open(file)
	if err != nil {
		panic(err)
	}
	return func() time.Time {
		var b [8]byte
		if _, err := f.ReadAt(b[:], 0); err != nil {
			panic(err)
		}
		return time.Now().Add(time.Duration(binary.BigEndian.Uint64(b[:]))).Round(0)
	}
}

// waiting is how many tests may run at once at least: most of them wait for processes.
const waiting = 6

// The times that the real process has, with room for a busy machine.
const (
	soon       = 30 * time.Second
	leaseEnds  = 30*time.Second + soon // the router's lease, which the dead cannot give back
	inShutdown = shutdown + 5*time.Second
)

// tape keeps what a process prints.
type tape struct {
	mu   sync.Mutex
	text strings.Builder
}

func (t *tape) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *tape) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// child is a real process, with its standard input kept open.
type child struct {
	cmd       *exec.Cmd
	keyboard  io.WriteCloser
	out, errs *tape
	done      chan struct{}
}

func startChild(t *testing.T, args ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0], args...), out: &tape{}, errs: &tape{}, done: make(chan struct{})}
	c.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "ALLCLEAR_") }), childVariable+"=1")
	c.cmd.Stdout, c.cmd.Stderr = c.out, c.errs
	var err error
	c.keyboard, err = c.cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.cmd.Start())
	go func() {
		defer close(c.done)
		_ = c.cmd.Wait()
	}()
	t.Cleanup(func() { c.kill() })
	return c
}

// kill is kill -9.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

func (c *child) typed(t *testing.T, line string) {
	t.Helper()
	_, err := io.WriteString(c.keyboard, line+"\n")
	require.NoError(t, err)
}

// told waits until the process has printed a text.
func (c *child) told(t *testing.T, text string, within time.Duration) {
	t.Helper()
	if !eventually(within, func() bool { return strings.Contains(c.out.String(), text) }) {
		require.Fail(t, "not printed: "+text, "%s\n%s", c.out, c.errs)
	}
}

func (c *child) ask(t *testing.T, line, answer string) {
	t.Helper()
	c.typed(t, line)
	c.told(t, answer, soon)
}

// interrupt is Ctrl-C.
func (c *child) interrupt(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("NOT RUN: a process cannot be interrupted by another on Windows")
	}
	require.NoError(t, c.cmd.Process.Signal(os.Interrupt))
}

// status waits for the exit status.
func (c *child) status(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(within):
		require.Fail(t, "the process does not end", "%s\n%s", c.out, c.errs)
	}
	return c.cmd.ProcessState.ExitCode()
}

// ends ends the input, and with it the process.
func (c *child) ends(t *testing.T) {
	t.Helper()
	require.NoError(t, c.keyboard.Close())
	require.Zero(t, c.status(t, inShutdown), "%s\n%s", c.out, c.errs)
}

func eventually(within time.Duration, is func() bool) bool {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return is()
}

// shortDir is a directory whose path is short enough for the socket in it, so that nothing is left elsewhere.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "allclear-test-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// target is a server that answers nothing until it is let go, and then that it is vulnerable.
type target struct {
	*httptest.Server
	asked chan struct{} // closed with the first request
	free  chan struct{}
	once  sync.Once
	let   sync.Once
}

func newTarget(t *testing.T) *target {
	t.Helper()
	g := &target{asked: make(chan struct{}), free: make(chan struct{})}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.once.Do(func() { close(g.asked) })
		select {
		case <-g.free:
		case <-r.Context().Done():
		}
		w.Header().Set("MicrosoftSharePointTeamServices", "16.0.0.5495")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(g.Close)
	t.Cleanup(g.release)
	return g
}

func (g *target) release() { g.let.Do(func() { close(g.free) }) }

func (g *target) awaitRequest(t *testing.T) {
	t.Helper()
	select {
	case <-g.asked:
	case <-time.After(soon):
		require.Fail(t, "nobody asks the server")
	}
}

// atRest opens the store of a process that is down.
func atRest(t *testing.T, dir string, f func(*opened)) {
	t.Helper()
	o, err := openStore(t.Context(), config{Data: dir}, false, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	f(o)
	require.NoError(t, o.Close())
}

// accepted is what happens to a line before it is acknowledged, in a process that ends right after it. Accepted twice,
// it is a duplicate.
func accepted(t *testing.T, o *opened, id, line string) bot.Ack {
	t.Helper()
	a, err := lineApp(o.Store, config{}.withSelf(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ack, err := a.router.Handle(t.Context(), chat.Request{
		ID: id, Trigger: chat.TriggerLine, Actor: chat.Actor{Link: consoleLink()}, Text: line, At: time.Now(),
		Place: state.Place{Platform: console.Name, Channel: "terminal", Ceiling: state.TLPAmberStrict},
	})
	require.NoError(t, err)
	require.True(t, ack.Accepted, "%+v", ack.Message)
	return ack
}

// nothingLeft: no request waits or is half done, no answer waits to be told, and the store agrees with its record.
func nothingLeft(t *testing.T, o *opened) {
	t.Helper()
	later := time.Now().Add(time.Hour)
	_, ok, err := o.Lease(t.Context(), "test", later, time.Millisecond)
	require.NoError(t, err)
	require.False(t, ok, "a request is left")
	letters, err := o.Claim(t.Context(), "test", later, time.Millisecond, 1000)
	require.NoError(t, err)
	for _, l := range letters {
		require.NotEqual(t, chat.KindAnswer, l.Letter.Notice.Kind, "an answer is left")
	}
	r, err := o.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, r.Problems)
}

// events counts what the record has, by type and server.
func events(t *testing.T, o *opened) map[string]int {
	t.Helper()
	entries, err := o.Audit(t.Context(), 1, 100_000)
	require.NoError(t, err)
	n := map[string]int{}
	for _, e := range entries {
		for _, ev := range e.Events {
			n[strings.TrimSpace(ev.Type+" "+ev.Server)]++
		}
	}
	return n
}

// done runs a line in this process.
func done(t *testing.T, dir string, line ...string) {
	t.Helper()
	sys, out, errs := piped(t, "")
	require.Zero(t, run(t.Context(), append([]string{"do", "--data", dir}, line...), sys), "%s%s", out, errs)
}

func slow(t *testing.T, why string) {
	t.Helper()
	if testing.Short() {
		t.Skip("NOT RUN: " + why)
	}
	t.Parallel()
}

const looked = "1 of 1 looked at, 1 answered"

func TestAScanIsResumedAndAnsweredOnceAfterKill(t *testing.T) {
	slow(t, "it waits for the lease of a dead process to end")
	dir, target := shortDir(t), newTarget(t)
	c := startChild(t, "serve", "--data", dir)
	c.ask(t, "incident open ts-1", "Incident ts-1 is open")
	c.ask(t, "server add sp-1 --url "+target.URL, "sp-1 is in the inventory")
	c.ask(t, "claim sp-1 patch", "Noted: sp-1 is claimed by lead-1")
	c.typed(t, "scan")
	target.awaitRequest(t)
	c.kill()
	require.NotContains(t, c.out.String(), looked)
	target.release()

	began := time.Now()
	next := startChild(t, "serve", "--data", dir)
	next.told(t, looked, leaseEnds)
	t.Logf("answered %s after the start", time.Since(began).Round(time.Second))
	next.ask(t, "status", "1 server")
	next.ends(t)
	require.Equal(t, 1, strings.Count(next.out.String(), looked), next.out)

	last := startChild(t, "serve", "--data", dir)
	last.ask(t, "status", "1 server")
	last.ends(t)
	require.NotContains(t, last.out.String(), looked, "told again")
	atRest(t, dir, func(o *opened) {
		nothingLeft(t, o)
		n := events(t, o)
		require.Equal(t, 1, n["incident opened"])
		require.Equal(t, 1, n["server put sp-1"])
		require.Equal(t, 1, n["claim sp-1"])
		require.Positive(t, n["evidence sp-1"])
	})
}

func TestAScanIsResumedAndAnsweredOnceAfterCtrlC(t *testing.T) {
	slow(t, "it waits for the lease of a dead process to end")
	dir, target := shortDir(t), newTarget(t)
	c := startChild(t, "serve", "--data", dir)
	c.ask(t, "incident open ts-1", "Incident ts-1 is open")
	c.ask(t, "server add sp-1 --url "+target.URL, "sp-1 is in the inventory")
	c.typed(t, "scan")
	target.awaitRequest(t)
	began := time.Now()
	c.interrupt(t)
	require.Zero(t, c.status(t, inShutdown), "%s\n%s", c.out, c.errs)
	t.Logf("ended after %s", time.Since(began).Round(time.Second))
	require.Less(t, time.Since(began), shutdown)
	require.NotContains(t, c.out.String(), looked)
	target.release()

	next := startChild(t, "serve", "--data", dir)
	next.told(t, looked, leaseEnds)
	next.ask(t, "status", "1 server")
	next.ends(t)
	require.Equal(t, 1, strings.Count(next.out.String(), looked), next.out)
	atRest(t, dir, func(o *opened) { nothingLeft(t, o) })
}

func TestServeEndsAtOnceWhenItIsIdle(t *testing.T) {
	t.Parallel()
	c := startChild(t, "serve", "--data", shortDir(t))
	c.ask(t, "incident open ts-1", "Incident ts-1 is open")
	c.interrupt(t)
	require.Zero(t, c.status(t, inShutdown), "%s\n%s", c.out, c.errs)
}

func TestAnInterruptedScanTellsWhatItHas(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		header string
		line   string
		status int
	}{
		"something was found": {"16.0.0.5495", "VULNERABLE  a", exitAffected},
		"nothing was found":   {"16.0.0.5513", "says fixed  a", exitUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hangs := newTarget(t)
			answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("MicrosoftSharePointTeamServices", want.header)
				w.WriteHeader(http.StatusUnauthorized)
			}))
			t.Cleanup(answers.Close)
			file := filepath.Join(t.TempDir(), "servers.csv")
			require.NoError(t, os.WriteFile(file, []byte("name,url\na,"+answers.URL+"\nb,"+hangs.URL+"\n"), 0o600))
			c := startChild(t, "scan", "-i", file)
			hangs.awaitRequest(t)
			c.told(t, want.line, soon)
			c.interrupt(t)
			require.Equal(t, want.status, c.status(t, soon), "%s%s", c.out, c.errs)
			require.Contains(t, c.out.String(), "INCOMPLETE: the scan was interrupted. 1 of 2 servers looked at; the rest is as unknown as before.")
			require.Empty(t, c.errs.String())
		})
	}
}

func TestAcceptedLinesAreDoneOnceThoughTheProcessDiedAtOnce(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	done(t, dir, "incident", "open", "ts-1")
	done(t, dir, "server", "add", "sp-1")
	atRest(t, dir, func(o *opened) {
		require.False(t, accepted(t, o, "one", "claim sp-1 patch").Duplicate)
	})
	atRest(t, dir, func(o *opened) {
		require.True(t, accepted(t, o, "one", "claim sp-1 patch").Duplicate)
	})
	first := startChild(t, "serve", "--data", dir)
	first.told(t, noted("sp-1"), soon)
	first.ask(t, "status", "1 server")
	first.ends(t)
	require.Equal(t, 1, strings.Count(first.out.String(), noted("sp-1")), first.out)
	second := startChild(t, "serve", "--data", dir)
	second.ask(t, "status", "1 server")
	second.ends(t)
	require.NotContains(t, second.out.String(), noted("sp-1"), "told again")
	atRest(t, dir, func(o *opened) {
		nothingLeft(t, o)
		require.Equal(t, 1, events(t, o)["claim sp-1"])
		require.True(t, accepted(t, o, "one", "claim sp-1 patch").Duplicate, "it is remembered")
	})
}

// Rounds of kills. A request is given up after its fifth start: two kills make four, with those who take over from the dead.
const (
	killsInARound  = 2
	linesInARound  = 12
	momentsInALine = 2 // it is logged when it is done, and when its answer was printed
)

func TestAcceptedLinesSurviveKillsAtAnyMoment(t *testing.T) {
	t.Parallel()
	rounds := 6
	if testing.Short() {
		rounds = 1
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := shortDir(t)
	csv := "name,url\n"
	for n := range rounds * linesInARound {
		csv += fmt.Sprintf("sp-%02d,\n", n)
	}
	file := filepath.Join(dir, "servers.csv")
	require.NoError(t, os.WriteFile(file, []byte(csv), 0o600))
	done(t, dir, "incident", "open", "ts-1")
	done(t, dir, "server", "import", "@"+file)

	twice := 0
	for round := range rounds {
		var servers []string
		atRest(t, dir, func(o *opened) {
			for n := range linesInARound {
				servers = append(servers, fmt.Sprintf("sp-%02d", round*linesInARound+n))
				accepted(t, o, "line-"+servers[n], "claim "+servers[n]+" patch")
			}
		})
		var told strings.Builder
		for range killsInARound {
			c := startChild(t, "serve", "--data", dir)
			moment := rng.IntN(momentsInALine * linesInARound)
			eventually(2*time.Second, func() bool {
				log := c.errs.String()
				return strings.Count(log, `msg="request done"`)+strings.Count(log, "msg=letter") >= moment
			})
			c.kill()
			told.WriteString(c.out.String())
			atRest(t, dir, func(o *opened) { takeOver(t, o) })
		}
		c := startChild(t, "serve", "--data", dir)
		for _, s := range servers {
			if !strings.Contains(told.String(), noted(s)) {
				c.told(t, noted(s), soon)
			}
		}
		c.ask(t, "status", fmt.Sprintf("%d servers", rounds*linesInARound))
		c.ends(t)
		told.WriteString(c.out.String())
		for _, s := range servers {
			n := strings.Count(told.String(), noted(s))
			require.Positive(t, n, s)
			twice += n - 1
		}
	}
	t.Logf("%d kills, %d lines, %d answers printed again because the process died before it had noted that they were", rounds*killsInARound, rounds*linesInARound, twice)
	require.LessOrEqual(t, twice, rounds*killsInARound)
	atRest(t, dir, func(o *opened) {
		nothingLeft(t, o)
		n := events(t, o)
		require.Equal(t, 2, n["job scheduled"], "reminders and digests")
		delete(n, "job scheduled")
		for s, n := range n {
			require.Equal(t, 1, n, s)
		}
	})
}

func noted(server string) string { return "Noted: " + server + " is claimed by lead-1." }

// takeOver takes what the dead had leased, as another replica does when the lease is over, and gives it back: nobody
// wants to wait so long in a test.
func takeOver(t *testing.T, o *opened) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	later := now.Add(time.Hour)
	for {
		job, ok, err := o.Lease(ctx, "heir", later, time.Hour)
		require.NoError(t, err)
		if !ok {
			break
		}
		defer func() { require.NoError(t, o.Renew(ctx, job.ID, "heir", job.Attempt, now, 0)) }()
	}
	letters, err := o.Claim(ctx, "heir", later, time.Hour, 1000)
	require.NoError(t, err)
	for _, l := range letters {
		require.NoError(t, o.Later(ctx, l.Letter, l.Token, now, ""))
	}
}
