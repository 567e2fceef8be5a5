package commands

import (
	"fmt"
	"io"
	"strings"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// mdText is words that people or machines wrote, as text of a Markdown document: no
// markup, no line breaks, no cell of a table more.
func mdText(s string) string {
	s = checks.Clean(strings.ReplaceAll(s, "\n", " "), state.MaxValue)
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_{}[]<>()#!|~&$@", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// mdTable writes a table; its cells are Markdown already.
type mdTable struct {
	w io.Writer
	n int
}

func newTable(w io.Writer, columns ...string) mdTable {
	fmt.Fprintf(w, "\n| %s |\n|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	return mdTable{w, len(columns)}
}

func (t mdTable) row(cells ...string) { fmt.Fprintf(t.w, "| %s |\n", strings.Join(cells, " | ")) }
