package commands

import (
	"context"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// soon is how far ahead a digest looks for what ends.
const soon = 72 * time.Hour

// ending is what ends by itself soon, and what then is open again.
type ending struct{ risks, claims, requests chat.List }

// endingSoon are the accepted risks, the claims and the requests for a second person
// that end within the time named soon.
func endingSoon(ctx context.Context, r Reader, f facts) (ending, error) {
	var out ending
	risks, n, err := r.Ending(ctx, f.inc.ID, state.EndingRisk, f.now, f.now.Add(soon), maxWorst)
	if err != nil {
		return out, err
	}
	for _, x := range risks {
		out.risks = few(out.risks, chat.T(chat.C(x.Name), " "+ago(x.Risk.Until, f.now)+" · ", chat.C(x.Risk.Reason)))
	}
	out.risks.More += n - len(risks)
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

// claimsEnding are the claims, the one that ends first at the head.
func claimsEnding(ctx context.Context, r Reader, f facts) (chat.List, error) {
	list := chat.L()
	rows, n, err := r.Ending(ctx, f.inc.ID, state.EndingClaim, time.Time{}, time.Time{}, maxWorst)
	if err != nil {
		return list, err
	}
	for _, row := range rows {
		ends := row.Ends(state.EndingClaim)
		list = few(list, chat.T(mark(row.Status)+" ", chat.C(row.Name), " "+ago(ends, f.now)+" · claimed by ", chat.C(string(row.ClaimedBy)), " "+when(row.ClaimedAt, f.now)))
	}
	list.More += n - len(rows)
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
