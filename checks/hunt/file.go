package hunt

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/allclear-bot/allclear/checks"
)

// Format is how a log is written.
type Format string

// The formats.
const (
	FormatW3C      Format = "w3c"     // IIS
	FormatHTTPErr  Format = "httperr" // the error log of HTTP.sys: what never reached a site
	FormatCombined Format = "combined"
)

// File is what became of one log.
type File struct {
	Name   string `json:"name"`
	Server string `json:"server,omitempty"`
	Site   string `json:"site,omitempty"`
	Format Format `json:"format,omitempty"`
	Lines  int64  `json:"lines"`
	Bytes  int64  `json:"bytes"` // of the text
	// Unreadable lines have too few columns, too many, or no time.
	Unreadable int64  `json:"unreadable,omitempty"`
	Headless   int64  `json:"headless,omitempty"` // lines before the first #Fields
	Own        int64  `json:"own,omitempty"`      // requests of allclear's own scans, refused
	Digest     string `json:"digest,omitempty"`   // SHA-256 of the file as it was handed in, hex
	// Problem is why it could not be read, or not to its end; "": all of it was.
	Problem string `json:"problem,omitempty"`
	broke   int64  // the minute after which the rest was lost; 0: not known
}

// reading is one file while it is read.
type reading struct {
	h    *Hunt
	s    *server
	site *site
	file File
	in   lines

	lay    layout
	ready  bool // there was a #Fields
	front  bool
	day    time.Time // of the #Date directive, for logs without that column
	clock  time.Duration
	minute [16]byte
	last   int64 // the minute of the last line that had one
	seen   bool
	other  bool // the layout changed since
}

// read reads a file to its end. Only the context's error is returned: what is wrong
// with a file is in the file.
func (r *reading) read(ctx context.Context, in io.Reader) error {
	sum := sha256.New()
	text, err := r.open(&bounded{ctx: ctx, r: in, left: r.h.lim.Bytes, sum: sum})
	if err == nil {
		r.in.r = &bounded{ctx: ctx, r: text, left: r.h.lim.Bytes, h: r.h}
		err = r.lines(ctx)
	}
	r.file.Bytes = r.in.read
	r.file.Digest = hex.EncodeToString(sum.Sum(nil))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrTooMuch):
		return err
	}
	if err != nil {
		r.file.Problem = checks.Clean(err.Error(), 200)
		r.broken()
	}
	return nil
}

var (
	errUTF16 = errors.New("the file is UTF-16: save it as UTF-8")
	errZip   = errors.New("an archive inside an archive is not opened: unpack it first")
	errNoLog = errors.New("this is no log of a known format: neither #Fields nor the combined format")
)

// open unpacks, and refuses what is no text.
func (r *reading) open(in io.Reader) (io.Reader, error) {
	head, text, err := peek(in)
	if err == nil && bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		var z *gzip.Reader
		if z, err = gzip.NewReader(text); err == nil {
			head, text, err = peek(z)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return nil, errZip
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}), len(head) >= 2 && head[0] != 0 && head[1] == 0:
		return nil, errUTF16
	}
	return text, nil
}

// peek is the beginning of a stream, and the stream with it, but without a byte order mark.
func peek(in io.Reader) (head []byte, whole io.Reader, err error) {
	head = make([]byte, 4)
	n, err := io.ReadFull(in, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil, err
	}
	head = bytes.TrimPrefix(head[:n], []byte("\xef\xbb\xbf"))
	if err != nil {
		return head, bytes.NewReader(head), nil
	}
	return head, io.MultiReader(bytes.NewReader(head), in), nil
}

func (r *reading) lines(ctx context.Context) error {
	for {
		line, how, err := r.in.next()
		if errors.Is(err, io.EOF) {
			return r.done()
		}
		if err != nil {
			return err
		}
		r.file.Lines++
		if r.file.Lines&0xffff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case how == cutLong:
			r.unreadable(line, true)
		case len(line) == 0:
		case line[0] == '#':
			r.directive(line)
		case line[0] == 0: // what HTTP.sys reserved and did not fill
			if line = bytes.TrimLeft(line, "\x00"); len(line) > 0 {
				r.unreadable(line, true)
			}
		case r.ready:
			r.entry(line, how)
		default:
			if err := r.headless(line, how); err != nil {
				return err
			}
		}
	}
}

func (r *reading) done() error {
	if r.file.Format == "" {
		if r.file.Lines == 0 {
			return errors.New("the file is empty")
		}
		return errNoLog
	}
	return nil
}

// headless takes a line before any #Fields: of another format, or of a file whose
// beginning is missing.
func (r *reading) headless(line []byte, how cut) error {
	switch {
	case r.file.Format == FormatCombined || r.file.Format == "" && looksCombined(line):
		r.file.Format, r.front = FormatCombined, true
		if how == cutWhole {
			r.combined(line)
		}
		return nil
	case r.file.Format == "" && r.file.Lines > 1000:
		return errNoLog
	}
	if r.file.Format == "" && len(line) >= 16 {
		if m, ok := minuteAt(line); ok {
			r.last, r.seen = m, true
			r.file.Format = FormatW3C
		}
	}
	r.file.Headless++
	r.unreadable(line, true)
	return nil
}

// directive reads a line that begins with #.
func (r *reading) directive(line []byte) {
	name, rest, ok := bytes.Cut(line, []byte{':'})
	if !ok {
		return
	}
	switch string(bytes.ToLower(name)) {
	case "#fields":
		r.fields(rest)
	case "#date":
		if t, err := time.Parse("2006-01-02 15:04:05", string(bytes.TrimSpace(rest))); err == nil {
			r.day, r.clock = t.Truncate(24*time.Hour), t.Sub(t.Truncate(24*time.Hour))
		}
	}
}

func (r *reading) fields(rest []byte) {
	if len(rest) > 16<<10 {
		rest = rest[:16<<10]
	}
	var names []string
	for _, n := range bytes.Fields(rest) {
		names = append(names, string(n))
	}
	r.lay, r.ready = newLayout(names, r.h.rules)
	r.minute, r.other = [16]byte{}, true
	switch {
	case !r.ready:
		r.file.Problem = "a #Fields directive names no time and path, or too many columns"
		r.file.Format = FormatW3C
	case r.lay.errors:
		r.file.Format, r.front = FormatHTTPErr, true
	default:
		r.file.Format, r.front = FormatW3C, false
	}
}

var space = []byte{' '}

// entry looks at one line of a W3C log.
func (r *reading) entry(line []byte, how cut) {
	n := bytes.Count(line, space)
	if n != r.lay.n-1 || how != cutWhole {
		r.unreadable(line, n < r.lay.n-1 || how == cutEnd)
		return
	}
	if !r.lay.dated || len(line) < 19 || string(line[:16]) != string(r.minute[:]) {
		if !r.turn(line) {
			r.unreadable(line, true)
			return
		}
	}
	at := r.lay.path()
	rest := line
	for i := at; i > 0; i-- {
		rest = rest[bytes.IndexByte(rest, ' ')+1:]
	}
	end := bytes.IndexByte(rest, ' ')
	if end < 0 {
		end = len(rest)
	}
	if r.s.gate.opens(rest[:end]) {
		r.full(line)
		return
	}
	var client []byte
	switch {
	case r.lay.client == absent:
		return
	case r.lay.back > 0:
		client = fieldBack(line, r.lay.back)
	case r.lay.client > at:
		client = field(rest, r.lay.client-at)
	default:
		client = field(line, r.lay.client)
	}
	if r.s.suspects.may(client) || r.lay.at[colForwarded] != absent && bytes.IndexByte(client, ',') >= 0 {
		r.full(line)
	}
}

// turn takes the time of a line of another minute than the one before.
func (r *reading) turn(line []byte) bool {
	var m int64
	ok := false
	if r.lay.dated && len(line) >= 19 {
		if m, ok = minuteAt(line); ok {
			copy(r.minute[:], line)
		}
	} else if t := r.timeOf(line); !t.IsZero() {
		m, ok = minuteOf(t), true
	}
	if !ok || m > r.h.horizon {
		return false
	}
	r.cover(m)
	return true
}

// cover notes that a line of this minute was read.
func (r *reading) cover(m int64) {
	if r.seen && m == r.last && !r.other {
		return
	}
	r.last, r.seen, r.other = m, true, false
	if r.front {
		return
	}
	r.site.covered.add(m)
	if r.lay.missing != "" {
		r.s.blind("the column "+r.lay.missing+" is not logged", m)
	}
}

// broken notes from when on the file was lost.
func (r *reading) broken() {
	if r.seen {
		r.file.broke = r.last
	}
}

// minuteAt reads "2025-07-21 14:03" at the beginning of a line.
func minuteAt(line []byte) (int64, bool) {
	var v [5]int
	for i, at := range [5][2]int{{0, 4}, {5, 7}, {8, 10}, {11, 13}, {14, 16}} {
		for _, c := range line[at[0]:at[1]] {
			if c < '0' || c > '9' {
				return 0, false
			}
			v[i] = v[i]*10 + int(c-'0')
		}
	}
	if line[4] != '-' || line[7] != '-' || line[10] != ' ' || line[13] != ':' || v[0] < 1990 || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 || v[3] > 23 || v[4] > 59 {
		return 0, false
	}
	t := time.Date(v[0], time.Month(v[1]), v[2], v[3], v[4], 0, 0, time.UTC)
	return minuteOf(t), t.Day() == v[2]
}

// timeOf is when a line of the layout was written, zero when it does not say.
func (r *reading) timeOf(line []byte) time.Time {
	text := string(field(line, r.lay.at[colTime]))
	if len(text) > 8 {
		text = text[:8]
	}
	if d := r.lay.at[colDate]; d != absent {
		t, err := time.Parse("2006-01-02 15:04:05", string(field(line, d))+" "+text)
		if err != nil || t.Year() < 1990 {
			return time.Time{}
		}
		return t
	}
	t, err := time.Parse("15:04:05", text)
	if err != nil || r.day.IsZero() {
		return time.Time{}
	}
	clock := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
	if clock < r.clock-12*time.Hour {
		r.day = r.day.AddDate(0, 0, 1)
	}
	r.clock = clock
	return r.day.Add(clock)
}

// unreadable takes a line that is not as #Fields says. It harms nothing when it is
// longer than it should be and no rule's name is in it.
func (r *reading) unreadable(line []byte, short bool) {
	r.file.Unreadable++
	if len(line) >= 16 {
		if m, ok := minuteAt(line); ok && m <= r.h.horizon {
			r.last, r.seen = m, true
			r.minute = [16]byte{}
		}
	}
	named := r.s.gate.opens(line)
	if (short || named) && r.seen && !r.front {
		r.s.blind("lines cannot be read", r.last)
	}
	if named {
		r.s.note(activityKey{rule: unreadableRule, value: valueOdd, path: "(a line that cannot be read)"}, timeOf(r.last), 0, r.where())
	}
}

func (r *reading) where() string { return fmt.Sprintf("%s:%d", r.file.Name, r.file.Lines) }

// bounded ends with the context, and at the limit.
type bounded struct {
	ctx  context.Context
	r    io.Reader
	left int64
	sum  hash.Hash
	h    *Hunt // whose total it counts towards; nil: nobody's
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if b.left <= 0 {
		return 0, errors.New("it is longer than may be read")
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if b.sum != nil {
		b.sum.Write(p[:n])
	}
	if b.h != nil && b.h.read.Add(int64(n)) > b.h.lim.Total {
		return 0, fmt.Errorf("more than %d bytes: %w", b.h.lim.Total, ErrTooMuch)
	}
	return n, err
}
