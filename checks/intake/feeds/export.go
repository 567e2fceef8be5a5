package feeds

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// Document is an advisory for others, as a file.
type Document struct {
	Name string
	Data []byte
	// TLP is the narrowest marking of what is in it.
	TLP state.TLP
}

// The formats of Export.
const (
	FormatCSAF     = "csaf"
	FormatMarkdown = "markdown"
)

// Export writes the newest version of an advisory, as far as a place may see it. It
// is an error when the place may not even see the title, or when a format has no name
// for the marking.
func Export(a state.Advisory, p state.Place, format string, from Publisher, now time.Time) (Document, error) {
	t := a.Newest()
	if !p.Sees(t.TLP) {
		return Document{}, fmt.Errorf("advisory %d is %s, and nothing of it may be seen up to %s", a.Number, t.TLP, p.Top())
	}
	t, tlp := visible(t, p)
	d := Document{Name: fmt.Sprintf("advisory-%d-v%d", a.Number, t.Version), TLP: tlp}
	var err error
	switch format {
	case FormatCSAF:
		d.Name += ".csaf.json"
		d.Data, err = writeCSAF(a, t, tlp, from, now)
	case FormatMarkdown:
		d.Name += ".md"
		d.Data = writeMarkdown(a, t, tlp)
	default:
		err = fmt.Errorf("there is no format %.20q: csaf or markdown", format)
	}
	return d, err
}

// visible is a text without what a place may not see, and the narrowest marking of
// what is left.
func visible(t state.AdvisoryText, p state.Place) (state.AdvisoryText, state.TLP) {
	tlp := t.TLP
	keep := func(part string, any bool) bool {
		m := t.Mark(part)
		if any && p.Sees(m) {
			tlp = min(tlp, m)
			return true
		}
		return false
	}
	out := t
	out.Summary = nil
	for _, s := range t.Summary {
		if m := t.Narrow(s); p.Sees(m) {
			out.Summary, tlp = append(out.Summary, s), min(tlp, m)
		}
	}
	if !keep(state.PartProducts, len(t.Products) > 0) {
		out.Products = nil
	}
	if !keep(state.PartActions, len(t.Actions) > 0) {
		out.Actions = nil
	}
	if !keep(state.PartIndicators, len(t.Indicators) > 0) {
		out.Indicators = nil
	}
	if !keep(state.PartSources, len(t.Sources) > 0) {
		out.Sources = nil
	}
	return out, tlp
}

// writeMarkdown writes a text for people. What is in it is escaped: it shows as text.
func writeMarkdown(a state.Advisory, t state.AdvisoryText, tlp state.TLP) []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# Advisory %d: %s\n", a.Number, escape(t.Title))
	line("%s · version %d · %s\n", tlp, t.Version, a.State())
	if a.Withdrawn != nil {
		line("**Withdrawn: do not act on it.**\n")
	}
	if t.Changed != "" && t.Version > 1 {
		line("Version %d is superseded. What changed: %s\n", t.Version-1, escape(t.Changed))
	}
	for _, s := range t.Summary {
		line("%s\n", escape(s.Text))
	}
	if len(t.Products) > 0 {
		line("## Affected products\n\n| Product | Builds | Fixed from |\n|---|---|---|")
		for _, p := range t.Products {
			for _, br := range p.Branches {
				line("| %s | %s to below %s | %s |", escape(p.Name), escape(br.From), escape(br.Below), escape(fixedIn(br)))
			}
		}
		line("")
	}
	if len(t.Actions) > 0 {
		line("## What to do, in this order\n")
		for i, s := range t.Actions {
			line("%d. %s", i+1, escape(s))
		}
		line("")
	}
	if len(t.Indicators) > 0 {
		line("## Indicators (defanged)\n\n| Type | Value | Role | Seen |\n|---|---|---|---|")
		for _, i := range t.Indicators {
			line("| %s | %s | %s | %s |", escape(i.Type), escape(Defang(i)), escape(i.Role), escape(i.Seen))
		}
		line("")
	}
	if len(t.Sources) > 0 {
		line("## Sources\n")
		for _, s := range t.Sources {
			line("- %s: %s", escape(s.Title), sourceLink(s.At))
		}
	}
	if t.Credit != "" {
		line("\nShared by the community %s.", escape(t.Credit))
	}
	return []byte(b.String())
}

func fixedIn(b state.AdvisoryBranch) string {
	switch {
	case b.Fixed == "":
		return "no fix exists"
	case b.KB != "":
		return b.Fixed + " (" + b.KB + ")"
	}
	return b.Fixed
}

// escape makes a text one line that Markdown shows as it is: no markup, no table, no
// list, no heading, and no link that a reader makes of what only looks like one.
func escape(s string) string {
	s = strings.TrimSpace(checks.Clean(s, maxText*4))
	s = strings.NewReplacer(
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "&", "&amp;", "<", "&lt;", ">", "&gt;", "|", `\|`, "#", `\#`,
		"!", `\!`, "~", `\~`, "$", `\$`, "@", `\@`, "://", `\://`,
	).Replace(s)
	s = bareHost.ReplaceAllString(s, `$1\.`)
	return blockStart.ReplaceAllString(s, `$1\$2`)
}

var (
	bareHost   = regexp.MustCompile(`(?i)(www)\.`)
	blockStart = regexp.MustCompile(`^(\d*)([-+=.)])`) // of a list, a rule, or what makes a heading of the line above
)

// sourceLink is where a source is found: addresses as links, other words as text.
func sourceLink(at string) string {
	var out []string
	for _, f := range strings.Fields(at) {
		if u := reference(f); u != "" {
			out = append(out, "<"+u+">")
			continue
		}
		out = append(out, escape(f))
	}
	return strings.Join(out, " ")
}

// Defang makes an indicator one that nobody opens by accident.
func Defang(i state.Indicator) string {
	switch i.Type {
	case "ip":
		if strings.Contains(i.Value, ":") {
			return strings.ReplaceAll(i.Value, ":", "[:]")
		}
		return strings.ReplaceAll(i.Value, ".", "[.]")
	case "domain":
		return strings.ReplaceAll(i.Value, ".", "[.]")
	case "url":
		return strings.ReplaceAll(strings.Replace(i.Value, "http", "hxxp", 1), ".", "[.]")
	}
	return i.Value
}
