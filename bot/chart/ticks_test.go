package chart

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestTimesAreRoundInTheZoneOfTheReaders(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	require.NoError(t, err)
	day := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2025, month, day, hour, minute, 0, 0, time.UTC)
	}
	for name, c := range map[string]struct {
		from, to time.Time
		zone     *time.Location
		want     string
	}{
		"minutes": {day(7, 20, 6, 1), day(7, 20, 6, 31), time.UTC, "06:05/20 Jul 06:10 06:15 06:20 06:25 06:30"},
		"half-hour zone": {
			day(7, 20, 6, 1), day(7, 20, 9, 10), kolkata,
			"12:00/20 Jul 12:30 13:00 13:30 14:00 14:30",
		},
		"over midnight": {day(7, 20, 17, 0), day(7, 21, 8, 0), zone, "21:00/20 Jul 00:00/21 Jul 03:00 06:00 09:00"},
		"into summer time, by the clock on the wall": {
			day(3, 29, 22, 0), day(3, 30, 16, 0), zone,
			"00:00/30 Mar 03:00 06:00 09:00 12:00 15:00 18:00",
		},
		"out of summer time": {
			day(10, 25, 21, 0), day(10, 26, 16, 0), zone,
			"00:00/26 Oct 03:00 06:00 09:00 12:00 15:00",
		},
		"the hour that comes twice": {
			day(10, 25, 23, 50), day(10, 26, 1, 40), zone,
			"02:00/26 Oct 02:30 02:00 02:30",
		},
		"days":   {day(7, 18, 9, 0), day(7, 23, 9, 0), zone, "19 Jul/2025 20 Jul 21 Jul 22 Jul 23 Jul"},
		"weeks":  {day(7, 1, 0, 0), day(8, 14, 0, 0), time.UTC, "1 Jul/2025 8 Jul 15 Jul 22 Jul 29 Jul 5 Aug 12 Aug"},
		"months": {day(7, 18, 0, 0), day(7, 18, 0, 0).AddDate(1, 0, 0), time.UTC, "Sep/2025 Nov Jan/2026 Mar May Jul"},
		"years":  {day(7, 18, 0, 0), day(7, 18, 0, 0).AddDate(9, 0, 0), time.UTC, "2026 2028 2030 2032 2034"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, tick := range timeTicks(c.from, c.to, c.zone) {
				got = append(got, strings.TrimSuffix(tick.label+"/"+tick.below, "/"))
			}
			require.Equal(t, c.want, strings.Join(got, " "))
		})
	}
}

func TestAnAxisNeverHasTooManyTimes(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{time.UTC, berlin(t), time.FixedZone("odd", 20745)}
	rapid.Check(t, func(t *rapid.T) {
		from := time.Unix(rapid.Int64Range(0, 250_000_000_000).Draw(t, "from"), 0)
		to := from.Add(minSpan).Add(time.Duration(rapid.Int64Range(0, 1<<62).Draw(t, "span")) >> rapid.IntRange(0, 30).Draw(t, "shift"))
		ticks := timeTicks(from, to, rapid.SampledFrom(zones).Draw(t, "zone"))
		require.LessOrEqual(t, len(ticks), maxTicks+2)
		for i, tick := range ticks {
			require.False(t, tick.at.Before(from) || tick.at.After(to))
			require.True(t, i == 0 || tick.at.After(ticks[i-1].at))
		}
	})
}

func TestCountsAreRoundAndEndWithTheScope(t *testing.T) {
	t.Parallel()
	for scope, want := range map[int][]int{
		0: {0}, 1: {0, 1}, 3: {0, 1, 2, 3}, 7: {0, 2, 4, 6, 7}, 80: {0, 20, 40, 60, 80}, 102: {0, 50, 102},
		1204: {0, 500, 1000, 1204}, 800_000: {0, 200_000, 400_000, 600_000, 800_000},
	} {
		require.Equal(t, want, countTicks(scope, 300), scope)
	}
}

func TestNumbersHaveCommas(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		require.Equal(t, want, number(n))
	}
}
