package commands

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// soon is how far ahead a digest names exceptions that end.
const soon = 72 * time.Hour

// maxRiskFarms is in how many farms a digest looks for them: it must cost the same
// for any number of servers.
const maxRiskFarms = 100

// digest is the summary for those who must know and need not act.
type digest struct {
	store boardStore
	draw  func(Burn, io.Writer) (string, error)
	now   func() time.Time
}

func (digest) Spec() chat.Spec {
	return chat.Spec{
		Path: "digest", Summary: "Show the summary for managers: are we on track, what changed in a day, who is needed",
		Examples: []chat.Example{{Line: "digest", Does: "shows a verdict, four numbers against yesterday, the burn-down, blockers and what could not be seen"}},
		Role:     state.RoleViewer,
	}
}

func (c digest) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	now := c.now()
	f, err := readFacts(ctx, c.store, call.Incident, now)
	if err != nil {
		return chat.Message{}, err
	}
	burn, err := BurnDown(ctx, c.store, call.Incident, now)
	if err != nil {
		return chat.Message{}, err
	}
	ending, err := endingSoon(ctx, c.store, f.inc, now)
	if err != nil {
		return chat.Message{}, err
	}
	verdict, tone := f.track()
	m := chat.Say(f.heading(), chat.P(verdict)).With(tone)
	if f.clear() {
		m.Add(unseen(f.counts)...)
	}
	m.Add(chat.F(f.numbers()...))
	m.Add(picture(burn, c.draw)...)
	if len(f.worst) > 0 {
		list := chat.L()
		for _, r := range f.worst[:min(3, len(f.worst))] {
			list.Items = append(list.Items, blockerLine(r, now))
		}
		list.More = max(0, f.counts.Open()-len(list.Items))
		m.Add(chat.P(chat.B("In the way")), list)
	}
	if len(ending.Items) > 0 {
		m.Add(chat.P(chat.B("Accepted risks that end within 72 h")), ending)
	}
	if w := f.waiting(); len(w) > 0 {
		m.Add(chat.P(w))
	}
	m.Add(chat.N(f.freshness()), chat.N("As of ", now.UTC().Format("2 Jan 15:04"), " UTC."))
	return m, nil
}

// track is the verdict in a sentence. It follows from the facts alone, the worst
// one first; it promises no date.
func (f facts) track() (chat.Text, chat.Tone) {
	sentence, tone := f.verdict()
	open := f.counts.Open()
	if open == 0 {
		return sentence, tone
	}
	word, why, tone := "On track", "", chat.ToneNeutral
	n := func(s state.Status) int { return f.counts.Status[s] }
	past, known := f.dayAgo()
	known = known && !past.At.After(f.now.Add(-24*time.Hour))
	signs, exposed := n(state.StatusCompromised)+n(state.StatusSuspected), n(state.StatusExposed)
	moved := n(state.StatusConfirmed) - past.Counts.Status[state.StatusConfirmed]
	switch {
	case signs > 0:
		word, why, tone = "Off track", plural(signs, "server")+" with signs of an attacker", chat.ToneBad
	case exposed > 0 && !f.inc.Rules.Due.IsZero() && f.now.After(f.inc.Rules.Due.Add(24*time.Hour)):
		word, why, tone = "Off track", fmt.Sprintf("%s exposed, and it was due on %s", are(exposed, "server"), f.inc.Rules.Due.UTC().Format("2 Jan 2006")), chat.ToneBad
	case known && open > past.Counts.Open():
		word, why, tone = "Off track", fmt.Sprintf("%d more servers open than a day ago", open-past.Counts.Open()), chat.ToneBad
	case exposed > 0:
		word, why, tone = "At risk", are(exposed, "server")+" exposed", chat.ToneWarn
	case n(state.StatusUnknown) > 0:
		word, why, tone = "At risk", "nothing is known of "+plural(n(state.StatusUnknown), "server"), chat.ToneWarn
	case known && moved <= 0:
		word, why, tone = "At risk", "no server was confirmed in a day", chat.ToneWarn
	case f.stale():
		word, why, tone = "At risk", "no complete scan of all servers in a day", chat.ToneWarn
	default:
		why = "no server is exposed, suspected or unknown"
	}
	return append(chat.T(chat.B(word+": "), why+". "), sentence...), tone
}

// stale reports whether no complete scan of all servers began within a day.
func (f facts) stale() bool {
	for _, s := range f.scans {
		if s.Complete && !s.Ended.IsZero() && s.Selection == "all" && f.now.Sub(s.Started) < 24*time.Hour {
			return false
		}
	}
	return true
}

// numbers are the four that matter, each with its change in about a day.
func (f facts) numbers() []chat.Field {
	past, known := f.dayAgo()
	worse := func(c state.Counts) int {
		return c.Status[state.StatusCompromised] + c.Status[state.StatusSuspected] + c.Status[state.StatusExposed]
	}
	var out []chat.Field
	for _, n := range []struct {
		name string
		of   func(state.Counts) int
	}{
		{"Open", state.Counts.Open},
		{"Exposed or worse", worse},
		{"Unknown", func(c state.Counts) int { return c.Status[state.StatusUnknown] }},
		{"Confirmed", func(c state.Counts) int { return c.Status[state.StatusConfirmed] }},
	} {
		value := fmt.Sprint(n.of(f.counts))
		if known {
			value = change(n.of(f.counts), n.of(past.Counts)) + " since " + when(past.At, f.now)
		}
		out = append(out, chat.Field{Name: n.name, Value: chat.T(value)})
	}
	return out
}

// blockerLine is what stands in the way, and who is needed.
func blockerLine(r state.Row, now time.Time) chat.Text {
	who := "no owner"
	if r.Owner != "" {
		who = r.Owner
	}
	t := chat.T(mark(r.Status)+" ", chat.C(r.Name), fmt.Sprintf(" %s since %s · ", r.Status, when(r.Since, now)), chat.C(who))
	if r.Next != "" {
		t = append(t, chat.T(" · ", nextAction(r.Next))...)
	}
	return t
}

// endingSoon lists accepted risks that end within the time named soon.
func endingSoon(ctx context.Context, r Reader, inc state.Incident, now time.Time) (chat.List, error) {
	list := chat.L()
	risks, rest, err := exceptionsWithin(ctx, r, inc, now, maxRiskFarms)
	if rest > 0 {
		list.Items = append(list.Items, chat.T(fmt.Sprintf("Not looked through: %d more servers with an accepted risk. See: ", rest), chat.C("server list --status excepted")))
	}
	for _, x := range risks {
		switch {
		case x.Expires.After(now.Add(soon)):
		case len(list.Items) >= maxWorst:
			list.More++
		default:
			list.Items = append(list.Items, chat.T(chat.C(x.Server), " "+ago(x.Expires, now)+" · ", chat.C(x.Reason)))
		}
	}
	return list, err
}
