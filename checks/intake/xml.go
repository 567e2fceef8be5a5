package intake

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// elements reads XML strictly: no entities but the predefined ones, no definitions
// of a document's own, one root, a bounded depth.
type elements struct {
	in    *reader
	src   *source
	d     *xml.Decoder
	depth int
	roots int
	begin int64 // offset of the token that was read last
	item  bool  // within something that is kept
}

func (in *reader) openElements(src *source, root string) (*elements, error) {
	e := &elements{in: in, src: src, d: xml.NewDecoder(src.Reader)}
	e.d.CharsetReader = func(label string, r io.Reader) (io.Reader, error) {
		if src.utf16 && strings.HasPrefix(strings.ToLower(label), "utf-16") {
			return r, nil // it was decoded
		}
		return nil, unreadable(1, 0, "the file says that it is in %s: save it as UTF-8", quoted(label))
	}
	for {
		t, err := e.token()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = unreadable(0, 0, "there is no element %s in the file", root)
			}
			return nil, err
		}
		if s, ok := t.(xml.StartElement); ok {
			if s.Name.Local != root {
				return nil, e.unreadable("the file is %s, not %s", quoted(s.Name.Local), root)
			}
			return e, nil
		}
	}
}

func (e *elements) unreadable(format string, args ...any) error {
	line, column := e.d.InputPos()
	return unreadable(line, column, format, args...)
}

func (e *elements) line() int {
	line, _ := e.d.InputPos()
	return line
}

// token reads the next token. It is valid until the one after it.
func (e *elements) token() (xml.Token, error) {
	e.begin = e.d.InputOffset()
	if !e.item {
		e.src.tape.begin(e.begin, maxXMLToken)
	}
	t, err := e.d.Token()
	if err == nil {
		err = e.check(t)
	}
	var syntax *xml.SyntaxError
	var bad *Unreadable
	switch {
	case errors.As(err, &bad):
		return nil, bad
	case errors.Is(err, errBudget):
		return nil, e.unreadable("what stands here is longer than allowed")
	case errors.As(err, &syntax) && strings.Contains(syntax.Msg, "unexpected EOF"), errors.Is(err, io.EOF) && e.depth > 0:
		return nil, e.unreadable("the file ends early: hand in all of it")
	case errors.As(err, &syntax):
		return nil, e.unreadable("this is not XML: %s", excerpt(syntax.Msg, 80))
	case err != nil && strings.HasPrefix(err.Error(), "xml: "):
		return nil, e.unreadable("this is not XML as it can be read: %s", excerpt(err.Error(), 80))
	}
	return t, err
}

func (e *elements) check(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		if e.depth == 0 {
			e.roots++
		}
		if e.depth++; e.depth > e.in.lim.Depth {
			return e.unreadable("it is nested deeper than %d", e.in.lim.Depth)
		}
		if e.roots > 1 {
			return e.unreadable("something follows the end of the document")
		}
	case xml.EndElement:
		if e.depth--; e.depth < 0 {
			return e.unreadable("this is not XML: an element ends that never began")
		}
	case xml.CharData:
		if e.depth == 0 && len(bytes.TrimSpace(t)) > 0 {
			return e.unreadable("this is not XML: text stands outside of the document")
		}
	case xml.Directive:
		if e.depth > 0 || !bytes.HasPrefix(t, []byte("DOCTYPE")) || bytes.ContainsAny(t, "[<&%") {
			return e.unreadable("a definition of the document's own, which is never followed: refused")
		}
	}
	return nil
}

// keep begins something whose raw text is kept, at the token that was read last.
func (e *elements) keep() {
	e.item = true
	e.src.tape.begin(e.begin, e.in.lim.Record)
}

// kept ends it, and returns its raw text.
func (e *elements) kept() []byte {
	e.item = false
	return e.src.tape.raw(e.d.InputOffset())
}

// text reads the text of an element to its end, without its children's; most bytes
// of it are kept.
func (e *elements) text(most int) (string, error) {
	var b strings.Builder
	for deep := 1; deep > 0; {
		t, err := e.token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			deep++
		case xml.EndElement:
			deep--
		case xml.CharData:
			if left := most - b.Len(); deep == 1 && left > 0 {
				b.Write(t[:min(len(t), left)])
			}
		}
	}
	return b.String(), nil
}

// skip goes to the end of an element.
func (e *elements) skip() error {
	_, err := e.text(0)
	return err
}

func attr(s xml.StartElement, name string) string {
	for _, a := range s.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// refuse refuses what begins in a line.
func (e *elements) refuse(line int, format string, args ...any) error {
	return e.in.refuse(line, 0, fmt.Sprintf(format, args...))
}

// children calls do with every child of the element that was begun last. It must
// read the child to its end.
func (e *elements) children(do func(xml.StartElement) error) error {
	for {
		t, err := e.token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := do(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}
