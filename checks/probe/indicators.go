package probe

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// The values of KindIndicator evidence.
const (
	found   = "found"
	absent  = "absent"
	unclear = "unclear"
)

// finding is what one address showed of one indicator.
type finding struct {
	indicator checks.Indicator
	value     string
	why       string
	status    int
	url       string
	class     string // of the body, to see a filter's page again
	digest    string // a web shell may print keys: its body is never kept, only this
}

// shape is a folder and an extension: what servers and filters decide by.
type shape struct {
	dir, ext string
	first    string // the path of the first indicator of this shape
}

func shapeOf(p string) shape {
	dir, file := path.Split(p)
	return shape{dir: dir, ext: path.Ext(file), first: p}
}

func shapesOf(indicators []checks.Indicator) []shape {
	var out []shape
	for _, i := range indicators {
		s := shapeOf(i.Path)
		if !slices.ContainsFunc(out, func(o shape) bool { return o.dir == s.dir && o.ext == s.ext }) {
			out = append(out, s)
		}
	}
	return out
}

// baseline is how a server answers to names of a shape that cannot exist.
type baseline struct {
	shape
	status  int
	classes []string
	why     string // set: no indicator of this shape can be looked at
}

// indicators asks for each indicator, between controls. What the answers mean:
//
//	indicator  controls   meaning
//	any        200        unclear: it answers 200 to anything of this shape
//	200        other      found, if the controls of confirm hold
//	404, 410   404, 410   absent
//	same       same       unclear: cannot be looked at (a login, a refusal)
//	other      different  unclear: something there is treated differently
//
// Redirects are not followed: where they lead says nothing of the file.
func (v *view) indicators(ctx context.Context) {
	bases := make([]baseline, 0, len(v.p.shapes))
	for _, s := range v.p.shapes {
		bases = append(bases, v.baseline(ctx, s))
	}
	for _, ind := range v.p.plan.Indicators {
		s := shapeOf(ind.Path)
		i := slices.IndexFunc(bases, func(b baseline) bool { return b.dir == s.dir && b.ext == s.ext })
		f := finding{indicator: ind, value: unclear, why: bases[i].why, url: v.end.URL(ind.Path)}
		if f.why == "" {
			v.examine(ctx, &f, bases[i])
		}
		v.found = append(v.found, f)
	}
	v.distrustPages()
}

// baseline asks two names of the shape that cannot exist.
func (v *view) baseline(ctx context.Context, s shape) baseline {
	b := baseline{shape: s}
	for _, name := range v.p.before(v.t, s) {
		a, err := v.end.Ask(ctx, http.MethodGet, name)
		v.reached = v.reached || err == nil
		switch {
		case err != nil:
			v.failure = cmp.Or(v.failure, err.Error())
			b.why = "a control was not answered: " + err.Error()
		case a.Status == http.StatusOK:
			b.why = fmt.Sprintf("answers 200 to names in %s that cannot exist", s.dir)
		case b.status != 0 && norm(a.Status) != norm(b.status):
			b.why = fmt.Sprintf("answers %d or %d to names in %s that cannot exist", b.status, a.Status, s.dir)
		}
		if b.why != "" {
			return b
		}
		b.status, b.classes = a.Status, append(b.classes, class(a, name))
	}
	return b
}

// norm makes the two statuses for "not there" one.
func norm(status int) int {
	if status == http.StatusGone {
		return http.StatusNotFound
	}
	return status
}

func (v *view) examine(ctx context.Context, f *finding, b baseline) {
	a, err := v.end.Ask(ctx, http.MethodGet, f.indicator.Path)
	if err != nil {
		f.why = err.Error()
		return
	}
	f.status, f.class, f.digest = a.Status, class(a, f.indicator.Path), digest(string(a.Body))
	switch same := norm(a.Status) == norm(b.status); {
	case a.Status == http.StatusOK && slices.Contains(b.classes, f.class):
		f.why = "answers 200 with the page that it also sends for names that cannot exist"
	case a.Status == http.StatusOK:
		v.confirm(ctx, f)
	case same && norm(a.Status) == http.StatusNotFound:
		f.value = absent
	case same:
		f.why = fmt.Sprintf("cannot be looked at: answers %d to any name", a.Status)
	default:
		f.why = fmt.Sprintf("answers %d where a name that cannot exist gets %d", a.Status, b.status)
	}
}

// confirm rules out a filter before the server: it asks for names that look like
// the indicator, for the same name in a folder that cannot exist, and for the
// indicator once more.
func (v *view) confirm(ctx context.Context, f *finding) {
	for _, name := range v.p.after(v.t, f.indicator.Path) {
		a, err := v.end.Ask(ctx, http.MethodGet, name)
		switch {
		case err != nil:
			f.why = "answers 200, but a control was not answered: " + err.Error()
			return
		case a.Status == http.StatusOK:
			f.why = fmt.Sprintf("answers 200, but also to %s, which cannot exist: a filter may be answering", name)
			return
		}
	}
	a, err := v.end.Ask(ctx, http.MethodGet, f.indicator.Path)
	switch {
	case err != nil:
		f.why = "answered 200, but not when asked again: " + err.Error()
	case a.Status != http.StatusOK:
		f.why = fmt.Sprintf("answered 200, and %d when asked again", a.Status)
	default:
		f.value, f.why = found, "answers 200, and names that cannot exist do not"
	}
}

// minSame is how many files of different names must answer with one and the same
// page before it can be taken for a filter's.
const minSame = 3

// distrustPages withdraws findings whose pages are all the same, if they are most
// of what was asked for: that looks like a filter that knows the list.
func (v *view) distrustPages() {
	all := map[string]bool{}
	pages := map[string]map[string]bool{} // class -> names
	for _, f := range v.found {
		name := path.Base(f.indicator.Path)
		all[name] = true
		if f.status == http.StatusOK {
			if pages[f.class] == nil {
				pages[f.class] = map[string]bool{}
			}
			pages[f.class][name] = true
		}
	}
	for i := range v.found {
		f := &v.found[i]
		if n := len(pages[f.class]); f.value == found && n >= minSame && 2*n > len(all) {
			f.value, f.why = unclear, fmt.Sprintf("answers 200, but with one and the same page for %d of %d names: a filter may be answering", n, len(all))
		}
	}
}

// class identifies a page whatever name it repeats.
func class(a checks.Answer, asked string) string {
	body := strings.ToLower(string(a.Body))
	file := strings.ToLower(path.Base(asked))
	return digest(strings.ReplaceAll(body, file, ""))
}

// compromise says whether the server was found compromised. False needs all: every
// indicator absent at every address, a build of the product shown, and one server.
func (p *Probe) compromise(r *checks.Result, t checks.Target, views []*view) {
	var doubts []string
	hit := false
	for _, v := range views {
		for _, f := range v.found {
			switch f.value {
			case found:
				hit = true
				r.Indicators = append(r.Indicators, checks.Hit{ID: f.indicator.ID, URL: f.url, Status: f.status})
			case unclear:
				doubts = appendNew(doubts, f.indicator.ID+": "+f.why)
			}
		}
		if !v.reached {
			doubts = append(doubts, v.end.Address()+" was not reached")
		}
		if !v.recognised() {
			doubts = appendNew(doubts, "it shows no build of the product, so that absence means nothing")
		}
	}
	switch {
	case hit:
		r.Compromised = &hit
		return
	case len(p.plan.Indicators) == 0:
		r.Doubt = "the plan has no indicator"
	case len(doubts) > 0:
		r.Doubt = summarise(doubts)
	case t.SpeaksForFarm():
		r.Doubt = "absent at the server that answered; another of the farm may have it"
	default:
		r.Compromised = &hit
	}
}

// recognised reports whether this address showed a build that some product of the
// campaign has.
func (v *view) recognised() bool {
	return slices.ContainsFunc(v.readings, func(r reading) bool {
		product, ok := v.p.plan.Rules.Product(r.version)
		return r.like == "" && ok && product.Affected
	})
}

func summarise(doubts []string) string {
	if len(doubts) > 2 {
		return fmt.Sprintf("%s; %s; and %d more", doubts[0], doubts[1], len(doubts)-2)
	}
	return strings.Join(doubts, "; ")
}

// findings makes the evidence about indicators: the worst of the addresses.
func (p *Probe) findings(base state.Evidence, t checks.Target, views []*view) []state.Evidence {
	var out []state.Evidence
	for i, ind := range p.plan.Indicators {
		f := slices.MinFunc(each(views, i), func(a, b finding) int { return order(a.value) - order(b.value) })
		e := base
		e.Kind, e.Tool, e.Value, e.Digest = state.KindIndicator, ind.ID, f.value, f.digest
		if f.value == absent && t.SpeaksForFarm() {
			e.Value, f.why = unclear, "absent at the server that answered; another of the farm may have it"
		}
		e.Detail = checks.Clean(fmt.Sprintf("GET %s: %s", ind.Path, statusOr(f)), 200)
		out = append(out, e)
	}
	return out
}

// each is what every address showed of the i-th indicator.
func each(views []*view, i int) []finding {
	out := make([]finding, 0, len(views))
	for _, v := range views {
		if i < len(v.found) {
			out = append(out, v.found[i])
		} else {
			out = append(out, finding{value: unclear, why: v.end.Address() + " was not reached"})
		}
	}
	return out
}

func order(value string) int { return slices.Index([]string{found, unclear, absent}, value) }

func statusOr(f finding) string {
	switch {
	case f.status == 0:
		return f.why
	case f.why == "":
		return fmt.Sprint(f.status)
	}
	return fmt.Sprintf("%d; %s", f.status, f.why)
}
