package console

import (
	"strings"

	"github.com/rivo/uniseg"

	"github.com/allclear-bot/allclear/bot/chat"
)

// glyph is what takes one place on a line.
type glyph struct {
	text  string
	width int
	style chat.Style
}

// glyphs cuts a line into what must stay together, cleaned.
func glyphs(t chat.Text) []glyph {
	var out []glyph
	for _, span := range t {
		rest, at := Clean(span.Text), -1
		for rest != "" {
			var one string
			var width int
			one, rest, width, at = uniseg.FirstGraphemeClusterInString(rest, at)
			out = append(out, glyph{one, width, span.Style})
		}
	}
	return out
}

func widthOf(gs []glyph) int {
	n := 0
	for _, g := range gs {
		n += g.width
	}
	return n
}

// wrap breaks glyphs into lines of at most so many columns: at spaces where there
// are any, and anywhere in what is longer than a line.
func wrap(gs []glyph, width int) [][]glyph {
	var lines [][]glyph
	for len(gs) > 0 {
		n := fitting(gs, width)
		end := n
		if n < len(gs) && gs[n].text != " " {
			for end > 0 && gs[end-1].text != " " {
				end--
			}
			if end == 0 {
				end = n
			}
		}
		lines = append(lines, trimmed(gs[:end]))
		for end < len(gs) && gs[end].text == " " {
			end++
		}
		gs = gs[end:]
	}
	if lines == nil {
		return [][]glyph{nil}
	}
	return lines
}

func trimmed(gs []glyph) []glyph {
	for len(gs) > 0 && gs[len(gs)-1].text == " " {
		gs = gs[:len(gs)-1]
	}
	return gs
}

// fitting is how many glyphs fit, at least one.
func fitting(gs []glyph, width int) int {
	used := 0
	for i, g := range gs {
		used += g.width
		if used > width && i > 0 {
			return i
		}
	}
	return len(gs)
}

// page collects the lines of a message.
type page struct {
	b      strings.Builder
	width  int
	colour bool
	lines  int
}

// The colours that are used, as SGR parameters.
const (
	sgrBold   = "1"
	sgrDim    = "2"
	sgrRed    = "31"
	sgrGreen  = "32"
	sgrYellow = "33"
	sgrCyan   = "36"
)

func sgrOf(s chat.Style) string {
	switch s {
	case chat.Strong:
		return sgrBold
	case chat.Code:
		return sgrCyan
	case chat.Dim:
		return sgrDim
	}
	return ""
}

func (p *page) paint(code, s string) string {
	if !p.colour || code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// line writes one line of ours, which is clean already.
func (p *page) line(s string) {
	p.b.WriteString(strings.TrimRight(s, " "))
	p.b.WriteByte('\n')
	p.lines++
}

// styled writes glyphs with their styles, or all of them in one.
func (p *page) styled(gs []glyph, all string) string {
	var b strings.Builder
	for i := 0; i < len(gs); {
		j := i
		var run strings.Builder
		for ; j < len(gs) && gs[j].style == gs[i].style; j++ {
			run.WriteString(gs[j].text)
		}
		code := sgrOf(gs[i].style)
		if all != "" {
			code = all
		}
		b.WriteString(p.paint(code, run.String()))
		i = j
	}
	return b.String()
}

// text writes a line of text behind a lead that is printed once; what does not fit
// is wrapped and aligned below.
func (p *page) text(lead string, t chat.Text, all string) {
	indent := uniseg.StringWidth(lead)
	for _, l := range wrap(glyphs(t), p.width-indent) {
		p.line(p.paint(all, lead) + p.styled(l, all))
		lead = strings.Repeat(" ", indent)
	}
}
