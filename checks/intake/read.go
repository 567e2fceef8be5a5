package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"iter"
	"time"

	"github.com/allclear-bot/allclear/checks"
)

// Options tell how to read. Zero Options recognise the format by themselves.
type Options struct {
	Format Format
	// Report is the type of a Shadowserver report where the file's name tells it; the
	// header row decides when it says otherwise.
	Report string
	// Map names the columns of a plain table.
	Map Mapping
	// Zone is that of times which carry none and are documented to carry none; nil: such
	// rows are refused.
	Zone *time.Location
	// Now, when set, refuses rows that are dated later.
	Now time.Time
	// Observers are those of the playbook: they read builds from headers in a report.
	Observers []checks.Observer
	Limits    Limits
}

// maxSkew is how far ahead of ours the clock of a report's maker may be.
const maxSkew = 2 * time.Minute

// Read yields the findings of a report in the order of the file, in constant memory.
// A *Problem is a row that was refused; reading goes on. Any other error is the last
// word: of an Unreadable file nothing may be used, also what was yielded before.
func Read(ctx context.Context, r io.Reader, o Options) iter.Seq2[Finding, error] {
	return func(yield func(Finding, error) bool) {
		in := &reader{ctx: ctx, o: o, lim: o.Limits.filled(), rules: newRulebook(), headers: newHeaderReader(o.Observers)}
		in.yield = func(f Finding, err error) error {
			if !yield(f, err) {
				return errStopped
			}
			return nil
		}
		if err := in.read(r); err != nil && !errors.Is(err, errStopped) {
			yield(Finding{}, err)
		}
	}
}

// Tally is what came of reading a whole file.
type Tally struct {
	Format   Format
	Rows     int
	Findings int
	Refused  int
	// Problems are the first ones of the refused rows.
	Problems []Problem
	Digest   string // SHA-256 of the file, hex
}

// MaxProblems is how many refused rows a Tally describes; it counts all.
const MaxProblems = 100

// ErrChanged: the file was another one when it was read the second time.
var ErrChanged = errors.New("the file changed while it was read")

// Whole reads a file twice: once to its end, to see that all of it can be read, and
// once more to give its findings. If it cannot be read to its end, or is changed in
// between, the error says so; in the first case each was never called.
func Whole(ctx context.Context, r io.ReadSeeker, o Options, each func(Finding) error) (Tally, error) {
	first, err := pass(ctx, r, o, func(Finding) error { return nil })
	if err != nil {
		return first, err
	}
	o.Format = first.Format
	second, err := pass(ctx, r, o, each)
	if err == nil && second.Digest != first.Digest {
		err = ErrChanged
	}
	return second, err
}

func pass(ctx context.Context, r io.ReadSeeker, o Options, each func(Finding) error) (Tally, error) {
	var t Tally
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return t, err
	}
	sum := &summed{r: r, h: sha256.New()}
	in := &reader{ctx: ctx, o: o, lim: o.Limits.filled(), rules: newRulebook(), headers: newHeaderReader(o.Observers)}
	in.yield = func(f Finding, err error) error {
		var p *Problem
		switch {
		case errors.As(err, &p):
			t.Refused++
			if len(t.Problems) < MaxProblems {
				t.Problems = append(t.Problems, *p)
			}
			return nil
		case err != nil:
			return err
		}
		t.Findings++
		return each(f)
	}
	err := in.read(sum)
	if err == nil {
		_, err = io.Copy(io.Discard, sum) // what follows the end is part of the file
	}
	t.Format, t.Rows, t.Digest = in.format, in.record, hex.EncodeToString(sum.h.Sum(nil))
	return t, err
}

type summed struct {
	r io.Reader
	h hash.Hash
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.h.Write(p[:n])
	return n, err
}

// reader reads one file.
type reader struct {
	ctx     context.Context
	o       Options
	lim     Limits
	rules   rulebook
	headers headerReader
	yield   func(Finding, error) error
	format  Format
	record  int // rows so far
	last    clock
}

// clock is the time that was read last: rows that follow each other often have the same.
type clock struct {
	text string
	zone *time.Location
	at   time.Time
}

// moment reads a time; see the function of that name.
func (in *reader) moment(s string, zone *time.Location) (time.Time, string) {
	if s == in.last.text && zone == in.last.zone && s != "" {
		return in.last.at, ""
	}
	at, why := moment(s, zone)
	if why == "" {
		in.last = clock{s, zone, at}
	}
	return at, why
}

func (in *reader) read(r io.Reader) error {
	src, err := openSource(in.ctx, r, in.lim)
	if err != nil {
		return err
	}
	if in.format = in.o.Format; in.format == "" && len(in.o.Map) > 0 {
		in.format = FormatCSV
	}
	if in.format == "" {
		head, err := src.Peek(chunk)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errBudget) {
			return err
		}
		if in.format, err = Detect(head); err != nil {
			return err
		}
	}
	if err := in.format.check(); err != nil {
		return unreadable(0, 0, "%s", err)
	}
	switch in.format {
	case FormatShadowserver:
		return in.shadowserver(src)
	case FormatShodan:
		return in.shodan(src)
	case FormatNuclei:
		return in.nuclei(src)
	case FormatNmap:
		return in.nmap(src)
	case FormatNessus:
		return in.nessus(src)
	default:
		return in.table(src)
	}
}

// next counts a row, and ends with the context.
func (in *reader) next() error {
	in.record++
	if in.record%256 == 0 {
		return in.ctx.Err()
	}
	return nil
}

// find yields a finding. Only what says that something is wrong can be shown.
func (in *reader) find(f Finding) error {
	if f.Says != SaysVulnerable && f.Says != SaysIndicator {
		f.Shows, f.Reason = false, ""
	}
	return in.yield(f, nil)
}

// refuse tells why a row is refused.
func (in *reader) refuse(line, column int, what string) error {
	return in.yield(Finding{}, &Problem{Line: line, Column: column, Record: in.record, What: what})
}

// base is a finding about a row, as far as every format has it.
func (in *reader) base(tool string, line int, raw []byte) Finding {
	sum := sha256.Sum256(raw)
	return Finding{Tool: tool, Line: line, Record: in.record, Digest: hex.EncodeToString(sum[:])}
}

// badTime says why a time cannot be, "" when it can.
func (in *reader) badTime(t time.Time) string {
	switch {
	case t.Year() < 1990:
		return "it is dated " + t.UTC().Format(time.DateOnly) + ", which cannot be"
	case !in.o.Now.IsZero() && t.After(in.o.Now.Add(maxSkew)):
		return "it is dated in the future (" + t.UTC().Format("2006-01-02 15:04") + ")"
	}
	return ""
}
