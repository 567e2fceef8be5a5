package commands

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/lithammer/fuzzysearch/fuzzy"

	"github.com/allclear-bot/allclear/state"
)

// inventoryColumns are those that have a meaning; others become tags.
func inventoryColumns() []string {
	return []string{"name", "url", "addresses", "via", "farm", "owner", "group", "exposure", "tags"}
}

// readCSV reads rows under a header.
func (s *sheet) readCSV(text []byte) {
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	r.Comma = delimiter(text)
	header, err := r.Read()
	if err != nil {
		s.badRecord(err)
		return
	}
	columns, ok := s.header(r, header)
	if !ok {
		return
	}
	s.columns = columns
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			if !s.badRecord(err) {
				return
			}
			continue
		}
		line, _ := r.FieldPos(0)
		if s.full(line) {
			return
		}
		if blank(row) {
			continue // spreadsheets leave such rows at the end
		}
		if len(row) != len(columns) {
			s.problems.add(line, 0, "has %d columns, the header has %d", len(row), len(columns))
			continue
		}
		s.row(r, columns, row)
	}
}

func blank(row []string) bool {
	return !slices.ContainsFunc(row, func(c string) bool { return strings.TrimSpace(c) != "" })
}

// delimiter is what the header is separated by: spreadsheets of some countries
// write semicolons.
func delimiter(text []byte) rune {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		for _, d := range []rune{',', ';', '\t'} {
			if bytes.ContainsRune(line, d) {
				return d
			}
		}
		break
	}
	return ','
}

// badRecord reports a record that is no CSV. It is false when reading on makes no sense.
func (s *sheet) badRecord(err error) bool {
	var bad *csv.ParseError
	switch {
	case !errors.As(err, &bad):
		s.problems.add(0, 0, "the inventory cannot be read: %v", err)
		return false
	case bad.StartLine != bad.Line:
		s.problems.add(bad.StartLine, 0, "a quote is opened here and never closed as it should be (line %d)", bad.Line)
	default:
		s.problems.add(bad.Line, bad.Column, "a quote stands where none can be")
	}
	return true
}

// misspelt is the column that a name nearly is, "" when it is one or is far from all.
func misspelt(name string) string {
	low := strings.ToLower(name)
	for _, c := range inventoryColumns() {
		switch d := fuzzy.LevenshteinDistance(low, c); {
		case d == 0:
			return ""
		case d == 1 && len(c) > 3, d <= 2 && len(c) > 6, sameLetters(low, c):
			return c
		}
	}
	return ""
}

func sameLetters(x, y string) bool {
	a, b := []byte(x), []byte(y)
	slices.Sort(a)
	slices.Sort(b)
	return string(a) == string(b)
}

// header reads the names of the columns.
func (s *sheet) header(r *csv.Reader, header []string) ([]string, bool) {
	line, _ := r.FieldPos(0)
	columns := make([]string, len(header))
	before := s.problems.total
	for i, h := range header {
		columns[i] = strings.TrimSpace(h)
		if low := strings.ToLower(columns[i]); slices.Contains(inventoryColumns(), low) {
			columns[i] = low
		}
		_, at := r.FieldPos(i)
		switch why := badText("column", columns[i]); {
		case columns[i] == "":
			s.problems.add(line, at, "a column has no name")
		case why != "":
			s.problems.add(line, at, "%s", why)
		case slices.Contains(columns[:i], columns[i]):
			s.problems.add(line, at, "the column %s is there twice", quoteName(columns[i]))
		case misspelt(columns[i]) != "":
			// Kept as a tag, it would lift a limit without a word.
			s.problems.add(line, at, "there is no column %s; did you mean %s? (call a tag something else)", quoteName(columns[i]), misspelt(columns[i]))
		}
	}
	if !slices.Contains(columns, "name") && !slices.Contains(columns, "url") {
		s.problems.add(line, 0, "there is no header with a column name or url; want %s, or one URL a line", strings.Join(inventoryColumns(), ","))
	}
	return columns, s.problems.total == before
}

// row reads one server.
func (s *sheet) row(r *csv.Reader, columns, cells []string) {
	line, _ := r.FieldPos(0)
	var srv state.Server
	own := map[string]string{}
	for i, c := range columns {
		v := strings.TrimSpace(cells[i])
		switch c {
		case "name":
			srv.Name = v
		case "url":
			srv.URL = v
		case "addresses":
			srv.Addresses = several(v)
		case "via":
			srv.Via = v
		case "farm":
			srv.Farm = v
		case "owner":
			srv.Owner = v
		case "group":
			srv.Group = v
		case "exposure":
			e, why := exposureOf(v)
			if why != "" {
				_, at := r.FieldPos(i)
				s.problems.add(line, at, "%s", why)
			}
			srv.Exposure = e
		case "tags":
			srv.Tags = tagsOf(v)
		default:
			if v != "" {
				own[c] = v
			}
		}
	}
	for k, v := range own {
		if srv.Tags == nil {
			srv.Tags = map[string]string{}
		}
		srv.Tags[k] = v
	}
	if srv.Name == "" && srv.URL != "" {
		srv.Name, _ = hostOf(srv.URL)
		if srv.Name == "" {
			s.problems.add(line, 0, "%s", badURL(srv.URL))
			return
		}
	}
	s.put(line, 0, srv)
}
