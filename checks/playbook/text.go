package playbook

import (
	"fmt"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// textWidth is where prose is wrapped.
const textWidth = 92

// page is a text being written.
type page struct{ strings.Builder }

func (b *page) line(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }

// prose writes wrapped text, indented.
func (b *page) prose(indent, text string) {
	line := ""
	for _, w := range strings.Fields(text) {
		if line != "" && len(indent)+len(line)+1+len(w) > textWidth {
			b.line("%s%s", indent, line)
			line = ""
		}
		line = strings.TrimSpace(line + " " + w)
	}
	if line != "" {
		b.line("%s%s", indent, line)
	}
}

// Text is the whole playbook for people, as plain text.
func (p Playbook) Text() string {
	b := &page{}
	b.line("%s (playbook %s, revision %d)", p.Title, p.Name, p.Revision)
	b.prose("", p.Summary)
	b.dates(p.rules)
	b.cves(p.CVEs)
	b.products(p.rules.Products)
	b.steps(p.rules)
	b.observers(p.Observers)
	b.indicators(p.Indicators)
	b.logRules(p.LogRules, p.Logs)
	b.iocs(p.IOCs)
	b.detections(p.Detections)
	b.line("\nSources")
	for _, s := range p.Sources {
		b.line("  [%s] %s, %s: %s", s.Grade, s.Title, s.At, s.For)
	}
	b.line("\nGrades: A, a primary source and a second one; B, one primary; C, two secondary; D, one secondary; I, an inference.")
	return b.String()
}

func day(t time.Time) string { return t.Format(time.DateOnly) }

func (b *page) dates(r state.Rules) {
	b.line("")
	if !r.Due.IsZero() {
		b.line("Due:               %s", day(r.Due))
	}
	if !r.Window.IsZero() {
		b.line("Exploited since:   %s", day(r.Window))
	}
	if r.Item != "" {
		b.line("An item of a farm: %s", r.Item)
	}
}

func (b *page) cves(cves []CVE) {
	b.line("\nVulnerabilities")
	for _, c := range cves {
		kev := "not in CISA KEV"
		if !c.KEVAdded.IsZero() {
			kev = fmt.Sprintf("in CISA KEV since %s, due %s", day(c.KEVAdded), day(c.KEVDue))
		}
		b.line("  [%s] %s  %s; %s", c.Grade, c.ID, c.Title, kev)
	}
}

func (b *page) products(products []state.Product) {
	b.line("\nProducts and fix lines")
	for _, p := range products {
		b.line("  %s (%s)", p.Name, p.ID)
		for _, br := range p.Branches {
			line := "fixed at " + br.Fixed.String()
			switch {
			case !p.Affected:
				line = "not affected"
			case br.Fixed.IsZero():
				line = "no fix: disconnect"
			case !ownLine(br) && br.Fixed.Compare(br.From) < 0:
				line = "every build has the fix, " + br.Fixed.String()
			case !ownLine(br):
				line = "no build has the fix, " + br.Fixed.String()
			}
			b.line("    %s up to %s: %s%s", br.From, br.Below, line, known(br.Known))
		}
		b.prose("    ", p.Note)
	}
}

func known(builds []state.Build) string {
	if len(builds) == 0 {
		return ""
	}
	s := fmt.Sprintf("; %d published builds, %s to %s", len(builds), builds[0].Version, builds[len(builds)-1].Version)
	if len(builds) == 1 {
		s = "; 1 published build"
	}
	for _, k := range builds {
		if k.Partial {
			s += fmt.Sprintf("; %s (%s) is partial", k.Version, k.KB)
		}
	}
	return s
}

func (b *page) steps(r state.Rules) {
	b.line("\nSteps, in the order of work")
	for i, s := range r.Steps {
		b.line("  %d. %s (%s)", i+1, s.Title, s.ID)
		b.prose("     ", s.Advice)
		b.line("     %s", strings.Join(demands(r, s), "; "))
		for _, p := range s.Proof {
			b.line("     proof: %s", proofText(p))
		}
	}
	for _, s := range r.Signs {
		word := "suspicion"
		if s.Proves {
			word = "proof of compromise"
		}
		b.line("  %s: %s is %s", word, s.Kind, strings.Join(s.Values, " or "))
	}
}

// demands says who must do a step, and when.
func demands(r state.Rules, s state.Step) []string {
	who := map[state.Scope]string{
		state.ScopeServer: "every server", state.ScopeFarm: "the farm", state.ScopeItem: "every " + r.Item,
	}[s.Scope]
	if len(s.Products) > 0 {
		who += " of " + strings.Join(s.Products, ", ")
	}
	switch s.Need {
	case state.NeedCompromised:
		who += " with a sign of compromise"
	case state.NeedNever:
		who = "advised, never asked for: " + who
	}
	out := []string{who}
	if s.Fix {
		out = append(out, "part of being fixed")
	}
	same, whole := after(r, s)
	if len(same) > 0 {
		out = append(out, "counts after "+strings.Join(same, ", ")+" on the same "+itemWord(r, s.Scope))
	}
	if len(whole) > 0 {
		out = append(out, "counts after "+strings.Join(whole, ", ")+" on the whole farm")
	}
	return out
}

// after splits what a step comes after: steps of its own scope bind the same
// subject, the others the whole farm.
func after(r state.Rules, s state.Step) (same, whole []string) {
	for _, id := range s.After {
		if prior, ok := r.Step(id); ok && prior.Scope == s.Scope {
			same = append(same, id)
		} else {
			whole = append(whole, id)
		}
	}
	return same, whole
}

func itemWord(r state.Rules, s state.Scope) string {
	if s == state.ScopeItem {
		return r.Item
	}
	return s.String()
}

func proofText(p state.Proof) string {
	s := fmt.Sprintf("%s is %s", p.Kind, strings.Join(p.Good, " or "))
	if p.FixLine {
		s = fmt.Sprintf("%s at or above the fix line", p.Kind)
	}
	if len(p.Bad) > 0 {
		s += " (" + strings.Join(p.Bad, ", ") + " contradicts)"
	}
	from := make([]string, len(p.Sources))
	for i, src := range p.Sources {
		from[i] = src.String()
	}
	s += ", from " + strings.Join(from, ", ")
	switch {
	case p.Dated:
		s += "; says when it happened"
	case p.Covers:
		s += "; covers the time of exposure"
	case p.MaxAge > 0:
		s += "; counts for " + ageText(p.MaxAge)
	}
	return s
}

func ageText(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return fmt.Sprintf("%d hours", d/time.Hour)
}

func (b *page) observers(observers []checks.Observer) {
	b.line("\nWhat is asked of a server")
	for _, o := range observers {
		b.line("  %s: %s %s, %s", o.ID, o.Method, o.Path, readText(o))
		if o.Pattern != nil {
			b.line("    pattern %s", o.Pattern)
		}
		b.prose("    ", o.Caveat)
		for _, l := range o.Lookalikes {
			b.line("    %s is %s", l.Pattern, l.Name)
		}
	}
}

// readText says what an observer reads, and how precise it is.
func readText(o checks.Observer) string {
	precise := fmt.Sprintf("a build of %d numbers", o.Precision)
	switch o.Reads() {
	case checks.ExtractHeader:
		return fmt.Sprintf("header %s: %s", o.Header, precise)
	case checks.ExtractStamp:
		if len(o.Stamps.Builds) == 0 {
			return fmt.Sprintf("time stamp of %s: its date is the build", o.Stamps.Name)
		}
		return fmt.Sprintf("time stamp of %s: %s, of %d that are known", o.Stamps.Name, precise, len(o.Stamps.Builds))
	case checks.ExtractStatus:
		return fmt.Sprintf("status: %d is the sign of %s", o.Status, o.Means)
	case checks.ExtractLinks:
		return "links of the page: " + precise
	case checks.ExtractRedirect:
		return "target of the redirect: " + precise
	default:
		return "body: " + precise
	}
}
