package commands

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/allclear-bot/allclear/state"
)

// past is what groups finished: one character a stretch, up to now. "." is nothing,
// "-" is one that opened again.
func past(now time.Time, groups map[string]string) []state.Pace {
	var out []state.Pace
	for group, course := range groups {
		for i, c := range []byte(course) {
			done := int(c - '0')
			switch c {
			case '.':
				continue
			case '-':
				done = -1
			}
			out = append(out, state.Pace{From: now.Add(-time.Duration(len(course)-1-i) * state.Stretch).Truncate(state.Stretch), Group: group, Done: done})
		}
	}
	return out
}

func tallies(open map[string]int) []state.Tally {
	var out []state.Tally
	for g, n := range open {
		out = append(out, state.Tally{Name: g, Counts: state.Counts{Status: map[state.Status]int{state.StatusExposed: n, state.StatusConfirmed: 7}}})
	}
	return out
}

func TestAnEstimateIsABandOrSaysThatItCannotBeTold(t *testing.T) {
	t.Parallel()
	now := at("2025-07-22 15:00")
	in := func(stretches int) time.Time { return now.Add(time.Duration(stretches) * state.Stretch) }
	blocks := func(ls []lane) (out []string) {
		for _, l := range ls {
			out = append(out, fmt.Sprintf("%s %d/%d", l.group, l.open, l.points()))
		}
		return out
	}
	for name, c := range map[string]struct {
		open   map[string]int
		past   map[string]string
		all    band
		blocks []string
		last   string
		rest   band
		points int
	}{
		"nothing is open":          {open: map[string]int{"a": 0}, past: map[string]string{"a": "1111111111"}, points: 10},
		"nothing was finished":     {open: map[string]int{"a": 5}},
		"four points are too few":  {open: map[string]int{"a": 5}, past: map[string]string{"a": "1.1.1.1."}, points: 4},
		"many at once are a point": {open: map[string]int{"a": 5}, past: map[string]string{"a": "9......."}, points: 1},
		"a steady pace is exact": {
			open: map[string]int{"a": 30}, past: map[string]string{"a": "2222222222222222"}, points: 16,
			all: band{in(15), in(15)}, last: "a",
		},
		"the slowest group decides": {
			open: map[string]int{"a": 30, "b": 80}, past: map[string]string{"a": "2222222222222222", "b": "1111111111111111"}, points: 16,
			all: band{in(80), in(80)}, last: "b", rest: band{in(15), in(15)},
		},
		"a group that finished nothing blocks": {
			open: map[string]int{"a": 30, "b": 3}, past: map[string]string{"a": "2222222222222222"}, points: 16,
			blocks: []string{"b 3/0"}, rest: band{in(15), in(15)},
		},
		"few points alone are too few": {
			open: map[string]int{"a": 30, "b": 3}, past: map[string]string{"a": "2222222222222222", "b": "1..1"}, points: 16,
			blocks: []string{"b 3/2"}, rest: band{in(15), in(15)},
		},
		"few points of several groups count together": {
			open: map[string]int{"a": 4, "b": 4}, past: map[string]string{"a": "1.1.1.1.", "b": ".1.1.1.1"}, points: 8,
			all: band{in(8), in(8)}, last: "2 other groups",
		},
		"servers without a group are one": {
			open: map[string]int{"": 16}, past: map[string]string{"": "1111111111111111"}, points: 16,
			all: band{in(16), in(16)}, last: "",
		},
		"what finished groups did is no pace of the others": {
			open: map[string]int{"a": 4}, past: map[string]string{"b": "1111111111"}, points: 10, blocks: []string{"a 4/0"},
		},
		"more opens again than is finished": {
			open: map[string]int{"a": 90}, past: map[string]string{"a": "1---1---1---1---1---1---"}, points: 6, last: "a",
		},
		"what would take longer than the horizon has no end": {
			open: map[string]int{"a": 1_000_000}, past: map[string]string{"a": "1111111111"}, points: 10, last: "a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			longest := 0
			for _, p := range c.past {
				longest = max(longest, len(p)-1)
			}
			f := estimate(now, in(-longest), tallies(c.open), past(now, c.past))
			require.Equal(t, c.all, f.all)
			require.Equal(t, c.rest, f.rest)
			require.Equal(t, c.last, f.last.group)
			require.Equal(t, c.blocks, blocks(f.blocks))
			require.Equal(t, c.points, f.points)
		})
	}
}

func TestBurstsAndNightsMakeTheBandWide(t *testing.T) {
	t.Parallel()
	now := at("2025-07-22 15:00")
	steady, bursts := "", ""
	for range 9 {
		steady += "11111111"
		bursts += "......44"
	}
	width := func(course string) time.Duration {
		f := estimate(now, now.Add(-time.Duration(len(course)-1)*state.Stretch), tallies(map[string]int{"a": 40}), past(now, map[string]string{"a": course}))
		require.False(t, f.all.late.IsZero())
		return f.all.late.Sub(f.all.early)
	}
	require.Zero(t, width(steady))
	require.Greater(t, width(bursts), 2*time.Hour)
}

// drawn are groups with anything in their past.
func drawn(t *rapid.T) (open map[string]int, course map[string]string) {
	open, course = map[string]int{}, map[string]string{}
	n := rapid.IntRange(1, 40).Draw(t, "stretches")
	for i := range rapid.IntRange(1, 4).Draw(t, "groups") {
		g := fmt.Sprint("g", i)
		open[g] = rapid.IntRange(0, 60).Draw(t, "open")
		course[g] = string(rapid.SliceOfN(rapid.SampledFrom([]byte("....11123-")), n, n).Draw(t, "past"))
	}
	return open, course
}

func TestPropertiesOfAnEstimate(t *testing.T) {
	t.Parallel()
	now := at("2025-07-22 15:07")
	rapid.Check(t, func(t *rapid.T) {
		open, course := drawn(t)
		look := func() forecast {
			return estimate(now, now.Add(-time.Duration(len(course["g0"])-1)*state.Stretch), tallies(open), past(now, course))
		}
		f := look()
		require.Equal(t, f, look(), "whatever the order in which it is given")
		for _, b := range []band{f.all, f.rest} {
			require.True(t, b.early.IsZero() || b.early.After(now))
			require.True(t, b.late.IsZero() || !b.late.Before(b.early) && !b.early.IsZero())
		}
		if f.points < leastPoints {
			require.Zero(t, f.all)
			require.Zero(t, f.rest)
		}
		if len(f.blocks) > 0 {
			require.Zero(t, f.all, "who blocks is never left out in silence")
		}
		g := rapid.SampledFrom([]string{"g0", "g1", "g2", "g3"}).Draw(t, "grows")
		if open[g] > 0 {
			open[g] += rapid.IntRange(1, 50).Draw(t, "more")
			notBefore(t, f.all, look().all)
		}
		open["new"] = 1
		require.Zero(t, look().all, "nobody knows the pace of who is new")
	})
}

// notBefore: more work is never done earlier.
func notBefore(t require.TestingT, less, more band) {
	if !more.early.IsZero() {
		require.False(t, more.early.Before(less.early))
	}
	if !more.late.IsZero() {
		require.False(t, less.late.IsZero())
		require.False(t, more.late.Before(less.late))
	}
}

// TestTheBandIsHonest lets made-up groups work on at the pace that they had, and
// counts how often they were through within their band: eight times of ten are promised.
func TestTheBandIsHonest(t *testing.T) {
	t.Parallel()
	now := at("2025-07-22 15:00")
	r := rand.New(rand.NewPCG(3, 4))
	poisson := func(mean float64) int {
		n, p := 0, r.Float64()
		for limit := math.Exp(-mean); p > limit; p *= r.Float64() {
			n++
		}
		return n
	}
	within, total := 0, 400
	for range total {
		const stretches = 192 // two days
		mean, open := 0.1+r.Float64(), 20+r.IntN(80)
		var pace []state.Pace
		for i := range stretches {
			if n := poisson(mean); n > 0 {
				pace = append(pace, state.Pace{From: now.Add(-time.Duration(i) * state.Stretch), Group: "a", Done: n})
			}
		}
		slices.Reverse(pace)
		f := estimate(now, now.Add(-(stretches-1)*state.Stretch), tallies(map[string]int{"a": open}), pace)
		end := 0
		for left := open; left > 0; end++ {
			left -= poisson(mean)
		}
		if through := now.Add(time.Duration(end) * state.Stretch); !through.Before(f.all.early) && !through.After(f.all.late) {
			within++
		}
	}
	share := float64(within) / float64(total)
	t.Logf("%.0f%% of the ends were within the band", 100*share)
	require.InDelta(t, 0.8, share, 0.12)
}
