package playbook

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// attackPaths are parts of paths that nobody sends, in whatever spelling: even a
// GET of them leaves lines in the log that look like the attack.
func attackPaths() []string { return []string{"toolpane"} }

var plainPath = regexp.MustCompile(`^/[A-Za-z0-9._/-]{0,199}$`)

func (r *reader) path(dst *string) reading {
	return func(n ast.Node) {
		before := len(r.problems)
		var s string
		r.text(&s, 400)(n)
		if len(r.problems) > before {
			return
		}
		if why := refusePath(s); why != "" {
			r.problem(n, "the path %.60q %s", s, why)
			return
		}
		*dst = s
	}
}

// refusePath says why a path may not be asked for; "" means that it may.
func refusePath(p string) string {
	plain := p
	for range 5 { // encoded, and encoded again
		next, err := url.PathUnescape(plain)
		if err != nil || next == plain {
			break
		}
		plain = next
	}
	for _, a := range attackPaths() {
		if strings.Contains(strings.ToLower(plain), a) {
			return "looks like the attack, and is never asked for"
		}
	}
	switch {
	case !strings.HasPrefix(p, "/"):
		return "is not absolute"
	case !plainPath.MatchString(p):
		return "is not plain: letters, digits, dots, dashes, underscores and slashes"
	case strings.Contains(p, "//") || slices.ContainsFunc(strings.Split(p, "/"), func(s string) bool { return s == "." || s == ".." }):
		return "is not in its shortest form"
	}
	return ""
}

func (r *reader) observer(dst *[]checks.Observer) reading {
	return func(n ast.Node) {
		var o checks.Observer
		before := len(r.problems)
		r.object(
			n, "an observer",
			must("id", r.word(&o.ID)),
			must("method", r.method(&o.Method, "GET", "HEAD")),
			must("path", r.path(&o.Path)),
			may("header", r.matching(&o.Header, tokenForm, "a header's name")),
			must("pattern", r.pattern(&o.Pattern, 1)),
			may("parts", r.parts(&o.Parts)),
			must("caveat", r.text(&o.Caveat, 500)),
			may("lookalikes", r.list(20, r.lookalike(&o.Lookalikes))),
			may("examples", r.list(20, r.example(&o))),
		)
		r.unique(n, "observer", o.ID, ids(*dst, func(o checks.Observer) string { return o.ID }))
		if len(r.problems) == before && o.Method == "HEAD" && o.Header == "" {
			r.problem(n, "observer %q reads the body, and HEAD has none", o.ID)
		}
		*dst = append(*dst, o)
	}
}

// method reads a word of the methods that are allowed.
func (r *reader) method(dst *string, allowed ...string) reading {
	return r.value(20, func(s string) error {
		if !slices.Contains(allowed, s) {
			return &wrongMethod{s, allowed}
		}
		*dst = s
		return nil
	})
}

type wrongMethod struct {
	method  string
	allowed []string
}

func (e *wrongMethod) Error() string {
	return "the method " + e.method + " is not one of " + strings.Join(e.allowed, ", ")
}

// parts reads which numbers of the captured version make the build.
func (r *reader) parts(dst *[]int) reading {
	return func(n ast.Node) {
		r.list(6, func(n ast.Node) {
			i := -1
			if r.number(&i, 0, 5)(n); i >= 0 {
				*dst = append(*dst, i)
			}
		})(n)
		ascending := slices.IsSorted(*dst) && len(slices.Compact(slices.Clone(*dst))) == len(*dst)
		if len(*dst) < 2 || !ascending {
			r.problem(n, "parts must be at least two positions, ascending")
		}
	}
}

func (r *reader) lookalike(dst *[]checks.Lookalike) reading {
	return func(n ast.Node) {
		var l checks.Lookalike
		r.object(
			n, "a lookalike",
			must("pattern", r.pattern(&l.Pattern, -1)),
			must("name", r.text(&l.Name, 60)),
		)
		*dst = append(*dst, l)
	}
}

// example reads an answer and the build that must come out of it, and tries.
func (r *reader) example(o *checks.Observer) reading {
	return func(n ast.Node) {
		var answer string
		var want state.Version
		r.object(
			n, "an example",
			must("answer", r.text(&answer, 200)),
			must("build", r.version(&want)),
		)
		if o.Pattern == nil || answer == "" || want.IsZero() {
			return
		}
		if got := extract(*o, answer); got != want {
			r.problem(n, "observer %q reads %q from this example, not %q", o.ID, got, want)
		}
	}
}

// extract is the build that an observer reads from an answer; zero if none.
func extract(o checks.Observer, answer string) state.Version {
	m := o.Pattern.FindStringSubmatch(answer)
	if m == nil {
		return state.Version{}
	}
	v, err := state.ParseVersion(m[1])
	if err != nil {
		return state.Version{}
	}
	if o.Parts == nil {
		return v
	}
	var kept []string
	for i, number := range strings.Split(v.String(), ".") {
		switch {
		case slices.Contains(o.Parts, i):
			kept = append(kept, number)
		case number != "0": // what is left out means nothing, or the value is not understood
			return state.Version{}
		}
	}
	v, _ = state.ParseVersion(strings.Join(kept, ".")) // of too few parts: none
	return v
}

func (r *reader) indicator(dst *[]checks.Indicator) reading {
	return func(n ast.Node) {
		var i checks.Indicator
		var g Grade
		r.object(
			n, "an indicator",
			must("id", r.word(&i.ID)),
			must("path", r.path(&i.Path)),
			must("grade", oneOf(r, &g, "a grade good enough for an indicator", GradeA, GradeB)),
		)
		i.Grade = g.String()
		r.unique(n, "indicator", i.ID, ids(*dst, func(i checks.Indicator) string { return i.ID }))
		r.unique(n, "indicator of the path", i.Path, ids(*dst, func(i checks.Indicator) string { return i.Path }))
		*dst = append(*dst, i)
	}
}
