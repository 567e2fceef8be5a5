package commands

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// namedAtMost is how many servers a message names of one kind of news.
const namedAtMost = 6

// sortTransitions puts the worst first.
func sortTransitions(ts []state.Transition) []state.Transition {
	slices.SortFunc(ts, func(a, b state.Transition) int {
		return cmp.Or(cmp.Compare(a.To.Rank(), b.To.Rank()), cmp.Compare(b.From.Rank(), a.From.Rank()), cmp.Compare(a.Server, b.Server))
	})
	return ts
}

// news is status changes by what they mean to those who read them.
type news struct {
	attacked  []state.Transition // first sign of an attacker
	reopened  []state.Transition // was settled
	regressed []state.Transition // was in progress or better, is exposed
	exposed   []state.Transition
	other     []state.Transition
}

func newsOf(ts []state.Transition) news {
	var n news
	for _, t := range ts {
		switch {
		case t.To == state.StatusCompromised, t.To == state.StatusSuspected && t.From != state.StatusCompromised:
			n.attacked = append(n.attacked, t)
		case t.From.Settled() && !t.To.Settled() && !t.New:
			n.reopened = append(n.reopened, t)
		case t.To == state.StatusExposed && t.From.Rank() >= state.StatusInProgress.Rank() && !t.New:
			n.regressed = append(n.regressed, t)
		case t.To == state.StatusExposed:
			n.exposed = append(n.exposed, t)
		default:
			n.other = append(n.other, t)
		}
	}
	return n
}

// lines are the news, worst first; what got worse is named with its reason.
func (n news) lines() []chat.Text {
	var out []chat.Text
	add := func(sign, what string, ts []state.Transition) {
		if len(ts) > 0 {
			out = append(out, append(chat.T(sign+" ", chat.B(fmt.Sprintf("%d %s", len(ts), what)), ": "), named(ts)...))
		}
	}
	add("✖", "with a new sign of an attacker", n.attacked)
	add("▼", "re-opened", n.reopened)
	add("▼", "regressed", n.regressed)
	add("▲", "newly exposed", n.exposed)
	return append(out, moves(n.other)...)
}

// named lists servers; when there are few, with what happened to them.
func named(ts []state.Transition) chat.Text {
	var out chat.Text
	for i, t := range ts {
		switch {
		case i == namedAtMost:
			return append(out, chat.T(fmt.Sprintf(" and %d more", len(ts)-namedAtMost))...)
		case i > 0:
			out = append(out, chat.T(", ")...)
		}
		out = append(out, chat.C(t.Server))
		if len(ts) > 3 {
			continue
		}
		out = append(out, chat.D(fmt.Sprintf(" (was %s) ", t.From)))
		if t.Why != "" {
			out = append(out, clip(t.Why))
		}
	}
	return out
}

// moves counts other changes by where they went.
func moves(ts []state.Transition) []chat.Text {
	type move struct{ from, to state.Status }
	servers := map[move][]string{}
	var order []move
	for _, t := range ts {
		m := move{t.From, t.To}
		if servers[m] == nil {
			order = append(order, m)
		}
		servers[m] = append(servers[m], t.Server)
	}
	var out []chat.Text
	for _, m := range order {
		line := chat.T(mark(m.to)+" ", fmt.Sprintf("%s: %s → %s: ", plural(len(servers[m]), "server"), m.from, m.to))
		out = append(out, append(line, nameList(servers[m])...))
	}
	return out
}

// nameList names the first few, and counts the rest.
func nameList(names []string) chat.Text {
	var out chat.Text
	for i, n := range names {
		switch {
		case i == namedAtMost:
			return append(out, chat.T(fmt.Sprintf(" and %d more", len(names)-namedAtMost))...)
		case i > 0:
			out = append(out, chat.T(", ")...)
		}
		out = append(out, chat.C(n))
	}
	return out
}

// clip is a text that others had a hand in, as data of a sensible length.
func clip(s string) chat.Span { return chat.C(checks.Clean(s, 300)) }
