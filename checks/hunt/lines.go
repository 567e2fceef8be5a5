package hunt

import (
	"bytes"
	"errors"
	"io"
)

const (
	// block is how much is read at once.
	block = 256 << 10
	// maxLine is how long a line may be, in bytes: IIS writes at most 65,536 and may
	// write several custom columns of that length.
	maxLine = 1 << 20
)

// lines cuts a stream into lines without copying them. A line is valid until the next.
type lines struct {
	r          io.Reader
	buf        []byte
	start, end int
	err        error // why nothing more comes
	long       bool  // the rest of a line that is too long is being skipped
	read       int64
}

// cut says how a line ended.
type cut uint8

const (
	cutWhole cut = iota
	cutEnd       // by the end of the file: it may be written still
	cutLong      // it is longer than maxLine; its beginning is given
)

// next is the next line, without its line break. io.EOF ends it, or what went wrong.
func (l *lines) next() (line []byte, how cut, err error) {
	for {
		if i := bytes.IndexByte(l.buf[l.start:l.end], '\n'); i >= 0 {
			line = l.buf[l.start : l.start+i]
			l.start += i + 1
			if l.long {
				l.long = false
				continue
			}
			return bytes.TrimSuffix(line, []byte{'\r'}), cutWhole, nil
		}
		switch {
		case l.err != nil:
			line = l.buf[l.start:l.end]
			l.start = l.end
			if len(line) > 0 && !l.long {
				return line, cutEnd, nil
			}
			return nil, cutEnd, l.err
		case l.end-l.start >= maxLine && !l.long:
			line = l.buf[l.start:l.end]
			l.start, l.long = l.end, true
			return line, cutLong, nil
		case l.long:
			l.start = l.end
		}
		l.fill()
	}
}

func (l *lines) fill() {
	switch {
	case l.start == l.end:
		l.start, l.end = 0, 0
	case l.start > 0 && len(l.buf)-l.end < block/4:
		l.end = copy(l.buf, l.buf[l.start:l.end])
		l.start = 0
	}
	if l.buf == nil {
		l.buf = make([]byte, block)
	}
	if l.end == len(l.buf) {
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	for range 100 {
		n, err := l.r.Read(l.buf[l.end:])
		l.end += n
		l.read += int64(n)
		if err != nil {
			l.err = err
		}
		if n > 0 || err != nil {
			return
		}
	}
	l.err = errors.New("nothing comes, and no end")
}
