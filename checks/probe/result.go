package probe

import (
	"cmp"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// result puts together what the addresses of a server showed: the worst counts,
// and "fixed" only if every address was reached.
func (p *Probe) result(t checks.Target, c *checks.Client, views []*view) checks.Result {
	var r checks.Result
	var failures []string
	opinions := make([]opinion, len(views))
	for i, v := range views {
		opinions[i] = v.opinion()
		r.Reached = r.Reached || v.reached
		if v.failure != "" {
			failures = append(failures, v.address(len(views))+v.failure)
		}
		for _, n := range v.end.Notes() {
			r.Notes = appendNew(r.Notes, n)
		}
	}
	if !r.Reached {
		return unreached(t, c, strings.Join(failures, "; "))
	}
	r.Error = strings.Join(failures, "; ")
	if t.SpeaksForFarm() {
		r.Notes = append(r.Notes, cmp.Or(t.Shared, "a balancer answers")+": it speaks for the farm, not for this server")
	}
	p.settle(&r, views, opinions)
	p.compromise(&r, t, views)
	r.Evidence = p.evidence(t, c, views, r)
	return r
}

// settle fills in the judgement.
func (p *Probe) settle(r *checks.Result, views []*view, opinions []opinion) {
	worst := 0
	for i := range opinions {
		if worseOpinion(opinions[i], opinions[worst]) < 0 {
			worst = i
		}
	}
	o, label := opinions[worst], views[worst].address(len(views))
	r.Judgement, r.Contradiction = o.judgement, o.contradiction
	r.Judgement.Reason = label + r.Judgement.Reason
	if o.any {
		r.Observed, r.Basis = o.version.String(), o.observer.ID
	}
	var said []string
	for i, other := range opinions {
		if other.any {
			said = appendNew(said, views[i].address(len(views))+other.value())
		}
	}
	if r.Contradiction == "" && disagree(opinions) {
		r.Contradiction = "the addresses say different things (" + strings.Join(said, ", ") + "): the worse counts"
	}
}

func disagree(opinions []opinion) bool {
	return slices.ContainsFunc(opinions, func(o opinion) bool {
		return o.any && opinions[0].any && (o.version != opinions[0].version || o.like != opinions[0].like)
	})
}

func worseOpinion(a, b opinion) int {
	if d := rank(a.judgement.Verdict) - rank(b.judgement.Verdict); d != 0 {
		return d
	}
	switch {
	case a.any && b.any:
		return a.version.Compare(b.version)
	case a.any: // of two that are unknown, the one that read something says more
		return -1
	case b.any:
		return 1
	}
	return 0
}

// evidence is what the store should remember of the look.
func (p *Probe) evidence(t checks.Target, c *checks.Client, views []*view, r checks.Result) []state.Evidence {
	base := state.Evidence{Subject: subject(t), Source: state.SourceProbe, Observed: c.Started()}
	reach := base
	reach.Kind, reach.Value = state.KindReach, "answered"
	reach.Detail = checks.Clean(strings.Join(append([]string{r.Error}, r.Notes...), "; "), 200)
	reach.Detail = strings.TrimPrefix(reach.Detail, "; ")
	out := []state.Evidence{reach}
	for _, v := range views {
		for _, read := range v.readings {
			if read.like != "" {
				continue // other software's number is not a build of this product
			}
			e := base
			e.Kind, e.Value, e.Tool = state.KindBuild, read.version.String(), read.observer.ID
			e.Digest, e.Detail = read.digest, checks.Clean(v.address(len(views))+read.detail, 200)
			out = append(out, e)
		}
	}
	return append(out, p.findings(base, t, views)...)
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
