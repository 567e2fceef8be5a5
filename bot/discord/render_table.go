package discord

import (
	"strings"

	"github.com/rivo/uniseg"

	"github.com/allclear-bot/allclear/bot/chat"
)

// maxTable is how wide a table is at most, in columns of a terminal: in an embed, Discord
// breaks the lines of what is wider.
const maxTable = 56

// gap is between two columns.
const gap = 2

// table aligns the columns when they fit side by side; otherwise each row is an item that
// names its cells. Nothing is cut off.
func (r *renderer) table(t chat.Table) {
	var head []string
	for _, n := range t.Columns {
		head = append(head, chat.Clean(n))
	}
	rows := [][]string{head}
	for _, row := range t.Rows {
		var cells []string
		for _, c := range row {
			cells = append(cells, chat.Clean(c.Plain()))
		}
		rows = append(rows, cells)
	}
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, -gap)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(c))
		}
	}
	total := -gap
	for _, w := range widths {
		total += w + gap
	}
	switch {
	case len(widths) == 0:
	case total <= maxTable:
		r.aligned(rows, widths)
	default:
		r.records(t)
	}
	r.more(t.More)
}

// aligned is a table with its head said again wherever it is cut.
func (r *renderer) aligned(rows [][]string, widths []int) {
	b := block{kind: preformatted}
	for i, row := range rows {
		if i == 0 && len(row) == 0 {
			continue
		}
		if i == 0 {
			b.head = 1
		}
		var line strings.Builder
		for j, c := range row {
			line.WriteString(c)
			if j < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[j]-uniseg.StringWidth(c)+gap))
			}
		}
		b.lines = append(b.lines, []stretch{{text: strings.TrimRight(line.String(), " ")}})
	}
	r.blocks = append(r.blocks, b)
}

// records are rows too wide to stand in columns.
func (r *renderer) records(t chat.Table) {
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
		r.strip(bullets, item)
	}
}
