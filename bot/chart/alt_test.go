package chart

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestAltSaysInWordsWhatThePictureShows(t *testing.T) {
	t.Parallel()
	hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	for name, c := range map[string]struct {
		in   BurnDown
		want string
	}{
		"nothing": {BurnDown{}, "Burn-down: no measurements yet, so nothing is known about the servers."},
		"nothing but marks": {
			BurnDown{Title: "X", Marks: []Mark{{start, "ALL CLEAR"}}},
			"X: no measurements yet, so nothing is known about the servers.",
		},
		"no servers": {BurnDown{Title: "X", Points: []Point{{At: start}}}, "X: no servers in scope at 20 Jul 2025 22:30 UTC."},
		"one point": {
			BurnDown{Title: "X", Points: []Point{{At: start, Unknown: 1}}},
			"X: 1 of 1 server not confirmed at 20 Jul 2025 22:30 UTC (1 unknown). This is the only measurement.",
		},
		"progress": {
			BurnDown{
				Title: "Tool\nShell", Zone: berlin(t), Until: hour(3),
				Points: []Point{{At: start, Unknown: 1200}, {At: hour(1), Compromised: 3, InProgress: 7, Ready: 2, Confirmed: 1192}},
			},
			"Tool Shell: 12 of 1,204 servers not confirmed at 21 Jul 2025 03:30 CEST (3 compromised, 7 in progress, 2 ready). " +
				"At the start, 21 Jul 2025 00:30 CEST, it was 1,200 of 1,200.",
		},
		"it rose": {
			BurnDown{Title: "X", Points: []Point{{At: start, Unknown: 1}, {At: hour(1), Exposed: 5}, {At: hour(2), Confirmed: 5}}},
			"X: all 5 servers confirmed at 21 Jul 2025 00:30 UTC. At the start, 20 Jul 2025 22:30 UTC, it was 1 of 1; " +
				"the most was 5 on 20 Jul 2025 23:30 UTC.",
		},
		"an exception is not a confirmation": {
			BurnDown{Title: "X", Points: []Point{{At: start, Excepted: 2, Confirmed: 8}}},
			"X: 2 of 10 servers not confirmed at 20 Jul 2025 22:30 UTC (2 excepted). This is the only measurement.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.in.Alt())
		})
	}
}

func TestAltIsShortWhateverTheInput(t *testing.T) {
	t.Parallel()
	for name, b := range pictures(t) {
		require.LessOrEqual(t, utf8.RuneCountInString(b.Alt()), 600, name)
		require.NotContains(t, strings.ToLower(b.Alt()), "all clear", name)
	}
}
