package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

func TestAScanTellsWhatChangedAndThenThatNothingDid(t *testing.T) {
	t.Parallel()
	f, inventory := serving(t, fleet.Options{Servers: 40, HangingShare: -1, CompromisedShare: -1, HostileShare: -1})
	w := opened(t, 2, inventory)
	m := w.run(t, "alice", "scan")
	text := words(m)
	require.Contains(t, text, "of all servers: ")
	require.Contains(t, text, "34 of 40 looked at")
	require.Contains(t, text, "newly exposed: ")
	require.Contains(t, text, "and it cannot be told: ")
	require.Contains(t, text, "for want of a URL: only evidence from inside can tell")
	require.Contains(t, text, "A look from outside proves no server remediated.")
	require.NotContains(t, text, "remediated.\n#")
	require.Equal(t, chat.ToneBad, m.Tone)
	require.Less(t, len(text), 4000)

	w.wait(time.Hour)
	text = words(w.run(t, "alice", "scan"))
	require.Contains(t, text, ": no status changed. 34 of 40 looked at, ")
	require.Less(t, len(text), 900)

	scans, err := w.store.LastScans(t.Context(), "toolshell-1", 10)
	require.NoError(t, err)
	require.Len(t, scans, 2)
	require.True(t, scans[0].Complete)
	require.Empty(t, scans[0].Changes)
	require.NotEmpty(t, scans[1].Changes)
	requireHonest(t, w, f)
}

// requireHonest checks that no server is called better than it is.
func requireHonest(t *testing.T, w *world, f *fleet.Fleet) {
	t.Helper()
	rows, _, err := w.store.List(t.Context(), "toolshell-1", state.Filter{}, 0, 10_000)
	require.NoError(t, err)
	for _, r := range rows {
		truth, err := f.Truth(r.Name)
		require.NoError(t, err)
		require.False(t, r.Status.Settled() || r.Status == state.StatusReady, "%s is %s", r.Name, r.Status)
		require.False(t, truth.Vulnerable && r.Verdict == state.VerdictFixed, r.Name)
	}
}

func TestARestoredSnapshotIsToldAsARegressionByName(t *testing.T) {
	t.Parallel()
	f, inventory := serving(t, fleet.Options{Servers: 40, HangingShare: -1, CompromisedShare: -1, HostileShare: -1})
	w := opened(t, 2, inventory)
	w.run(t, "alice", "scan")
	name := ""
	for _, s := range f.Inventory() {
		truth, err := f.Truth(s.Name)
		require.NoError(t, err)
		if truth.Vulnerable && truth.Trait == fleet.TraitNone && s.URL != "" && s.Via == "" && w.row(t, s.Name).Status == state.StatusExposed {
			if _, err := f.Fix(s.Name); err == nil {
				name = s.Name
				break
			}
		}
	}
	require.NotEmpty(t, name)
	fix, err := f.Fix(name)
	require.NoError(t, err)
	require.NoError(t, f.Snapshot(name))
	require.NoError(t, f.Patch(name, fix, w.clock()))
	_ = f.PatchLanguage(name, fix, w.clock()) // of products that have one
	require.NoError(t, f.PSConfig(name, w.clock()))
	w.wait(time.Hour)

	text := words(w.run(t, "alice", "verify "+name))
	require.Contains(t, text, name+": ")
	require.NotContains(t, text, "vulnerable still")
	require.Contains(t, text, "Still missing, ")
	farm := w.row(t, name).Farm
	es, err := f.Collect(farm, w.clock())
	require.NoError(t, err)
	w.show(t, farm, es...)
	require.Equal(t, state.StatusInProgress, w.row(t, name).Status)

	require.NoError(t, f.Restore(name, w.clock()))
	w.wait(time.Hour)
	m := w.run(t, "alice", "scan "+name)
	require.Contains(t, words(m), "regressed: "+name+" (was in progress)")
	require.Contains(t, words(m), "a restored snapshot brings the old keys back too")
	require.Equal(t, chat.ToneBad, m.Tone)
}

func TestWhatAnAttackerLeftIsTheFirstNews(t *testing.T) {
	t.Parallel()
	f, inventory := serving(t, fleet.Options{Servers: 30, HangingShare: -1, CompromisedShare: -1, HostileShare: -1})
	w := opened(t, 2, inventory)
	w.run(t, "alice", "scan")
	victim := "sp-finance-w1"
	require.NoError(t, f.Compromise(victim))
	w.wait(time.Hour)
	m := w.run(t, "alice", "scan")
	require.Contains(t, words(m), "- ✖ 1 with a new sign of an attacker: "+victim)
	require.Contains(t, words(m), "disconnect and hunt; a patch clears no sign")
	require.Contains(t, words(w.run(t, "alice", "verify "+victim)), "it has a sign of an attacker")
}

func TestWhatHostileServersSendIsOnlyEverData(t *testing.T) {
	t.Parallel()
	f, inventory := serving(t, fleet.Options{Servers: 60, HangingShare: 0.1, HostileShare: 0.6, CompromisedShare: -1, HangFor: 3 * time.Second})
	w := opened(t, 2, inventory)
	m := w.run(t, "alice", "scan")
	require.Contains(t, words(m), "gave no answer, which proves nothing: ")
	require.Empty(t, m.Notify)
	requireHonest(t, w, f)
	for _, s := range f.Inventory() {
		card := w.run(t, "guest", "server show "+s.Name)
		for _, p := range card.Parts {
			if para, ok := p.(chat.Para); ok {
				for _, span := range para.Text {
					require.False(t, span.Style != chat.Code && strings.Contains(span.Text, "@everyone"))
				}
			}
		}
	}
}

func TestASelectionIsScannedAndOnlyOneAtATime(t *testing.T) {
	t.Parallel()
	_, inventory := serving(t, fleet.Options{Servers: 30, HangingShare: -1, CompromisedShare: -1, HostileShare: -1})
	w := opened(t, 2, inventory)
	require.Contains(t, words(w.run(t, "alice", "scan --farm finance")), "of farm finance: ")
	require.Contains(t, w.refuse(t, "alice", "scan sp-finance-w1 --farm finance"), "Choose one server, or")
	require.Contains(t, w.refuse(t, "alice", "scan --group nobody"), "There is no group")
	require.Contains(t, words(w.run(t, "alice", "scan --cancel")), "No scan is running.")

	_, begun, err := w.store.BeginScan(t.Context(), state.Scan{
		ID: "other", Incident: "toolshell-1", Selection: "all", By: "lead-1", Started: w.clock(), Total: 30, Looked: 12,
	}, time.Hour)
	require.NoError(t, err)
	require.True(t, begun)
	require.Contains(t, w.refuse(t, "alice", "scan"), "Scan other of all servers is running since 09:00 UTC, asked for by Ada. No second one was begun.\n12 of 30 done")
	require.Contains(t, words(w.run(t, "lead-1", "scan --cancel")), "Asked the replica that runs scan other to end it")
	by, asked, err := w.store.EndAsked(t.Context(), "toolshell-1", "other")
	require.NoError(t, err)
	require.True(t, asked)
	require.Equal(t, state.PersonID("lead-1"), by)
	require.NoError(t, w.store.EndScan(t.Context(), state.Scan{ID: "other", Incident: "toolshell-1", Selection: "all", Started: w.clock(), Ended: w.clock()}))
	require.Contains(t, words(w.run(t, "lead-1", "scan --cancel --id other")), "does not run any more")
	require.Contains(t, opened(t, 2, "").refuse(t, "alice", "scan"), "There is no server to look at.")
}

// slow is a check that takes time by the clock of the world.
type slow struct {
	w      *world
	cancel func(n int)
	n      int
}

func (s *slow) Look(_ context.Context, t checks.Target, _ *checks.Client) checks.Result {
	s.w.wait(time.Second)
	s.n++
	if s.cancel != nil {
		s.cancel(s.n)
	}
	return checks.Result{Reached: true, Judgement: state.Judgement{Reason: "192.0.2.1: answers, but shows no build (/: 200)"}, Evidence: []state.Evidence{{
		Subject: state.Subject{Server: t.Server.Name}, Kind: state.KindReach, Value: state.ReachAnswered, Source: state.SourceProbe, Observed: s.w.clock(),
	}}}
}

func slowly(w *world, s *slow) {
	w.parts.Jobs = checks.NewLocal(checks.NewRunner(checks.Options{Concurrency: 1, Now: w.clock}), func(checks.Plan) checks.Check { return s })
	for _, c := range scanCommands(w.parts) {
		w.cmds[c.Spec().Path] = c
	}
}

func manyServers(n int) string {
	var b strings.Builder
	b.WriteString("name,url\n")
	for i := range n {
		fmt.Fprintf(&b, "sp-%03d,https://sp-%03d.example/\n", i, i)
	}
	return b.String()
}

func TestAScanIsOneMessageThatMovesAtMostEveryTwoSeconds(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, manyServers(9))
	slowly(w, &slow{w: w})
	m := w.run(t, "alice", "scan")
	require.Contains(t, words(m), "9 answered, and it cannot be told: 9× answers, but shows no build\n")
	require.GreaterOrEqual(t, len(w.said), 3)
	require.LessOrEqual(t, len(w.said), 5) // every other second; the end is the answer
	for _, c := range w.cards {
		require.Empty(t, c, "progress is the message that becomes the answer")
	}
	require.Regexp(t, `bar . of 9 . of 9 · 0 changed · 0 no answer · ~\d+ s left`, words(w.said[0]))
}

func TestAScanThatIsCancelledSaysThatItIsIncomplete(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, manyServers(10))
	s := &slow{w: w}
	slowly(w, s)
	var answer chat.Message
	s.cancel = func(n int) {
		if n == 5 {
			c, call := w.call(t, "lead-1", "scan --cancel")
			var err error
			answer, err = c.Run(context.Background(), call)
			if err != nil {
				panic(err)
			}
		}
	}
	m := w.run(t, "alice", "scan")
	require.Contains(t, words(answer), "Ending scan s")
	text := words(m)
	require.Contains(t, text, "Incomplete: it was ended, or ran out of time: 5 not looked at. What was not seen is as unknown as before.")
	require.Contains(t, text, "[Scan again](scan --incident toolshell-1)")
	require.Equal(t, chat.ToneWarn, m.Tone)
	scans, err := w.store.LastScans(t.Context(), "toolshell-1", 1)
	require.NoError(t, err)
	require.False(t, scans[0].Complete)
	require.False(t, scans[0].Ended.IsZero())
	require.Contains(t, words(w.run(t, "alice", "scan")), "10 of 10 looked at", "there is room for the next one")
}

// outage is a store that takes no more changes after a while.
type outage struct {
	Store
	left int
}

func (b *outage) Update(ctx context.Context, w state.Work, incident string, farms []string, change func(*state.Tx) error) (state.Outcome, error) {
	if b.left--; b.left < 0 {
		return state.Outcome{}, state.ErrUnavailable
	}
	return b.Store.Update(ctx, w, incident, farms, change)
}

func TestAScanWithoutAStoreEndsAndSaysSo(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, manyServers(30))
	w.parts.Store = &outage{Store: w.store, left: 2}
	slowly(w, &slow{w: w})
	c, call := w.call(t, "alice", "scan")
	_, err := c.Run(t.Context(), call)
	require.ErrorIs(t, err, state.ErrUnavailable)
	require.ErrorContains(t, err, "5 of 30 looked at, 5 answered: record what")
	scans, err := w.store.LastScans(t.Context(), "toolshell-1", 1)
	require.NoError(t, err)
	require.False(t, scans[0].Complete)
	require.Contains(t, scans[0].Note, "ended early: ")
}

func TestAScanThatIsCutOffGoesOnUnderItsOwnName(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, manyServers(6))
	s := &slow{w: w}
	slowly(w, s)
	c, call := w.call(t, "alice", "scan")
	ctx, cancel := context.WithCancel(t.Context())
	s.cancel = func(n int) {
		if n == 3 {
			cancel()
		}
	}
	_, err := c.Run(ctx, call)
	require.ErrorIs(t, err, context.Canceled)
	m, err := c.Run(t.Context(), call)
	require.NoError(t, err)
	require.Contains(t, words(m), "6 of 6 looked at, 6 answered")
	scans, err := w.store.LastScans(t.Context(), "toolshell-1", 5)
	require.NoError(t, err)
	require.Len(t, scans, 1)
}

func TestAServerThatIsRetiredMeanwhileKeepsNoOtherFromBeingRecorded(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, manyServers(3))
	s := &slow{w: w}
	slowly(w, s)
	s.cancel = func(n int) {
		if n == 1 {
			for _, who := range []state.PersonID{"lead-1", "lead-2"} {
				_, err := w.store.Update(context.Background(), state.Work{Request: "retire" + string(who), Step: "x", By: who, At: w.clock()}, "toolshell-1", []string{"sp-002"}, func(tx *state.Tx) error {
					if who == "lead-1" {
						return tx.Propose(state.Proposal{ID: "r", Kind: state.ProposeRetire, Server: "sp-002", Reason: "gone"})
					}
					_, err := tx.Approve("r")
					return err
				})
				if err != nil {
					panic(err)
				}
			}
		}
	}
	m := w.run(t, "alice", "scan")
	require.Contains(t, words(m), "! 1 answer could not be recorded: retired or moved during the scan")
	require.False(t, w.row(t, "sp-000").LastReached.IsZero())
}

func TestAPlaybookThatIsNotThereScansNothing(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, manyServers(1))
	l := looker{load: func(string) (p playbook.Playbook, err error) { return p, errors.New("gone") }}
	_, err := l.plan(state.Rules{Playbook: "toolshell"})
	require.ErrorContains(t, err, "it is not known what to ask: gone. Nothing was scanned.")
	plan, err := looker{load: w.parts.Load}.plan(state.Rules{Playbook: "toolshell", Revision: 1})
	require.NoError(t, err)
	require.Equal(t, 1, plan.Rules.Revision, "the rules in force")
	require.NotEmpty(t, plan.Observers, "the newest observers")
}

func TestAScanOfWhichNothingAnswersIsToldEarlyAndKeepsItsSelection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &beating{}
		w := newWatch(chat.Call{Say: func(_ string, m chat.Message) { store.say(m) }}, time.Now,
			state.Scan{ID: "s1", Selection: "all", Started: time.Now(), Total: 800}, state.Incident{ID: "ts-1"})
		stop := w.beats(t.Context(), store, func() { store.ended = true })
		time.Sleep(time.Second)
		synctest.Wait()
		said, _, _ := store.now()
		require.Len(t, said, 1, "within a second")
		require.Contains(t, said[0], "Scan s1 of all servers runs\nbar 0 of 800 0 of 800 · 0 changed · 0 no answer\n")
		for range 10 {
			time.Sleep(scanTTL + time.Millisecond)
			synctest.Wait()
			_, scan, until := store.now()
			require.Greater(t, time.Until(until), scanTTL/2, "it is held well ahead though nothing was answered")
			require.True(t, alive(scan, time.Now()))
		}
		require.False(t, store.ended)
		store.wish.Store(true) // of somebody at another replica
		time.Sleep(askEvery)
		synctest.Wait()
		require.True(t, store.ended, "within a second")
		stop()
		told, scan, _ := store.now()
		time.Sleep(scanTTL / 2)
		require.True(t, alive(scan, time.Now()))
		time.Sleep(scanTTL)
		require.False(t, alive(scan, time.Now()), "a scan that died without a word is given up")
		said, _, _ = store.now()
		require.Len(t, said, len(told), "nothing is told when it has ended")
	})
}

// beating keeps what a scan tells of itself.
type beating struct {
	Scans
	mu    sync.Mutex
	scan  state.Scan
	until time.Time
	said  []string
	wish  atomic.Bool
	ended bool
}

func (b *beating) EndAsked(context.Context, string, string) (state.PersonID, bool, error) {
	return "lead-1", b.wish.Load(), nil
}

func (b *beating) say(m chat.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, words(m))
}

func (b *beating) now() ([]string, state.Scan, time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said, b.scan, b.until
}

func (b *beating) BeginScan(_ context.Context, s state.Scan, ttl time.Duration) (state.Scan, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.scan, b.until = s, s.Started.Add(ttl)
	return s, true, nil
}

func TestAScanThatDiedWithoutAWordMakesRoomWithinAMinute(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, manyServers(2))
	slowly(w, &slow{w: w})
	_, begun, err := w.store.BeginScan(t.Context(), state.Scan{ID: "dead", Incident: "toolshell-1", Selection: "all", Started: w.clock(), Total: 2}, scanTTL)
	require.NoError(t, err)
	require.True(t, begun)
	w.wait(time.Minute)
	require.Contains(t, words(w.run(t, "alice", "scan")), "2 of 2 looked at")
}

// telling is a check to which every server says this build.
type telling struct {
	now   func() time.Time
	build string
}

func (c telling) Look(_ context.Context, t checks.Target, _ *checks.Client) checks.Result {
	return checks.Result{Reached: true, Judgement: state.Judgement{Verdict: state.VerdictFixed}, Evidence: []state.Evidence{{
		Subject: state.Subject{Server: t.Server.Name}, Kind: state.KindBuild, Value: c.build, Source: state.SourceProbe, Observed: c.now(),
	}}}
}

func TestOfServersThatSayTheyAreFixedTheScanTellsWhichLackProof(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,url,farm\nsp-1,https://a.example,fin\nsp-2,https://b.example,hr\n")
	w.remediate(t, "fin", fixed2019, "sp-1")
	require.Equal(t, state.StatusReady, w.row(t, "sp-1").Status)
	w.parts.Jobs = checks.NewLocal(checks.NewRunner(checks.Options{Now: w.clock}), func(checks.Plan) checks.Check { return telling{w.clock, fixed2019} })
	for _, c := range scanCommands(w.parts) {
		w.cmds[c.Spec().Path] = c
	}
	text := words(w.run(t, "alice", "scan"))
	require.Contains(t, text, "◔ 1 newly says that it is fixed; proof from inside is missing: sp-2\n")
	require.Contains(t, text, "◉ 1 newly says that it is fixed, as the proof from inside does: sp-1\n")
	require.Contains(t, text, "Next: evidence from inside: evidence add with what an administrator sees (format: help evidence add).")
	require.Equal(t, state.StatusReady, w.row(t, "sp-1").Status)
}

func TestNobodyIsToldToRunWhatDoesNotExistYet(t *testing.T) {
	t.Parallel()
	for _, name := range playbook.Builtins() {
		pb, err := playbook.Builtin(name)
		require.NoError(t, err)
		for _, st := range pb.Rules().Steps {
			require.NotContains(t, strings.ToLower(st.Advice), "run the collector", "%s %s", name, st.ID)
		}
	}
	require.NotContains(t, checks.SettleInside, "collector")
}

// prompt is a store that takes no change from who has gone.
type prompt struct{ Store }

func (p prompt) Update(ctx context.Context, w state.Work, incident string, farms []string, change func(*state.Tx) error) (state.Outcome, error) {
	if err := ctx.Err(); err != nil {
		return state.Outcome{}, err
	}
	return p.Store.Update(ctx, w, incident, farms, change)
}

func TestWhatACutOffScanSawIsRecorded(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, manyServers(6))
	w.parts.Store = prompt{w.store}
	s := &slow{w: w}
	slowly(w, s)
	ctx, cancel := context.WithCancel(t.Context())
	s.cancel = func(n int) {
		if n == 3 {
			cancel()
		}
	}
	c, call := w.call(t, "alice", "scan")
	_, err := c.Run(ctx, call)
	require.ErrorIs(t, err, context.Canceled)
	seen := 0
	for i := range 6 {
		if !w.row(t, fmt.Sprintf("sp-%03d", i)).LastReached.IsZero() {
			seen++
		}
	}
	require.GreaterOrEqual(t, seen, 3, "an answer that came is kept")
	scans, err := w.store.LastScans(t.Context(), "toolshell-1", 1)
	require.NoError(t, err)
	require.False(t, scans[0].Complete)
}
