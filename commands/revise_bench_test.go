package commands

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

// BenchmarkRevise moves the fix line of 100,000 servers in farms of four on an embedded store that syncs to disk: how
// long until what would change is shown, until every server is assessed anew and every owner told, how long status took
// meanwhile, and whether the counters are those of a recount.
func BenchmarkRevise(b *testing.B) {
	const n = 100_000
	e, err := embedded.Open(b.TempDir(), embedded.Options{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, e.Close()) })
	s := redisstore.New(e.Client(), redisstore.Options{Timeout: time.Minute})
	require.NoError(b, s.Init(b.Context()))
	fillFarms(b, s, n)
	for range b.N {
		benchRevise(b, s, n)
	}
}

func benchRevise(b *testing.B, s *redisstore.Store, n int) {
	now := statetest.Epoch.Add(time.Hour)
	inc, err := s.Incident(b.Context(), "one")
	require.NoError(b, err)
	rules := statetest.Rules(inc.Rules.Revision + 1)
	revise := playbookRevise{store: s, now: func() time.Time { return now }}
	began := time.Now()
	changes, servers, err := revise.compare(b.Context(), inc, rules)
	require.NoError(b, err)
	require.Equal(b, n, servers)
	shown := time.Since(began)

	ctx, stop := context.WithCancel(b.Context())
	took := answersMeanwhile(ctx, b, s, now)
	began = time.Now()
	after, err := s.AuditSeq(b.Context())
	require.NoError(b, err)
	_, err = s.Update(b.Context(), statetest.Work(fmt.Sprint("revise ", rules.Revision), "lead", now), "one", nil, func(tx *state.Tx) error {
		return tx.ReviseFor(rules, nil, after)
	})
	require.NoError(b, err)
	done, err := Sweep(b.Context(), s, "one", now)
	require.NoError(b, err)
	all := time.Since(began)
	stop()
	asked := took()

	require.Equal(b, n/perFarm, done.Farms)
	require.Equal(b, statuses(changes), statuses(done.Changes), "what was shown is what came")
	r, err := s.Verify(b.Context())
	require.NoError(b, err)
	require.Empty(b, r.Problems, "the counters are those of a recount")
	require.Equal(b, n, r.Servers)
	slices.Sort(asked)
	b.ReportMetric(shown.Seconds(), "s-to-show")
	b.ReportMetric(all.Seconds(), "s-to-assess")
	b.ReportMetric(float64(len(done.Changes)), "changes")
	b.ReportMetric(float64(len(asked)), "answers-meanwhile")
	if len(asked) > 0 {
		b.ReportMetric(float64(asked[len(asked)/2].Milliseconds()), "ms-median-answer")
		b.ReportMetric(float64(asked[len(asked)-1].Milliseconds()), "ms-slowest-answer")
	}
}

func statuses(ts []state.Transition) map[string]state.Status {
	out := map[string]state.Status{}
	for _, t := range ts {
		out[t.Server] = t.To
	}
	return out
}

// answersMeanwhile asks for a server and takes a claim, twice a second, until the context ends.
func answersMeanwhile(ctx context.Context, b *testing.B, s *redisstore.Store, now time.Time) func() []time.Duration {
	var took []time.Duration
	var wg sync.WaitGroup
	show := status{s, func() time.Time { return now }, time.Hour}
	values, err := chat.Parse(show.Spec(), []string{"sp-00777"}, nil)
	require.NoError(b, err)
	wg.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			began := time.Now()
			_, err := show.Run(context.WithoutCancel(ctx), chat.Call{Values: values, Incident: "one"})
			if err == nil {
				_, err = s.Update(context.WithoutCancel(ctx), statetest.Work(fmt.Sprint("claim ", i, began.UnixNano()), "lead", now), "one", []string{statetest.FarmName(i)}, func(tx *state.Tx) error {
					return tx.Claim(statetest.Server(i*perFarm, perFarm).Name, "", "done")
				})
			}
			if err != nil {
				b.Error(err)
			}
			took = append(took, time.Since(began))
		}
	})
	return func() []time.Duration { wg.Wait(); return took }
}
