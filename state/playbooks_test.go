package state_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/allclear-bot/allclear/state"
)

// What any playbook can say: random rules, a remediation that follows them, and
// what happens to it. A number of a build tells its product: 21.x is the first.

const day24 = 24 * time.Hour

// genRules are rules as a playbook makes them: steps in the order of work, the fix
// first, of every scope and kind of proof.
func genRules(t *rapid.T) state.Rules {
	r := state.Rules{
		Playbook: "any", Revision: 1, Window: exploited,
		Products: []state.Product{genProduct(t, 0), genProduct(t, 1)},
		Signs: []state.Sign{
			{Kind: "hunt", Values: []string{"hit"}, Proves: true},
			{Kind: "indicator", Values: []string{"found"}, Proves: true},
			{Kind: "suspicion", Values: []string{"raised"}},
		},
	}
	for i := range rapid.IntRange(1, 2).Draw(t, "fixes") {
		p := state.Proof{Kind: kind("fix", i), FixLine: true, Sources: genSources(t), MaxAge: genAge(t)}
		r.Steps = append(r.Steps, state.Step{ID: fmt.Sprint("fix", i), Title: fmt.Sprint("Fix ", i), Fix: true, Proof: []state.Proof{p}})
	}
	if rapid.Bool().Draw(t, "configure") {
		r.Steps = append(r.Steps, state.Step{ID: "configure", Title: "Configure", Fix: true, After: []string{"fix0"}, Proof: []state.Proof{plainProof(t, "configure")}})
	}
	if rapid.Bool().Draw(t, "with hunt") {
		p := state.Proof{Kind: "hunt", Good: []string{"clean"}, Bad: []string{"hit"}, Covers: true, Sources: []state.Source{state.SourceHunt, state.SourceCollector, state.SourceAttestation}}
		r.Steps = append(r.Steps, state.Step{ID: "hunt", Title: "Hunt", Proof: []state.Proof{p}})
	}
	if rapid.Bool().Draw(t, "with eviction") {
		p := state.Proof{Kind: "eviction", Good: []string{"evicted"}, Dated: true, Sources: []state.Source{state.SourceAttestation}}
		r.Steps = append(r.Steps, state.Step{ID: "evict", Title: "Evict", Need: state.NeedCompromised, Proof: []state.Proof{p}})
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "more") {
		r.Steps = append(r.Steps, genStep(t, r.Steps, i))
	}
	return r
}

func kind(word string, i int) state.Kind { return state.Kind(fmt.Sprintf("%s.%d", word, i)) }

// genProduct has one branch with a fix of two, three or four numbers.
func genProduct(t *rapid.T, i int) state.Product {
	must := func(s string) state.Version {
		v, err := state.ParseVersion(s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	fix := fmt.Sprintf("2%d.%d", i+1, 4)
	for range rapid.IntRange(0, 2).Draw(t, "parts") {
		fix += "-5"
	}
	return state.Product{ID: fmt.Sprint("p", i), Name: fmt.Sprint("Product ", i), Affected: true, Branches: []state.Branch{{
		From: must(fmt.Sprintf("2%d.0", i+1)), Below: must(fmt.Sprintf("2%d.0", i+2)), Fixed: must(fix), Gaps: true,
	}}}
}

func genSources(t *rapid.T) []state.Source {
	return rapid.SampledFrom([][]state.Source{
		{state.SourceCollector, state.SourceAttestation}, {state.SourceCollector}, {state.SourceAttestation},
	}).Draw(t, "sources")
}

func genAge(t *rapid.T) time.Duration {
	return rapid.SampledFrom([]time.Duration{0, 14 * day24, 30 * day24}).Draw(t, "age")
}

func plainProof(t *rapid.T, k state.Kind) state.Proof {
	return state.Proof{Kind: k, Good: []string{"done", "well"}, Bad: []string{"undone"}, Sources: genSources(t), MaxAge: genAge(t)}
}

// genStep comes after some of the steps before it.
func genStep(t *rapid.T, before []state.Step, i int) state.Step {
	st := state.Step{
		ID: fmt.Sprint("step", i), Title: fmt.Sprint("Step ", i),
		Scope: rapid.SampledFrom([]state.Scope{state.ScopeServer, state.ScopeFarm, state.ScopeItem}).Draw(t, "scope"),
		Need:  rapid.SampledFrom([]state.Need{state.NeedAlways, state.NeedAlways, state.NeedAlways, state.NeedNever}).Draw(t, "need"),
	}
	for _, b := range before {
		if rapid.IntRange(0, 2).Draw(t, "after") == 0 {
			st.After = append(st.After, b.ID)
		}
	}
	for n := range rapid.IntRange(1, 2).Draw(t, "proofs") {
		p := plainProof(t, kind(st.ID, n))
		if p.Dated = rapid.Bool().Draw(t, "dated"); p.Dated {
			p.MaxAge = 0
		}
		st.Proof = append(st.Proof, p)
	}
	if st.Scope == state.ScopeServer && rapid.IntRange(0, 3).Draw(t, "limited") == 0 {
		st.Products = []string{rapid.SampledFrom([]string{"p0", "p1"}).Draw(t, "product")}
	}
	return st
}

// fixOf is the fix of a product, and lacking a build of it without.
func fixOf(r state.Rules, product int) (fix, lacking string) {
	return r.Products[product].Branches[0].Fixed.String(), fmt.Sprintf("2%d.3.9", product+1)
}

// genAnyRemediation does all that random rules ask for, in their order.
func genAnyRemediation(t *rapid.T) world {
	w := world{rules: genRules(t), farm: state.Farm{Name: "F"}}
	for _, n := range names[:rapid.IntRange(1, 3).Draw(t, "servers")] {
		w.farm.Servers = append(w.farm.Servers, state.Server{Name: n, Farm: "F"})
	}
	items := []string{"portal", "mysites"}[:rapid.IntRange(1, 2).Draw(t, "items")]
	w.note(inside(state.Subject{}, state.KindItems, strings.Join(items, "\n"), at(0)))
	product, hour := rapid.IntRange(0, 1).Draw(t, "product"), 0.0
	for _, st := range w.rules.Steps {
		p := rapid.SampledFrom(st.Proof).Draw(t, "proof")
		for _, sub := range subjectsOf(w, st) {
			if hour++; st.Need == state.NeedAlways {
				w.note(proving(t, w.rules, p, sub, product, hour/4))
			}
		}
	}
	w.now = at(hour/4 + 1)
	return w
}

func subjectsOf(w world, st state.Step) []state.Subject {
	switch st.Scope {
	case state.ScopeFarm:
		return []state.Subject{{}}
	case state.ScopeItem:
		var out []state.Subject
		for _, e := range w.evidence {
			if e.Kind == state.KindItems {
				for name := range strings.FieldsSeq(e.Value) {
					out = append(out, item(name))
				}
			}
		}
		return out
	}
	var out []state.Subject
	for _, s := range w.farm.Servers {
		out = append(out, srv(s.Name))
	}
	return out
}

// proving is evidence that proves.
func proving(t *rapid.T, r state.Rules, p state.Proof, sub state.Subject, product int, hour float64) state.Evidence {
	e := inside(sub, p.Kind, "", at(hour))
	e.Source = rapid.SampledFrom(p.Sources).Draw(t, "source")
	if e.Value, _ = fixOf(r, product); !p.FixLine {
		e.Value = rapid.SampledFrom(p.Good).Draw(t, "good")
	}
	if p.Dated {
		e.At = e.Observed
	}
	if p.Covers {
		e.From, e.To = exploited, e.Observed
	}
	if e.Source == state.SourceAttestation {
		e.By, e.Second = "p1", "p2"
	}
	return e
}

// spoil changes one thing in a world.
func spoil(t *rapid.T, w world) world {
	w.evidence = slices.Clone(w.evidence)
	i := rapid.IntRange(0, max(0, len(w.evidence)-1)).Draw(t, "which")
	switch change := rapid.IntRange(0, 9).Draw(t, "change"); {
	case change == 0 && len(w.evidence) > 0:
		w.evidence = slices.Delete(w.evidence, i, i+1)
	case change == 1 && len(w.evidence) > 0:
		w.evidence[i].Observed = at(genHours(t, 12))
	case change == 2 && len(w.evidence) > 0:
		w.evidence[i].At = at(genHours(t, 12) - 2)
	case change == 3 && len(w.evidence) > 0:
		w.evidence[i].Source = rapid.SampledFrom([]state.Source{0, 1, 2, 2, 3, 4}).Draw(t, "source")
		w.evidence[i].By, w.evidence[i].Second = genPerson(t), genPerson(t)
	case change == 4 && len(w.evidence) > 0:
		w.evidence[i].Value = genAnything(t, w).Value
	case change == 5 && len(w.evidence) > 0:
		w.evidence[i].From = w.evidence[i].From.AddDate(0, 0, 1)
	case change == 6:
		w.now = at(rapid.SampledFrom([]float64{1, 3, 24 * 13, 24 * 15, 24 * 31}).Draw(t, "now"))
	case change == 7:
		w.note(genIntruder(t, w)...)
	default:
		w.note(genAnything(t, w))
	}
	for i := range w.evidence {
		w.evidence[i].ID = w.evidence[i].NewID()
	}
	return w
}

// genIntruder is a sign, and perhaps an eviction.
func genIntruder(t *rapid.T, w world) []state.Evidence {
	sub, seen := srv(genServer(t, w)), genHours(t, 12)
	out := []state.Evidence{{Subject: sub, Kind: state.KindIndicator, Tool: "i", Value: "found", Observed: at(seen)}}
	if rapid.Bool().Draw(t, "evict") {
		out = append(out, word(event(sub, state.KindEviction, "evicted", at(seen+genHours(t, 1)), at(seen+1)), "p1", genPerson(t)))
	}
	return out
}

// genAnything is evidence of a kind that the rules know, or a look from outside.
func genAnything(t *rapid.T, w world) state.Evidence {
	seen := at(genHours(t, 12))
	e := state.Evidence{Observed: seen, Source: rapid.SampledFrom([]state.Source{0, 2, 3, 3, 4}).Draw(t, "source"), By: genPerson(t), Second: genPerson(t)}
	product := rapid.IntRange(0, 1).Draw(t, "product")
	fix, lacking := fixOf(w.rules, product)
	e.Subject = rapid.SampledFrom([]state.Subject{srv(genServer(t, w)), srv(genServer(t, w)), {}, item("portal")}).Draw(t, "subject")
	e.Value = rapid.SampledFrom([]string{fix, lacking, "2" + strconv.Itoa(product+1) + ".4", "99.1"}).Draw(t, "build")
	st := rapid.SampledFrom(w.rules.Steps).Draw(t, "step")
	p := rapid.SampledFrom(st.Proof).Draw(t, "proof")
	switch e.Kind = p.Kind; {
	case rapid.IntRange(0, 3).Draw(t, "look") == 0:
		e.Kind, e.Source, e.Tool = state.KindBuild, state.SourceProbe, rapid.SampledFrom(tools).Draw(t, "tool")
	case !p.FixLine:
		e.Value = rapid.SampledFrom(slices.Concat(p.Good, p.Bad, []string{"?"})).Draw(t, "value")
	}
	if rapid.Bool().Draw(t, "dated") {
		e.At = seen.Add(-time.Duration(rapid.IntRange(-2, 8).Draw(t, "quarters ago")) * 15 * time.Minute)
	}
	if e.Kind == state.KindHunt {
		e.From, e.To = exploited.AddDate(0, 0, rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "from")), seen
	}
	return e
}
