package slack

import (
	"strings"

	"github.com/rivo/uniseg"

	"github.com/allclear-bot/allclear/bot/chat"
)

// maxTable is how wide a table is at most, in columns of a terminal. Slack breaks
// the lines of what is wider, and it cannot be read then.
const maxTable = 72

// gap is between two columns.
const gap = 2

// table aligns the columns when they fit side by side; otherwise each row is an
// item that names its cells. Nothing is cut off.
func (r *renderer) table(t chat.Table) {
	rows := [][]string{cleaned(t.Columns)}
	for _, row := range t.Rows {
		cells := make([]string, 0, len(row))
		for _, c := range row {
			cells = append(cells, chat.Clean(c.Plain()))
		}
		rows = append(rows, cells)
	}
	widths, total := measured(rows)
	if total <= maxTable {
		r.aligned(rows, widths)
	} else {
		r.records(t)
	}
	r.more(t.More)
}

func cleaned(names []string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		out = append(out, chat.Clean(n))
	}
	return out
}

func measured(rows [][]string) (widths []int, total int) {
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(c))
		}
	}
	for _, w := range widths {
		total += w + gap
	}
	return widths, total - gap
}

// aligned is a table with its head said again wherever it is cut.
func (r *renderer) aligned(rows [][]string, widths []int) {
	if len(widths) == 0 {
		return
	}
	var lines [][]stretch
	for i, row := range rows {
		if i == 0 && len(row) == 0 {
			continue
		}
		var b strings.Builder
		for j, c := range row {
			b.WriteString(c)
			if j < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[j]-uniseg.StringWidth(c)+gap))
			}
		}
		lines = append(lines, []stretch{{text: strings.TrimRight(b.String(), " ")}})
	}
	head := 0
	if len(rows[0]) > 0 {
		head = 1
	}
	r.pieces = append(r.pieces, piece{kind: preformatted, lines: lines, head: head})
}

// records are rows too wide to stand in columns.
func (r *renderer) records(t chat.Table) {
	var items [][]stretch
	for _, row := range t.Rows {
		var item []stretch
		for i, c := range row {
			if i > 0 {
				item = append(item, stretch{text: " · "})
			}
			name := ""
			if i < len(t.Columns) {
				name = t.Columns[i]
			}
			item = append(item, named(name, set(c))...)
		}
		items = append(items, item)
	}
	r.strip(bullets, items...)
}
