package checks

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

// checkFunc is a check that does what the test needs.
type checkFunc func(ctx context.Context, t Target) Result

func (f checkFunc) Look(ctx context.Context, t Target, _ *Client) Result { return f(ctx, t) }

func many(n int) []Target {
	out := make([]Target, n)
	for i := range out {
		out[i] = Target{Server: state.Server{Name: fmt.Sprintf("s%04d", i)}}
	}
	return out
}

// takes is a check that needs some time and obeys the context.
func takes(d time.Duration, r Result) checkFunc {
	return func(ctx context.Context, _ Target) Result {
		select {
		case <-time.After(d):
			return r
		case <-ctx.Done():
			return Result{Error: outOfTime(ctx).Error()}
		}
	}
}

func TestAScanLooksAtEveryTargetOnceAndCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hit := true
		check := checkFunc(func(_ context.Context, x Target) Result {
			switch x.Server.Name[len(x.Server.Name)-1] {
			case '0':
				return Result{Reached: true, Judgement: state.Judgement{Verdict: state.VerdictVulnerable}, Compromised: &hit}
			case '1':
				return Result{Reached: true, Judgement: state.Judgement{Verdict: state.VerdictFixed}}
			default:
				return Result{}
			}
		})
		seen := map[string]int{}
		sum := NewRunner(Options{}).Run(t.Context(), check, many(1000), func(r Result) {
			seen[r.Server]++
			if r.Judgement.Verdict == state.VerdictUnknown {
				require.Equal(t, "the check gave no reason", r.Judgement.Reason)
			}
		})
		require.Len(t, seen, 1000)
		require.Equal(t, Summary{Targets: 1000, Looked: 1000, Reached: 200, Vulnerable: 100, Fixed: 100, Unknown: 800, Compromised: 100, Complete: true, Started: time.Now()}, sum)
	})
}

func TestNoMoreThanTheConcurrencyIsLookedAtAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		check := checkFunc(func(context.Context, Target) Result {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return Result{}
		})
		began := time.Now()
		NewRunner(Options{Concurrency: 10}).Run(t.Context(), check, many(100), func(Result) {})
		require.LessOrEqual(t, most.Load(), int64(10))
		require.Equal(t, 10*time.Second, time.Since(began))
	})
}

func TestResultsStreamAndASlowReaderHoldsBackTheScan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var looked atomic.Int64
		emitted := int64(0)
		check := checkFunc(func(context.Context, Target) Result { looked.Add(1); return Result{} })
		NewRunner(Options{Concurrency: 4}).Run(t.Context(), check, many(100), func(Result) {
			time.Sleep(time.Second)
			emitted++
			require.LessOrEqual(t, looked.Load(), emitted+5, "results pile up")
		})
		require.Equal(t, int64(100), emitted)
	})
}

func TestACancelledScanSaysWhatItDidNotLookAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		emitted := 0
		sum := NewRunner(Options{Concurrency: 10}).Run(ctx, takes(time.Second, Result{Reached: true}), many(100), func(Result) {
			if emitted++; emitted == 20 {
				cancel()
			}
		})
		require.False(t, sum.Complete)
		require.Equal(t, emitted, sum.Looked)
		require.Equal(t, 100, sum.Looked+sum.NotLooked)
		require.Equal(t, sum.Looked, sum.Vulnerable+sum.Fixed+sum.Unknown)
		require.InDelta(t, 20, sum.Looked, 10)
	})
}

func TestAScanEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := Options{Concurrency: 10, PerScan: 2500 * time.Millisecond}
		sum := NewRunner(o).Run(t.Context(), takes(time.Second, Result{Reached: true}), many(100), func(Result) {})
		require.False(t, sum.Complete)
		require.Equal(t, 20, sum.Looked)
		require.Equal(t, 80, sum.NotLooked)
		require.Equal(t, 2500*time.Millisecond, sum.Took)
	})
}

func TestAServerThatTakesTooLongIsCutOffAndSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := Options{PerServer: 3 * time.Second}
		sum := NewRunner(o).Run(t.Context(), takes(time.Hour, Result{}), many(5), func(r Result) {
			require.Equal(t, "the time for one server (3s) was used up", r.Error)
			require.Equal(t, 3*time.Second, r.Took)
		})
		require.True(t, sum.Complete)
		require.Equal(t, 5, sum.Unknown)
	})
}

func TestAPanicIsThatServersErrorOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		check := checkFunc(func(_ context.Context, x Target) Result {
			if x.Server.Name == "s0003" {
				panic("boom \x1b[2J <!channel>")
			}
			return Result{Reached: true}
		})
		var errs []string
		o := Options{Concurrency: 2, Log: slog.New(slog.NewTextHandler(&log, nil))}
		sum := NewRunner(o).Run(t.Context(), check, many(10), func(r Result) {
			if r.Error != "" {
				errs = append(errs, r.Server+" "+r.Error)
			}
		})
		require.Equal(t, 10, sum.Looked)
		require.Equal(t, []string{"s0003 the check itself failed: boom ·[2J ·!channel·"}, errs)
		require.Contains(t, log.String(), "runner_test.go")
	})
}

func TestAPanicOfTheReaderLeavesNoGoroutineBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // which waits for all goroutines of the bubble
		require.Panics(t, func() {
			NewRunner(Options{}).Run(t.Context(), takes(time.Second, Result{}), many(1000), func(Result) { panic("reader") })
		})
	})
}

func TestNoTargetsIsACompleteScan(t *testing.T) {
	t.Parallel()
	sum := NewRunner(Options{}).Run(t.Context(), takes(0, Result{}), nil, func(Result) {})
	require.True(t, sum.Complete)
	require.Zero(t, sum.Targets)
}

func TestTheRunnerTidiesWhatACheckReturns(t *testing.T) {
	t.Parallel()
	bad := "a\x1b[2J\u202e\nb"
	check := checkFunc(func(context.Context, Target) Result {
		return Result{
			Observed: bad, Basis: bad, Contradiction: bad, Doubt: bad, Error: bad, Notes: []string{bad},
			Judgement: state.Judgement{Product: bad, Reason: bad, Settle: bad}, Indicators: []Hit{{ID: "x", URL: bad}},
			Evidence: []state.Evidence{{Value: bad, Detail: bad}},
		}
	})
	NewRunner(Options{}).Run(t.Context(), check, many(1), func(r Result) { require.NotContains(t, fmt.Sprintf("%+v", r), "\x1b") })
}

func TestJobsCanBeCancelledById(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hours := func(n int) Plan { return Plan{Rules: state.Rules{Revision: n}} }
		jobs := NewLocal(NewRunner(Options{}), func(p Plan) Check { return takes(time.Duration(p.Rules.Revision)*time.Hour, Result{}) })
		done := make(chan Summary)
		go func() {
			sum, err := jobs.Run(t.Context(), "one", hours(1), many(5), func(Result) {})
			if err != nil {
				t.Error(err)
			}
			done <- sum
		}()
		synctest.Wait()
		require.Equal(t, []string{"one"}, jobs.Running())
		_, err := jobs.Run(t.Context(), "one", hours(0), many(1), func(Result) {})
		require.ErrorIs(t, err, ErrRunning)
		other, err := jobs.Run(t.Context(), "two", hours(0), many(1), func(Result) {})
		require.NoError(t, err)
		require.True(t, other.Complete)
		require.False(t, jobs.Cancel("two"))
		require.True(t, jobs.Cancel("one"))
		sum := <-done
		require.False(t, sum.Complete)
		require.Equal(t, 5, sum.NotLooked)
		synctest.Wait()
		require.Empty(t, jobs.Running())
		_, err = jobs.Run(t.Context(), "one", hours(0), many(1), func(Result) {})
		require.NoError(t, err)
	})
}

// ending is a context whose time is up and that has not noticed yet.
type ending struct{ context.Context }

func (ending) Deadline() (time.Time, bool) { return time.Now().Add(-time.Nanosecond), true }

func TestAScanIsNotWholeWhenASocketNoticesItsEndFirst(t *testing.T) {
	t.Parallel()
	require.True(t, over(ending{t.Context()}))
	require.NoError(t, ending{t.Context()}.Err())
	require.False(t, over(t.Context()))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.True(t, over(ended))
	r := NewRunner(Options{})
	l := r.look(ending{t.Context()}, checkFunc(func(context.Context, Target) Result { return Result{Error: "no complete answer"} }), Target{})
	require.False(t, l.whole)
	require.False(t, l.counts, "nothing was found out")
}
