package commands

import (
	"fmt"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// blind is how many servers the looks from outside did not show: those of all time,
// or those of one scan. Cards, digests and scans count them alike: a server without
// a URL was not looked at, and one that did not answer was.
type blind struct{ notLooked, silent int }

// words are the counts, without what is not there.
func (b blind) words() []string {
	var out []string
	if b.notLooked > 0 {
		out = append(out, fmt.Sprintf("%d not looked at", b.notLooked))
	}
	if b.silent > 0 {
		out = append(out, fmt.Sprintf("%d gave no answer", b.silent))
	}
	return out
}

// blindIn is what no look at all showed.
func blindIn(c state.Counts) blind {
	return blind{c.Flags[state.FlagNeverLooked], c.Flags[state.FlagNotReached]}
}

// unseenLine is what looks from outside did not show, "" when there is nothing.
func unseenLine(c state.Counts) string {
	parts := blindIn(c).words()
	for _, f := range []string{state.FlagContradicted, state.FlagContained} {
		if n := c.Flags[f]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, f))
		}
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
