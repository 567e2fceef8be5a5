package hunt

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Span is a stretch of time, UTC, both ends included, with what is to be said of it.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Why  string    `json:"why,omitempty"`
}

// Report is what the logs of one server say.
type Report struct {
	Server string `json:"server"`
	// Sites are those whose logs were read. Of others nothing is known.
	Sites []string `json:"sites,omitempty"`
	Files []File   `json:"files"`
	Lines int64    `json:"lines"`
	// First and Last are the minutes between which there are lines of the server's own
	// logs; zero: there are none.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Silence is the longest stretch without a line that is no gap.
	Silence time.Duration `json:"silence,omitempty"`
	// Gaps are stretches of which the logs cannot speak, between the beginning of the
	// window and Last.
	Gaps []Span `json:"gaps,omitempty"`
	// Clean are stretches in which all was looked at and nothing was found.
	Clean []Span `json:"clean,omitempty"`
	// Traffic is what was found.
	Traffic []Traffic `json:"traffic,omitempty"`
	// Worst is the worst value of the traffic, "" when there is none.
	Worst string `json:"worst,omitempty"`
	// Settles: for this playbook logs can be a clean hunt.
	Settles bool `json:"settles"`
	// Whole: they cover the window from its beginning, as far as they go.
	Whole bool `json:"whole,omitempty"`
	// Proves: they are a clean hunt, for they are whole.
	Proves bool `json:"proves,omitempty"`
	// Digest is of the digests of the files, hex.
	Digest string `json:"digest,omitempty"`
	// Folded counts requests that are not told apart any more; there were too many kinds.
	Folded int64 `json:"folded,omitempty"`
}

// maxSpans is how many gaps and clean stretches of a server are told.
const maxSpans = 200

// Servers names the servers of which logs were read, in order.
func (h *Hunt) Servers() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.servers))
}

// Report tells of one server, once its logs were read. What was before settled, the
// moment up to which two persons have vouched that the attacker is out, does not
// interrupt a clean stretch any more; zero: nobody has.
func (h *Hunt) Report(name string, settled time.Time) Report {
	h.mu.Lock()
	s := h.servers[name]
	h.mu.Unlock()
	if s == nil {
		return Report{Server: name}
	}
	r := Report{Server: name, Files: s.files, Traffic: s.traffic(), Folded: s.folded}
	sum := sha256.New()
	for _, f := range s.files {
		r.Lines += f.Lines
		sum.Write([]byte(f.Digest))
	}
	r.Digest = hex.EncodeToString(sum.Sum(nil))
	for _, t := range r.Traffic {
		if rank(t.Value) > rank(r.Worst) {
			r.Worst = t.Value
		}
	}
	h.spans(s, &r, settled)
	return r
}

// spans works out what the logs cover.
func (h *Hunt) spans(s *server, r *Report, settled time.Time) {
	all := &minutes{}
	for _, name := range slices.Sorted(maps.Keys(s.sites)) {
		if c := &s.sites[name].covered; len(c.days) > 0 {
			r.Sites = append(r.Sites, name)
			all.merge(c)
		}
	}
	first, last, ok := all.bounds()
	if !ok {
		return
	}
	quiet, begin := int64(h.quiet/time.Minute), first
	gaps := all.silences(first, last, quiet, "no line")
	if w := minuteOf(h.window); !h.window.IsZero() && first > w {
		if first-w <= quiet {
			begin = w // a silence that is usual is none before the first line either
		} else {
			gaps = append(gaps, stretch{w, first - 1, "the logs begin later"})
		}
	}
	r.First, r.Last = timeOf(first), timeOf(last)
	// The last minute may go on: what is covered ends where it begins.
	whole := stretch{from: begin, to: last - 1}
	gaps = append(gaps, s.siteGaps(first, last, max(quiet, int64(siteQuiet/time.Minute)))...)
	for _, why := range slices.Sorted(maps.Keys(s.blinds)) {
		gaps = append(gaps, s.blinds[why].runs(quiet+1, why)...)
	}
	gaps = append(gaps, s.unread(begin, last)...)
	if all.full {
		gaps = append(gaps, stretch{begin, last, "the logs speak of too many days"})
	}
	cuts := slices.Clone(gaps)
	for k, a := range s.seen {
		if rank(k.value) > rank(valueAttempt) && a.last.After(settled) {
			cuts = append(cuts, stretch{from: minuteOf(a.first), to: minuteOf(a.last)})
		}
	}
	r.Gaps, r.Silence = spansOf(gaps), time.Duration(min(all.longest(first, last), quiet))*time.Minute
	if len(h.rules) > 0 && whole.to >= whole.from {
		r.Clean = spansOf(whole.without(cuts))
	}
	for i := range r.Clean {
		r.Clean[i].To = r.Clean[i].To.Add(time.Minute) // a stretch of minutes ends with its last one
	}
	r.Settles = h.scope.Settles
	r.Whole = len(r.Clean) > 0 && !r.Clean[0].From.After(h.window)
	r.Proves = r.Settles && r.Whole
}

// unread are the stretches of which logs were lost: all of it, when nobody can say which
// time a log was about, else a day from where it broke off.
func (s *server) unread(first, last int64) []stretch {
	var out []stretch
	for _, f := range s.files {
		switch {
		case f.Problem == "":
		case f.broke == 0:
			out = append(out, stretch{first, last, f.Name + ": " + f.Problem})
		default:
			out = append(out, stretch{f.broke, min(last, f.broke+1440), f.Name + ": " + f.Problem})
		}
	}
	return out
}

// siteGaps are stretches in which one of several sites logged nothing, though others did.
func (s *server) siteGaps(first, last, quiet int64) []stretch {
	var out []stretch
	for _, name := range slices.Sorted(maps.Keys(s.sites)) {
		if c := &s.sites[name].covered; len(c.days) > 0 {
			out = append(out, c.silences(first, last, quiet, "no line of "+cmp.Or(name, "the site"))...)
		}
	}
	return out
}

func spansOf(all []stretch) []Span {
	slices.SortFunc(all, func(a, b stretch) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), strings.Compare(a.why, b.why))
	})
	var out []Span
	for _, s := range all {
		if len(out) == maxSpans {
			break
		}
		out = append(out, Span{timeOf(s.from), timeOf(s.to), s.why})
	}
	return out
}

// HuntClean is the value of a hunt that found nothing.
const HuntClean = "clean"

// SeenClean is the value of a hunt in logs that found nothing where logs cannot prove
// that there was nothing: it is shown, and no step takes it.
const SeenClean = "nothing in logs"

const (
	// maxTraffic is how many kinds of traffic of one server become evidence; the worst first.
	maxTraffic = 40
	// maxClean is how many clean stretches do, and leastClean how long one must be.
	maxClean   = 10
	leastClean = time.Hour
)

// Evidence is what a report says, for the record: attacks, and what was covered.
func (r Report) Evidence() []state.Evidence {
	var out []state.Evidence
	traffic := slices.Clone(r.Traffic)
	slices.SortStableFunc(traffic, func(a, b Traffic) int { return rank(b.Value) - rank(a.Value) })
	for _, t := range traffic[:min(len(traffic), maxTraffic)] {
		e := t.Evidence()
		e.Digest = r.Digest
		out = append(out, e)
	}
	value := SeenClean
	if r.Settles {
		value = HuntClean
	}
	n := 0
	for i, c := range r.Clean {
		if n == maxClean || i > 0 && c.To.Sub(c.From) < leastClean {
			continue
		}
		n++
		out = append(out, state.Evidence{
			Subject: state.Subject{Server: r.Server}, Kind: state.KindHunt, Value: value, Source: state.SourceHunt, Tool: state.ToolLogs,
			From: c.From, To: c.To, Observed: c.To, Digest: r.Digest, Detail: r.covered(),
		})
	}
	return out
}

// covered says what a clean stretch rests on.
func (r Report) covered() string {
	refused := int64(0)
	for _, t := range r.Traffic {
		if t.Value == valueAttempt {
			refused += t.Count
		}
	}
	return fmt.Sprintf("logs only: %d lines of %s, no silence longer than %s; %d attempts refused",
		r.Lines, cmp.Or(strings.Join(r.Sites[:min(len(r.Sites), 5)], ", "), "one site"), shortly(r.Silence), refused)
}

func shortly(d time.Duration) string {
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}
