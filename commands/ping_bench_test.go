package commands

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

// BenchmarkPing decides the reminders of a slot and writes them into the outbox (slot), and puts one of them into words as
// at its delivery (letter), at several sizes: 20 servers an owner on the average, most have few and some have hundreds, 40
// groups, and one server in fifty is nobody's. x8000 is the median over that of 8,000 servers, per server for a slot.
//
// Set ALLCLEAR_BENCH_MILLION=1 for a million servers.
func BenchmarkPing(b *testing.B) {
	base := map[string]float64{}
	for _, n := range []int{8_000, 100_000, 1_000_000} {
		if n == 1_000_000 && os.Getenv("ALLCLEAR_BENCH_MILLION") != "1" || n > 8_000 && testing.Short() {
			continue
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := onRedis(b)
			fillFarms(b, s, n, realOwners(n))
			now := statetest.Epoch.Add(24 * time.Hour)
			_, err := s.Update(b.Context(), statetest.Work("bind", "lead", now), "one", nil, func(tx *state.Tx) error {
				return tx.Bind(state.Place{Platform: "console", Channel: "war-room", Ceiling: state.TLPAmberStrict})
			})
			require.NoError(b, err)
			c := pinger{store: s, now: func() time.Time { return now }, cadence: time.Hour, policy: Reminders{Duty: "lead"}}
			var letters int
			b.Run("slot", func(b *testing.B) {
				took := timed(b, func() {
					now = now.Add(time.Hour)
					letters = pingAll(b, s, c)
				})
				b.ReportMetric(float64(letters), "letters")
				relative(b, base, "slot", n, float64(took)/float64(n))
			})
			b.Run("letter", func(b *testing.B) {
				v := &Voice{store: s, pings: c, now: c.now}
				due, err := s.Claim(b.Context(), "bench", now.Add(time.Hour), time.Hour, 200)
				require.NoError(b, err)
				i := 0
				took := timed(b, func() {
					l := due[i%len(due)].Letter
					i++
					_, err := v.Render(b.Context(), []state.Notice{l.Notice}, l.Place)
					require.NoError(b, err)
				})
				relative(b, base, "letter", n, float64(took))
			})
		})
	}
}

// realOwners gives half of the servers to few owners and half to many, in groups.
func realOwners(n int) func(int, *state.Server) {
	owners := n / 20
	return func(i int, sv *state.Server) {
		farm := i / perFarm
		o := farm * 7919 % owners
		if farm%2 == 0 {
			o %= max(1, owners/50)
		}
		sv.Owner, sv.Group = fmt.Sprintf("owner-%d", o), fmt.Sprintf("group-%d", o%40)
		if farm%50 == 0 {
			sv.Owner = ""
		}
	}
}

// pingAll sends the reminders of the slot that it is in, and returns how many are on their way.
func pingAll(b *testing.B, s *redisstore.Store, c pinger) int {
	b.Helper()
	cmd := ping{s, c}
	values, err := chat.Parse(cmd.Spec(), []string{"--send"}, nil)
	require.NoError(b, err)
	_, err = cmd.Run(b.Context(), chat.Call{Request: chat.Request{ID: fmt.Sprint("ping ", c.now().Unix())}, Values: values, Incident: "one"})
	require.NoError(b, err)
	memory, err := s.Pings(b.Context(), "one")
	require.NoError(b, err)
	sent := 0
	for _, m := range memory {
		if m.At.Equal(c.now()) {
			sent++
		}
	}
	require.NotZero(b, sent)
	return sent
}

// timed runs something again and again, and returns the median.
func timed(b *testing.B, do func()) time.Duration {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		do()
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2]), "median-ns")
	return took[len(took)/2]
}

func relative(b *testing.B, base map[string]float64, name string, n int, took float64) {
	b.Helper()
	if n == 8_000 {
		base[name] = took
	}
	if base[name] > 0 {
		b.ReportMetric(took/base[name], "x8000")
	}
}
