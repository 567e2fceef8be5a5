package redisstore_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

// What the child is told: where the store is, which life this is, and how many audit lanes it has.
const (
	killDirVariable   = "ALLCLEAR_TEST_KILL_DIR"
	killLifeVariable  = "ALLCLEAR_TEST_KILL_LIFE"
	killLanesVariable = "ALLCLEAR_TEST_KILL_LANES"
)

const (
	killIncident = "one"
	killWriters  = 16
	killShare    = 4 // writers that change the same farm
	killPerFarm  = 3 // servers of a writer in one farm, so that farms stay small

	killRound = 20 * time.Second // after which a round ends on a machine that is too busy for all its kills
	killLeast = 10               // in a round, however long they take
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDirVariable); dir != "" {
		fmt.Fprintln(os.Stderr, changeUntilKilled(dir))
		os.Exit(1)
	}
	redisstore.ClientLog(slog.New(slog.DiscardHandler)) // the test looks at a Redis that is not there yet
	os.Exit(m.Run())
}

// edit is one change that a writer makes: each request has the steps of killSteps, one after the other.
type edit struct{ life, writer, n, step int }

// killSteps are the steps of a request, with the event by which the audit record knows each.
var killSteps = []struct{ name, event string }{{"add", "server put"}, {"record", "evidence"}, {"claim", "claim"}, {"propose", "proposed"}}

func (e edit) request() string { return fmt.Sprintf("%d-%d-%d", e.life, e.writer, e.n) }
func (e edit) server() string  { return "S-" + e.request() }
func (e edit) farm() string {
	return fmt.Sprintf("F-%d-%d-%d", e.life, e.writer/killShare, e.n/killPerFarm)
}

// next is what the writer does when this one is acknowledged.
func (e edit) next() edit {
	e.step++
	if e.step == len(killSteps) {
		e.n, e.step = e.n+1, 0
	}
	return e
}

// make makes the change. It is the same whoever makes it, and however often.
func (e edit) make(ctx context.Context, s *redisstore.Store) (state.Outcome, error) {
	at := statetest.Epoch.Add(time.Duration(e.life) * time.Minute)
	w := statetest.Work(e.request(), "ann", at)
	w.Step = killSteps[e.step].name
	return s.Update(ctx, w, killIncident, []string{e.farm()}, func(tx *state.Tx) error {
		switch e.step {
		case 0:
			owner, group := fmt.Sprintf("owner-%d", e.n%5), fmt.Sprintf("group-%d", e.writer%3)
			return tx.PutServer(state.Server{Name: e.server(), Farm: e.farm(), Owner: owner, Group: group})
		case 1:
			build := []string{statetest.Fixed, statetest.Vulnerable}[e.n%2]
			return tx.Record(e.farm(), statetest.Patched(e.server(), build, at))
		case 2:
			return tx.Claim(e.server(), "patch", "done, I think")
		default:
			return tx.Propose(state.Proposal{ID: "p-" + e.request(), Kind: state.ProposeRetire, Server: e.server(), Reason: "because"})
		}
	})
}

// changeUntilKilled is the child. Each change that was acknowledged is a line on stdout, written by one system call after
// the store had returned: "writer n step sequence".
func changeUntilKilled(dir string) error {
	life, err1 := strconv.Atoi(os.Getenv(killLifeVariable))
	lanes, err2 := strconv.Atoi(os.Getenv(killLanesVariable))
	e, err := embedded.Open(dir, embedded.Options{CompactBytes: 400_000})
	if err := errors.Join(err, err1, err2); err != nil {
		return err
	}
	ctx := context.Background()
	s := redisstore.New(e.Client(), redisstore.Options{Writer: "embedded", Lanes: lanes})
	if err := s.Init(ctx); err != nil {
		return err
	}
	fmt.Println("ready")
	failed := make(chan error, killWriters)
	for w := range killWriters {
		go func() {
			for c := (edit{life: life, writer: w}); ; c = c.next() {
				out, err := c.make(ctx, s)
				if err != nil {
					failed <- fmt.Errorf("%+v: %w", c, err)
					return
				}
				_, _ = fmt.Fprintf(os.Stdout, "%d %d %d %d\n", c.writer, c.n, c.step, out.Seq)
			}
		}()
	}
	return <-failed
}

// killed is what a child said before it was killed: acknowledged changes, with the number of their audit entries.
type killed struct {
	acked map[edit]int64
	doubt []edit // what each writer was at, and was not told of
}

// killAt runs the child and kills it. With early it is killed while it starts, if it takes that long.
func killAt(t *testing.T, dir string, life, lanes int, alive time.Duration, early bool) killed {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killDirVariable+"="+dir, fmt.Sprintf("%s=%d", killLifeVariable, life), fmt.Sprintf("%s=%d", killLanesVariable, lanes))
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	kill := func() { _ = cmd.Process.Kill() }
	lines := bufio.NewScanner(out)
	if early {
		defer time.AfterFunc(alive, kill).Stop()
	}
	if lines.Scan() {
		require.Equal(t, "ready", lines.Text())
		if !early {
			defer time.AfterFunc(alive, kill).Stop()
		}
	} else {
		require.True(t, early, "the child did not start: %s", &complaints)
	}
	k := killed{acked: map[edit]int64{}}
	last := map[int]edit{}
	for lines.Scan() {
		c, seq := edit{life: life}, int64(0)
		_, err := fmt.Sscanf(lines.Text(), "%d %d %d %d", &c.writer, &c.n, &c.step, &seq)
		require.NoError(t, err, lines.Text())
		k.acked[c], last[c.writer] = seq, c
	}
	_ = cmd.Wait()
	require.Empty(t, complaints.String())
	for w := range killWriters {
		c, ok := last[w]
		if ok {
			c = c.next()
		} else {
			c = edit{life: life, writer: w}
		}
		k.doubt = append(k.doubt, c)
	}
	return k
}

// witness has read the audit record so far, and remembers it.
type witness struct {
	seq  int64
	made map[string]int64 // request and event -> sequence
}

// read follows the record to its end. Nothing may be missing from it, and nothing be in it twice.
func (w *witness) read(t *testing.T, s *redisstore.Store) {
	t.Helper()
	entries, err := s.Audit(t.Context(), w.seq+1, 1_000_000)
	require.NoError(t, err)
	for _, e := range entries {
		w.seq++
		require.Equal(t, w.seq, e.Seq)
		require.Len(t, e.Events, 1, "%+v", e)
		key := e.Request + " " + e.Events[0].Type
		require.NotContains(t, w.made, key, "made twice, at %d and %d", w.made[key], e.Seq)
		w.made[key] = e.Seq
	}
	last, err := s.AuditSeq(t.Context())
	require.NoError(t, err)
	require.Equal(t, w.seq, last)
}

func (w *witness) seqOf(c edit) int64 { return w.made[c.request()+" "+killSteps[c.step].event] }

func TestNoAcknowledgedChangeIsLostOrMadeTwiceByKilling(t *testing.T) {
	rounds, kills := 4, 25
	if testing.Short() {
		rounds, kills = 1, 10
	}
	for n := range rounds {
		t.Run(fmt.Sprintf("store %d, %d kills", n+1, kills), func(t *testing.T) { killAndLook(t, kills) })
	}
}

// killAndLook kills the writers of one store again and again, and looks at what is there after each time.
func killAndLook(t *testing.T, kills int) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	dir, began := t.TempDir(), time.Now()
	s, e := openKilled(t, dir)
	statetest.Open(t, s, killIncident, 0, 1)
	require.NoError(t, e.Close())

	w := &witness{made: map[string]int64{}}
	acked := map[edit]int64{}
	torn, silent := 0, 0
	life := 0
	for ; life < kills && (life < killLeast || time.Since(began) < killRound); life++ {
		alive, early := time.Duration(rng.IntN(250_000))*time.Microsecond, life%5 == 4
		k := killAt(t, dir, life, 1+3*(life%2), alive, early)
		s, e = openKilled(t, dir)
		if e.Recovery().Torn {
			torn++
		}
		w.read(t, s)
		requireMade(t, w, k.acked)
		maps.Copy(acked, k.acked)
		silent += again(t, s, w, k)
		requireWhole(t, s, w)
		require.NoError(t, e.Close())
	}
	t.Logf("%d kills in %s: %d changes acknowledged, %d made and not acknowledged, %d in the record, %d torn tails",
		life, time.Since(began).Round(time.Second), len(acked), silent, w.seq, torn)
	require.NotEmpty(t, acked)

	s, e = openKilled(t, dir)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	anew := &witness{made: map[string]int64{}}
	anew.read(t, s)
	requireMade(t, anew, acked)
	t.Run("and redis-cli makes the same store of it on a real Redis", func(t *testing.T) {
		requireSameOnRedis(t, e, s)
	})
}

func requireMade(t *testing.T, w *witness, acked map[edit]int64) {
	t.Helper()
	for c, seq := range acked {
		require.Equal(t, seq, w.seqOf(c), "%+v was acknowledged", c)
	}
}

// openKilled opens the store of a process that is no more.
func openKilled(t *testing.T, dir string) (*redisstore.Store, *embedded.Engine) {
	t.Helper()
	e, err := embedded.Open(dir, embedded.Options{})
	require.NoError(t, err)
	c := e.Client()
	t.Cleanup(func() { _ = c.Close() })
	s := redisstore.New(c, redisstore.Options{Writer: "embedded"})
	require.NoError(t, s.Init(t.Context()))
	return s, e
}

// again makes changes again, as those do who were told nothing: what had been made is not made again, and what had not
// been is made now. It returns how many had been made though nobody was told.
func again(t *testing.T, s *redisstore.Store, w *witness, k killed) (silent int) {
	t.Helper()
	for c, seq := range k.acked {
		if c.writer%5 == 0 && c.n%3 == 0 {
			out, err := c.make(t.Context(), s)
			require.NoError(t, err)
			require.True(t, out.Already, "%+v", c)
			require.Equal(t, seq, out.Seq)
		}
	}
	for _, c := range k.doubt {
		seq := w.seqOf(c)
		out, err := c.make(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, seq != 0, out.Already, "%+v", c)
		if seq != 0 {
			silent++
			require.Equal(t, seq, out.Seq)
		}
	}
	w.read(t, s)
	return silent
}

// requireWhole recounts everything.
func requireWhole(t *testing.T, s *redisstore.Store, w *witness) {
	t.Helper()
	r, err := s.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, r.Problems)
	require.False(t, r.Busy)
	require.Equal(t, w.seq, r.Entries)
	servers := 0
	for key := range w.made {
		if strings.HasSuffix(key, " server put") {
			servers++
		}
	}
	require.Equal(t, servers, r.Servers)
}

// requireSameOnRedis moves the store to a real Redis, as the documentation says.
func requireSameOnRedis(t *testing.T, e *embedded.Engine, s *redisstore.Store) {
	t.Helper()
	real := statetest.Redis(t)
	cli, err := exec.LookPath("redis-cli")
	if err != nil {
		require.False(t, os.Getenv("CI") == "true" && !testing.Short(), "redis-cli is not on PATH, and CI wants the journal replayed on a real Redis")
		t.Skip("NOT RUN: redis-cli is not on PATH, so the store was not compared with one on a real Redis")
	}
	var stream bytes.Buffer
	require.NoError(t, e.WriteRESP(t.Context(), &stream))
	host, port, err := net.SplitHostPort(real.Addr)
	require.NoError(t, err)
	cmd := exec.Command(cli, "-h", host, "-p", port, "--pipe")
	cmd.Stdin = &stream
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Contains(t, string(said), "errors: 0,")

	moved := redisstore.New(real.Client(t), redisstore.Options{})
	require.NoError(t, moved.Init(t.Context()))
	here, err := s.Digest(t.Context())
	require.NoError(t, err)
	there, err := moved.Digest(t.Context())
	require.NoError(t, err)
	require.Equal(t, here, there)
	r, err := moved.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, r.Problems)
}
