package console

import (
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
)

// gap is between two columns.
const gap = 2

// table aligns the columns. When they do not fit side by side, each row is set as
// fields: nothing is cut off.
func (p *page) table(t chat.Table) {
	if len(t.Columns) == 0 && len(t.Rows) == 0 {
		p.more(t.More)
		return
	}
	cells := [][][]glyph{row(t.Columns)}
	for _, r := range t.Rows {
		line := make([][]glyph, 0, len(r))
		for _, c := range r {
			line = append(line, glyphs(c))
		}
		cells = append(cells, line)
	}
	widths, total := measure(cells)
	if total > p.width {
		p.records(t)
	} else {
		for i, line := range cells {
			p.row(line, widths, i == 0)
		}
	}
	p.more(t.More)
}

func row(names []string) [][]glyph {
	var out [][]glyph
	for _, n := range names {
		out = append(out, glyphs(chat.T(n)))
	}
	return out
}

func measure(cells [][][]glyph) (widths []int, total int) {
	for _, line := range cells {
		for i, c := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], widthOf(c))
		}
	}
	for _, w := range widths {
		total += w + gap
	}
	return widths, total - gap
}

func (p *page) row(line [][]glyph, widths []int, head bool) {
	var b strings.Builder
	for i, c := range line {
		all := ""
		if head {
			all = sgrDim
		}
		b.WriteString(p.styled(c, all))
		if i < len(line)-1 {
			b.WriteString(strings.Repeat(" ", widths[i]-widthOf(c)+gap))
		}
	}
	p.line(b.String())
}

func (p *page) records(t chat.Table) {
	for i, r := range t.Rows {
		if i > 0 {
			p.line(p.paint(sgrDim, "--"))
		}
		fields := make([]chat.Field, 0, len(r))
		for j, c := range r {
			name := ""
			if j < len(t.Columns) {
				name = t.Columns[j]
			}
			fields = append(fields, chat.Field{Name: name, Value: c})
		}
		p.fields(fields)
	}
}
