package probe

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"

	"github.com/allclear-bot/allclear/checks"
)

// Bounds of what is read of addresses in answers.
const (
	maxLinks    = 500  // of one page
	maxLocation = 2000 // bytes of a redirect's target
)

// linkForm finds addresses where a page fetches something from: in attributes and
// in style sheets. Prose that mentions an address is none.
var linkForm = regexp.MustCompile(`(?i)(?:\b(?:href|src)\s*=\s*|\burl\(\s*)(?:"([^"]{1,1000})"|'([^']{1,1000})'|([^\s"'<>)]{1,1000}))`)

// readLinks reads the paths that a page links to on its own server: a page may
// name other servers, whose versions are theirs.
func readLinks(o checks.Observer, body string) (found []reading, odd string) {
	sum := digest(body)
	for _, l := range linkForm.FindAllStringSubmatch(body, maxLinks) {
		u, err := url.Parse(l[1] + l[2] + l[3])
		if err != nil || u.Scheme != "" || u.Host != "" {
			continue
		}
		m := o.Pattern.FindStringSubmatch(u.Path)
		if m == nil {
			continue
		}
		what := fmt.Sprintf("%s links to %s", o.Path, checks.Excerpt(m[0], 60))
		r := reading{observer: o, digest: sum, detail: what}
		why := ""
		if r.like = lookalike(o, u.Path, group1(m)); r.like == "" {
			r, why = r.parse(m, what)
		}
		switch same := func(x reading) bool { return x.version == r.version && x.like == r.like }; {
		case why != "":
			odd = why
		case len(found) < maxReadings && !slices.ContainsFunc(found, same):
			found = append(found, r)
		}
	}
	return found, odd
}

// readRedirect reads where a redirect leads. Most lead nowhere of interest, so
// that a target without a build is not odd.
func readRedirect(o checks.Observer, a checks.Answer) []reading {
	to := a.Header.Get("Location")
	if a.Status < http.StatusMultipleChoices || a.Status >= http.StatusBadRequest || to == "" || len(to) > maxLocation {
		return nil
	}
	what := fmt.Sprintf("%s redirects to %s", o.Path, checks.Excerpt(to, 60))
	r := reading{observer: o, digest: digest(to), detail: what}
	m := o.Pattern.FindStringSubmatch(to)
	if r.like = lookalike(o, to, group1(m)); r.like != "" {
		return []reading{r}
	}
	if m == nil {
		return nil
	}
	if r, why := r.parse(m, what); why == "" {
		return []reading{r}
	}
	return nil
}
