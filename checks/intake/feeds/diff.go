package feeds

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// Change is one thing that a source says differently than before.
type Change struct {
	CVE    string
	Source string
	What   string // "due date", "fix line of Microsoft SharePoint Server 2019"
	Old    string // "" : nothing was said
	New    string // "" : nothing is said any more
	// TLP is the narrower marking of the two states.
	TLP state.TLP
}

func (c Change) String() string {
	old, now := cmp.Or(c.Old, "nothing"), cmp.Or(c.New, "nothing any more")
	return fmt.Sprintf("%s (%s): %s: %s → %s", c.CVE, c.Source, c.What, old, now)
}

// Diff tells what changed between two states of a source about these CVEs; none
// named: about all. What matters most for the work comes first. A new revision that
// says the same is no change.
func Diff(before, after []Record, cves ...string) []Change {
	type key struct{ cve, source string }
	index := func(rs []Record) map[key]Record {
		m := map[key]Record{}
		for _, r := range rs {
			if len(cves) == 0 || slices.Contains(cves, r.CVE) {
				m[key{r.CVE, r.Source}] = r
			}
		}
		return m
	}
	olds, news := index(before), index(after)
	var keys []key
	for k := range olds {
		keys = append(keys, k)
	}
	for k := range news {
		if _, ok := olds[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b key) int { return cmp.Or(cmp.Compare(a.cve, b.cve), cmp.Compare(a.source, b.source)) })
	var out []Change
	for _, k := range keys {
		old, was := olds[k]
		now, is := news[k]
		d := differ{cve: k.cve, source: k.source, tlp: narrower(old, was, now, is)}
		switch {
		case !was:
			d.say("listed", "", "yes")
		case !is:
			d.say("listed", "yes", "")
		}
		d.compare(old, now)
		out = append(out, d.changes...)
	}
	return out
}

// narrower is the narrower marking of two states.
func narrower(old Record, was bool, now Record, is bool) state.TLP {
	switch {
	case !was:
		return now.TLP
	case !is:
		return old.TLP
	}
	return min(old.TLP, now.TLP) // markings are ordered from the narrowest on
}

type differ struct {
	cve, source string
	tlp         state.TLP
	changes     []Change
}

func (d *differ) say(what, old, now string) {
	if old != now {
		d.changes = append(d.changes, Change{CVE: d.cve, Source: d.source, What: checks.Clean(what, maxTitle), Old: old, New: now, TLP: d.tlp})
	}
}

// sayList tells what went out of a list and what came into it.
func (d *differ) sayList(what string, old, now []string) {
	d.say(what, few(missingIn(old, now)), few(missingIn(now, old)))
}

// compare compares two states in the order of what matters for the work.
func (d *differ) compare(old, now Record) {
	var a, b KEV
	if old.KEV != nil {
		a = *old.KEV
	}
	if now.KEV != nil {
		b = *now.KEV
	}
	yes := map[bool]string{true: "yes"}
	d.say("known to be exploited", yes[old.KEV != nil], yes[now.KEV != nil])
	d.say("due date", date(a.Due), date(b.Due))
	d.say("added to the catalogue", date(a.Added), date(b.Added))
	d.say("used in ransomware campaigns", a.Ransomware, b.Ransomware)
	d.say("required action", a.Action, b.Action)
	d.products(old.Products, now.Products)
	d.say("withdrawn", yes[old.Rejected], yes[now.Rejected])
	d.say("marking", mark(old), mark(now))
	d.say("title", old.Title, now.Title)
	d.sayList("references", old.References, now.References)
}

// products compares what is said of each product.
func (d *differ) products(old, now []Product) {
	type lists struct{ fixed, ranges, remedies [2][]string }
	all := map[string]*lists{}
	var names []string
	for i, ps := range [][]Product{old, now} {
		for _, p := range ps {
			name := strings.TrimSpace(p.Vendor + " " + strings.TrimSpace(strings.TrimPrefix(p.Name, p.Vendor)))
			if all[name] == nil {
				all[name] = &lists{}
				names = append(names, name)
			}
			l := all[name]
			l.fixed[i], l.remedies[i] = append(l.fixed[i], p.Fixed...), append(l.remedies[i], p.Remedies...)
			for _, r := range p.Ranges {
				l.ranges[i] = append(l.ranges[i], r.String())
			}
		}
	}
	slices.Sort(names)
	for _, n := range names {
		l := all[n]
		d.sayList("fix line of "+n, l.fixed[0], l.fixed[1])
		d.sayList("affected versions of "+n, l.ranges[0], l.ranges[1])
		d.sayList("remedy for "+n, l.remedies[0], l.remedies[1])
	}
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func mark(r Record) string {
	switch {
	case r.CVE == "":
		return ""
	case !r.Marked:
		return "none"
	}
	return r.TLP.String()
}

func missingIn(list, other []string) []string {
	var out []string
	for _, s := range list {
		if !contains(other, s) {
			out = append(out, s)
		}
	}
	return out
}

func few(list []string) string {
	if len(list) > 5 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:5], "; "), len(list)-5)
	}
	return strings.Join(list, "; ")
}
