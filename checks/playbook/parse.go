package playbook

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/allclear-bot/allclear/state"
)

// Limits on a playbook's lists.
const (
	maxCVEs       = 50
	maxProducts   = 40
	maxBranches   = 40
	maxBuilds     = 2000
	maxSteps      = 40
	maxObservers  = 12
	maxIndicators = 40
	maxLogRules   = 50
	maxIOCs       = 1000
	maxEntries    = 200
)

var cveForm = regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,7}$`)

// Parse reads and validates a playbook. The name is that of the file, for the
// error, which is a Problems with all that is wrong.
func Parse(data []byte, name string) (Playbook, error) { return ParseOn(Playbook{}, data, name) }

// ParseOn is Parse for a file that may also tell its revision by the differences to the
// one in force, which need not be built in.
func ParseOn(inForce Playbook, data []byte, name string) (Playbook, error) {
	r := &reader{file: name, inForce: inForce}
	body := r.root(data)
	var p Playbook
	if body != nil {
		if isOverlay(body) {
			p = r.overlay(body)
		} else {
			p = r.playbook(body)
		}
	}
	if len(r.problems) > 0 {
		return Playbook{}, r.problems.sorted()
	}
	return p, nil
}

func (r *reader) playbook(n ast.Node) Playbook {
	p := Playbook{}
	rules := &p.rules
	r.object(
		n, "the playbook",
		must("playbook", r.word(&p.Name)),
		must("revision", r.number(&p.Revision, 1, 1_000_000)),
		must("title", r.text(&p.Title, 100)),
		must("summary", r.text(&p.Summary, 2000)),
		may("item", r.text(&rules.Item, 40)),
		may("window", r.date(&rules.Window)),
		must("cves", r.list(maxCVEs, r.cve(&p.CVEs))),
		may("due", r.due(&p)),
		must("products", r.list(maxProducts, r.product(rules))),
		must("steps", r.list(maxSteps, r.step(rules))),
		may("signs", r.list(maxEntries, r.sign(rules))),
		must("observers", r.list(maxObservers, r.observer(&p.Observers))),
		may("indicators", r.list(maxIndicators, r.indicator(&p.Indicators))),
		may("logs", r.logScope(&p.Logs)),
		may("logRules", r.list(maxLogRules, r.logRule(&p.LogRules))),
		may("iocs", r.list(maxIOCs, r.ioc(&p.IOCs))),
		may("detections", r.list(maxEntries, r.detection(&p.Detections))),
		must("sources", r.list(maxEntries, r.source(&p.Sources))),
	)
	r.whole(n, p)
	p.seal()
	return p
}

// whole checks what no single part can.
func (r *reader) whole(n ast.Node, p Playbook) {
	steps := p.rules.Steps
	if len(steps) > 0 && !slices.ContainsFunc(steps, func(s state.Step) bool { return s.Fix }) {
		r.problem(n, `no step has "fix: true": nothing would make a server fixed`)
	}
	if len(p.rules.Products) > 0 && !slices.ContainsFunc(p.rules.Products, func(q state.Product) bool { return q.Affected }) {
		r.problem(n, "no product is affected")
	}
	covers := func(s state.Step) bool {
		return slices.ContainsFunc(s.Proof, func(q state.Proof) bool { return q.Covers })
	}
	if p.rules.Window.IsZero() && !r.open && slices.ContainsFunc(steps, covers) {
		r.problem(n, `a proof "covers" a window: the playbook needs the key "window"`)
	}
	hunted := func(s state.Step) bool { return s.Need == state.NeedAlways && s.Scope != state.ScopeItem && covers(s) }
	if len(steps) > 0 && !r.open && !slices.ContainsFunc(steps, hunted) {
		r.problem(n, `no step that is always needed "covers" the window: nobody would have to hunt`)
	}
	if p.Logs.Settles && len(p.LogRules) == 0 && !r.open {
		r.problem(n, `"logs" settle a hunt, and there are no logRules`)
	}
	if p.rules.Item == "" && slices.ContainsFunc(steps, func(s state.Step) bool { return s.Scope == state.ScopeItem }) {
		r.problem(n, `a step is about an item: the playbook needs the key "item"`)
	}
	if len(p.Sources) == 0 {
		r.problem(n, "a playbook names its sources")
	}
	if asked := requests(p); asked > maxRequests {
		r.problem(n, "observers and indicators ask a server %d requests; at most %d may be asked", asked, maxRequests)
	}
}

// seal copies to the rules what both have.
func (p *Playbook) seal() {
	p.rules.Playbook, p.rules.Revision, p.rules.Title = p.Name, p.Revision, p.Title
	p.rules.CVEs = nil
	for _, c := range p.CVEs {
		p.rules.CVEs = append(p.rules.CVEs, c.ID)
	}
}

func (r *reader) cve(dst *[]CVE) reading {
	return func(n ast.Node) {
		var c CVE
		kev := func(n ast.Node) {
			r.object(n, "kev", must("added", r.date(&c.KEVAdded)), must("due", r.date(&c.KEVDue)))
		}
		r.object(
			n, "a CVE",
			must("id", r.matching(&c.ID, cveForm, "an id like CVE-2025-53770")),
			must("title", r.text(&c.Title, 200)),
			must("grade", r.grade(&c.Grade)),
			may("published", r.date(&c.Published)),
			may("kev", kev),
		)
		if slices.ContainsFunc(*dst, func(o CVE) bool { return o.ID == c.ID && c.ID != "" }) {
			r.problem(n, "%s is listed twice", c.ID)
		}
		*dst = append(*dst, c)
	}
}

// due reads the date or "none", and holds it against the CVEs, which are read before it.
func (r *reader) due(p *Playbook) reading {
	return func(n ast.Node) {
		if s, _ := scalar(n); s == "none" {
			p.rules.Due = time.Time{}
			return
		}
		r.date(&p.rules.Due)(n)
		for _, c := range p.CVEs {
			if !c.KEVDue.IsZero() && p.rules.Due.After(c.KEVDue) {
				r.problem(n, "due is later than the date for %s, %s", c.ID, c.KEVDue.Format(time.DateOnly))
			}
		}
	}
}

func (r *reader) grade(dst *Grade) reading {
	return oneOf(r, dst, "a grade", GradeA, GradeB, GradeC, GradeD, GradeI)
}

func (r *reader) source(dst *[]Source) reading {
	return func(n ast.Node) {
		var s Source
		r.object(
			n, "a source",
			must("title", r.text(&s.Title, 200)),
			must("at", r.text(&s.At, 200)),
			must("for", r.text(&s.For, 200)),
			must("grade", r.grade(&s.Grade)),
		)
		*dst = append(*dst, s)
	}
}

// unique reports an id that is taken.
func (r *reader) unique(n ast.Node, what, id string, taken []string) {
	if id != "" && slices.Contains(taken, id) {
		r.problem(n, "%s", fmt.Sprintf("there is a second %s %q", what, id))
	}
}

// ids lists the ids of things.
func ids[T any](things []T, id func(T) string) []string {
	out := make([]string, len(things))
	for i, t := range things {
		out[i] = id(t)
	}
	return out
}
