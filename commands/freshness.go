package commands

import (
	"time"

	"github.com/allclear-bot/allclear/state"
)

// lostAfter is after how long without a word a scan is lost: until then another
// replica may go on with it.
const lostAfter = 10 * time.Minute

// Freshness is when the newest complete scan of all servers began (zero: none is
// known), and how many scans were given up without a word, with none of the same
// selection after them. scans are the newest, the newest first.
func Freshness(scans []state.Scan, now time.Time) (all time.Time, lost int) {
	seen := map[string]bool{}
	for _, s := range scans {
		if s.Complete && !s.Ended.IsZero() && s.Selection == "all" && s.Started.After(all) {
			all = s.Started
		}
		if s.Ended.IsZero() && now.Sub(heardOf(s)) > lostAfter && !seen[s.Selection] {
			lost++
		}
		seen[s.Selection] = true
	}
	return all, lost
}

// stale reports whether no complete scan of all servers began within a day.
func (f facts) stale() bool {
	all, _ := Freshness(f.scans, f.now)
	return f.now.Sub(all) >= 24*time.Hour
}
