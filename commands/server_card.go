package commands

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// maxCardSteps is how many steps a card shows; a farm may have many items.
const maxCardSteps = 40

// message is the card as a document.
func (c serverCard) message(people state.People) chat.Message {
	a := c.a
	m := chat.Say(chat.H(drillMark(c.inc)+mark(a.Status)+" ", chat.C(c.server.Name), " "+a.Status.String()))
	if c.server.Retired != nil {
		r := c.server.Retired
		m.Add(chat.P("Retired "+when(r.At, c.now)+" by ", chat.C(string(r.By)), " and ", chat.C(string(r.Second)), ": ", chat.C(r.Reason)))
		return m
	}
	m.Add(chat.F(c.fields()...))
	for _, s := range a.Signs {
		m.Add(chat.P(chat.B("Sign of an attacker: "), clip(s)))
	}
	for _, s := range a.Contradictions {
		m.Add(chat.P(chat.B("Contradiction: "), clip(s)))
	}
	m.Add(chat.P(chat.B(fmt.Sprintf("%d of %d steps proved", len(a.Steps)-len(a.Missing()), len(a.Steps)))), c.steps(a.Steps))
	if len(a.Advised) > 0 {
		m.Add(chat.P("Advised, never asked for:"), c.steps(a.Advised))
	}
	if a.Next != "" {
		m.Add(chat.P(chat.B("Next: "), clip(a.Next)))
	}
	for _, n := range append(slices.Clone(a.Unlisted), a.Notes...) {
		m.Add(chat.N(clip(n)))
	}
	m.Add(waitingFor(c.farm, c.server.Name, c.now)...)
	m.Add(c.approvers(people)...)
	if row := c.buttons(); len(row) > 0 {
		m.Add(chat.Row(row...))
	}
	return m.With(toneOf(a.Status))
}

func (c serverCard) fields() []chat.Field {
	s, a := c.server, c.a
	verdict := chat.T(a.Verdict.String())
	switch {
	case a.Verdict == state.VerdictFixed && len(a.Stale) > 0:
		verdict = chat.T("inside evidence says it is fixed; outside does not")
	case a.Verdict == state.VerdictFixed:
		verdict = chat.T("says it is fixed, and inside evidence agrees")
	}
	if a.Basis != "" {
		verdict = append(verdict, chat.T(" · ", clip(a.Basis))...)
	}
	if a.Reason != "" {
		verdict = append(verdict, chat.T(" · ", chat.C(a.Reason))...)
	}
	farm := chat.T(chat.C(s.Farm))
	if n := len(c.farm.Servers); n > 1 {
		farm = append(farm, chat.T(" ("+plural(n, "server")+" that share keys)")...)
	}
	out := []chat.Field{
		{Name: "Since", Value: chat.T(when(c.row.Since, c.now))},
		{Name: "Verdict", Value: verdict},
		{Name: "Exposure", Value: chat.T(exposureWords(s.Exposure))},
		{Name: "Owner", Value: chat.T(chat.C(cmp.Or(strings.Trim(s.Owner+" · "+s.Group, " ·"), "nobody")))},
		{Name: "Farm", Value: farm},
		{Name: "Looked at", Value: c.looked()},
	}
	if a.Product != "" {
		out = append(out, chat.Field{Name: "Product", Value: chat.T(chat.C(a.Product))})
	}
	if s.URL != "" {
		where := chat.T(chat.C(s.URL))
		if s.Via != "" {
			where = append(where, chat.T(" through ", chat.C(s.Via), ": what answers there is about the farm")...)
		}
		out = append(out, chat.Field{Name: "URL", Value: where})
	}
	if len(s.Tags) > 0 {
		var tags []string
		for _, k := range slices.Sorted(maps.Keys(s.Tags)) {
			tags = append(tags, k+"="+s.Tags[k])
		}
		out = append(out, chat.Field{Name: "Tags", Value: chat.T(chat.C(fewOf(tags, 8)))})
	}
	if a.Hash != "" {
		out = append(out, chat.Field{Name: "Facts", Value: chat.T(chat.C(shortHash(a.Hash)))})
	}
	return out
}

func exposureWords(e state.Exposure) string {
	if e == state.ExposureUnknown {
		return "not told; treated as reachable from the internet"
	}
	return e.String()
}

func (c serverCard) looked() chat.Text {
	switch look, reached := c.a.LastLook, c.a.LastReached; {
	case c.server.URL == "":
		return chat.T("it has no URL: nothing can be asked from outside")
	case c.a.Seen == state.SeenThrough, look.IsZero() && c.server.Via != "":
		return chat.T("never as itself: a balancer or shared address answers for it")
	case look.IsZero():
		return chat.T("never")
	case reached.IsZero():
		return chat.T(ago(look, c.now) + ", and never reached")
	case reached.Before(look):
		return chat.T(fmt.Sprintf("%s without an answer; the last one came %s", ago(look, c.now), ago(reached, c.now)))
	default:
		return chat.T(ago(look, c.now) + ", it answered")
	}
}

// steps lists steps with what decided each.
func (c serverCard) steps(steps []state.StepState) chat.List {
	list := chat.L()
	for _, st := range steps {
		if len(list.Items) == maxCardSteps {
			break
		}
		list.Items = append(list.Items, c.step(st))
	}
	list.More = len(steps) - len(list.Items)
	return list
}

func (c serverCard) step(st state.StepState) chat.Text {
	t := chat.T(stepMark(st.Status)+" ", chat.C(st.Step), " "+st.Title)
	if st.Subject.Item != "" {
		t = append(t, chat.T(" of ", clip(st.Subject.Item))...)
	}
	t = append(t, chat.T(": "+st.Status.String())...)
	if st.Status == state.StepClaimed {
		t = append(t, chat.T(" by ", chat.C(string(st.By)), ", which proves nothing")...)
	}
	if st.Evidence != "" && (st.Status != state.StepOpen || st.Why == "") {
		t = append(t, chat.T(" ", clip(st.Value), chat.D(fmt.Sprintf(" (%s, seen %s%s)", st.Source, when(st.Observed, c.now), c.happened(st))))...)
	}
	if st.Status == state.StepAttested {
		t = append(append(t, chat.T(" on the word of ")...), vouchedFor(st, c.evidence)...)
	}
	if st.Why != "" {
		t = append(t, chat.T(" — ", clip(st.Why))...)
	}
	if st.Status.Done() && !st.Until.IsZero() {
		t = append(t, chat.D(", good until "+when(st.Until, c.now)))
	}
	return t
}

func (c serverCard) happened(st state.StepState) string {
	if st.Since.IsZero() || st.Since.Equal(st.Observed) {
		return ""
	}
	return ", since " + when(st.Since, c.now)
}

// approvers says who may not be the second person, and who may.
func (c serverCard) approvers(people state.People) []chat.Part {
	if c.a.Hash == "" || c.a.Status == state.StatusConfirmed {
		return nil
	}
	t := chat.T()
	for i, p := range c.a.Deciders {
		if i > 0 {
			t = append(t, chat.T(", ")...)
		}
		t = append(t, chat.C(string(p)))
	}
	if len(t) > 0 {
		t = append(t, chat.T(" claimed or attested what it rests on, and may not approve. ")...)
	}
	return []chat.Part{chat.N(t, whoMay(people, state.ProposeConfirm, c.a.Deciders...))}
}

// buttons are what can be done next, by status.
func (c serverCard) buttons() []chat.Button {
	name, inc := c.server.Name, c.inc.ID
	if !c.inc.Closed.IsZero() {
		return nil
	}
	var out []chat.Button
	switch {
	case c.a.Status == state.StatusReady:
		out = append(out, press("Confirm", inc, "confirm", "--facts", shortHash(c.a.Hash), name))
	case !c.a.Status.Settled() && !c.a.Claimed:
		out = append(out, press("I work on it", inc, "claim", name))
	}
	if c.server.URL != "" && !c.a.Status.Settled() {
		label := "I patched, verify now"
		if c.a.Status == state.StatusCompromised || c.a.Status == state.StatusSuspected {
			label = "Look again" // a patch would not be the first thing here
		}
		out = append(out, press(label, inc, "verify", name))
	}
	if !c.a.Status.Settled() {
		out = append(out, handOver(inc, name), cannot(inc, name))
	}
	for _, p := range c.farm.Proposals {
		if p.Server == name && c.now.Before(p.Expires) && len(out) < 5 {
			out = append(out, press("Approve "+p.ID, inc, "approve", p.ID))
		}
	}
	return out
}
