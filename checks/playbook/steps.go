package playbook

import (
	"slices"

	"github.com/goccy/go-yaml/ast"

	"github.com/allclear-bot/allclear/state"
)

func stepID(s state.Step) string { return s.ID }

func (r *reader) step(rules *state.Rules) reading {
	return func(n ast.Node) {
		var s state.Step
		r.object(
			n, "a step",
			must("id", r.word(&s.ID)),
			must("title", r.text(&s.Title, 100)),
			must("scope", oneOf(r, &s.Scope, "a scope", state.ScopeServer, state.ScopeFarm, state.ScopeItem)),
			must("advice", r.text(&s.Advice, 500)),
			may("products", r.refs(&s.Products, "a product of this playbook", ids(rules.Products, productID))),
			may("after", r.refs(&s.After, "an earlier step", ids(rules.Steps, stepID))),
			may("fix", r.flag(&s.Fix)),
			may("need", oneOf(r, &s.Need, "a need", state.NeedAlways, state.NeedCompromised, state.NeedNever)),
			must("proof", r.list(10, r.proof(rules, &s))),
		)
		r.unique(n, "step", s.ID, ids(rules.Steps, stepID))
		r.checkStep(n, s)
		rules.Steps = append(rules.Steps, s)
	}
}

func (r *reader) checkStep(n ast.Node, s state.Step) {
	if len(s.Proof) == 0 {
		r.problem(n, "step %q has no proof: it could never be complete", s.ID)
	}
	if s.Fix && s.Scope != state.ScopeServer {
		r.problem(n, "step %q makes a server fixed, so its scope is server", s.ID)
	}
	if s.Fix && s.Need != state.NeedAlways {
		r.problem(n, "step %q makes a server fixed, so it is always needed", s.ID)
	}
	if len(s.Products) > 0 && s.Scope != state.ScopeServer {
		r.problem(n, "step %q is for some products: only a server has a product", s.ID)
	}
}

// innerSources may prove a step: what was seen from outside never does.
func innerSources() []state.Source {
	return []state.Source{state.SourceAttestation, state.SourceCollector, state.SourceHunt}
}

func (r *reader) proof(rules *state.Rules, s *state.Step) reading {
	return func(n ast.Node) {
		var p state.Proof
		var kind string
		before := len(r.problems)
		r.object(
			n, "a proof",
			must("kind", r.word(&kind)),
			may("good", r.words(&p.Good)),
			may("bad", r.words(&p.Bad)),
			may("fixLine", r.flag(&p.FixLine)),
			must("sources", r.proofSources(&p.Sources)),
			may("dated", r.flag(&p.Dated)),
			may("covers", r.flag(&p.Covers)),
			may("maxAge", r.age(&p.MaxAge)),
		)
		p.Kind = state.Kind(kind)
		if len(r.problems) == before {
			r.checkProof(n, s, p)
		}
		s.Proof = append(s.Proof, p)
	}
}

func (r *reader) proofSources(dst *[]state.Source) reading {
	return func(n ast.Node) {
		r.list(5, func(n ast.Node) {
			var s state.Source
			oneOf(r, &s, "a source from inside", innerSources()...)(n)
			if slices.Contains(*dst, s) {
				r.problem(n, "%q is listed twice", s)
			}
			*dst = append(*dst, s)
		})(n)
		if s, ok := n.(*ast.SequenceNode); ok && len(s.Values) == 0 {
			r.problem(n, "a proof needs a source")
		}
	}
}

func (r *reader) checkProof(n ast.Node, s *state.Step, p state.Proof) {
	switch p.Kind {
	case state.KindReach, state.KindItems, state.KindStale, state.KindIndicator, state.KindAttack:
		r.problem(n, "evidence of kind %q proves no step", p.Kind)
	}
	if p.FixLine == (len(p.Good) > 0) {
		r.problem(n, `a proof has either "good" values or "fixLine: true"`)
	}
	if p.FixLine && len(p.Bad) > 0 {
		r.problem(n, `with "fixLine: true" the fix line says what is bad`)
	}
	if p.FixLine && s.Scope != state.ScopeServer {
		r.problem(n, "only a server has a fix line, and step %q is about another subject", s.ID)
	}
	for _, b := range p.Bad {
		if slices.Contains(p.Good, b) {
			r.problem(n, "the value %q cannot be both good and bad", b)
		}
	}
	if p.Dated && p.MaxAge > 0 {
		r.problem(n, "a dated event does not age: maxAge has no meaning for it")
	}
	if p.Dated && p.Covers {
		r.problem(n, "a proof is either dated or covers a window")
	}
	for _, other := range s.Proof {
		if other.Kind == p.Kind {
			r.problem(n, "step %q has a second proof of kind %q", s.ID, p.Kind)
		}
	}
}

func (r *reader) sign(rules *state.Rules) reading {
	return func(n ast.Node) {
		var s state.Sign
		var kind string
		r.object(
			n, "a sign",
			must("kind", r.word(&kind)),
			must("values", r.words(&s.Values)),
			must("proves", r.flag(&s.Proves)),
		)
		if s.Kind = state.Kind(kind); len(s.Values) == 0 {
			r.problem(n, "a sign of kind %q needs values", kind)
		}
		for _, st := range rules.Steps {
			for _, p := range st.Proof {
				for _, v := range s.Values {
					if p.Kind == s.Kind && slices.Contains(p.Good, v) {
						r.problem(n, "%s %q cannot be a sign: it proves step %q", kind, v, st.ID)
					}
				}
			}
		}
		rules.Signs = append(rules.Signs, s)
	}
}
