package playbook

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

const maxStamps = 2000

// fileForm is a file's name in the header of a gzip file.
var stampFileForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// secretHeaders carry what gives access; nobody reads them.
func secretHeaders() []string {
	return []string{"set-cookie", "set-cookie2", "authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate"}
}

func (r *reader) observer(dst *[]checks.Observer) reading {
	return func(n ast.Node) {
		var o checks.Observer
		var seen keys
		before := len(r.problems)
		r.object(
			n, "an observer",
			must("id", r.word(&o.ID)),
			must("method", r.method(&o.Method, "GET", "HEAD")),
			must("path", r.path(&o.Path)),
			may("read", seen.note("read", oneOf(r, &o.Read, "a part of an answer", checks.Extracts()...))),
			may("header", seen.note("header", r.header(&o.Header))),
			may("pattern", seen.note("pattern", r.pattern(&o.Pattern, 1))),
			may("parts", seen.note("parts", r.parts(&o.Parts))),
			may("precision", seen.note("precision", r.number(&o.Precision, 2, 6))),
			may("file", seen.note("file", r.matching(&o.Stamps.Name, stampFileForm, "the name of a file"))),
			may("stamps", seen.note("stamps", r.list(maxStamps, r.stamp(&o.Stamps)))),
			may("status", seen.note("status", r.number(&o.Status, 200, 599))),
			may("means", seen.note("means", r.version(&o.Means))),
			must("caveat", r.text(&o.Caveat, 500)),
			may("lookalikes", seen.note("lookalikes", r.list(20, r.lookalike(&o.Lookalikes)))),
			may("examples", func(n ast.Node) {
				if len(r.problems) == before {
					r.list(20, r.example(&o))(n)
				}
			}),
		)
		r.unique(n, "observer", o.ID, ids(*dst, func(o checks.Observer) string { return o.ID }))
		if len(r.problems) == before {
			r.checkObserver(n, o, seen)
		}
		if o.Precision == 0 {
			o.Precision = implied(o)
		}
		*dst = append(*dst, o)
	}
}

// keys are those that an observer was given.
type keys []string

// note remembers that a key is there, and reads it.
func (k *keys) note(key string, read reading) reading {
	return func(n ast.Node) {
		*k = append(*k, key)
		read(n)
	}
}

// wants lists, for each extractor, the keys that it needs and those that it may have.
func wants(e checks.Extract) (need, may []string) {
	switch e {
	case checks.ExtractHeader:
		return []string{"header", "pattern", "precision"}, []string{"read", "parts", "lookalikes"}
	case checks.ExtractStamp:
		return []string{"read", "file"}, []string{"stamps"}
	case checks.ExtractStatus:
		return []string{"read", "status", "means"}, nil
	default:
		return []string{"pattern", "precision"}, []string{"read", "parts", "lookalikes"}
	}
}

// checkObserver holds the keys of an observer against what it reads.
func (r *reader) checkObserver(n ast.Node, o checks.Observer, seen keys) {
	reads := o.Reads()
	if o.Header != "" && slices.Contains(seen, "read") && o.Read != checks.ExtractHeader {
		r.problem(n, "observer %q reads the header %s, not the %s", o.ID, o.Header, o.Read)
		return
	}
	need, may := wants(reads)
	for _, k := range need {
		if !slices.Contains(seen, k) {
			r.problem(n, "observer %q reads the %s and needs the key %q", o.ID, reads, k)
		}
	}
	for _, k := range seen {
		if !slices.Contains(need, k) && !slices.Contains(may, k) {
			r.problem(n, "observer %q reads the %s: the key %q has no meaning for it", o.ID, reads, k)
		}
	}
	if o.Method == "HEAD" && (reads == checks.ExtractBody || reads == checks.ExtractLinks || reads == checks.ExtractStamp) {
		r.problem(n, "observer %q reads the body, and HEAD has none", o.ID)
	}
	if o.Parts != nil && o.Precision > 0 && o.Precision != len(o.Parts) {
		r.problem(n, "observer %q makes builds of %d parts, so that its precision is not %d", o.ID, len(o.Parts), o.Precision)
	}
	for i := range o.Stamps.Builds {
		if b := o.Stamps.Builds; b[i].Build.Len() != b[0].Build.Len() {
			r.problem(n, "observer %q: the build %s has other numbers than %s, and one table has one form", o.ID, b[i].Build, b[0].Build)
			return
		}
	}
}

// implied is the precision of builds that come from the playbook itself.
func implied(o checks.Observer) int {
	switch {
	case o.Reads() == checks.ExtractStatus:
		return o.Means.Len()
	case len(o.Stamps.Builds) > 0:
		return o.Stamps.Builds[0].Build.Len()
	case o.Reads() == checks.ExtractStamp:
		return 3 // a date
	}
	return 0
}

func (r *reader) header(dst *string) reading {
	form := r.matching(dst, tokenForm, "a header's name")
	return func(n ast.Node) {
		if form(n); slices.Contains(secretHeaders(), strings.ToLower(*dst)) {
			r.problem(n, "the header %s carries what gives access, and is never read", *dst)
		}
		if strings.EqualFold(*dst, "location") {
			r.problem(n, `the target of a redirect is read with "read: redirect"`)
		}
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

// stamp reads "1749552827 14.1-43.56": seconds since 1970, and the build that ships them.
func (r *reader) stamp(dst *checks.Stamps) reading {
	return r.value(80, func(s string) error {
		words := strings.Fields(s)
		if len(words) != 2 {
			return fmt.Errorf("%.60q is not understood: want seconds since 1970 and a build", s)
		}
		seconds, err := strconv.ParseUint(words[0], 10, 32)
		if err != nil || seconds == 0 {
			return fmt.Errorf("%.20q is no time in seconds since 1970", words[0])
		}
		build, err := state.ParseVersion(words[1])
		if err != nil {
			return err
		}
		if k := len(dst.Builds); k > 0 && uint32(seconds) <= dst.Builds[k-1].Seconds {
			return fmt.Errorf("the stamps must ascend: %d follows %d", seconds, dst.Builds[k-1].Seconds)
		}
		dst.Builds = append(dst.Builds, checks.Stamp{Seconds: uint32(seconds), Build: build})
		return nil
	})
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
