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
	maxProblems = 12 // told at once; the rest is counted
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
	problems []string
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
	if len(d.problems) == maxProblems {
		d.more++
		return
	}
	line, column := 1, 1
	if at <= len(d.data) {
		before := d.data[:at]
		line += bytes.Count(before, []byte("\n"))
		column += utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	}
	d.problems = append(d.problems, fmt.Sprintf("line %d, column %d: %s", line, column, fmt.Sprintf(format, args...)))
}

// err is all problems in one, nil when there are none.
func (d *document) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	lines := d.problems
	if d.more > 0 {
		lines = append(lines[:len(lines):len(lines)], fmt.Sprintf("and %d more", d.more))
	}
	what := "Nothing was recorded: something in the document is wrong."
	if n := len(d.problems) + d.more; n > 1 {
		what = fmt.Sprintf("Nothing was recorded: %d things in the document are wrong.", n)
	}
	return &chat.Problem{What: what + "\n" + strings.Join(lines, "\n"), Try: "The format: help evidence add"}
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
