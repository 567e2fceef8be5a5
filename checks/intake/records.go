package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// records finds the JSON values of a file one by one: values that follow each other,
// elements of an array, and elements of arrays that certain members of an object
// hold. It holds one of them at a time.
type records struct {
	src    *source
	line   int
	limit  int
	depth  int
	within []string // members whose arrays hold records
	give   func(raw []byte, line int) error
	free   [][]byte // buffers that are not in use: a record may lie within another
}

// eachRecord calls give with every record and the line that it begins in. What is
// given is valid until the next one.
func (in *reader) eachRecord(src *source, within []string, give func(raw []byte, line int) error) error {
	src.tape.silence()
	src.tape.left = int(^uint(0) >> 1) // records are bounded here
	r := &records{src: src, line: 1, limit: in.lim.Record, depth: in.lim.Depth, within: within, give: give}
	for {
		c, err := r.peek(nil)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case c == '[':
			err = r.array()
		default:
			err = r.record(len(within) > 0)
		}
		if err != nil {
			return err
		}
	}
}

// peek is the next byte that is no white space, which goes to into if that is not nil.
func (r *records) peek(into *[]byte) (byte, error) {
	for {
		c, err := r.src.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case '\n':
			r.line++
		case ' ', '\t', '\r':
		default:
			return c, r.src.UnreadByte()
		}
		if into != nil {
			*into = append(*into, c)
		}
	}
}

// array gives the elements of an array.
func (r *records) array() error {
	begin := r.line
	if _, err := r.src.ReadByte(); err != nil {
		return err
	}
	for first := true; ; first = false {
		c, err := r.peek(nil)
		if err != nil {
			return r.ended(err, begin)
		}
		switch {
		case c == ']':
			_, err := r.src.ReadByte()
			return err
		case !first && c != ',':
			return unreadable(r.line, 0, "this is not JSON: a comma or the end of the list is missing")
		case !first:
			if _, err := r.src.ReadByte(); err != nil {
				return err
			}
			if _, err := r.peek(nil); err != nil {
				return r.ended(err, begin)
			}
		}
		if err := r.record(false); err != nil {
			return err
		}
	}
}

// record gives one value. Of an object that is opened, the arrays of certain members
// are given element by element, and stand in it as null.
func (r *records) record(open bool) error {
	begin := r.line
	c, err := r.peek(nil)
	if err != nil {
		return r.ended(err, begin)
	}
	var buf []byte
	if n := len(r.free); n > 0 {
		buf, r.free = r.free[n-1][:0], r.free[:n-1]
	}
	defer func() { r.free = append(r.free, buf) }()
	if c == '{' && open {
		err = r.object(&buf)
	} else {
		err = r.value(&buf)
	}
	if err != nil {
		return r.ended(err, begin)
	}
	return r.give(buf, begin)
}

// ended tells of a file that ends within a record.
func (r *records) ended(err error, line int) error {
	if errors.Is(err, io.EOF) {
		return unreadable(line, 0, "the file ends in the middle of what begins here: hand in all of it")
	}
	return err
}

// object reads an object member by member.
func (r *records) object(buf *[]byte) error {
	begin := r.line
	take := func(want byte) error {
		c, err := r.peek(buf)
		if err != nil {
			return err
		}
		if c != want {
			return unreadable(r.line, 0, "this is not JSON: %q stands where %q should", c, want)
		}
		_, err = r.src.ReadByte()
		*buf = append(*buf, c)
		return err
	}
	if err := take('{'); err != nil {
		return err
	}
	for first := true; ; first = false {
		c, err := r.peek(buf)
		if err != nil {
			return err
		}
		if c == '}' {
			return take('}')
		}
		if !first {
			if err := take(','); err != nil {
				return err
			}
			if c, err = r.peek(buf); err != nil {
				return err
			}
		}
		if c != '"' {
			return unreadable(r.line, 0, "this is not JSON: the name of a member is missing")
		}
		at := len(*buf)
		if err := r.value(buf); err != nil {
			return err
		}
		name := string((*buf)[at+1 : len(*buf)-1])
		if err := take(':'); err != nil {
			return err
		}
		if c, err = r.peek(buf); err != nil {
			return err
		}
		if c == '[' && slices.Contains(r.within, name) {
			*buf = append(*buf, "null"...)
			err = r.array()
		} else {
			err = r.value(buf)
		}
		if err == nil && len(*buf) > r.limit {
			err = r.tooLong(begin)
		}
		if err != nil {
			return err
		}
	}
}

func (r *records) tooLong(line int) error {
	return unreadable(line, 0, "what begins here is longer than %d bytes", r.limit)
}

// value reads one value to its end. Whether it is JSON inside is left to the decoder.
func (r *records) value(buf *[]byte) error {
	begin, deep, text, escaped, scalar := r.line, 0, false, false, false
	from := len(*buf)
	for {
		if _, err := r.src.Peek(1); err != nil {
			if errors.Is(err, io.EOF) && scalar && deep == 0 {
				return nil
			}
			return err
		}
		part, _ := r.src.Peek(r.src.Buffered())
		used, done := 0, false
		for used < len(part) && !done {
			if text && !escaped {
				used += plainText(part[used:])
				if used == len(part) {
					break
				}
			}
			c := part[used]
			if scalar && bytes.IndexByte([]byte(" \t\r\n,]}:"), c) >= 0 {
				done = true
				break
			}
			used++
			switch {
			case c == '\n' && !text:
				r.line++
			case c == '\n':
				return unreadable(r.line, 0, "this is not JSON: a text goes on after the end of its line")
			case escaped:
				escaped = false
			case text && c == '\\':
				escaped = true
			case c == '"':
				text = !text
				done = !text && deep == 0
			case text:
			case c == '{' || c == '[':
				if deep++; deep > r.depth {
					return unreadable(r.line, 0, "it is nested deeper than %d", r.depth)
				}
			case c == '}' || c == ']':
				deep--
				done = deep <= 0
			case deep == 0:
				scalar = true
			}
		}
		*buf = append(*buf, part[:used]...)
		_, _ = r.src.Discard(used)
		if len(*buf)-from > r.limit {
			return r.tooLong(begin)
		}
		if done {
			return nil
		}
	}
}

// plainText is how many bytes at the beginning of a text are nothing special. It does
// not look far: what is special may come often.
func plainText(p []byte) int {
	p = p[:min(len(p), 256)]
	if i := bytes.IndexByte(p, '"'); i >= 0 {
		p = p[:i]
	}
	if i := bytes.IndexByte(p, '\\'); i >= 0 {
		p = p[:i]
	}
	if i := bytes.IndexByte(p, '\n'); i >= 0 {
		p = p[:i]
	}
	return len(p)
}

// decode reads a record into what it should be. refused says why the row is refused;
// a record that is not JSON is an error, for the file is none.
func decode(raw []byte, line int, into any) (refused string, err error) {
	if len(raw) == 0 || raw[0] != '{' {
		return "it is no object", validJSON(raw, line)
	}
	err = json.Unmarshal(raw, into)
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case err == nil:
		return "", nil
	case errors.As(err, &syntax):
		return "", notJSON(raw, line, syntax)
	case errors.As(err, &typ):
		return fmt.Sprintf("%s cannot be a %s", quoted(typ.Field), typ.Value), nil
	}
	return "it cannot be read", nil
}

func validJSON(raw []byte, line int) error {
	var any json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal(raw, &any); errors.As(err, &syntax) {
		return notJSON(raw, line, syntax)
	}
	return nil
}

func notJSON(raw []byte, line int, err *json.SyntaxError) error {
	before := raw[:min(max(err.Offset, 0), int64(len(raw)))]
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return &Unreadable{Problem: Problem{
		Line: line + bytes.Count(before, []byte{'\n'}), Column: max(column, 1),
		What: "this is not JSON: " + excerpt(err.Error(), 80),
	}, Err: err}
}
