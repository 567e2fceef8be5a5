package intake

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/checks"
)

// rows reads a table: a header row, then one record a row.
type rows struct {
	in      *reader
	src     *source
	csv     *csv.Reader
	columns []string // in lower case
	cells   []string
	line    int
	raw     []byte
	open    bool // the row does not end with a line break
}

// openRows reads the header.
func (in *reader) openRows(src *source, comma rune) (*rows, error) {
	t := &rows{in: in, src: src, csv: csv.NewReader(src.Reader)}
	t.csv.Comma, t.csv.FieldsPerRecord, t.csv.ReuseRecord = comma, -1, true
	header, err := t.read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, unreadable(0, 0, "the file is empty")
	case err != nil:
		return nil, err
	case len(header) > in.lim.Columns:
		return nil, unreadable(1, 0, "the table has %d columns, more than %d", len(header), in.lim.Columns)
	}
	for i, h := range header {
		name := strings.ToLower(strings.TrimSpace(h))
		if slices.Contains(t.columns, name) && name != "" {
			_, col := t.csv.FieldPos(i)
			return nil, unreadable(t.line, col, "the column %s is there twice", quoted(name))
		}
		t.columns = append(t.columns, name)
	}
	return t, nil
}

// read reads one record, of a bounded length, and keeps its raw text.
func (t *rows) read() ([]string, error) {
	most := min(maxCSVRow, t.in.lim.Record)
	t.src.tape.begin(t.csv.InputOffset(), most)
	cells, err := t.csv.Read()
	var bad *csv.ParseError
	switch {
	case err == nil:
		t.line, _ = t.csv.FieldPos(0)
		raw := t.src.tape.raw(t.csv.InputOffset())
		t.raw, t.open = trimLines(raw), !bytes.HasSuffix(raw, []byte("\n"))
		return cells, nil
	case errors.Is(err, errBudget):
		return nil, unreadable(t.line+1, 0, "a row is longer than %d bytes", most)
	case errors.As(err, &bad) && errors.Is(err, csv.ErrQuote):
		return nil, unreadable(bad.StartLine, bad.Column, "a quote is not closed as it should be, or the file ends early (line %d)", bad.Line)
	case errors.As(err, &bad):
		return nil, unreadable(bad.Line, bad.Column, "a quote stands where none can be")
	}
	return nil, err
}

// trimLines leaves out the line breaks around a row.
func trimLines(raw []byte) []byte {
	for len(raw) > 0 && (raw[0] == '\n' || raw[0] == '\r') {
		raw = raw[1:]
	}
	for len(raw) > 0 && (raw[len(raw)-1] == '\n' || raw[len(raw)-1] == '\r') {
		raw = raw[:len(raw)-1]
	}
	return raw
}

// next goes to the next row that has as many columns as the header; others are
// refused. It is false at the end.
func (t *rows) next() (bool, error) {
	for {
		cells, err := t.read()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if blank(cells) {
			continue
		}
		if err := t.in.next(); err != nil {
			return false, err
		}
		if len(cells) == len(t.columns) {
			t.cells = cells
			return true, nil
		}
		if t.open && len(cells) < len(t.columns) {
			return false, unreadable(t.line, 0, "the file ends in the middle of a row: hand in all of it")
		}
		if err := t.in.refuse(t.line, 0, fmt.Sprintf("the row has %d columns, the header has %d", len(cells), len(t.columns))); err != nil {
			return false, err
		}
	}
}

func blank(cells []string) bool {
	return !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" })
}

// column is where a column stands, -1 when there is none of that name.
func (t *rows) column(name string) int { return slices.Index(t.columns, strings.ToLower(name)) }

// cell is what stands in a column, "" when there is no such column.
func (t *rows) cell(i int) string {
	if i < 0 {
		return ""
	}
	return strings.TrimSpace(t.cells[i])
}

// refuse refuses the row because of one of its cells.
func (t *rows) refuse(i int, what string) error {
	column := 0
	if i >= 0 {
		_, column = t.csv.FieldPos(i)
	}
	return t.in.refuse(t.line, column, what)
}

// separator is what the first line of a table is separated by.
func separator(src *source) rune {
	head, _ := src.Peek(4096)
	line, _, _ := strings.Cut(string(head), "\n")
	best, most := ',', 0
	for _, c := range ",;\t|" {
		if n := strings.Count(line, string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}

// listed is a list of columns for a message.
func listed(columns []string) string {
	names := make([]string, 0, 8)
	for _, c := range columns[:min(len(columns), 8)] {
		names = append(names, checks.Excerpt(c, 30))
	}
	if len(columns) > 8 {
		names = append(names, fmt.Sprintf("and %d more", len(columns)-8))
	}
	return strings.Join(names, ", ")
}
