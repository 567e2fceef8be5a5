package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/schollz/progressbar/v3"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// Bounds of what a person is shown.
const (
	usualWidth  = 100 // columns of a line when it goes into no terminal
	leastReason = 12  // columns that a reason is worth printing in
	widestName  = 24  // columns that names are aligned to
	mostReasons = 8   // reasons that a summary lists
	keptReasons = 500 // different reasons that are counted
)

// scanPrinter prints results, and a progress bar on a terminal.
type scanPrinter struct {
	json      bool
	deadline  time.Duration
	caveats   map[string]string // by observer
	out, errs io.Writer
	width     int
	names     int                      // columns of the names
	bar       *progressbar.ProgressBar // nil in a pipe
	err       error

	noURL        int
	dark         int            // servers of which nobody can say whether they are compromised
	unknown      map[string]int // why, counted
	doubts       map[string]int // why nobody can say whether they are compromised
	seen         map[string]bool
	otherUnknown int // reasons that are not kept
}

func newScanPrinter(o scanOptions, plan checks.Plan, targets []checks.Target, sys system) *scanPrinter {
	p := &scanPrinter{
		json: o.json, deadline: o.deadline, out: sys.Out, errs: sys.Err, width: usualWidth,
		caveats: map[string]string{}, unknown: map[string]int{}, doubts: map[string]int{}, seen: map[string]bool{},
	}
	for _, ob := range plan.Observers {
		p.caveats[ob.ID] = ob.Caveat
	}
	for _, t := range targets {
		p.names = min(widestName, max(p.names, utf8.RuneCountInString(t.Server.Name)))
	}
	if w, ok := sys.Terminal(sys.Out); ok {
		p.width = max(w, 40)
	}
	if w, ok := sys.Terminal(sys.Err); ok {
		p.bar = progressbar.NewOptions(len(targets), progressbar.OptionSetWriter(sys.Err), progressbar.OptionSetWidth(min(40, w/3)),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionSetDescription("scan"))
		_ = p.bar.RenderBlank() // the first answer may take a while
	}
	return p
}

// result prints one server. The runner calls it from one goroutine at a time. It
// returns why nothing more can be printed.
func (p *scanPrinter) result(r checks.Result) error {
	if p.bar != nil {
		p.clear()
		defer p.bar.Add(1)
	}
	p.count(r)
	if p.err != nil {
		return p.err
	}
	if p.json {
		p.err = json.NewEncoder(p.out).Encode(r.Line())
	} else {
		_, p.err = fmt.Fprintln(p.out, p.row(r))
	}
	return p.err
}

func (p *scanPrinter) clear() { _ = p.bar.Clear() }

// count keeps what the summary tells of all servers together.
func (p *scanPrinter) count(r checks.Result) {
	if r.URL == "" {
		p.noURL++
	}
	if r.Compromised == nil {
		p.dark++
		if r.Reached {
			tally(p.doubts, sharedDoubt(r.Doubt))
		}
	}
	if r.Judgement.Verdict == state.VerdictUnknown && !tally(p.unknown, p.why(r)) {
		p.otherUnknown++
	}
	if strings.Contains(r.Judgement.Reason, p.caveat(r)) {
		p.seen[r.Basis] = true
	}
}

// tally counts a reason; it is false when there are too many different ones.
func tally(reasons map[string]int, why string) bool {
	if reasons[why] == 0 && len(reasons) >= keptReasons {
		return false
	}
	reasons[why]++
	return true
}

// sharedDoubt is a doubt in the words that other servers share: without the name
// of the indicator that it is about, and without paths, which are random.
func sharedDoubt(doubt string) string {
	if head, tail, ok := strings.Cut(doubt, ": "); ok && !strings.Contains(head, " ") {
		doubt = tail
	}
	words := strings.Fields(cmp.Or(doubt, "it was not looked at"))
	for i, w := range words {
		if path := strings.TrimRight(w, ",;:"); strings.HasPrefix(w, "/") {
			words[i] = "…" + w[len(path):]
		}
	}
	return checks.Gist(strings.Join(words, " "))
}

// why is the reason of an unknown in the words that other servers share.
func (p *scanPrinter) why(r checks.Result) string {
	if r.Reached || r.URL == "" {
		return checks.Gist(p.reason(r))
	}
	return "not reached: " + notReached(r)
}

// notReached is what was in the way, without what differs from server to server.
func notReached(r checks.Result) string {
	if what, ok := strings.CutPrefix(r.Error, "TLS: "); ok {
		return "TLS: " + checks.Gist(what)
	}
	return checks.Gist(r.Error)
}

// caveat is what is to be known of every value of the observer that decided; it
// stands in the reason of each server, and is told once.
func (p *scanPrinter) caveat(r checks.Result) string {
	if c := p.caveats[r.Basis]; c != "" {
		return " (" + c + ")"
	}
	return "\x00"
}

func (p *scanPrinter) reason(r checks.Result) string {
	s := strings.Replace(r.Judgement.Reason, p.caveat(r), "", 1)
	return strings.Replace(s, "says it is fixed: ", "", 1)
}

// row is one server for a person, on one line: the worst thing first.
func (p *scanPrinter) row(r checks.Result) string {
	word, affected := r.Judgement.Verdict.String(), r.Compromised != nil && *r.Compromised
	switch {
	case affected:
		word = "COMPROMISED"
	case r.Judgement.Verdict == state.VerdictVulnerable:
		word = "VULNERABLE"
	case r.Judgement.Verdict == state.VerdictFixed:
		word = "says fixed"
	}
	name := console.Clean(r.Server)
	lead := fmt.Sprintf("%-11s %s%s  ", word, name, strings.Repeat(" ", max(0, p.names-utf8.RuneCountInString(name))))
	room := p.width - utf8.RuneCountInString(lead)
	if room < leastReason {
		return strings.TrimRight(lead, " ")
	}
	reason := p.reason(r)
	told := p.told(r, affected, reason)
	if utf8.RuneCountInString(told) > room {
		told = p.told(r, affected, checks.Gist(reason))
	}
	return lead + checks.Clean(told, room)
}

// told is what a row says of a server, the most important first.
func (p *scanPrinter) told(r checks.Result, affected bool, reason string) string {
	var parts []string
	for _, h := range r.Indicators {
		parts = append(parts, fmt.Sprintf("found %s at %s (%d)", h.ID, h.URL, h.Status))
	}
	if r.Compromised == nil && r.Judgement.Verdict == state.VerdictFixed {
		parts = append(parts, "whether it is compromised is not known")
	}
	parts = append(parts, r.Contradiction, reason)
	if !strings.Contains(r.Judgement.Reason, r.Error) {
		parts = append(parts, r.Error)
	}
	if !affected {
		parts = append(parts, r.Notes...)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

// finish sums up and gives the exit status.
func (p *scanPrinter) finish(s checks.Summary, interrupted bool) error {
	if p.bar != nil {
		p.clear()
	}
	if p.err != nil {
		return fmt.Errorf("print results: %w", p.err)
	}
	cut := p.cutShort(s, interrupted)
	if p.json && cut != "" {
		fmt.Fprintln(p.errs, "allclear:", cut)
	}
	if !p.json {
		if _, err := fmt.Fprint(p.out, "\n"+console.Render(p.summary(s, cut), console.Options{Width: p.width})); err != nil {
			return err
		}
	}
	switch {
	case s.Vulnerable > 0 || s.Compromised > 0:
		return outcome{exitAffected}
	case s.Unknown > 0 || !s.Complete || p.dark > 0:
		return outcome{exitUnknown}
	}
	return nil
}

// cutShort says that a scan is not complete, and why; "" when it is.
func (p *scanPrinter) cutShort(s checks.Summary, interrupted bool) string {
	if s.Complete {
		return ""
	}
	why := fmt.Sprintf("the deadline of %s ended the scan", brief(p.deadline))
	if interrupted {
		why = "the scan was interrupted"
	}
	rest := "the rest is as unknown as before"
	if s.NotLooked == 0 {
		rest = "not every question to them was asked"
	}
	return fmt.Sprintf("INCOMPLETE: %s. %d of %s looked at; %s.", why, s.Looked, plural(s.Targets, "server"), rest)
}

// summary is the scan in numbers, with what many servers have in common told once.
func (p *scanPrinter) summary(s checks.Summary, cut string) chat.Message {
	m := chat.Say(chat.P(p.counted(s)))
	if cut != "" {
		m.Add(chat.P(cut))
	}
	if s.Unknown > 0 {
		m.Add(chat.P(fmt.Sprintf("%d unknown, because:", s.Unknown)), reasonList(p.unknown, p.otherUnknown),
			chat.P("What settles it is "+checks.SettleInside+"."))
	}
	if len(p.doubts) > 0 {
		n := 0
		for _, d := range p.doubts {
			n += d
		}
		m.Add(chat.P(fmt.Sprintf("%d answered, and nobody can say whether they are compromised:", n)), reasonList(p.doubts, 0))
	}
	for _, id := range slices.Sorted(maps.Keys(p.seen)) {
		m.Add(chat.P("Of what is read from "+id+": ", p.caveats[id]))
	}
	if s.Vulnerable == 0 && s.Compromised == 0 {
		m.Add(chat.P("Nothing was found from outside. That is not the same as remediated."))
	}
	m.Add(chat.P("All that is known of each server: --json."))
	return m
}

// counted is the first line of a summary.
func (p *scanPrinter) counted(s checks.Summary) string {
	parts := []string{fmt.Sprintf("%s in %s", plural(s.Looked, "server"), s.Took.Round(100*time.Millisecond))}
	for _, c := range []struct {
		n    int
		what string
	}{
		{s.Compromised, "COMPROMISED"},
		{s.Vulnerable, "vulnerable"},
		{s.Unknown, "unknown"},
		{s.Fixed, "said to be fixed by what answered"},
		{s.Looked - s.Reached - p.noURL, "not reached"},
		{p.noURL, "without a URL"},
	} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return strings.Join(parts, " · ")
}

// reasonList lists reasons, the most frequent first.
func reasonList(reasons map[string]int, other int) chat.List {
	order := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]), cmp.Compare(a, b))
	})
	list := chat.L()
	for i, why := range order {
		if i < mostReasons {
			list.Items = append(list.Items, chat.T(fmt.Sprintf("%d: ", reasons[why]), why))
		} else {
			other += reasons[why]
		}
	}
	if other > 0 {
		list.Items = append(list.Items, chat.T(fmt.Sprintf("%d: other reasons", other)))
	}
	return list
}
