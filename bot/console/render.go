package console

import (
	"fmt"
	"strings"

	"github.com/rivo/uniseg"

	"github.com/allclear-bot/allclear/bot/chat"
)

// Render sets a message as lines of text. Of the options it looks at Width and
// Colour only. It does not withhold anything: that was done before.
func Render(m chat.Message, o Options) string {
	p := &page{width: o.width(), colour: o.Colour}
	for i, part := range m.Parts {
		if _, ok := part.(chat.Heading); ok && i > 0 {
			p.line("")
		}
		p.part(part, m.Tone, i == 0)
	}
	return p.b.String()
}

func (p *page) part(part chat.Part, tone chat.Tone, first bool) {
	switch part := part.(type) {
	case chat.Heading:
		p.heading(part, tone)
	case chat.Para:
		p.paragraph(part, tone, first)
	case chat.Note:
		p.text("· ", part.Text, sgrDim)
	case chat.List:
		for _, item := range part.Items {
			p.text("- ", item, "")
		}
		p.more(part.More)
	case chat.Fields:
		p.fields(part.Fields)
	case chat.Table:
		p.table(part)
	case chat.Progress:
		p.progress(part)
	case chat.CodeBlock:
		p.code(part.Text)
	case chat.Picture:
		p.text("", chat.T(chat.D("[picture "), part.Name, chat.D("] "), part.Alt), "")
	case chat.Attachment:
		p.text("", chat.T(chat.D("[file "), part.Name, chat.D(", "+chat.FileSize(len(part.Data))+"]")), "")
	case chat.Buttons:
		p.buttons(part.Buttons)
	}
}

func (p *page) heading(h chat.Heading, tone chat.Tone) {
	p.text("", h.Text, join(sgrBold, toneOf(tone)))
}

// paragraph takes the colour of the message when it is its first line, for a
// message without a heading.
func (p *page) paragraph(para chat.Para, tone chat.Tone, first bool) {
	if first {
		p.text("", para.Text, toneOf(tone))
		return
	}
	p.text("", para.Text, "")
}

func toneOf(t chat.Tone) string {
	switch t {
	case chat.ToneGood:
		return sgrGreen
	case chat.ToneWarn:
		return sgrYellow
	case chat.ToneBad:
		return sgrRed
	}
	return ""
}

func join(codes ...string) string { return strings.Trim(strings.Join(codes, ";"), ";") }

func (p *page) more(n int) {
	if n > 0 {
		p.line(p.paint(sgrDim, fmt.Sprintf("  and %d more", n)))
	}
}

// fields aligns the values behind the longest name.
func (p *page) fields(fields []chat.Field) {
	most := 0
	for _, f := range fields {
		most = max(most, uniseg.StringWidth(Clean(f.Name)))
	}
	most = min(most, p.width/3)
	for _, f := range fields {
		name := Clean(f.Name)
		if uniseg.StringWidth(name) > most {
			p.text("", chat.T(f.Name+":"), sgrDim)
			p.text("  ", f.Value, "")
			continue
		}
		pad := strings.Repeat(" ", most-uniseg.StringWidth(name))
		p.field(name+pad+"  ", f.Value)
	}
}

func (p *page) field(lead string, value chat.Text) {
	indent := uniseg.StringWidth(lead)
	lead = p.paint(sgrDim, strings.TrimRight(lead, " ")) + strings.Repeat(" ", indent-uniseg.StringWidth(strings.TrimRight(lead, " ")))
	for _, l := range wrap(glyphs(value), p.width-indent) {
		p.line(lead + p.styled(l, ""))
		lead = strings.Repeat(" ", indent)
	}
}

// mostBar is how many columns a progress bar has at most.
const mostBar = 24

// progress is full only when everything is done.
func (p *page) progress(part chat.Progress) {
	total := max(part.Total, 0)
	done := min(max(part.Done, 0), total)
	bar := min(mostBar, p.width/4)
	full := 0
	if total > 0 {
		full = int(int64(done) * int64(bar) / int64(total))
	}
	lead := strings.Repeat("█", full) + strings.Repeat("░", bar-full) + fmt.Sprintf(" %d/%d  ", part.Done, part.Total)
	p.text(lead, part.Legend, "")
}

// code shows a block as it is, behind a rule that nothing in it can imitate at the
// beginning of a line.
func (p *page) code(text string) {
	text = strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for l := range strings.SplitSeq(text, "\n") {
		gs := glyphs(chat.T(strings.ReplaceAll(l, "\t", "    ")))
		for {
			n := fitting(gs, p.width-2)
			p.line(p.paint(sgrDim, "│ ") + p.styled(gs[:n], ""))
			gs = gs[n:]
			if len(gs) == 0 {
				break
			}
		}
	}
}

func (p *page) buttons(buttons []chat.Button) {
	for _, b := range buttons {
		t := chat.T(chat.B("[ "+b.Label+" ]"), " → ", chat.C(b.Line))
		if b.Confirm != "" {
			t = append(t, chat.T(chat.D("  (asks first: "+b.Confirm+")"))...)
		}
		p.text("", t, "")
	}
}
