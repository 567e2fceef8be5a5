package playbook

import (
	"regexp"
	"strings"

	"github.com/allclear-bot/allclear/checks"
)

func (b *page) indicators(indicators []checks.Indicator) {
	if len(indicators) == 0 {
		return
	}
	b.line("\nPaths that exist only where an attacker was")
	for _, i := range indicators {
		b.line("  [%s] %s (%s)", i.Grade, i.Path, i.ID)
	}
}

func (b *page) logRules(rules []LogRule, scope LogScope) {
	if len(rules) == 0 && scope.Blind == "" {
		return
	}
	b.line("\nLog rules (a rule whose columns are missing was not evaluated)")
	switch {
	case scope.Settles:
		b.line("  Logs without gaps and without such requests are a clean hunt.")
	default:
		b.line("  Logs alone never make a clean hunt.")
	}
	b.prose("  ", scope.Blind)
	for _, l := range rules {
		b.line("  [%s] %s: %s (%s, confidence %s, %s)", l.Grade, l.ID, l.Title, l.Shows, l.Confidence, l.Source)
		b.logPattern(l)
		for _, m := range l.Mistaken {
			b.prose("    not to be mistaken for it: ", m)
		}
		b.prose("    ", l.Note)
	}
}

func (b *page) logPattern(l LogRule) {
	if l.Known {
		b.line("    only of addresses that are listed below, or that attacked")
	}
	if l.Method != "" {
		b.line("    method  %s", l.Method)
	}
	if len(l.Names) > 0 {
		b.line("    names   %s", strings.Join(l.Names, ", "))
	}
	for _, m := range []struct {
		what string
		re   *regexp.Regexp
	}{{"path   ", l.Stem}, {"query  ", l.Query}, {"referer", l.Referer}, {"agent  ", l.Agent}} {
		if m.re != nil {
			b.line("    %s %s", m.what, m.re)
		}
	}
	for _, s := range l.Status {
		b.line("    status  %d to %d", s.From, s.To)
	}
	if l.Size != nil {
		b.line("    size    %s %d to %d", l.Size.Column, l.Size.From, l.Size.To)
	}
}

func (b *page) iocs(iocs []IOC) {
	if len(iocs) == 0 {
		return
	}
	b.line("\nIndicators of compromise")
	for _, i := range iocs {
		seen := ""
		if !i.Seen.IsZero() {
			seen = ", " + day(i.Seen)
		}
		b.line("  [%s] %-10s %s  %s (%s%s)", i.Grade, i.Type, i.Value, i.Role, i.Source, seen)
	}
}

func (b *page) detections(detections []Detection) {
	if len(detections) == 0 {
		return
	}
	b.line("\nDetection rules of others")
	for _, d := range detections {
		b.line("  %s: %s %s (%s)", d.Kind, d.Repo, d.Path, d.Licence)
		b.prose("    ", d.ID)
		b.prose("    ", d.Note)
	}
}
