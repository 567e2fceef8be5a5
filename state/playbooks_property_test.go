package state_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/allclear-bot/allclear/state"
)

// auditor looks for the proof that rules ask for, one rule at a time. It shares
// nothing with Assess and knows less: what it objects to must never be called ready.
type auditor struct {
	world
	seen []state.Evidence // what may count at all
}

func audit(w world) auditor {
	a := auditor{world: w}
	for _, e := range w.evidence {
		word := e.Source != state.SourceAttestation || e.By != "" && e.Second != "" && e.By != e.Second
		if word && !e.Observed.After(w.now) {
			a.seen = append(a.seen, e)
		}
	}
	return a
}

func (a auditor) about(sub state.Subject, k state.Kind) []state.Evidence {
	return slices.DeleteFunc(slices.Clone(a.seen), func(e state.Evidence) bool { return e.Subject != sub || e.Kind != k })
}

// means reads a build by its numbers alone.
func (a auditor) means(build string) (product string, fixed, lacking bool) {
	n := numbers(build)
	for i, p := range a.rules.Products {
		if len(n) < 2 || n[0] != 21+i {
			continue
		}
		fix := numbers(p.Branches[0].Fixed.String())
		c := slices.Compare(n[:min(len(n), len(fix))], fix[:min(len(n), len(fix))])
		return p.ID, c > 0 || c == 0 && len(n) >= len(fix), c < 0
	}
	return "", false, false
}

func numbers(build string) (n []int) {
	for _, f := range strings.FieldsFunc(build, func(r rune) bool { return r == '.' || r == '-' }) {
		i, err := strconv.Atoi(f)
		if err != nil {
			return nil
		}
		n = append(n, i)
	}
	return n
}

// good are the pieces of evidence that may prove a step of a subject.
func (a auditor) good(st state.Step, sub state.Subject) (out []state.Evidence) {
	for _, p := range st.Proof {
		for _, e := range a.about(sub, p.Kind) {
			_, fixed, _ := a.means(e.Value)
			told := !p.Dated || !e.At.IsZero() && !e.At.After(e.Observed)
			fresh := p.MaxAge == 0 || e.Observed.Add(p.MaxAge).After(a.now)
			covers := !p.Covers || !e.From.IsZero() && !e.From.After(a.rules.Window) && !e.To.After(e.Observed)
			says := p.FixLine && fixed || !p.FixLine && slices.Contains(p.Good, e.Value)
			if says && told && fresh && covers && slices.Contains(p.Sources, e.Source) && e.Source.Inside() {
				out = append(out, e)
			}
		}
	}
	return out
}

// bad are those that say the opposite, whoever says it.
func (a auditor) bad(st state.Step, sub state.Subject) (out []state.Evidence) {
	for _, p := range st.Proof {
		for _, e := range a.about(sub, p.Kind) {
			_, _, lacking := a.means(e.Value)
			if p.FixLine && lacking || !p.FixLine && slices.Contains(p.Bad, e.Value) {
				out = append(out, e)
			}
		}
	}
	return out
}

// time is the moment that evidence is about, as far as it can be true.
func (a auditor) time(e state.Evidence) time.Time {
	if e.At.IsZero() || e.At.After(e.Observed) {
		return e.Observed
	}
	return e.At
}

func (a auditor) first(es []state.Evidence) (t time.Time) {
	for _, e := range es {
		if at := a.time(e); t.IsZero() || at.Before(t) {
			t = at
		}
	}
	return t
}

func (a auditor) latest(es []state.Evidence) (t time.Time) {
	for _, e := range es {
		t = maxTime(t, e.Observed)
	}
	return t
}

// hit is when an attacker was last seen on a server, this moment or later.
func (a auditor) hit(server string) (t time.Time) {
	for _, e := range a.evidence {
		one := e.Source == state.SourceAttestation && (e.By == "" || e.Second == "" || e.By == e.Second)
		if e.Subject == srv(server) && !one && (e.Kind == "indicator" && e.Value == "found" || e.Kind == "hunt" && e.Value == "hit") {
			t = maxTime(t, e.Observed)
		}
	}
	return t
}

// asked tells whether a step is asked of a subject.
func (a auditor) asked(st state.Step, sub state.Subject) bool {
	if st.Need == state.NeedNever || st.Need == state.NeedCompromised && a.hit(sub.Server).IsZero() {
		return false
	}
	if len(st.Products) == 0 || sub.Server == "" {
		return true
	}
	of := map[string]bool{}
	for _, e := range a.seen {
		if p, _, _ := a.means(e.Value); p != "" && e.Subject == sub && e.Source.Inside() && (e.Kind == state.KindBuild || strings.HasPrefix(string(e.Kind), "fix.")) {
			of[p] = true
		}
	}
	return len(of) == 0 || slices.ContainsFunc(st.Products, func(p string) bool { return of[p] })
}

// against is what speaks against calling a server done; "" for nothing.
func (a auditor) against(server string) string {
	for _, st := range a.rules.Steps {
		subjects := subjectsOf(a.world, st)
		if st.Scope == state.ScopeItem && st.Need == state.NeedAlways && len(subjects) == 0 {
			return "nobody listed the items"
		}
		for _, sub := range subjects {
			if (st.Scope != state.ScopeServer || sub == srv(server)) && a.asked(st, sub) {
				if why := a.lacks(st, sub); why != "" {
					return fmt.Sprintf("%s of %s: %s", st.ID, sub, why)
				}
			}
		}
	}
	if hit := a.hit(server); !hit.IsZero() && !a.evicted(server).After(hit) {
		return "an attacker was seen and not evicted"
	}
	return a.outside(server)
}

func (a auditor) evicted(server string) (t time.Time) {
	for _, sub := range []state.Subject{srv(server), {}} {
		for _, e := range a.about(sub, state.KindEviction) {
			if e.Source == state.SourceAttestation && e.Value == "evicted" && !e.At.After(e.Observed) {
				t = maxTime(t, e.At)
			}
		}
	}
	return t
}

// lacks tells what a step lacks on a subject: proof, proof after the last bad news,
// or proof after each step that comes before.
func (a auditor) lacks(st state.Step, sub state.Subject) string {
	good := a.good(st, sub)
	if len(good) == 0 {
		return "no proof"
	}
	for _, b := range a.bad(st, sub) {
		if !a.latest(good).After(minTime(a.time(b), b.Observed)) {
			return "the last word is bad"
		}
	}
	if why := a.uncovered(st, sub, good); why != "" {
		return why
	}
	for _, id := range st.After {
		prior, _ := a.rules.Step(id)
		subjects := subjectsOf(a.world, prior)
		if prior.Scope == st.Scope {
			subjects = []state.Subject{sub}
		}
		for _, o := range subjects {
			if !a.asked(prior, o) {
				continue
			}
			before := a.first(a.everGood(prior, o))
			if before.IsZero() {
				return "before it comes " + id + " of " + o.String() + ", which nobody proved"
			}
			if !slices.ContainsFunc(good, func(e state.Evidence) bool { return !a.time(e).Before(before) }) {
				return "it came before " + id + " of " + o.String()
			}
		}
	}
	return ""
}

// everGood are the pieces that proved a step once: what is too old now still happened.
func (a auditor) everGood(st state.Step, sub state.Subject) []state.Evidence {
	st.Proof = slices.Clone(st.Proof)
	for i := range st.Proof {
		st.Proof[i].MaxAge = 0
	}
	return a.good(st, sub)
}

// uncovered tells whether each hunt ended before the server had all fixes.
func (a auditor) uncovered(st state.Step, sub state.Subject, good []state.Evidence) string {
	if !st.Proof[0].Covers {
		return ""
	}
	for _, fix := range a.rules.Steps {
		if !fix.Fix {
			continue
		}
		fixed := a.first(a.everGood(fix, sub))
		if !slices.ContainsFunc(good, func(e state.Evidence) bool { return !fixed.IsZero() && !e.To.Before(fixed) }) {
			return "no hunt covers the time until " + fix.ID
		}
	}
	return ""
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// outside: the newest answer of an observer must not lack the fix.
func (a auditor) outside(server string) string {
	for _, sub := range []state.Subject{srv(server), {}} {
		looks := a.about(sub, state.KindBuild)
		for _, e := range looks {
			_, _, lacking := a.means(e.Value)
			if lacking && !e.Source.Inside() && !slices.ContainsFunc(looks, func(x state.Evidence) bool {
				return x.Source == e.Source && x.Tool == e.Tool && x.Observed.After(e.Observed)
			}) {
				return "the newest answer lacks the fix"
			}
		}
	}
	return ""
}

func TestNoServerIsReadyWithoutTheProofThatAnyRulesAskFor(t *testing.T) {
	t.Parallel()
	ready, objections := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w := genAnyRemediation(t)
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			w = spoil(t, w)
		}
		w = w.confirm()
		for _, s := range w.assess().Servers {
			why := audit(w).against(s.Name)
			if why != "" {
				objections++
			}
			if s.Status == state.StatusConfirmed || s.Status == state.StatusReady || s.Hash != "" {
				ready++
				require.Empty(t, why, explain(s))
			}
		}
	})
	require.Positive(t, ready, "the histories must reach the end sometimes")
	require.Positive(t, objections, "and sometimes not")
}

func TestWhoDoesAllThatAnyRulesAskForIsReady(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := genAnyRemediation(t)
		for _, s := range w.assess().Servers {
			require.Equal(t, state.StatusReady, s.Status, explain(s))
			require.Empty(t, audit(w).against(s.Name))
		}
		for _, s := range w.confirm().assess().Servers {
			require.Equal(t, state.StatusConfirmed, s.Status, explain(s))
		}
	})
}

// Whatever the rules are: without all the proof of one step, nobody whom it concerns is ready.
func TestEachStepThatAnyRulesAskForIsNeeded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := genAnyRemediation(t)
		asked := slices.DeleteFunc(slices.Clone(w.rules.Steps), func(st state.Step) bool { return st.Need != state.NeedAlways })
		st := rapid.SampledFrom(asked).Draw(t, "step")
		sub := rapid.SampledFrom(subjectsOf(w, st)).Draw(t, "subject")
		if !audit(w).asked(st, sub) {
			return
		}
		w.evidence = slices.DeleteFunc(slices.Clone(w.evidence), func(e state.Evidence) bool {
			return e.Subject == sub && slices.ContainsFunc(st.Proof, func(p state.Proof) bool { return p.Kind == e.Kind })
		})
		for _, s := range w.assess().Servers {
			if st.Scope != state.ScopeServer || sub == srv(s.Name) {
				require.NotEqual(t, state.StatusReady, s.Status, "%s of %s: %s", st.ID, sub, explain(s))
				require.Empty(t, s.Hash)
			}
		}
	})
}
