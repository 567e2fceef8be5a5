package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Bounds of what a digest looks at for what ends: it must cost the same for any
// number of servers.
const (
	soon         = 72 * time.Hour // how far ahead it looks
	maxRiskFarms = 30             // farms with accepted risks
	maxClaimed   = 50             // the most urgent servers, for claims
)

// ending is what ends by itself soon, and what then is open again.
type ending struct{ risks, claims, requests chat.List }

// endingSoon are the accepted risks, the claims and the requests for a second person
// that end within the time named soon.
func endingSoon(ctx context.Context, r Reader, f facts) (ending, error) {
	var out ending
	risks, rest, err := exceptionsWithin(ctx, r, f.inc, f.now, maxRiskFarms)
	if err != nil {
		return out, err
	}
	if rest > 0 {
		out.risks.Items = append(out.risks.Items, chat.T(fmt.Sprintf("Not looked through: %d more servers with an accepted risk. See: ", rest), chat.C("server list --status excepted")))
	}
	for _, x := range risks {
		if !x.Expires.After(f.now.Add(soon)) {
			out.risks = few(out.risks, chat.T(chat.C(x.Server), " "+ago(x.Expires, f.now)+" · ", chat.C(x.Reason)))
		}
	}
	for _, p := range f.proposals {
		if !p.Expires.After(f.now.Add(soon)) {
			what := chat.T(string(p.Kind))
			if p.Server != "" {
				what = append(what, chat.T(" ", chat.C(p.Server))...)
			}
			out.requests = few(out.requests, append(what, chat.T(" "+ago(p.Expires, f.now)+" · asked by ", chat.C(string(p.By)))...))
		}
	}
	out.claims, err = claimsEnding(ctx, r, f)
	return out, err
}

// claimsEnding are the claims among the most urgent servers, the one that ends first
// at the head.
func claimsEnding(ctx context.Context, r Reader, f facts) (chat.List, error) {
	list := chat.L()
	claimed := f.counts.Flags[state.FlagClaimed]
	if claimed == 0 {
		return list, nil
	}
	rows, _, err := r.List(ctx, f.inc.ID, state.Filter{}, 0, maxClaimed)
	if err != nil {
		return list, err
	}
	rows = slices.DeleteFunc(rows, func(r state.Row) bool { return !r.Claimed || r.Status.Settled() || r.ClaimedAt.IsZero() })
	slices.SortFunc(rows, func(a, b state.Row) int { return cmp.Or(a.ClaimedAt.Compare(b.ClaimedAt), cmp.Compare(a.Name, b.Name)) })
	for _, row := range rows {
		ends := row.ClaimedAt.Add(state.ClaimLife + state.ClaimGrace)
		list = few(list, chat.T(mark(row.Status)+" ", chat.C(row.Name), " "+ago(ends, f.now)+" · claimed by ", chat.C(string(row.ClaimedBy)), " "+when(row.ClaimedAt, f.now)))
	}
	list.More += max(0, claimed-len(rows))
	return list, nil
}

// few adds a line to a list that stays short.
func few(l chat.List, t chat.Text) chat.List {
	if len(l.Items) >= maxWorst {
		l.More++
		return l
	}
	l.Mark, l.Items = chat.L().Mark, append(l.Items, t)
	return l
}

// ends is what ends soon, in words.
func (f outlook) ends() []chat.Part {
	var out []chat.Part
	for _, e := range []struct {
		title string
		list  chat.List
	}{
		{"Accepted risks that end within 72 h", f.ending.risks},
		{"Claims that go back to the pool, unless proved or renewed", f.ending.claims},
		{"Requests that lapse without a second person", f.ending.requests},
	} {
		if len(e.list.Items) > 0 {
			out = append(out, chat.P(chat.B(e.title)), e.list)
		}
	}
	return out
}
