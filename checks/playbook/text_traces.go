package playbook

import "github.com/allclear-bot/allclear/checks"

func (b *page) indicators(indicators []checks.Indicator) {
	if len(indicators) == 0 {
		return
	}
	b.line("\nPaths that exist only where an attacker was")
	for _, i := range indicators {
		b.line("  [%s] %s (%s)", i.Grade, i.Path, i.ID)
	}
}

func (b *page) logRules(rules []LogRule) {
	if len(rules) == 0 {
		return
	}
	b.line("\nLog rules (a rule whose columns are missing was not evaluated)")
	for _, l := range rules {
		b.line("  [%s] %s: %s (%s)", l.Grade, l.ID, l.Title, l.Source)
		if l.Method != "" {
			b.line("    method  %s", l.Method)
		}
		b.line("    path    %s", l.Stem)
		if l.Query != nil {
			b.line("    query   %s", l.Query)
		}
		if l.Referer != nil {
			b.line("    referer %s", l.Referer)
		}
		b.prose("    ", l.Note)
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
