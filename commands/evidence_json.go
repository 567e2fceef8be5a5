package commands

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/allclear-bot/allclear/bot/chat"
)

// Limits of a document that is handed in.
const (
	maxDocument = 1 << 20 // bytes
	maxNesting  = 8
	maxProblems = 12  // told to people at once; the rest is counted
	maxRows     = 100 // told to programs
)

// node is a JSON value that remembers where it stood.
type node struct {
	at      int // offset of its first byte
	value   any // string, json.Number, bool or nil
	members []member
	items   []node
	delim   json.Delim // '{' or '[' for a document or list, else 0
}

type member struct {
	name  string
	at    int
	value node
}

func (n node) null() bool { return n.delim == 0 && n.value == nil }

// document is raw JSON with all that is wrong with it.
type document struct {
	data     []byte
	problems []chat.RowProblem
	more     int
}

func newDocument(data []byte) (*document, node) {
	d := &document{data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))}
	switch {
	case len(data) > maxDocument:
		d.data = nil
		d.problem(0, "it is longer than %d bytes", maxDocument)
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		d.data = nil
		d.problem(0, "it is UTF-16, as PowerShell writes by itself; write it with -Encoding utf8")
	case !utf8.Valid(data):
		d.data = nil
		d.problem(0, "it is not UTF-8 text")
	default:
		return d, d.parse()
	}
	return d, node{}
}

// problem notes what is wrong, and where.
func (d *document) problem(at int, format string, args ...any) {
	if len(d.problems) == maxRows {
		d.more++
		return
	}
	p := chat.RowProblem{Line: 1, Column: 1, What: fmt.Sprintf(format, args...)}
	if at <= len(d.data) {
		before := d.data[:at]
		p.Line += bytes.Count(before, []byte("\n"))
		p.Column += utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	}
	d.problems = append(d.problems, p)
}

// err is all problems in one, nil when there are none.
func (d *document) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	var lines []string
	for _, p := range d.problems[:min(len(d.problems), maxProblems)] {
		lines = append(lines, fmt.Sprintf("line %d, column %d: %s", p.Line, p.Column, p.What))
	}
	if n := len(d.problems) - len(lines) + d.more; n > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", n))
	}
	what := "Nothing was recorded: something in the document is wrong."
	if n := len(d.problems) + d.more; n > 1 {
		what = fmt.Sprintf("Nothing was recorded: %d things in the document are wrong.", n)
	}
	return &chat.Problem{What: what + "\n" + strings.Join(lines, "\n"), Try: "The format: help evidence add", Rows: d.problems}
}

var (
	errNesting  = errors.New("nested too deeply")
	errTrailing = errors.New("something follows the end of the document")
)

// parse reads the whole document. A document that is no JSON has one problem: the first.
func (d *document) parse() node {
	dec := json.NewDecoder(bytes.NewReader(d.data))
	dec.UseNumber()
	n, at, err := d.node(dec, 0)
	if err == nil {
		at = d.start(dec)
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return n
		}
		err = errTrailing
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		err = errors.New("it ends too early")
	case !bytes.HasPrefix(bytes.TrimSpace(d.data), []byte("{")) && at == 0:
		err = errors.New("a document begins with {")
	}
	d.problem(at, "this is not JSON: %v", err)
	return node{}
}

// start is where the next token begins.
func (d *document) start(dec *json.Decoder) int {
	at := int(dec.InputOffset())
	for at < len(d.data) && strings.IndexByte(" \t\r\n,:", d.data[at]) >= 0 {
		at++
	}
	return at
}

// node reads one value. When it fails it says where.
func (d *document) node(dec *json.Decoder, depth int) (node, int, error) {
	n := node{at: d.start(dec)}
	tok, err := dec.Token()
	if err != nil {
		return n, n.at, err
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		n.value = tok
		return n, n.at, nil
	}
	if depth == maxNesting {
		return n, n.at, errNesting
	}
	n.delim = delim
	for dec.More() {
		m := member{at: d.start(dec)}
		if delim == '{' {
			key, err := dec.Token()
			if err != nil {
				return n, m.at, err
			}
			m.name, _ = key.(string)
		}
		value, at, err := d.node(dec, depth+1)
		if err != nil {
			return n, at, err
		}
		if m.value = value; delim == '{' {
			n.members = append(n.members, m)
		} else {
			n.items = append(n.items, value)
		}
	}
	at := d.start(dec)
	_, err = dec.Token() // the closing delimiter
	return n, at, err
}
