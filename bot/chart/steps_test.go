package chart

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestThinningKeepsTheExtremesAndTheLastPoint(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var b BurnDown
		moment := start
		for range rapid.IntRange(1, 800).Draw(t, "points") {
			b.Points = append(b.Points, Point{
				At: moment, Compromised: rapid.IntRange(0, 9).Draw(t, "c"), Unknown: rapid.IntRange(0, 999).Draw(t, "u"), Confirmed: 1,
			})
			moment = moment.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "gap")) * time.Second)
		}
		s := b.series()
		sc := newScale(s, 700)
		drawn := steps(s, sc)

		require.LessOrEqual(t, len(drawn), sc.width)
		for i, st := range drawn {
			require.True(t, i == 0 || st.column > drawn[i-1].column, "a column each, in order")
			require.Less(t, st.column, sc.end(s))
		}
		require.Equal(t, s.last().tally, drawn[len(drawn)-1].tally)
		require.Equal(t, s.worst().left(), mostOf(drawn, func(t tally) int { return t.left() }))
		for _, value := range []func(tally) int{
			func(t tally) int { return -t.left() },
			func(t tally) int { return t[compromised] },
		} {
			var all []step
			for _, p := range s.samples {
				all = append(all, step{tally: p.tally})
			}
			require.Equal(t, mostOf(all, value), mostOf(drawn, value))
		}
	})
}

func mostOf(steps []step, value func(tally) int) int {
	most := value(steps[0].tally)
	for _, st := range steps {
		most = max(most, value(st.tally))
	}
	return most
}

func TestPointsMayComeInAnyOrderAndTheLastOfAMomentCounts(t *testing.T) {
	t.Parallel()
	s := BurnDown{Points: []Point{
		{At: start.Add(time.Hour), Unknown: 2}, {At: start, Unknown: 1}, {At: start.Add(time.Hour), Unknown: 3}, {Unknown: 9},
	}}.series()
	require.Len(t, s.samples, 2)
	require.Equal(t, 1, s.first().left())
	require.Equal(t, 3, s.last().left())
	require.Equal(t, s.last().at, s.until)
}

func TestHeightsAreProportionalAndNeverNothingForAServer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var counts tally
		for g := range counts {
			counts[g] = rapid.SampledFrom([]int{0, 0, 1, 2, 50, 1000, 123_456, maxCount}).Draw(t, "n")
		}
		scope := counts.total() + rapid.SampledFrom([]int{0, 1, 10_000}).Draw(t, "more")
		sum := 0
		for g, h := range counts.heights(scope, 400) {
			require.Equal(t, counts[g] > 0, h >= minBand)
			require.GreaterOrEqual(t, h, 0)
			sum += h
		}
		require.LessOrEqual(t, sum, 400)
	})
}
