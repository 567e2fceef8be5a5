package bot_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// A goroutine that outlives its test is found by synctest: a bubble must be empty
// at its end.

func does(path string, f func(context.Context, chat.Call) (chat.Message, error)) bottest.Command {
	return bottest.Command{What: chat.Spec{Path: path, Global: true, Args: []chat.Arg{{Name: "rest", Optional: true, Rest: true}}}, Do: f}
}

// blocks waits for its context or the channel.
func blocks(path string, until <-chan struct{}) bottest.Command {
	return does(path, func(ctx context.Context, _ chat.Call) (chat.Message, error) {
		select {
		case <-until:
			return chat.Say(chat.P("unblocked")), nil
		case <-ctx.Done():
			return chat.Message{}, fmt.Errorf("wait: %w", ctx.Err())
		}
	})
}

func mustAsk(t *testing.T, d *desk, id, line string) {
	t.Helper()
	ack, err := d.Handle(t.Context(), ask(id, "lea", line))
	require.NoError(t, err)
	require.True(t, ack.Accepted, text(ack.Message))
}

func TestErrorsBecomeWordsThatHelpAndTheLogHasTheRest(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-is-what-they-typed"
	for _, c := range []struct {
		err     error
		want    []string
		outcome string
		logged  string
	}{
		{&state.Refusal{Why: "It is closed.", Next: "Open another."}, []string{"It is closed.", "Open another."}, "refused", ""},
		{fmt.Errorf("x: %w", &state.Refusal{Why: "It is closed."}), []string{"It is closed."}, "refused", ""},
		{&chat.Problem{What: "Which one?", Offer: []chat.Button{{Label: "a", Line: "scan a"}}}, []string{"Which one?", "[scan a]"}, "refused", ""},
		{fmt.Errorf("write: %w", state.ErrConflict), []string{"somebody else changed"}, "conflict", ""},
		{fmt.Errorf("server %q: %w", "sp-9", state.ErrNotFound), []string{`server "sp-9": not found`}, "not found", ""},
		{state.ErrNewer, []string{"newer allclear"}, "failed", "newer version"},
		{errors.New("disk on fire"), []string{"Something went wrong here.", "reference"}, "failed", "disk on fire"},
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var outcome string
				o := bot.Options{Done: func(_, out string, _ time.Duration) { outcome = out }}
				d := newDesk(t, o, does("fail", func(context.Context, chat.Call) (chat.Message, error) { return chat.Message{}, c.err }))
				running(t, d.Router)
				mustAsk(t, d, "1", "fail "+secret)
				synctest.Wait()
				require.Len(t, d.answers(t), 1)
				for _, want := range c.want {
					require.Contains(t, d.answers(t)[0], want)
				}
				require.Equal(t, c.outcome, outcome)
				log := d.log.String()
				require.Contains(t, log, "reference="+chat.Reference("1"))
				require.Contains(t, log, "command=fail")
				require.Contains(t, log, "actor=console:lea")
				require.Contains(t, log, c.logged)
				require.NotContains(t, log, secret)
				if c.logged != "" {
					require.NotContains(t, d.answers(t)[0], c.logged, "the cause stays in the log")
					require.Contains(t, d.answers(t)[0], chat.Reference("1"))
				}
			})
		})
	}
}

func TestAPanicIsContainedToItsRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, bot.Options{Workers: 1}, does("boom", func(context.Context, chat.Call) (chat.Message, error) { panic("the sky fell") }),
			bottest.Says("hello", hello))
		running(t, d.Router)
		mustAsk(t, d, "1", "boom")
		mustAsk(t, d, "2", "hello")
		synctest.Wait()
		got := d.answers(t)
		require.Len(t, got, 2)
		require.Contains(t, got[0], chat.Reference("1"))
		require.NotContains(t, got[0], "sky")
		require.Equal(t, "hello\n", got[1])
		require.Contains(t, d.log.String(), "the sky fell")
		require.Contains(t, d.log.String(), "run_test.go", "with the stack")
	})
}

func TestAMessageThatCannotBeWrittenIsAnErrorAndNotSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, bot.Options{}, bottest.Says("nil", func(chat.Call) chat.Message { return chat.Message{Parts: []chat.Part{nil}} }),
			bottest.Says("nothing", func(chat.Call) chat.Message { return chat.Message{} }))
		running(t, d.Router)
		mustAsk(t, d, "1", "nil")
		synctest.Wait()
		mustAsk(t, d, "2", "nothing")
		synctest.Wait()
		require.Contains(t, d.answers(t)[0], "Something went wrong")
		require.Equal(t, "Done.\n", d.answers(t)[1])
	})
}

func TestACommandThatTakesTooLongIsStoppedAndSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := blocks("slow", nil)
		slow.Limit = time.Minute
		d := newDesk(t, bot.Options{}, slow)
		running(t, d.Router)
		mustAsk(t, d, "1", "slow")
		time.Sleep(59 * time.Second)
		synctest.Wait()
		require.Empty(t, d.answers(t), "the lease of 30 s was renewed")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Len(t, d.answers(t), 1)
		require.Contains(t, d.answers(t)[0], "took too long")
		require.Contains(t, d.log.String(), `outcome="timed out"`)
	})
}

func TestACommandThatDoesNotStopIsAnsweredForOnceAndHoldsItsWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		deaf := does("deaf", func(context.Context, chat.Call) (chat.Message, error) { <-release; return hello(chat.Call{}), nil })
		d := newDesk(t, bot.Options{TimeLimit: time.Minute, Workers: 1}, deaf, bottest.Says("hello", hello))
		running(t, d.Router)
		mustAsk(t, d, "1", "deaf")
		mustAsk(t, d, "2", "hello")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Len(t, d.answers(t), 1)
		require.Contains(t, d.answers(t)[0], "took too long")
		close(release)
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, d.answers(t), 2)
		require.Contains(t, d.log.String(), "ended long after it was told to")
	})
}

func TestALostLeaseThrowsTheResultAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, bot.Options{}, blocks("slow", nil))
		running(t, d.Router)
		mustAsk(t, d, "1", "slow")
		time.Sleep(5 * time.Second)
		d.store.Steal("1")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Empty(t, d.answers(t))
		require.Contains(t, d.log.String(), `outcome="lease lost"`)

		// The same, noticed only when the answer is stored.
		release := make(chan struct{})
		d = newDesk(t, bot.Options{}, blocks("slow", release))
		running(t, d.Router)
		mustAsk(t, d, "1", "slow")
		synctest.Wait()
		d.store.Steal("1")
		close(release)
		synctest.Wait()
		require.Empty(t, d.answers(t))
		require.Contains(t, d.log.String(), `outcome="lease lost"`)
	})
}

func TestALeaseThatCannotBeRenewedIsGivenUpBeforeItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stopped := make(chan time.Time, 1)
		d := newDesk(t, bot.Options{}, does("slow", func(ctx context.Context, _ chat.Call) (chat.Message, error) {
			<-ctx.Done()
			stopped <- time.Now()
			return chat.Message{}, ctx.Err()
		}))
		stop := running(t, d.Router)
		mustAsk(t, d, "1", "slow")
		synctest.Wait()
		began := time.Now()
		d.store.Fail(func(string) error { return state.ErrUnavailable })
		require.Less(t, (<-stopped).Sub(began), 30*time.Second)
		synctest.Wait()
		require.Empty(t, d.answers(t))
		require.ErrorIs(t, d.Ready(), state.ErrUnavailable)
		require.NoError(t, stop())
	})
}

func TestAnAnswerWaitsForTheStoreToComeBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := newDesk(t, bot.Options{}, blocks("slow", release))
		running(t, d.Router)
		mustAsk(t, d, "1", "slow")
		synctest.Wait()
		var away atomic.Bool
		away.Store(true)
		d.store.Fail(func(string) error {
			if away.Load() {
				return state.ErrUnavailable
			}
			return nil
		})
		close(release)
		time.Sleep(5 * time.Second)
		away.Store(false)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"unblocked\n"}, d.answers(t))
		require.NoError(t, d.Ready())
		require.Equal(t, 1, strings.Count(d.log.String(), "no work can be taken"), "an outage is one line, not one a second")
	})
}

func TestAnotherReplicaResumesWhatWasLeftBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dead := newDesk(t, bot.Options{}, blocks("slow", nil))
		mustAsk(t, dead, "1", "slow")
		_, ok, err := dead.store.Lease(t.Context(), "killed", time.Now(), 30*time.Second)
		require.NoError(t, err)
		require.True(t, ok)

		d := newDesk(t, bot.Options{Store: dead.store}, bottest.Says("slow", hello))
		running(t, d.Router)
		time.Sleep(29 * time.Second)
		synctest.Wait()
		require.Empty(t, dead.answers(t))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"hello\n"}, dead.answers(t))
	})
}

func TestARequestThatNeverComesToAnEndIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, bot.Options{Attempts: 2}, bottest.Says("killer", hello))
		mustAsk(t, d, "1", "killer")
		for range 2 { // two processes died of it
			_, _, err := d.store.Lease(t.Context(), "killed", time.Now(), time.Second)
			require.NoError(t, err)
			time.Sleep(2 * time.Second)
		}
		running(t, d.Router)
		synctest.Wait()
		require.Len(t, d.answers(t), 1)
		require.Contains(t, d.answers(t)[0], "Given up")
	})
}

func TestARequestThatTheStoreLeftIsRunAgainAndAnsweredOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		d := newDesk(t, bot.Options{}, does("claim", func(_ context.Context, c chat.Call) (chat.Message, error) {
			runs++
			require.Equal(t, "1", c.Request.ID, "the store knows by it what was done already")
			if runs < 3 {
				return chat.Message{}, fmt.Errorf("write: %w", state.ErrUnavailable)
			}
			return hello(c), nil
		}))
		running(t, d.Router)
		mustAsk(t, d, "1", "claim")
		synctest.Wait()
		require.Equal(t, 1, runs)
		require.Empty(t, d.answers(t), "it may have been done")
		require.Contains(t, d.log.String(), `outcome="run again"`)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		require.Equal(t, 3, runs)
		require.Equal(t, []string{"hello\n"}, d.answers(t))
	})
}

func TestWhatTheStoreLeavesForEverIsAnsweredTruthfully(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		d := newDesk(t, bot.Options{Attempts: 3}, does("claim", func(context.Context, chat.Call) (chat.Message, error) {
			runs++
			return chat.Message{}, fmt.Errorf("write: %w", state.ErrUnavailable)
		}))
		running(t, d.Router)
		mustAsk(t, d, "1", "claim")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		require.Equal(t, 3, runs)
		require.Len(t, d.answers(t), 1)
		require.Contains(t, d.answers(t)[0], "It is not known whether it was done: the store did not answer.")
		require.Contains(t, d.answers(t)[0], chat.Reference("1"))
		require.NotContains(t, d.answers(t)[0], "Not done")
		require.Contains(t, d.log.String(), "write: the store is not available")
	})
}

func TestDrainLetsWorkEndAndTakesNothingNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := newDesk(t, bot.Options{}, blocks("slow", release))
		stop := running(t, d.Router)
		mustAsk(t, d, "1", "slow")
		synctest.Wait()
		time.AfterFunc(10*time.Second, func() { close(release) })
		began := time.Now()
		require.NoError(t, stop())
		require.Equal(t, 10*time.Second, time.Since(began))
		require.Equal(t, []string{"unblocked\n"}, d.answers(t))
		mustAsk(t, d, "2", "slow")
		time.Sleep(time.Minute)
		require.Equal(t, []string{"2"}, d.store.Unfinished())
	})
}

func TestWhatIsNotDoneAfterTheDrainIsResumedAndAnsweredOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, bot.Options{Drain: 15 * time.Second}, blocks("slow", nil))
		stop := running(t, d.Router)
		mustAsk(t, d, "1", "slow")
		synctest.Wait()
		began := time.Now()
		require.NoError(t, stop())
		require.Equal(t, 15*time.Second, time.Since(began))
		require.Empty(t, d.answers(t), "nobody is told that it failed")
		require.Contains(t, d.log.String(), `outcome="handed over"`)

		next := newDesk(t, bot.Options{Store: d.store}, bottest.Says("slow", hello))
		running(t, next.Router)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"hello\n"}, d.answers(t))
	})
}

func TestALongRequestSurvivesManyRestarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := newDesk(t, bot.Options{}, blocks("scan", nil))
		mustAsk(t, first, "1", "scan")
		for range 10 {
			stop := running(t, newDesk(t, bot.Options{Store: first.store}, blocks("scan", nil)).Router)
			time.Sleep(time.Second)
			require.NoError(t, stop())
			time.Sleep(time.Minute)
		}
		running(t, newDesk(t, bot.Options{Store: first.store}, bottest.Says("scan", hello)).Router)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"hello\n"}, first.answers(t))
	})
}

func TestRunNamesCommandsThatDoNotStopInTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d := newDesk(t, bot.Options{}, does("deaf", func(context.Context, chat.Call) (chat.Message, error) { <-release; return hello(chat.Call{}), nil }))
		stop := running(t, d.Router)
		mustAsk(t, d, "1", "deaf")
		synctest.Wait()
		require.ErrorContains(t, stop(), "1 commands do not stop")
		close(release)
		synctest.Wait()
	})
}

func TestProgressIsToldInTheMessageThatBecomesTheAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var late chat.Call
		d := newDesk(t, bot.Options{SayEvery: 5 * time.Second}, does("scan", func(_ context.Context, c chat.Call) (chat.Message, error) {
			late = c
			for i := range 12 {
				c.Say("", chat.Say(chat.P(fmt.Sprint(i))))
				time.Sleep(time.Second)
			}
			c.Say("board", chat.Say(chat.P("a card of its own")))
			return hello(c), nil
		}))
		running(t, d.Router)
		mustAsk(t, d, "1", "scan")
		time.Sleep(time.Minute)
		synctest.Wait()
		late.Say("", chat.Say(chat.P("too late")))
		require.Equal(t, []string{"0\n", "5\n", "10\n", "a card of its own\n"}, d.letters(t, "progress"))
		require.Equal(t, []string{"hello\n"}, d.answers(t))
		cards := map[string]int{}
		for _, l := range d.store.Queue() {
			cards[l.Notice.Card]++
		}
		require.Equal(t, map[string]int{"answer 1": 4, "board": 1}, cards)
	})
}

func TestPrivateAnswersGoToThePersonOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		private := bottest.Says("mine", hello)
		private.What.Private = true
		d := newDesk(t, bot.Options{}, private)
		running(t, d.Router)
		ack, err := d.Handle(t.Context(), ask("1", "lea", "mine"))
		require.NoError(t, err)
		require.True(t, ack.Private)
		synctest.Wait()
		letters := d.store.Queue()
		require.Len(t, letters, 1)
		require.Equal(t, "console:lea", letters[0].Place.Person)
		require.Equal(t, "answer 1 @ console//terminal//console:lea", letters[0].ID)
	})
}
