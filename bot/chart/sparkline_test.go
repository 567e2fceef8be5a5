package chart

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestSparklineNeverLooksBetterThanItIs(t *testing.T) {
	t.Parallel()
	// Each step is a minute, from start, as servers left of 100.
	left := func(until int, counts ...int) BurnDown {
		b := BurnDown{Until: start.Add(time.Duration(until) * time.Minute)}
		for i, n := range counts {
			if n >= 0 {
				b.Points = append(b.Points, Point{At: start.Add(time.Duration(i) * time.Minute), Unknown: n, Confirmed: 100 - n})
			}
		}
		return b
	}
	for name, c := range map[string]struct {
		in    BurnDown
		width int
		want  string
	}{
		"nothing known":                 {BurnDown{}, 8, ""},
		"no width":                      {left(2, 50), 0, ""},
		"negative width":                {left(2, 50), -3, ""},
		"one moment":                    {left(0, 50), 8, "▅"},
		"held":                          {left(9, 100), 4, "████"},
		"no servers":                    {BurnDown{Points: []Point{{At: start}}, Until: start.Add(time.Hour)}, 3, "▁▁▁"},
		"down to zero":                  {left(4, 100, 60, 20, 0), 4, "█▆▃▁"},
		"one left is not zero":          {left(4, 100, 60, 1), 4, "█▆▂▂"},
		"a spike is kept":               {left(8, 10, 100, 10, 10, 10, 10, 10, 0), 2, "█▁"},
		"a dip does not hide the rest":  {left(8, 100, 0, 100, 100), 2, "██"},
		"the last count ends it":        {left(4, 100, 100, 100, 100, 0), 2, "█▁"},
		"a gap holds what was known":    {left(8, 100, -1, -1, -1, -1, -1, 0), 8, "██████▁▁"},
		"a piece shows what it held on": {left(4, 100, 0), 2, "█▁"},
		"one character is the last":     {left(4, 100, 0), 1, "▁"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.in.Sparkline(c.width))
		})
	}
}

func TestSparklineHasABoundedWidth(t *testing.T) {
	t.Parallel()
	require.Equal(t, maxSparkline, utf8.RuneCountInString(incident(t).Sparkline(1<<30)))
	require.Equal(t, 24, utf8.RuneCountInString(incident(t).Sparkline(24)))
}
