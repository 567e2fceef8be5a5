package feeds

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// Point is one thing that a source says and the work does not know yet.
type Point struct {
	CVE  string
	Fact state.Fact
	Line string    // for people
	TLP  state.TLP // the marking of the source
	// Moved are the fix lines that are to be moved because of it.
	Moved []state.MovedLine
}

// News is what a source says that the work does not know yet.
type News struct {
	// Changed is what is different from what it said before, and Standing where it goes
	// beyond the playbook in force: that is told at every look.
	Changed, Standing []Point
}

// Bears tells what a source says that the work does not know yet. Of a fix line that
// is lower than the playbook's nothing is concluded.
func Bears(pb playbook.Playbook, changes []Change, now []Record) News {
	n, rules := News{}, pb.Rules()
	for _, c := range changes {
		if slices.Contains(rules.CVEs, c.CVE) && matters(c.What) {
			n.Changed = append(n.Changed, Point{CVE: c.CVE, Fact: fact(c.CVE, c.Source, c.What, c.New), Line: c.String(), TLP: c.TLP})
		}
	}
	n.Standing = Beyond(pb, now)
	return n
}

// Beyond is where records go beyond a playbook, each point once.
func Beyond(pb playbook.Playbook, now []Record) []Point {
	var out []Point
	rules := pb.Rules()
	for _, r := range now {
		if !slices.Contains(rules.CVEs, r.CVE) {
			continue
		}
		for _, p := range append(beyondKEV(pb, r), beyondLines(rules, r)...) {
			p.CVE, p.TLP = r.CVE, r.TLP
			i := slices.IndexFunc(out, func(o Point) bool { return o.Fact == p.Fact })
			switch {
			case i < 0:
				out = append(out, p)
			default: // one build can be the line of several branches
				out[i].Moved = append(out[i].Moved, p.Moved...)
			}
		}
	}
	return out
}

// fact names what a source speaks of, and its content by a hash: it may be long.
func fact(cve, source, what, says string) state.Fact {
	sum := sha256.Sum256([]byte(says))
	return state.Fact{Of: cve + " " + source + " " + what, Says: hex.EncodeToString(sum[:8])}
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

// beyondKEV is what the catalogue says and the playbook does not. Of a playbook that is
// known by its rules alone it is known only by when all of it is due.
func beyondKEV(pb playbook.Playbook, r Record) []Point {
	i := slices.IndexFunc(pb.CVEs, func(c playbook.CVE) bool { return c.ID == r.CVE })
	if i < 0 || r.KEV == nil || r.Source != string(KindKEV) {
		return nil
	}
	say := func(line string) []Point {
		return []Point{{Fact: fact(r.CVE, r.Source, "in force", date(r.KEV.Added)+" "+date(r.KEV.Due)), Line: line}}
	}
	c, due := pb.CVEs[i], pb.Rules().Due
	switch {
	case pb.OfRules() && (due.IsZero() || r.KEV.Due.Before(due) && !sameDay(due, r.KEV.Due)):
		return say(fmt.Sprintf("%s (kev): due %s; the playbook says %s", r.CVE, date(r.KEV.Due), cmp.Or(date(due), "nothing of a date")))
	case pb.OfRules():
		return nil
	case c.KEVAdded.IsZero():
		return say(fmt.Sprintf("%s (kev): in the catalogue since %s, due %s; the playbook does not say so", r.CVE, date(r.KEV.Added), date(r.KEV.Due)))
	case !sameDay(c.KEVDue, r.KEV.Due):
		return say(fmt.Sprintf("%s (kev): due %s; the playbook says %s", r.CVE, date(r.KEV.Due), date(c.KEVDue)))
	}
	return nil
}

func sameDay(a, b time.Time) bool { return a.Format(time.DateOnly) == b.Format(time.DateOnly) }

// beyondLines are the fix lines of a record that lie above those in force, in the
// same branch.
func beyondLines(rules state.Rules, r Record) []Point {
	var out []Point
	for _, p := range r.Products {
		for _, text := range p.Fixed {
			v, err := state.ParseVersion(text)
			if err != nil {
				continue // publishers write words there
			}
			for _, own := range rules.Products {
				for _, b := range own.Branches {
					if own.Affected && in(b, v) && !b.Fixed.IsZero() && v.Compare(b.Fixed) > 0 && v.Len() == b.Fixed.Len() {
						out = append(out, Point{
							Fact:  fact(r.CVE, r.Source, "fixed build of "+own.Name, v.String()),
							Line:  fmt.Sprintf("%s (%s): %s is fixed from %s on; the playbook says %s", r.CVE, r.Source, own.Name, v, b.Fixed),
							Moved: []state.MovedLine{{Product: own.Name, Old: b.Fixed, New: v}},
						})
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

// Revision writes the revision that follows the rules in force, told by its differences
// to them, and reads it again: what it returns is valid, or the error says why there is
// none. Lines that are that high already stay: none left to be moved gives no text.
func Revision(rules state.Rules, moved []state.MovedLine) (text string, pb playbook.Playbook, err error) {
	lines := linesOf(rules, moved)
	if len(lines) == 0 {
		return "", playbook.OfRules(rules), nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Made from what a source says; it is only a proposal until somebody accepts it.\nplaybook: %s\nrevision: %d\nbase: %d\n",
		rules.Playbook, max(rules.Revision, newestBuiltin(rules.Playbook))+1, rules.Revision)
	list(&b, "builds", slices.DeleteFunc(slices.Clone(lines), func(v state.Version) bool { return published(rules, v) }))
	list(&b, "fixed", lines)
	pb, err = playbook.ParseOn(playbook.OfRules(rules), []byte(b.String()), "proposed revision")
	if err != nil {
		return "", pb, fmt.Errorf("the proposed revision would not be valid: %w", err)
	}
	return b.String(), pb, nil
}

// newestBuiltin is the newest built-in revision of a playbook, whose number means that
// one only; 0: there is none.
func newestBuiltin(name string) int {
	pb, err := playbook.Builtin(name)
	if err != nil {
		return 0
	}
	return pb.Revision
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

// linesOf are the highest of the moved lines in each branch in which they are higher
// than what is in force.
func linesOf(rules state.Rules, moved []state.MovedLine) []state.Version {
	var out []state.Version
	for _, p := range rules.Products {
		for _, b := range p.Branches {
			line := b.Fixed
			for _, m := range moved {
				if p.Affected && !b.Fixed.IsZero() && in(b, m.New) && m.New.Len() == b.Fixed.Len() && m.New.Compare(line) > 0 {
					line = m.New
				}
			}
			if line != b.Fixed && !slices.Contains(out, line) {
				out = append(out, line)
			}
		}
	}
	return out
}
