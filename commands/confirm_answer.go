package commands

import (
	"fmt"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// message is the answer to confirm: what was done, what waits for whom, what is missing.
func (c confirm) message(call chat.Call, sel candidates, all []standing) chat.Message {
	if len(all)+len(sel.others)+sel.more == 0 {
		return chat.Say(chat.P("Nothing to confirm in ", chat.C(sel.what), "."))
	}
	m := chat.Say(chat.P(chat.C(sel.what), ": "+tally(all, len(sel.others)+sel.more)+"."))
	list := chat.L()
	for _, s := range all {
		if len(list.Items) == maxShown {
			list.More++
			continue
		}
		list.Items = append(list.Items, append(s.line(), s.setAside()...))
	}
	for _, r := range sel.others {
		list.Items = append(list.Items, rowLine(r))
	}
	list.More += sel.more
	m.Add(list)
	if len(all) == 1 && all[0].now.Hash != "" {
		m.Add(chat.L(stepLines(all[0].now.Steps, nil)...))
	}
	return c.ending(m, call, all)
}

// ending says who can approve what was asked for.
func (c confirm) ending(m chat.Message, call chat.Call, all []standing) chat.Message {
	var ids []string
	bar := []state.PersonID{call.Request.Actor.Person}
	for _, s := range all {
		switch s.did {
		case asked, waits:
			ids = append(ids, s.id)
			bar = append(bar, s.now.Deciders...)
		case approvable: // refused: this person may not
			bar = append(append(bar, s.by), s.now.Deciders...)
		case approved:
			m.Tone = chat.ToneGood
		}
	}
	if len(bar) > 1 || len(ids) > 0 {
		m.Add(chat.P(whoMay(c.people, state.ProposeConfirm, bar...)))
	}
	if len(ids) > 0 && len(ids) <= maxShown {
		m.Add(chat.Row(press("Approve", call.Incident, "approve", ids...)))
	}
	return m
}

// tally counts what was done.
func tally(all []standing, others int) string {
	n := map[doing]int{notReady: others}
	for _, s := range all {
		n[s.did]++
	}
	var parts []string
	for _, d := range []struct {
		did  doing
		what string
	}{
		{approved, "confirmed"},
		{asked, "asked for a second person"},
		{waits, "waiting for a second person since you asked"},
		{approvable, "refused to you"},
		{askable, "refused"},
		{already, "confirmed before"},
		{notReady, "not ready"},
	} {
		if n[d.did] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[d.did], d.what))
		}
	}
	return strings.Join(parts, " · ")
}

func (s standing) line() chat.Text {
	t := chat.T(mark(s.now.Status)+" ", chat.C(s.server), " ")
	switch s.did {
	case asked:
		return append(t, chat.T("waits for a second person · ", chat.C(s.id), " on facts ", chat.C(shortHash(s.now.Hash)))...)
	case waits:
		return append(t, chat.T("waits for a second person · asked for by ", chat.C(string(s.by)), " · ", chat.C(s.id), " on facts ", chat.C(shortHash(s.now.Hash)))...)
	case approved:
		return append(t, chat.T("confirmed: asked by ", chat.C(string(s.by)), ", approved by ", chat.C(string(s.me)), ", on facts ", chat.C(shortHash(s.now.Hash)))...)
	case already:
		return append(t, chat.T(s.why)...)
	case notReady:
		return append(t, chat.T("not ready · ", chat.C(s.why))...)
	}
	return append(t, chat.T("refused: "+s.why+" · ", chat.C(s.id))...)
}

// setAside is what is said against a server or was left out, where its proof is what matters.
func (s standing) setAside() (t chat.Text) {
	if s.did == notReady {
		return nil
	}
	for _, line := range s.now.SetAside() {
		t = append(t, chat.T(" · ", chat.C(line))...)
	}
	return t
}

func shortHash(h string) string { return h[:min(len(h), 8)] }

// stepLines are the steps of a server, one a line. The evidence tells of
// attestations who seconded them, and their reference; nil: it is not at hand.
func stepLines(steps []state.StepState, evidence []state.Evidence) []chat.Text {
	var out []chat.Text
	for _, st := range steps {
		t := chat.T(stepMark(st.Status)+" ", chat.C(stepName(st)), " "+st.Status.String())
		if st.Status.Done() && st.Value != "" {
			t = append(t, chat.T(" ", chat.C(st.Value))...)
		}
		switch {
		case st.Status == state.StepAttested:
			t = append(t, chat.T(chat.D(" · by "))...)
			t = append(t, vouchedFor(st, evidence)...)
			t = append(t, chat.D(", "+st.Observed.UTC().Format("2 Jan 15:04")))
		case st.Status == state.StepVerified:
			t = append(t, chat.D(fmt.Sprintf(" · %s, %s", st.Source, st.Observed.UTC().Format("2 Jan 15:04"))))
		case st.Status == state.StepClaimed:
			t = append(t, chat.D(fmt.Sprintf(" by %s", st.By)))
		}
		if st.Why != "" {
			t = append(t, chat.T(" · ", chat.C(st.Why))...)
		}
		out = append(out, t)
	}
	return out
}
