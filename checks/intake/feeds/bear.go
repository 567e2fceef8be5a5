package feeds

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// Moved is a fix line that a source puts higher than the rules in force.
type Moved struct {
	Product  string
	Old, New state.Version
}

// News is what a source says that the work does not know yet.
type News struct {
	// Changed is what is different from what it said before, and Standing where it goes
	// beyond the playbook in force: that is told at every look.
	Changed, Standing []string
	Moved             []Moved
	TLP               state.TLP // the narrowest marking of any of it
}

// Bears tells what a source says that the work does not know yet. Of a fix line that
// is lower than the playbook's nothing is concluded.
func Bears(pb playbook.Playbook, rules state.Rules, changes []Change, now []Record) News {
	n := News{TLP: state.TLPClear}
	add := func(list *[]string, line string, mark state.TLP) {
		if !slices.Contains(*list, line) {
			*list, n.TLP = append(*list, line), min(n.TLP, mark)
		}
	}
	for _, c := range changes {
		if slices.Contains(rules.CVEs, c.CVE) && matters(c.What) {
			add(&n.Changed, c.String(), c.TLP)
		}
	}
	for _, r := range now {
		if !slices.Contains(rules.CVEs, r.CVE) {
			continue
		}
		for _, line := range beyondKEV(pb, r) {
			add(&n.Standing, line, r.TLP)
		}
		for _, m := range beyondLines(rules, r) {
			add(&n.Standing, fmt.Sprintf("%s (%s): %s is fixed from %s on; the playbook says %s", r.CVE, r.Source, m.Product, m.New, m.Old), r.TLP)
			if !slices.ContainsFunc(n.Moved, func(o Moved) bool { return o.Old == m.Old && o.New.Compare(m.New) >= 0 }) {
				n.Moved = append(n.Moved, m)
			}
		}
	}
	return n
}

// matters reports whether a change bears on the work, and not only on the text of a source.
func matters(what string) bool {
	for _, p := range []string{"known to be exploited", "due date", "added to the catalogue", "used in ransomware", "required action", "fix line of", "affected versions of", "withdrawn", "listed", "remedy for"} {
		if strings.HasPrefix(what, p) {
			return true
		}
	}
	return false
}

// beyondKEV is what the catalogue says and the playbook does not. A playbook that was
// handed in as a file is not at hand, and then nothing is told.
func beyondKEV(pb playbook.Playbook, r Record) []string {
	i := slices.IndexFunc(pb.CVEs, func(c playbook.CVE) bool { return c.ID == r.CVE })
	if i < 0 || r.KEV == nil || r.Source != string(KindKEV) {
		return nil
	}
	c := pb.CVEs[i]
	switch {
	case c.KEVAdded.IsZero():
		return []string{fmt.Sprintf("%s (kev): in the catalogue since %s, due %s; the playbook does not say so", r.CVE, date(r.KEV.Added), date(r.KEV.Due))}
	case !sameDay(c.KEVDue, r.KEV.Due):
		return []string{fmt.Sprintf("%s (kev): due %s; the playbook says %s", r.CVE, date(r.KEV.Due), date(c.KEVDue))}
	}
	return nil
}

func sameDay(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) }

// beyondLines are the fix lines of a record that lie above those in force, in the
// same branch.
func beyondLines(rules state.Rules, r Record) []Moved {
	var out []Moved
	for _, p := range r.Products {
		for _, text := range p.Fixed {
			v, err := state.ParseVersion(text)
			if err != nil {
				continue // publishers write words there
			}
			for _, own := range rules.Products {
				for _, b := range own.Branches {
					if own.Affected && in(b, v) && !b.Fixed.IsZero() && v.Compare(b.Fixed) > 0 && v.Len() == b.Fixed.Len() {
						out = append(out, Moved{Product: own.Name, Old: b.Fixed, New: v})
					}
				}
			}
		}
	}
	return out
}

func in(b state.Branch, v state.Version) bool {
	return v.Len() >= b.From.Len() && v.Compare(b.From) >= 0 && v.Compare(b.Below) < 0
}

// Revision writes a revision of a built-in playbook whose fix lines are those that a
// source says, and reads it again: what it returns is valid, or the error says why
// there is none. It differs from what is in force in nothing else.
func Revision(rules state.Rules, moved []Moved) (text string, pb playbook.Playbook, err error) {
	base, err := playbook.Builtin(rules.Playbook)
	if err != nil {
		return "", pb, fmt.Errorf("%s is no built-in playbook: write its revision by hand", rules.Playbook)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Made from what a source says; it is only a proposal until somebody accepts it.\nplaybook: %s\nrevision: %d\nbase: %d\n",
		rules.Playbook, max(rules.Revision, base.Revision)+1, base.Revision)
	lines := linesOf(base.Rules(), rules, moved)
	list(&b, "builds", slices.DeleteFunc(slices.Clone(lines), func(v state.Version) bool { return published(base.Rules(), v) }))
	list(&b, "fixed", lines)
	pb, err = playbook.Parse([]byte(b.String()), "proposed revision")
	if err != nil {
		return "", pb, fmt.Errorf("the proposed revision would not be valid: %w", err)
	}
	return b.String(), pb, nil
}

func list(b *strings.Builder, key string, builds []state.Version) {
	if len(builds) > 0 {
		fmt.Fprintf(b, "%s:\n", key)
	}
	for _, v := range builds {
		fmt.Fprintf(b, "  - %s\n", v)
	}
}

// published reports whether a playbook knows a build already.
func published(rules state.Rules, v state.Version) bool {
	for _, p := range rules.Products {
		for _, b := range p.Branches {
			if slices.ContainsFunc(b.Known, func(k state.Build) bool { return k.Version == v }) {
				return true
			}
		}
	}
	return false
}

// linesOf are the fix lines that are other than those of the base: in force, or moved.
func linesOf(base, rules state.Rules, moved []Moved) []state.Version {
	var out []state.Version
	for i, p := range rules.Products {
		for j, b := range p.Branches {
			line := b.Fixed
			for _, m := range moved {
				if m.Old == b.Fixed && in(b, m.New) && m.New.Compare(line) > 0 {
					line = m.New
				}
			}
			same := i < len(base.Products) && j < len(base.Products[i].Branches) && base.Products[i].Branches[j].Fixed == line
			if !line.IsZero() && !same && !slices.Contains(out, line) {
				out = append(out, line)
			}
		}
	}
	return out
}
