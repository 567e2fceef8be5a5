package commands

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/state"
)

// maxListed is how many indicators a message lists; the file has all.
const maxListed = 20

// asTLP is a marking as parts carry it.
func asTLP(tlp state.TLP) chat.Mark { return chat.Mark{TLP: tlp} }

// advisoryMessage is a version of an advisory with all its parts, each with its marking.
func advisoryMessage(a state.Advisory, t state.AdvisoryText) chat.Message {
	head := asTLP(t.TLP)
	m := chat.Say(
		chat.Heading{Mark: head, Text: chat.T(fmt.Sprintf("%sAdvisory %d · version %d", drillWord(a), a.Number, t.Version))},
		chat.Para{Mark: head, Text: chat.T(chat.B(checks.Clean(t.Title, 2*state.MaxTitle)))},
	)
	m.Topic = chat.Topic{TLP: t.TLP, Title: fmt.Sprintf("Advisory %d: %s", a.Number, checks.Clean(t.Title, state.MaxTitle)), Tags: tags(a, t)}
	if t.Changed != "" && t.Version > 1 {
		m.Add(chat.Para{Mark: head, Text: chat.T(fmt.Sprintf("Version %d is superseded. What changed: ", t.Version-1), chat.C(t.Changed))})
	}
	for _, p := range t.Summary {
		m.Add(proseParts(asTLP(t.Narrow(p)), p.Text)...)
	}
	m.Add(productParts(t)...)
	if len(t.Actions) > 0 {
		list := chat.List{Mark: asTLP(t.Mark(state.PartActions))}
		for i, s := range t.Actions {
			list.Items = append(list.Items, chat.T(fmt.Sprintf("%d. ", i+1), s))
		}
		m.Add(chat.Heading{Mark: list.Mark, Text: chat.T("What to do, in this order")}, list)
	}
	m.Add(indicatorParts(a, t)...)
	m.Add(sourceParts(t)...)
	return m
}

func drillWord(a state.Advisory) string { return drillMark(state.Incident{Drill: a.Drill}) }

// proseParts are the lines of a paragraph.
func proseParts(mark chat.Mark, text string) []chat.Part {
	var out []chat.Part
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, chat.Para{Mark: mark, Text: chat.T(line)})
		}
	}
	return out
}

// tags are what a place of posts finds an advisory by.
func tags(a state.Advisory, t state.AdvisoryText) []string {
	out := []string{string(a.State()), t.TLP.String()}
	if t.Mark(state.PartProducts) < t.TLP {
		return out // which CVEs it is about is told with the products
	}
	return append(out, t.CVEs...)
}

func productParts(t state.AdvisoryText) []chat.Part {
	if len(t.Products) == 0 {
		return nil
	}
	mark := asTLP(t.Mark(state.PartProducts))
	table := chat.Table{Mark: mark, Columns: []string{"Product", "Builds", "Fixed from"}}
	for _, p := range t.Products {
		for _, b := range p.Branches {
			fixed := chat.T(chat.C(b.Fixed))
			if b.Fixed == "" {
				fixed = chat.T("no fix exists")
			}
			if b.KB != "" {
				fixed = append(fixed, chat.Span{Text: " (" + b.KB + ")"})
			}
			table.Rows = append(table.Rows, []chat.Text{chat.T(p.Name), chat.T(chat.C(b.From), " to below ", chat.C(b.Below)), fixed})
		}
	}
	what := "Affected"
	if len(t.CVEs) > 0 {
		what += " by " + fewOf(t.CVEs, 5)
	}
	return []chat.Part{chat.Heading{Mark: mark, Text: chat.T(what)}, table}
}

// indicatorParts are the first indicators, and a file with all.
func indicatorParts(a state.Advisory, t state.AdvisoryText) []chat.Part {
	if len(t.Indicators) == 0 {
		return nil
	}
	mark := asTLP(t.Mark(state.PartIndicators))
	file := indicatorFile(a, t)
	sum := sha256.Sum256(file.Data)
	lines := make([]string, 0, maxListed)
	for _, i := range t.Indicators[:min(len(t.Indicators), maxListed)] {
		lines = append(lines, i.Type+" "+checks.Clean(feeds.Defang(i), 200))
	}
	more := ""
	if n := len(t.Indicators) - len(lines); n > 0 {
		more = fmt.Sprintf(" The first %d:", len(lines))
	}
	return []chat.Part{
		chat.Heading{Mark: mark, Text: chat.T(plural(len(t.Indicators), "indicator"))},
		chat.Para{Mark: mark, Text: chat.T("All are defanged in ", chat.C(file.Name), ", SHA-256 ", chat.C(hex.EncodeToString(sum[:])), ".", more)},
		chat.CodeBlock{Mark: mark, Text: strings.Join(lines, "\n")},
		file,
	}
}

// indicatorFile is a table of all indicators, defanged, which no spreadsheet takes
// for formulas.
func indicatorFile(a state.Advisory, t state.AdvisoryText) chat.Attachment {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"type", "value (defanged)", "role", "grade", "source", "seen"})
	for _, i := range t.Indicators {
		_ = w.Write([]string{i.Type, cell(feeds.Defang(i)), cell(i.Role), cell(i.Grade), cell(i.Source), cell(i.Seen)})
	}
	w.Flush()
	return chat.Attachment{Mark: asTLP(t.Mark(state.PartIndicators)), Name: fmt.Sprintf("advisory-%d-v%d-indicators.csv", a.Number, t.Version), Data: b.Bytes()}
}

func sourceParts(t state.AdvisoryText) []chat.Part {
	var out []chat.Part
	if len(t.Sources) > 0 {
		list := chat.List{Mark: asTLP(t.Mark(state.PartSources))}
		for _, s := range t.Sources {
			if len(list.Items) == maxListed {
				list.More++
				continue
			}
			list.Items = append(list.Items, chat.T(s.Title+" ", chat.C(s.At)))
		}
		out = append(out, chat.Heading{Mark: list.Mark, Text: chat.T("Sources")}, list)
	}
	if t.Credit != "" {
		out = append(out, chat.Para{Mark: asTLP(t.TLP), Text: chat.T("Shared by the community ", chat.C(checks.Clean(t.Credit, 100)), ".")})
	}
	return out
}

// shownMark is the marking of what a place gets: the narrowest of its parts.
func shownMark(m chat.Message) state.TLP {
	out := state.TLPClear
	for _, p := range m.Parts {
		out = min(out, p.Marking())
	}
	return out
}

// labelled puts the marking of what is shown into the heading of a message that was
// reduced to what its place may see.
func labelled(m chat.Message) chat.Message {
	h, ok := m.Parts[0].(chat.Heading)
	if !ok {
		return m
	}
	tlp := shownMark(m)
	h.Text = append(slices.Clone(h.Text), chat.Span{Text: " · " + tlp.String()})
	m.Parts = append([]chat.Part{h}, m.Parts[1:]...)
	return m
}

// draftMessage is the newest version as those who write it see it: drafts are shown
// no further than what is internal, whatever their marking will be.
func draftMessage(a state.Advisory) chat.Message {
	t := a.Newest()
	m := advisoryMessage(a, t)
	note := string(a.State()) + " by " + string(t.By) + " " + t.At.UTC().Format("2 Jan 15:04") + " UTC"
	if a.Draft != nil {
		for i, p := range m.Parts {
			m.Parts[i] = atMost(p, state.TLPAmberStrict)
		}
		m.Topic = chat.Topic{}
		note += ". A draft is shown to nobody outside"
	}
	h := m.Parts[0].(chat.Heading)
	h.Text = append(h.Text, chat.Span{Text: " · " + t.TLP.String()})
	m.Parts[0] = h
	for _, p := range t.Summary {
		if p.Why != "" {
			m.Add(chat.N("Withheld outside of the organisation: a paragraph that ", chat.C(checks.Clean(p.Why, 160)), "."))
		}
	}
	m.Add(chat.Note{Mark: asTLP(min(t.TLP, state.TLPAmberStrict)), Text: chat.T(note + ".")})
	return m
}

// atMost is a part that goes no further than that.
func atMost(p chat.Part, most state.TLP) chat.Part {
	mark := asTLP(min(p.Marking(), most))
	switch p := p.(type) {
	case chat.Heading:
		p.Mark = mark
		return p
	case chat.Para:
		p.Mark = mark
		return p
	case chat.List:
		p.Mark = mark
		return p
	case chat.Table:
		p.Mark = mark
		return p
	case chat.CodeBlock:
		p.Mark = mark
		return p
	case chat.Attachment:
		p.Mark = mark
		return p
	case chat.Note:
		p.Mark = mark
		return p
	case chat.Fields:
		p.Mark = mark
		return p
	}
	return chat.Note{Mark: mark}
}
