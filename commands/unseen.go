package commands

import (
	"fmt"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// blind is how many servers the looks from outside did not show: those of all time,
// or those of one scan. Cards, digests and scans count them alike, each server once: a
// server without a URL was not looked at, one that did not answer was, and one that a
// balancer answers for was seen through it. Scans do not tell the last apart, nor
// those that are disconnected.
type blind struct{ total, through, notLooked, silent, contained int }

// words are the counts, without what is not there.
func (b blind) words() []string {
	var out []string
	for _, c := range []struct {
		n    int
		what string
	}{{b.through, "seen only through a balancer"}, {b.notLooked, "not looked at"}, {b.silent, "gave no answer"}, {b.contained, state.FlagContained}} {
		if c.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return out
}

// blindScan is what a scan has not shown so far.
func blindScan(s state.Scan) blind {
	return blind{total: s.Total, notLooked: max(0, s.Total-s.Reached-s.NotReached), silent: s.NotReached}
}

// scanCounted is how far a scan came.
func scanCounted(s state.Scan) string {
	b := blindScan(s)
	return fmt.Sprintf("%d of %d looked at, %d answered", b.total-b.notLooked, b.total, s.Reached)
}

// blindIn is what no look at all showed.
func blindIn(c state.Counts) blind {
	return blind{c.Total(), c.Flags[state.FlagThrough], c.Flags[state.FlagNeverLooked], c.Flags[state.FlagNotReached], c.Flags[state.FlagContained]}
}

// unseenLine is what looks from outside did not show, "" when there is nothing.
func unseenLine(c state.Counts) string {
	parts := blindIn(c).words()
	if n := c.Flags[state.FlagContradicted]; n > 0 { // whatever their class
		parts = append(parts, fmt.Sprintf("contradicted: %d", n))
	}
	return strings.Join(parts, " · ")
}

// unseen says what looks from outside did not show, nothing when they showed all.
// It does not stand in the way of clear: what proves a remediation comes from
// inside. But whoever reads "clear" reads this next.
func unseen(c state.Counts) []chat.Part {
	if line := unseenLine(c); line != "" {
		return []chat.Part{chat.P(chat.B("Not seen from outside: "), line, ". What proves these comes from inside alone.")}
	}
	return nil
}
