package commands

import (
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// maxShown is how many servers one answer tells about; the rest is counted.
const maxShown = 10

// difference is what a document changed in what is known of a farm.
type difference struct {
	*report
	rules         state.Rules
	before, after state.Assessment
	already       bool
}

func (d difference) message(incident string) chat.Message {
	head := chat.T(plural(len(d.found), "observation"), " of farm ", chat.C(d.farm), " recorded")
	if d.already {
		head = chat.T("Recorded before: ", plural(len(d.found), "observation"), " of farm ", chat.C(d.farm))
	}
	if d.tool != "" {
		head = append(head, chat.T(", seen by ", chat.C(d.tool))...)
	}
	m := chat.Say(chat.P(append(head, chat.Span{Text: "."})))
	list := chat.L()
	for _, s := range d.told() {
		if len(list.Items) == maxShown {
			list.More++
			continue
		}
		list.Items = append(list.Items, d.server(s))
	}
	if shared := d.shared(); len(shared) > 0 && len(d.after.Servers) > 0 {
		list.Items = append(list.Items, shared)
	}
	m.Add(list)
	if gone := d.forgotten(); len(gone) > 0 {
		m.Add(chat.N(d.noLonger(gone)))
		m.Tone = chat.ToneWarn
	}
	if n := d.farmBuild(); n != nil {
		m.Add(chat.Note{Mark: chat.N().Mark, Text: n})
	}
	return d.ending(m, incident)
}

// farmBuild is what a build of the farm that lags behind may mean; nil: it does not.
func (d difference) farmBuild() chat.Text {
	for _, f := range d.found {
		v, err := state.ParseVersion(f.Value)
		if f.Kind == kindFarmBuild && err == nil && d.rules.Judge(v).Verdict == state.VerdictVulnerable {
			return chat.T("The farm says of itself that it is at ", chat.C(f.Value), ", below the fix line. That number often lags; it decides nothing. Has PSConfig run on every server?")
		}
	}
	return nil
}

// ending is what comes next: settle what contradicts, or confirm what is ready.
func (d difference) ending(m chat.Message, incident string) chat.Message {
	bad, ready := false, 0
	for _, s := range d.after.Servers {
		bad = bad || s.Status == state.StatusCompromised || s.Status == state.StatusSuspected || len(s.Contradictions) > 0
		if s.Status == state.StatusReady {
			ready++
		}
	}
	switch {
	case bad:
		m.Tone = chat.ToneBad
	case ready > 0:
		m.Add(chat.P(plural(ready, "server"), " of the farm ready: two persons can confirm."),
			chat.Row(press("Ask for confirmation", incident, "confirm", "--farm", d.farm)))
	}
	return m
}

// told are the servers that the document names or that changed with it.
func (d difference) told() []state.ServerAssessment {
	var out []state.ServerAssessment
	for _, s := range d.after.Servers {
		old, _ := d.before.Server(s.Name)
		named := slices.ContainsFunc(d.found, func(f found) bool { return f.Subject.Server == s.Name })
		if named || old.Status != s.Status {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(x, y state.ServerAssessment) int { return x.Status.Rank() - y.Status.Rank() })
	return out
}

func (d difference) server(s state.ServerAssessment) chat.Text {
	t := chat.T(mark(s.Status)+" ", chat.C(s.Name), " "+s.Status.String())
	old, _ := d.before.Server(s.Name)
	if old.Status != s.Status {
		t = append(t, chat.D(fmt.Sprintf(" (was %s)", old.Status)))
	}
	own := func(st state.StepState) bool { return st.Subject.Server == s.Name }
	t = append(t, d.steps(old, s, own)...)
	for _, c := range s.Contradictions {
		t = append(t, chat.T(" · contradicts: ", chat.C(c))...)
	}
	for _, c := range s.Signs {
		t = append(t, chat.T(" · sign of an attacker: ", chat.C(c))...)
	}
	return t
}

// shared is the line about the steps of the farm and its items.
func (d difference) shared() chat.Text {
	i := slices.IndexFunc(d.after.Servers, func(s state.ServerAssessment) bool { return s.Status != state.StatusRetired })
	if i < 0 {
		return nil
	}
	s := d.after.Servers[i]
	old, _ := d.before.Server(s.Name)
	t := d.steps(old, s, func(st state.StepState) bool { return st.Subject.Server == "" })
	if len(t) == 0 {
		return nil
	}
	return append(chat.T("Whole farm ", chat.C(d.farm)), t...)
}

// steps says which of the chosen steps are proved now, which are not any more and
// which are missing still.
func (d difference) steps(old, s state.ServerAssessment, chosen func(state.StepState) bool) chat.Text {
	var proved, lost, missing, why []string
	for _, st := range s.Steps {
		if !chosen(st) {
			continue
		}
		name := stepName(st)
		switch was := doneIn(old, st); {
		case st.Status.Done() && !was:
			proved = append(proved, name)
		case !st.Status.Done() && was:
			lost = append(lost, name)
		case !st.Status.Done():
			missing = append(missing, name)
		}
		if !st.Status.Done() && st.Why != "" && len(why) == 0 {
			why = append(why, st.Why)
		}
	}
	var t chat.Text
	for _, part := range []struct {
		what  string
		names []string
	}{{" · proved now: ", proved}, {" · not proved any more: ", lost}, {" · missing: ", missing}} {
		if len(part.names) > 0 {
			t = append(t, chat.T(part.what, chat.C(fewOf(part.names, 4)))...)
		}
	}
	if len(why) > 0 {
		t = append(t, chat.T(" (", chat.C(why[0]), ")")...)
	}
	return t
}

func doneIn(a state.ServerAssessment, st state.StepState) bool {
	return slices.ContainsFunc(a.Steps, func(o state.StepState) bool {
		return o.Step == st.Step && o.Subject == st.Subject && o.Status.Done()
	})
}

// stepName is a step as an answer names it, with its item where it has one.
func stepName(st state.StepState) string {
	if st.Subject.Item != "" {
		return st.Step + " of " + st.Subject.Item
	}
	return st.Step
}

// fewOf names the first n and counts the rest.
func fewOf(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

// noLonger tells of items that are not listed any more.
func (d difference) noLonger(gone []string) chat.Text {
	return chat.T("No longer listed as ", itemWord(d.rules), ": ", chat.C(strings.Join(gone, ", ")), ". If one still exists, it needs its own proof.")
}

// forgotten are items that were listed before and are not now.
func (d difference) forgotten() []string {
	var out []string
	for _, i := range d.before.Items {
		if !slices.Contains(d.after.Items, i) {
			out = append(out, i)
		}
	}
	return out
}
