package commands

import (
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chart"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

// BenchmarkDigest runs the digests of managers, with the drawing of the picture, and of responders, on incidents of several
// sizes: as BenchmarkStatus fills them, with three days behind them in which each group finished servers in every
// fourth quarter of an hour, and with claims and accepted risks. x8000 is the median over that of 8,000 servers on the same
// engine.
//
// Set ALLCLEAR_BENCH_MILLION=1 for a million servers on Redis.
func BenchmarkDigest(b *testing.B) {
	for _, e := range []struct {
		name  string
		sizes []int
		start func(testing.TB) *redisstore.Store
	}{
		{"embedded", []int{8_000, 100_000}, inMemory},
		{"redis", []int{8_000, 100_000, 1_000_000}, onRedis},
	} {
		b.Run(e.name, func(b *testing.B) {
			base := map[string]time.Duration{}
			for _, n := range e.sizes {
				if n == 1_000_000 && os.Getenv("ALLCLEAR_BENCH_MILLION") != "1" || n > 8_000 && testing.Short() {
					continue
				}
				b.Run(fmt.Sprint(n), func(b *testing.B) {
					s := e.start(b)
					fillFarms(b, s, n)
					now := work(b, s)
					show := func(store Store, at time.Time) Command {
						return digest{store, drawOpen, func() time.Time { return at }}
					}
					for _, l := range []look{
						{name: "managers", command: show, at: now, says: "Estimate: "},
						{name: "responders", command: show, at: now, args: []string{"--for", "responders"}, says: "Accepted risks"},
					} {
						b.Run(l.name, func(b *testing.B) { l.bench(b, s, n, base) })
					}
				})
			}
		})
	}
}

// drawOpen draws what is open and what is confirmed, as large as every picture is.
func drawOpen(b Burn, w io.Writer) (string, error) {
	pic := chart.BurnDown{Title: b.Title, Subtitle: b.Subtitle, Until: b.Until}
	for _, p := range b.Points {
		s := p.Counts.Status
		pic.Points = append(pic.Points, chart.Point{
			At: p.At, Exposed: s[state.StatusExposed], Unknown: s[state.StatusUnknown], InProgress: s[state.StatusInProgress], Excepted: s[state.StatusExcepted],
		})
	}
	for _, m := range b.Marks {
		pic.Marks = append(pic.Marks, chart.Mark{At: m.At, Label: m.Label})
	}
	return pic.Alt(), pic.PNG(w)
}

// work lets three days pass in which the same is done whatever the number of servers: servers of each group are accepted as
// a risk, one in every hour, and a few are claimed. It returns the moment of the digest.
func work(b *testing.B, s *redisstore.Store) time.Time {
	b.Helper()
	now := statetest.Epoch.Add(time.Hour)
	farm := 0
	for range 72 {
		now = now.Add(time.Hour)
		for range 3 { // farms of one group each: servers of a farm follow one another
			name := statetest.FarmName(farm)
			servers := []string{statetest.Server(farm*perFarm, perFarm).Name, statetest.Server(farm*perFarm+1, perFarm).Name, statetest.Server(farm*perFarm+2, perFarm).Name}
			farm++
			for i, who := range []state.PersonID{"lead", "lead-2"} {
				_, err := s.Update(b.Context(), statetest.Work(fmt.Sprint("work ", name, i), who, now), "one", []string{name}, accept(name, servers, i == 1))
				require.NoError(b, err)
			}
		}
	}
	return now
}

// accept asks for, or approves, that the risk of servers is accepted for four days; a last one is claimed.
func accept(farm string, servers []string, approve bool) func(*state.Tx) error {
	return func(tx *state.Tx) error {
		if approve {
			f, err := tx.Farm(farm)
			if err != nil {
				return err
			}
			for _, p := range slices.Clone(f.Farm.Proposals) {
				if _, err := tx.Approve(p.ID); err != nil {
					return err
				}
			}
			return nil
		}
		for _, server := range servers {
			x := &state.Exception{Server: server, Reason: "replaced next week", Expires: tx.Work.At.Add(96 * time.Hour)}
			if err := tx.Propose(state.Proposal{ID: "x-" + server, Kind: state.ProposeExcept, Server: server, Exception: x, Reason: x.Reason}); err != nil {
				return err
			}
		}
		f, err := tx.Farm(farm)
		if err != nil {
			return err
		}
		return tx.Claim(f.Farm.Servers[len(f.Farm.Servers)-1].Name, "", "")
	}
}
