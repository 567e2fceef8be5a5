package playbook

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/allclear-bot/allclear/checks"
)

// maxRequests is how many requests a playbook may ask of a server that has nothing
// to hide: redirects, and controls of what was found, come on top of it, and the
// client's budget bounds them all.
const maxRequests = 48

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
	if why := checks.Denied(p); why != "" {
		return "is never asked for: " + why
	}
	switch {
	case !strings.HasPrefix(p, "/"):
		return "is not absolute"
	case !plainPath.MatchString(p):
		return "is not plain: letters, digits, dots, dashes, underscores and slashes, and no query"
	case strings.Contains(p, "//") || slices.ContainsFunc(strings.Split(p, "/"), func(s string) bool { return s == "." || s == ".." }):
		return "is not in its shortest form"
	}
	return ""
}

// requests counts what a server is asked: each question once, and controls where
// only a status is read.
func requests(p Playbook) int {
	var asked []string
	n := 0
	once := func(what string) {
		if !slices.Contains(asked, what) {
			asked = append(asked, what)
			n++
		}
	}
	for _, o := range p.Observers {
		if o.Reads() == checks.ExtractStatus {
			n += 3
		} else {
			once(o.Method + " " + o.Path)
		}
	}
	for _, i := range p.Indicators {
		n++
		dir, _ := path.Split(i.Path)
		for _, control := range []string{"a word", "a name"} {
			once(control + " " + dir + " " + path.Ext(i.Path))
		}
	}
	return n
}
