package slack

import (
	"fmt"
	"strings"

	slackgo "github.com/slack-go/slack"
)

// bind puts the pieces on sheets. What needs too many becomes one, with the
// beginning and all buttons, and a file with the whole.
func (r *renderer) bind() rendered {
	folio := small(strings.Repeat("x", maxFolio)) // room to say which sheet it is
	most := mostSheets
	if r.onward == "" {
		most = 1
	}
	b := newBinder(r.room.less(folio.price()).less(folio.price()), most)
	for _, p := range r.pieces {
		b.put(p)
	}
	sheets := b.all()
	if len(sheets) > most {
		sheets = [][]piece{r.abridged()}
	}
	out := rendered{files: r.files, charts: r.charts > 0}
	for i, s := range sheets {
		out.sheets = append(out.sheets, r.numbered(s, i+1, len(sheets)))
	}
	return out
}

// maxFolio is how long the line is that says which sheet it is, in units.
const maxFolio = 120

func small(s string) piece {
	t := plain(s, maxFolio)
	return piece{block: slackgo.NewContextBlock("", t), size: units(t.Text), says: s}
}

func (r *renderer) numbered(s []piece, i, n int) sheet {
	var out sheet
	if i > 1 {
		out.Blocks = append(out.Blocks, small(fmt.Sprintf("%d of %d", i, n)).block)
	}
	for _, p := range s {
		out.Blocks = append(out.Blocks, p.block)
	}
	if i < n {
		out.Blocks = append(out.Blocks, small(fmt.Sprintf("%d of %d · %s", i, n, r.onward)).block)
	}
	return out
}

// abridged is the beginning of a message that is too long, with its buttons. The
// whole of it is enclosed.
func (r *renderer) abridged() []piece {
	left := r.room.less(room{blocks: 2, text: 2 * maxFolio, weight: 2 * (maxFolio + blockCost), parts: 2})
	half := room{left.blocks / 2, left.text / 2, left.weight / 2, left.parts / 2, left.chunk}
	var row []piece
	for _, p := range r.pieces {
		if p.press && half.holds(p.price()) {
			row = append(row, p)
			half, left = half.less(p.price()), left.less(p.price())
		}
	}
	b := newBinder(left, 0)
	for _, p := range r.pieces {
		if !p.press {
			b.put(p)
		}
	}
	note := "This is the beginning. All of it is in " + wholeFile + ", " + r.setting.files + "."
	if r.setting.files == "" {
		note = "This is the beginning; there is no room for all of it here."
	} else {
		r.files = append(r.files, enclosure{name: wholeFile, data: []byte(r.whole())})
	}
	var begin []piece
	if sheets := b.all(); len(sheets) > 0 {
		begin = sheets[0]
	}
	return append(append(begin, small(note)), row...)
}

// whole is all that the pieces say.
func (r *renderer) whole() string {
	var b strings.Builder
	for i, p := range r.pieces {
		if i > 0 {
			b.WriteByte('\n')
		}
		if p.block != nil {
			b.WriteString(strings.TrimSuffix(p.says, "\n"))
		} else {
			b.WriteString(joined(p.kind, p.lines))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
