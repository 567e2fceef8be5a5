package playbook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/allclear-bot/allclear/state"
)

var (
	releasedForm = regexp.MustCompile(`^20[0-9]{2}-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?$`)
	kbForm       = regexp.MustCompile(`^[A-Z]{2,5}[0-9]{4,9}$`)
)

func productID(p state.Product) string { return p.ID }

func (r *reader) product(rules *state.Rules) reading {
	return func(n ast.Node) {
		p := state.Product{Affected: true}
		var at []ast.Node // of each branch
		r.object(
			n, "a product",
			must("id", r.word(&p.ID)),
			must("name", r.text(&p.Name, 100)),
			may("affected", r.flag(&p.Affected)),
			may("note", r.text(&p.Note, 500)),
			must("branches", func(list ast.Node) {
				r.list(maxBranches, r.branch(rules, &p, &at))(list)
				if s, ok := list.(*ast.SequenceNode); ok && len(s.Values) == 0 {
					r.problem(list, "product %q has no branch", p.ID)
				}
			}),
		)
		r.unique(n, "product", p.ID, ids(rules.Products, productID))
		if !p.Affected && p.Note == "" {
			r.problem(n, "product %q is not affected: its note must say why", p.ID)
		}
		for i, b := range p.Branches {
			if !ownLine(b) && !slices.ContainsFunc(p.Branches, func(o state.Branch) bool { return ownLine(o) && o.Fixed == b.Fixed }) {
				r.problem(at[i], "the fix line %s is outside of its branch, %s to %s, and of no other branch of product %q", b.Fixed, b.From, b.Below, p.ID)
			}
			if b.Fixed.IsZero() != p.Branches[0].Fixed.IsZero() {
				r.problem(n, "product %q has a fix in some branches only: make two products of it", p.ID)
				break
			}
		}
		rules.Products = append(rules.Products, p)
	}
}

func (r *reader) branch(rules *state.Rules, p *state.Product, at *[]ast.Node) reading {
	return func(n ast.Node) {
		var b state.Branch
		noFix, complete := false, false
		fixed := func(n ast.Node) {
			if s, _ := scalar(n); s == "none" {
				noFix = true
				return
			}
			r.version(&b.Fixed)(n)
		}
		before := len(r.problems)
		r.object(
			n, "a branch",
			must("from", r.version(&b.From)),
			must("below", r.version(&b.Below)),
			field{"fixed", p.Affected, fixed},
			may("builds", r.list(maxBuilds, r.build(&b.Known))),
			may("complete", r.flag(&complete)),
		)
		if len(r.problems) > before {
			return // what follows would only repeat it
		}
		if !p.Affected && (noFix || !b.Fixed.IsZero()) {
			r.problem(n, "product %q is not affected and needs no fix line", p.ID)
		}
		if complete && len(b.Known) == 0 {
			r.problem(n, "a table without builds is not complete")
		}
		b.Gaps = !complete && !b.Fixed.IsZero()
		if err := checkBranch(b); err != nil {
			r.problem(n, "%s", err.Error())
		}
		for _, q := range append(slices.Clone(rules.Products), *p) {
			for _, o := range q.Branches {
				if o.From.Compare(b.Below) < 0 && b.From.Compare(o.Below) < 0 {
					r.problem(n, "the branch from %s to %s overlaps one of product %q", b.From, b.Below, q.ID)
				}
			}
		}
		p.Branches, *at = append(p.Branches, b), append(*at, n)
	}
}

// within reports whether a build lies in the branch.
func within(b state.Branch, v state.Version) bool {
	return v.Compare(b.From) >= 0 && v.Compare(b.Below) < 0
}

// ownLine reports whether the fix line of a branch is a build of it, or there is
// none. A branch that ended before the fix was made, or begins after it, has that of
// another one of its product: then all of its builds lack the fix, or have it.
func ownLine(b state.Branch) bool { return b.Fixed.IsZero() || within(b, b.Fixed) }

// checkBranch holds the numbers of a branch against each other.
func checkBranch(b state.Branch) error {
	if b.From.Compare(b.Below) >= 0 {
		return fmt.Errorf("the branch from %s ends at %s, before it begins", b.From, b.Below)
	}
	for i, k := range b.Known {
		switch v := k.Version; {
		case !within(b, v):
			return fmt.Errorf("the build %s is outside of its branch, %s to %s", v, b.From, b.Below)
		case i > 0 && v.Compare(b.Known[i-1].Version) <= 0:
			return fmt.Errorf("the builds must ascend: %s follows %s", v, b.Known[i-1].Version)
		case !b.Fixed.IsZero() && v.Len() != b.Fixed.Len():
			return fmt.Errorf("the build %s has %d numbers, the fix line %s has %d", v, v.Len(), b.Fixed, b.Fixed.Len())
		case k.Partial && (b.Fixed.IsZero() || v.Compare(b.Fixed) >= 0):
			return fmt.Errorf("the build %s is not below the fix line and cannot be partial", v)
		}
	}
	isLine := func(k state.Build) bool { return k.Version == b.Fixed }
	if !b.Fixed.IsZero() && ownLine(b) && len(b.Known) > 0 && !slices.ContainsFunc(b.Known, isLine) {
		return fmt.Errorf("the fix line %s is none of the published builds of its branch", b.Fixed)
	}
	return nil
}

func (r *reader) build(dst *[]state.Build) reading {
	return r.value(80, func(s string) error {
		b, err := parseBuild(s)
		if err != nil {
			return err
		}
		*dst = append(*dst, b)
		return nil
	})
}

// parseBuild reads "16.0.5508.1000 2025-07-08 KB5002744 partial"; all but the build may be missing.
func parseBuild(s string) (state.Build, error) {
	words := strings.Fields(s)
	v, err := state.ParseVersion(words[0])
	if err != nil {
		return state.Build{}, err
	}
	b := state.Build{Version: v}
	rest := words[1:]
	next := func(is func(string) bool) string {
		if len(rest) == 0 || !is(rest[0]) {
			return ""
		}
		w := rest[0]
		rest = rest[1:]
		return w
	}
	b.Released = next(releasedForm.MatchString)
	b.KB = next(kbForm.MatchString)
	b.Partial = next(func(w string) bool { return w == "partial" }) != ""
	if len(rest) > 0 {
		return b, fmt.Errorf("%.40q is not understood: want a build, its date, its KB and \"partial\", in this order", rest[0])
	}
	return b, nil
}
