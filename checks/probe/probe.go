// Package probe runs the observers and indicators of a playbook over HTTP: it
// reads which build a server says it has, and asks for files that only an
// attacker leaves.
//
// Its promise: it never says more than it saw. "fixed" means that the server
// says so, named by the observer that read it, and only if every observer was
// answered and none contradicts; the worst of what was read counts. An indicator
// counts only if controls rule out a server, or a filter before it, that answers
// alike to names that cannot exist. Absence counts only on a server that showed a
// build of the product and answered 404 to indicator and controls alike; through
// a balancer it never counts. It knows nothing of any one campaign.
package probe

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// settleInside is the next step when looking from outside cannot decide.
const settleInside = checks.SettleInside

// Probe is a plan, ready to be asked of servers. It may be used by many goroutines.
type Probe struct {
	plan   checks.Plan
	groups []group
	marks  []checks.Observer // that read a status
	shapes []shape
	seed   string
}

var _ checks.Check = (*Probe)(nil)

// New makes a probe of a plan. The names of its controls are random, and the same
// for one server as long as the probe lives.
func New(plan checks.Plan) *Probe {
	p := &Probe{plan: plan, groups: groupsOf(plan.Observers), shapes: shapesOf(plan.Indicators), seed: rand.Text()}
	for _, o := range plan.Observers {
		if o.Reads() == checks.ExtractStatus {
			o.Method = cmp.Or(o.Method, http.MethodGet)
			p.marks = append(p.marks, o)
		}
	}
	return p
}

// group is observers that read the same answer.
type group struct {
	method, path string
	observers    []checks.Observer
}

func groupsOf(observers []checks.Observer) []group {
	var out []group
	for _, o := range observers {
		if o.Reads() == checks.ExtractStatus {
			continue
		}
		m := cmp.Or(o.Method, http.MethodGet)
		i := slices.IndexFunc(out, func(g group) bool { return g.method == m && g.path == o.Path })
		if i < 0 {
			i = len(out)
			out = append(out, group{method: m, path: o.Path})
		}
		out[i].observers = append(out[i].observers, o)
	}
	return out
}

// Look implements checks.Check.
func (p *Probe) Look(ctx context.Context, t checks.Target, c *checks.Client) checks.Result {
	if t.Server.URL == "" {
		return checks.Result{Judgement: state.Judgement{Reason: "has no URL: nothing to ask", Settle: settleInside}}
	}
	ends, err := c.Endpoints(ctx)
	if err != nil {
		return unreached(t, c, err.Error())
	}
	views := make([]*view, 0, len(ends))
	for _, e := range ends {
		v := &view{p: p, t: t, end: e}
		v.look(ctx)
		e.Close()
		views = append(views, v)
	}
	return p.result(t, c, views)
}

func unreached(t checks.Target, c *checks.Client, why string) checks.Result {
	r := checks.Result{
		Error:     why,
		Judgement: state.Judgement{Reason: "not reached: " + why, Settle: settleInside},
		Doubt:     "not reached",
	}
	r.Evidence = []state.Evidence{{
		Subject: subject(t), Kind: state.KindReach, Value: "no", Source: state.SourceProbe, Observed: c.Started(), Detail: why,
	}}
	return r
}

// subject is what evidence is about: never one server when another may have answered.
func subject(t checks.Target) state.Subject {
	if t.SpeaksForFarm() {
		return state.Subject{}
	}
	return state.Subject{Server: t.Server.Name}
}

// view is what one address of a server showed.
type view struct {
	p        *Probe
	t        checks.Target
	end      *checks.Endpoint
	reached  bool
	failure  string // the first error of the network or the guard
	statuses []string
	readings []reading
	missing  []string // what was not answered, or not understood, and so forbids "fixed"
	remarks  []string // what explains that nothing was read
	found    []finding
}

func (v *view) look(ctx context.Context) {
	for _, g := range v.p.groups {
		v.ask(ctx, g)
	}
	for _, o := range v.p.marks {
		v.mark(ctx, o)
	}
	if v.reached || len(v.p.groups)+len(v.p.marks) == 0 {
		v.indicators(ctx)
	}
}

// ask asks one question and lets its observers read every answer on the way.
func (v *view) ask(ctx context.Context, g group) {
	way, err := v.end.Walk(ctx, g.method, g.path, v.enough(g))
	if n := len(way); err == nil && g.method == http.MethodHead && n > 0 && refusesHead(way[n-1].Status) {
		way, err = v.end.Walk(ctx, http.MethodGet, g.path, v.enough(g))
	}
	for _, a := range way {
		v.reached = true
		v.statuses = append(v.statuses, fmt.Sprintf("%s: %d", g.path, a.Status))
		for _, o := range g.observers {
			v.read(o, a)
		}
	}
	switch {
	case err == nil:
	case len(way) > 0 && (errors.Is(err, checks.ErrScope) || errors.Is(err, checks.ErrPath)):
		// It was answered, by a redirect that is not ours to follow.
		v.failure = cmp.Or(v.failure, err.Error())
		v.remarks = append(v.remarks, fmt.Sprintf("%s %s: %s", g.method, g.path, err))
	default:
		v.failed(g.method, g.path, err)
	}
}

// failed notes that a question was not answered.
func (v *view) failed(method, path string, err error) {
	v.failure = cmp.Or(v.failure, err.Error())
	v.missing = append(v.missing, fmt.Sprintf("%s %s: %s", method, path, err))
}

func refusesHead(status int) bool {
	return status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented
}

// enough stops a walk when each observer of the group has read something.
func (v *view) enough(g group) func(checks.Answer) bool {
	return func(a checks.Answer) bool {
		return !slices.ContainsFunc(g.observers, func(o checks.Observer) bool {
			found, _ := extract(o, a)
			return len(found) == 0
		})
	}
}

func (v *view) read(o checks.Observer, a checks.Answer) {
	found, odd := extract(o, a)
	if why := unread(o, a, len(found)); why != "" {
		v.missing = append(v.missing, fmt.Sprintf("%s: %s", o.Path, why))
	}
	for _, f := range found {
		if !slices.ContainsFunc(v.readings, func(r reading) bool { return r.observer.ID == o.ID && r.version == f.version && r.like == f.like }) {
			f.judgement = v.p.judge(f)
			v.readings = append(v.readings, f)
		}
	}
	if odd != "" {
		v.remarks = append(v.remarks, odd)
	}
}

// unread says why what an observer wanted of a body did not come whole.
func unread(o checks.Observer, a checks.Answer, found int) string {
	switch reads := o.Reads(); {
	case a.Status != http.StatusOK:
	case reads == checks.ExtractBody, reads == checks.ExtractLinks:
		return unreadable(a)
	case reads == checks.ExtractStamp && found == 0:
		return a.Cut // the stamp is in the first bytes
	}
	return ""
}

// unreadable says why a body cannot be taken for what it seems to be.
func unreadable(a checks.Answer) string {
	enc := strings.ToLower(strings.TrimSpace(a.Header.Get("Content-Encoding")))
	if enc != "" && enc != "identity" {
		return "the answer is compressed although we asked for plain: not read"
	}
	return a.Cut
}
