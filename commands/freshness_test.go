package commands

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

func TestWhichScansAreFreshAndWhichAreLost(t *testing.T) {
	t.Parallel()
	now := at("2025-07-22 15:00")
	ago := func(h time.Duration) time.Time { return now.Add(-h * time.Hour) }
	silent := state.Scan{Selection: "group emea", Started: ago(3)}
	runs := state.Scan{Selection: "group emea", Started: ago(2), Note: aliveNote(now)}
	done := state.Scan{Selection: "all", Started: ago(5), Ended: ago(4), Complete: true}
	cut := state.Scan{Selection: "all", Started: ago(1), Ended: now}
	for _, c := range []struct {
		scans []state.Scan
		all   time.Time
		lost  int
		stale bool
	}{
		{nil, time.Time{}, 0, true},
		{[]state.Scan{silent}, time.Time{}, 1, true},
		{[]state.Scan{runs, silent}, time.Time{}, 0, true},
		{[]state.Scan{cut, silent, done}, ago(5), 1, false},
		{[]state.Scan{cut}, time.Time{}, 0, true},
		{[]state.Scan{{Selection: "all", Started: ago(25), Ended: ago(24), Complete: true}}, ago(25), 0, true},
	} {
		all, lost := Freshness(c.scans, now)
		require.Equal(t, c.all, all)
		require.Equal(t, c.lost, lost)
		require.Equal(t, c.stale, facts{now: now, scans: c.scans}.stale())
	}
}
