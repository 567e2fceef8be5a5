package intake

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// source is a file as checked text: UTF-8, without marks and zero bytes, no longer
// than it may be.
type source struct {
	*bufio.Reader
	tape  *tape
	utf16 bool
}

func openSource(ctx context.Context, r io.Reader, lim Limits) (*source, error) {
	raw := bufio.NewReaderSize(&bounded{ctx: ctx, r: r, left: lim.Bytes, limit: lim.Bytes}, chunk)
	head, err := raw.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	s := &source{}
	var text io.Reader = raw
	switch {
	case len(head) == 0:
		return nil, unreadable(0, 0, "the file is empty")
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}), bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return nil, unreadable(0, 0, "the file is compressed: unpack it first")
	case bytes.HasPrefix(head, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(head, []byte{0, 0, 0xfe, 0xff}):
		return nil, unreadable(1, 0, "the file is UTF-32: save it as UTF-8")
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		s.utf16 = true
		text = transform.NewReader(raw, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder())
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = raw.Discard(3)
	}
	s.tape = &tape{r: &checked{r: text, line: 1}, left: chunk}
	s.Reader = bufio.NewReaderSize(s.tape, chunk)
	return s, nil
}

// bounded ends with the context, and at the limit.
type bounded struct {
	ctx         context.Context
	r           io.Reader
	left, limit int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if b.left < 0 {
		return 0, unreadable(0, 0, "the file is longer than %d bytes", b.limit)
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, unreadable(0, 0, "the file is longer than %d bytes", b.limit)
	}
	return n, err
}

// checked lets only text pass.
type checked struct {
	r            io.Reader
	line, column int // of what comes next
	buf          []byte
	cut          int    // bytes at the beginning of buf that begin a rune
	out          []byte // checked, and not yet given
	err          error
}

func (c *checked) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.fill()
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

func (c *checked) fill() {
	if c.buf == nil {
		c.buf = make([]byte, chunk/2)
	}
	n, err := c.r.Read(c.buf[c.cut:])
	c.err = err
	text := c.buf[:c.cut+n]
	c.cut = 0
	if err == nil {
		c.cut = incomplete(text)
	}
	rest := text[len(text)-c.cut:]
	text = text[:len(text)-c.cut]
	if bad := firstBad(text); bad >= 0 {
		c.count(text[:bad])
		c.err = c.refusal(text[bad])
		return
	}
	c.count(text)
	c.out = append(c.out[:0], text...)
	copy(c.buf, rest)
}

// incomplete is how many bytes at the end may be the beginning of a rune.
func incomplete(p []byte) int {
	for k := 1; k < utf8.UTFMax && k <= len(p); k++ {
		if b := p[len(p)-k]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(p[len(p)-k:]) {
				return k
			}
			return 0
		}
	}
	return 0
}

func firstBad(p []byte) int {
	zero := bytes.IndexByte(p, 0)
	if zero < 0 && utf8.Valid(p) {
		return -1
	}
	for i := 0; i < len(p); {
		r, size := utf8.DecodeRune(p[i:])
		if p[i] == 0 || r == utf8.RuneError && size < 2 {
			return i
		}
		i += size
	}
	return -1
}

func (c *checked) count(p []byte) {
	if n := bytes.Count(p, []byte{'\n'}); n > 0 {
		c.line += n
		c.column = len(p) - bytes.LastIndexByte(p, '\n') - 1
		return
	}
	c.column += len(p)
}

func (c *checked) refusal(b byte) error {
	if b == 0 {
		return unreadable(c.line, c.column+1, "a zero byte: this is not text, or it is UTF-16 without its mark; save it as UTF-8")
	}
	return unreadable(c.line, c.column+1, "the byte %02X is not UTF-8, it may be Latin-1: save the file as UTF-8", b)
}

// errBudget: a record is longer than it may be.
var errBudget = errors.New("longer than allowed")

// tape bounds what is read for one record, and remembers the raw bytes of it.
type tape struct {
	r     io.Reader
	left  int
	buf   []byte
	from  int64 // offset of the first byte of buf
	start int64 // of the record
	off   bool  // nothing is remembered
}

func (t *tape) Read(p []byte) (int, error) {
	if t.left <= 0 {
		return 0, errBudget
	}
	n, err := t.r.Read(p)
	t.left -= n
	if !t.off {
		t.buf = append(t.buf, p[:n]...)
	}
	return n, err
}

// begin starts a record at an offset: it may be so long, and what lies before it is
// forgotten.
func (t *tape) begin(offset int64, most int) {
	t.left, t.start = most, offset
	if drop := int(offset - t.from); drop > 2*chunk && !t.off {
		t.buf = t.buf[:copy(t.buf, t.buf[min(drop, len(t.buf)):])]
		t.from = offset
	}
}

// raw is what was read between the beginning of the record and an offset.
func (t *tape) raw(end int64) []byte {
	n := int64(len(t.buf))
	lo, hi := min(max(t.start-t.from, 0), n), min(max(end-t.from, 0), n)
	return t.buf[lo:max(lo, hi)]
}

// silence ends remembering.
func (t *tape) silence() { t.off, t.buf = true, nil }
