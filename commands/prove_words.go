package commands

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// iso is a moment in a document.
func iso(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// text is the proof for people, in Markdown.
func (p *proof) text(f state.FarmState, s proofStated) []byte {
	var b bytes.Buffer
	inc := p.past.Incident
	fmt.Fprintf(&b, "# Proof: %s\n\n%s · incident %s (%s) · farm %s · made %s\n\n", mdText(p.title()), p.head.TLP, mdText(inc.ID), mdText(inc.Title), mdText(f.Farm.Name), iso(p.head.Made))
	fmt.Fprintf(&b, "By revision %d of the playbook %s (SHA-256 of its rules %s), applied to the evidence in %s:\n", s.Revision, mdText(s.Playbook), s.Rules, proofLines)
	for _, a := range s.Servers {
		p.serverText(&b, a)
	}
	p.decisionText(&b, f, s.Servers)
	p.timelineText(&b)
	fmt.Fprintf(&b, "\n## How to check this\n\n`allclear audit verify FILE` checks, without a store or a network: that no byte was changed; that each entry of the record that is shown stands in the chain of all %d, none of them left out or moved; and that the rules make of the evidence what is stated. What is hidden by its hash is about other farms; that it is, the one who made this says. The chain ends here; compare with the record or an export of it:\n\n", s.Entries)
	for _, lane := range slices.Sorted(maps.Keys(s.Heads)) {
		fmt.Fprintf(&b, "- lane %d: %s\n", lane, s.Heads[lane])
	}
	return b.Bytes()
}

func (p *proof) title() string {
	if len(p.head.Servers) == 1 {
		return p.head.Servers[0]
	}
	return "farm " + p.head.Farm
}

func (p *proof) serverText(b *bytes.Buffer, a state.ServerAssessment) {
	fmt.Fprintf(b, "\n## %s is %s\n\n", mdText(a.Name), a.Status)
	fmt.Fprintf(b, "- %d of %d steps proved; the fix: %s%s\n", len(a.Steps)-len(a.Missing()), len(a.Steps), a.Verdict, dashed(mdText(a.Reason)))
	if a.Hash != "" {
		fmt.Fprintf(b, "- hash of the deciding facts: %s\n", a.Hash)
	}
	for _, l := range [][2]any{{"sign of an attacker", a.Signs}, {"contradiction", a.Contradictions}, {"not listed", a.Unlisted}, {"note", a.Notes}} {
		for _, line := range l[1].([]string) {
			fmt.Fprintf(b, "- %s: %s\n", l[0], mdText(line))
		}
	}
	t := newTable(b, "step", "of", "is", "evidence", "source", "seen", "happened", "brought by", "digest of the raw input", "id", "entry")
	for _, st := range slices.Concat(a.Steps, a.Advised) {
		e := p.all[st.Evidence]
		is := st.Status.String()
		if st.Why != "" {
			is += ": " + mdText(st.Why)
		}
		t.row(mdText(st.Step), mdText(st.Subject.String()), is, mdText(evidenceValue(e, st)), sourceOf(e, st), iso(st.Observed), iso(happenedAt(e, st)),
			mdText(whoOf(e, st)), cmp.Or(mdText(e.Digest), "–"), cmp.Or(st.Evidence, "–"), p.entryWords(st.Evidence))
	}
}

func dashed(s string) string {
	if s == "" {
		return ""
	}
	return " – " + s
}

func evidenceValue(e state.Evidence, st state.StepState) string {
	if e.ID == "" {
		return st.Value
	}
	return fmt.Sprintf("%s = %s", e.Kind, e.Value)
}

// happenedAt is when what decided a step came to be: the fact's own date, and not that
// of an earlier fact which did as well.
func happenedAt(e state.Evidence, st state.StepState) time.Time {
	if e.ID != "" && !e.At.IsZero() {
		return e.At
	}
	return st.Since
}

func sourceOf(e state.Evidence, st state.StepState) string {
	if e.ID == "" {
		return "–"
	}
	return st.Source.String() + dashed(mdText(e.Tool))
}

func whoOf(e state.Evidence, st state.StepState) string {
	who := string(cmp.Or(e.By, st.By))
	if e.Second != "" {
		who += " and " + string(e.Second)
	}
	if e.Reference != "" {
		who += ", " + e.Reference
	}
	return who
}

func (p *proof) entryWords(evidence string) string {
	if n := p.entryOf[evidence]; n > 0 {
		return fmt.Sprint(n)
	}
	return "–"
}

// decisionText is what persons decided, two at a time, and which of it is over.
func (p *proof) decisionText(b *bytes.Buffer, f state.FarmState, servers []state.ServerAssessment) {
	fmt.Fprint(b, "\n## Decisions of persons\n\n")
	n := b.Len()
	for _, c := range f.Farm.Confirmations {
		fmt.Fprintf(b, "- %s was confirmed %s by %s and %s on the facts %s%s\n", mdText(c.Server), iso(c.At), mdText(string(c.By)), mdText(string(c.Second)), c.Hash, notInForce(c, servers))
	}
	for _, e := range f.Evidence {
		if e.Source == state.SourceAttestation {
			fmt.Fprintf(b, "- %s = %s of %s was attested %s by %s\n", mdText(string(e.Kind)), mdText(e.Value), mdText(e.Subject.String()), iso(e.Recorded), mdText(whoOf(e, state.StepState{})))
		}
	}
	for _, x := range f.Farm.Exceptions {
		fmt.Fprintf(b, "- the risk of %s (%s) was accepted %s until %s%s by %s and %s: %s\n", mdText(x.Server), mdText(cmp.Or(fewOf(x.Steps, 20), "all that is missing")), iso(x.At), iso(x.Expires), over(x, p.head.Made), mdText(string(x.By)), mdText(string(x.Second)), mdText(x.Reason))
	}
	for _, s := range f.Farm.Servers {
		if r := s.Retired; r != nil {
			fmt.Fprintf(b, "- %s was retired %s by %s and %s: %s\n", mdText(s.Name), iso(r.At), mdText(string(r.By)), mdText(string(r.Second)), mdText(r.Reason))
		}
	}
	for _, c := range f.Farm.Claims {
		fmt.Fprintf(b, "- %s claimed %s that %s is done (%s), which proves nothing\n", mdText(string(c.By)), iso(c.At), mdText(c.Server), mdText(cmp.Or(c.Step, "all of it")))
	}
	if b.Len() == n {
		fmt.Fprint(b, "None is in force.\n")
	}
}

// notInForce says of a confirmation that it is not in force, when it is not.
func notInForce(c state.Confirmation, servers []state.ServerAssessment) string {
	i := slices.IndexFunc(servers, func(a state.ServerAssessment) bool { return a.Name == c.Server })
	switch {
	case i < 0 || servers[i].Status.Settled() && servers[i].Hash == c.Hash:
		return ""
	case servers[i].Hash != c.Hash:
		return "; not in force: the facts are others now"
	}
	return "; not in force: the server is " + servers[i].Status.String()
}

// over says of an exception that it has ended.
func over(x state.Exception, now time.Time) string {
	if now.Before(x.Expires) {
		return ""
	}
	return " (over)"
}

// timelineText is how the servers changed.
func (p *proof) timelineText(b *bytes.Buffer) {
	fmt.Fprint(b, "\n## How it went\n")
	t := newTable(b, "when", "server", "was", "became", "why", "by", "entry")
	for _, c := range p.timeline {
		was := c.From.String()
		if c.New {
			was = "new"
		}
		t.row(iso(c.at), mdText(c.Server), was, c.To.String(), mdText(c.Why), mdText(string(c.by)), fmt.Sprint(c.seq))
	}
}

// message is the proof in short.
func (p *proof) message(raw []byte) chat.Message {
	f, servers, err := p.assess()
	if err != nil {
		return chat.Say(chat.P("The proof has no server any more."))
	}
	inc := p.past.Incident
	m := chat.Say(chat.H(drillMark(inc), "Proof of ", chat.C(p.title()), fmt.Sprintf(" · revision %d of ", inc.Rules.Revision), chat.C(inc.Rules.Playbook)))
	steps := 0
	for _, a := range servers {
		m.Add(chat.P(mark(a.Status)+" ", chat.C(a.Name), " "+a.Status.String()+fmt.Sprintf(": %d of %d steps proved", len(a.Steps)-len(a.Missing()), len(a.Steps))))
		list := chat.L()
		for _, st := range a.Steps {
			if steps++; steps > maxCardSteps {
				list.More++
				continue
			}
			list.Items = append(list.Items, p.stepLine(st))
		}
		m.Add(list)
		for _, line := range slices.Concat(a.Signs, a.Contradictions) {
			m.Add(chat.P(chat.B("Against it: "), clip(line)))
		}
		m.Add(waitingFor(f.Farm, a.Name, p.head.Made)...)
	}
	m.Add(chat.Attachment{Mark: chat.Mark{TLP: p.head.TLP}, Name: proofName(p), Data: raw})
	m.Add(chat.N(fmt.Sprintf("From %d entries of the record; check the file anywhere with ", p.shown), chat.C("allclear audit verify "+proofName(p)), "."))
	m.About = chat.About{Incident: inc.ID}
	return m
}

// stepLine is a step with the evidence that decided it: source, time, who and digest.
func (p *proof) stepLine(st state.StepState) chat.Text {
	t := chat.T(stepMark(st.Status)+" ", chat.C(stepName(st)), " "+st.Status.String())
	e := p.all[st.Evidence]
	if e.ID != "" {
		t = append(t, chat.T(": ", clip(evidenceValue(e, st)), chat.D(fmt.Sprintf(" · %s, seen %s", st.Source, iso(st.Observed))))...)
		if at := happenedAt(e, st); !at.IsZero() && !at.Equal(st.Observed) {
			t = append(t, chat.D(", of "+iso(at)))
		}
		if who := whoOf(e, st); who != "" {
			t = append(t, chat.T(chat.D(" · by "), chat.C(who))...)
		}
		if e.Digest != "" {
			t = append(t, chat.D(" · input "+e.Digest[:min(len(e.Digest), 12)]))
		}
		t = append(t, chat.D(fmt.Sprintf(" · %s, entry %d", e.ID, p.entryOf[e.ID])))
	}
	if st.Why != "" {
		t = append(t, chat.T(" — ", clip(st.Why))...)
	}
	return t
}

// proofName is the name of the file: of what, of which incident, and when.
func proofName(p *proof) string {
	return fmt.Sprintf("proof-%s-%s-%s.zip", fileName(p.head.Incident), fileName(p.title()), p.head.Made.Format("20060102T150405Z"))
}

// fileName keeps of a name what every file system takes.
func fileName(s string) string {
	out := []rune(s)
	for i, r := range out {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.') {
			out[i] = '-'
		}
	}
	return string(out[:min(len(out), 60)])
}
