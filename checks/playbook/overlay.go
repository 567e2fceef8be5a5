package playbook

import (
	"fmt"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/allclear-bot/allclear/state"
)

// isOverlay reports whether the file tells a revision by its differences.
func isOverlay(n ast.Node) bool {
	m, ok := n.(*ast.MappingNode)
	return ok && slices.ContainsFunc(m.Values, func(v *ast.MappingValueNode) bool {
		key, _ := scalar(v.Key)
		return key == "base"
	})
}

// overlay reads a revision that is told by its differences to another:
// other fix lines, further published builds, fewer CVEs, another date.
func (r *reader) overlay(n ast.Node) Playbook {
	var p Playbook
	var base, revision int
	var name string
	var keep []string
	onBase := func(read reading) reading { // without a base, the rest means nothing
		return func(n ast.Node) {
			if p.Name != "" {
				read(n)
			}
		}
	}
	r.object(
		n, "the revision",
		must("playbook", r.word(&name)),
		must("revision", r.number(&revision, 1, 1_000_000)),
		must("base", func(at ast.Node) {
			if r.number(&base, 1, 1_000_000)(at); base == 0 {
				return
			}
			if base == revision {
				r.problem(at, "revision %d cannot be based on itself", revision)
				return
			}
			var err error
			if p, err = r.base(name, base); err != nil {
				r.problem(at, "%s", err.Error())
			}
		}),
		may("cves", onBase(func(at ast.Node) {
			r.refs(&keep, "a CVE of the base", p.rules.CVEs)(at)
			p.CVEs = slices.DeleteFunc(slices.Clone(p.CVEs), func(c CVE) bool { return !slices.Contains(keep, c.ID) })
			if len(p.CVEs) == 0 {
				r.problem(at, "no CVE is left")
			}
			if !p.bare { // of rules alone it is not known which CVE is due when
				p.rules.Due = earliest(p.CVEs)
			}
		})),
		may("due", onBase(r.due(&p))),
		may("builds", onBase(r.list(maxBuilds, r.addBuild(&p.rules)))),
		may("fixed", onBase(r.fixLines(&p.rules))),
	)
	p.Revision = revision
	p.seal()
	return p
}

// base is what a revision differs from: the one in force, or a built-in one.
func (r *reader) base(name string, revision int) (Playbook, error) {
	if f := r.inForce; f.Name != "" && f.Name == name && f.Revision == revision {
		return f.clone(), nil
	}
	p, err := whole(name, revision)
	if err != nil && r.inForce.Name == name {
		err = fmt.Errorf("revision %d of %s is no base for this: revision %d is in force", revision, name, r.inForce.Revision)
	}
	return p, err
}

// OfRules is a playbook of which no more is known than its rules: those that an incident
// keeps of a revision that came from a file.
func OfRules(r state.Rules) Playbook {
	p := Playbook{Name: r.Playbook, Revision: r.Revision, Title: r.Title, rules: r, bare: true}
	for _, id := range r.CVEs {
		p.CVEs = append(p.CVEs, CVE{ID: id})
	}
	return p.clone()
}

// OfRules reports whether no more is known of the playbook than its rules.
func (p Playbook) OfRules() bool { return p.bare }

// clone is a playbook whose fix lines can be moved without moving those of another.
func (p Playbook) clone() Playbook {
	p.rules.Products = slices.Clone(p.rules.Products)
	for i := range p.rules.Products {
		bs := slices.Clone(p.rules.Products[i].Branches)
		for j := range bs {
			bs[j].Known = slices.Clone(bs[j].Known)
		}
		p.rules.Products[i].Branches = bs
	}
	return p
}

func earliest(cves []CVE) time.Time {
	var due time.Time
	for _, c := range cves {
		if !c.KEVDue.IsZero() && (due.IsZero() || c.KEVDue.Before(due)) {
			due = c.KEVDue
		}
	}
	return due
}

// fixLines reads builds, each of which becomes the fix line of the branch that it lies in.
func (r *reader) fixLines(rules *state.Rules) reading {
	var moved []*state.Branch
	return r.list(maxBranches, func(n ast.Node) {
		var v state.Version
		if r.version(&v)(n); v.IsZero() {
			return
		}
		b := branchOf(*rules, v)
		if b == nil || b.Fixed.IsZero() {
			r.problem(n, "the build %s lies in no branch of the base that has a fix", v)
			return
		}
		if slices.Contains(moved, b) {
			r.problem(n, "the branch of %s has a fix line already", v)
			return
		}
		old := b.Fixed
		for _, o := range sharing(rules, b) { // what has its line from this branch has the new one from it, too
			if o.Fixed != old {
				continue
			}
			moved = append(moved, o)
			o.Fixed = v
			for i := range o.Known {
				if o.Known[i].Version.Compare(v) >= 0 {
					o.Known[i].Partial = false
				}
			}
			if err := checkBranch(*o); err != nil {
				r.problem(n, "%s", err.Error())
			}
		}
	})
}

// sharing are the branches of the product that a branch is of.
func sharing(rules *state.Rules, b *state.Branch) []*state.Branch {
	for _, p := range rules.Products {
		var all []*state.Branch
		for i := range p.Branches {
			all = append(all, &p.Branches[i])
		}
		if slices.Contains(all, b) {
			return all
		}
	}
	return nil
}

// addBuild reads a published build that the base does not have.
func (r *reader) addBuild(rules *state.Rules) reading {
	return r.node(func(n ast.Node, k state.Build) {
		b := branchOf(*rules, k.Version)
		if b == nil {
			r.problem(n, "the build %s lies in no branch of the base", k.Version)
			return
		}
		i, found := slices.BinarySearchFunc(b.Known, k, func(a, b state.Build) int { return a.Version.Compare(b.Version) })
		if found {
			r.problem(n, "the base has the build %s already", k.Version)
			return
		}
		b.Known = slices.Insert(b.Known, i, k)
	})
}

// node reads a build and hands it on with its place in the file.
func (r *reader) node(use func(ast.Node, state.Build)) reading {
	return func(n ast.Node) {
		var list []state.Build
		if r.build(&list)(n); len(list) == 1 {
			use(n, list[0])
		}
	}
}

// branchOf is the branch that a build lies in, to be changed; nil if none.
func branchOf(rules state.Rules, v state.Version) *state.Branch {
	for _, p := range rules.Products {
		for i := range p.Branches {
			b := &p.Branches[i]
			if v.Len() >= b.From.Len() && v.Compare(b.From) >= 0 && v.Compare(b.Below) < 0 {
				return b
			}
		}
	}
	return nil
}
