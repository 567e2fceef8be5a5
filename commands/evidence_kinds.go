package commands

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// kindRule is what a playbook lets people say of one kind of evidence.
type kindRule struct {
	// words are the values that mean something; none: anything goes.
	words  []string
	build  bool // the value is a build
	dated  bool // it is an event, and must say when
	covers bool // it must say which time it covered
	attest bool // two persons may vouch for it
	scopes []state.Scope
	step   state.Step // the first step that it speaks of; zero: none
}

// kindRules are the kinds that may be told by people: those of the steps, the
// signs of an attacker and the few that the rules themselves know. What only a
// look from outside can tell is not among them.
func kindRules(r state.Rules) map[state.Kind]kindRule {
	out := map[state.Kind]kindRule{
		kindFarmBuild:       {build: true, scopes: []state.Scope{state.ScopeFarm}},
		state.KindItems:     {scopes: []state.Scope{state.ScopeFarm}, attest: true},
		state.KindContained: {words: []string{"yes", "no"}, scopes: []state.Scope{state.ScopeServer}, attest: true},
		state.KindAttack:    {words: attackWords(), scopes: []state.Scope{state.ScopeServer}},
		state.KindEviction:  {dated: true, scopes: []state.Scope{state.ScopeServer, state.ScopeFarm}, attest: true},
	}
	for _, st := range r.Steps {
		for _, p := range st.Proof {
			if p.Kind == state.KindBuild || p.Kind == state.KindReach {
				continue
			}
			k := out[p.Kind]
			k.words = append(slices.Concat(k.words, p.Good), p.Bad...)
			k.build, k.dated, k.covers = k.build || p.FixLine, k.dated || p.Dated, k.covers || p.Covers
			k.attest = k.attest || slices.Contains(p.Sources, state.SourceAttestation)
			k.scopes = append(slices.Clone(k.scopes), st.Scope)
			if k.step.ID == "" {
				k.step = st
			}
			out[p.Kind] = k
		}
	}
	for _, s := range r.Signs {
		k := out[s.Kind]
		k.words = append(slices.Clone(k.words), s.Values...)
		k.scopes = append(slices.Clone(k.scopes), state.ScopeServer, state.ScopeFarm)
		k.attest = k.attest || k.step.ID == "" // a sign that nothing else speaks of is somebody's word
		out[s.Kind] = k
	}
	for kind, k := range out {
		slices.Sort(k.words)
		slices.Sort(k.scopes)
		k.words, k.scopes = slices.Compact(k.words), slices.Compact(k.scopes)
		out[kind] = k
	}
	return out
}

// attackWords are what attack traffic in a log can be.
func attackWords() []string {
	return []string{state.AttackContact, state.AttackAttempt, state.AttackOdd, state.AttackLate, state.AttackKeys, state.AttackAnswered, state.AttackShell}
}

// vouchable are the kinds that two persons may vouch for.
func vouchable(r state.Rules) map[state.Kind]kindRule {
	out := kindRules(r)
	maps.DeleteFunc(out, func(_ state.Kind, k kindRule) bool { return !k.attest })
	out[state.KindStale] = kindRule{build: true, attest: true, scopes: []state.Scope{state.ScopeServer, state.ScopeFarm}}
	return out
}

// check says what is wrong with evidence of this kind, "" when nothing is.
func (k kindRule) check(e state.Evidence) string {
	if k.build {
		if _, err := state.ParseVersion(e.Value); err != nil {
			return fmt.Sprintf("%s cannot be %.40q: a build like 16.0.10417.20037", e.Kind, e.Value)
		}
	}
	if len(k.words) > 0 && !slices.Contains(k.words, e.Value) {
		if near := orNearest(e.Value, k.words); near != "" {
			return fmt.Sprintf("%s cannot be %.40q%s", e.Kind, e.Value, near)
		}
	}
	if !slices.Contains(k.scopes, e.Subject.Scope()) {
		return fmt.Sprintf("%s is about %s, not about %s", e.Kind, wordsOf(k.scopes), wordsOf([]state.Scope{e.Subject.Scope()}))
	}
	return ""
}

func wordsOf(scopes []state.Scope) string {
	var out []string
	for _, s := range scopes {
		out = append(out, []string{state.ScopeServer: "a server", state.ScopeFarm: "a farm", state.ScopeItem: "an item"}[s])
	}
	return strings.Join(out, " or ")
}

// line is a kind for people: what it is about, its words, and what must be said with it.
func (k kindRule) line(kind state.Kind) chat.Text {
	value := strings.Join(k.words, " or ")
	switch {
	case k.build:
		value = "a build, like 16.0.10417.20037"
	case kind == state.KindItems:
		value = "all of them, with commas between"
	case value == "":
		value = "any word"
	}
	t := chat.T(chat.C(string(kind)), " (about "+wordsOf(k.scopes)+"): ", chat.C(value))
	if k.dated {
		t = append(t, chat.T(", with --at")...)
	}
	if k.covers {
		t = append(t, chat.T(", with --from and --to")...)
	}
	return t
}

func kindNames(m map[state.Kind]kindRule) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, string(k))
	}
	return out
}

// against checks what the document says against the inventory and the playbook.
// Names are put as the inventory writes them.
func (r *report) against(rules state.Rules, f state.Farm, kinds map[state.Kind]kindRule, items []string) {
	var servers []string
	for _, s := range f.Servers {
		servers = append(servers, s.Name)
	}
	for _, f := range r.found {
		if f.Kind == state.KindItems {
			items = append(slices.Clone(items), linesOf(f.Value)...)
		}
	}
	for i, f := range r.found {
		switch f.Subject.Scope() {
		case state.ScopeServer:
			r.found[i].Subject.Server = r.oneOf(f.at, "farm "+r.farm+" has no server", f.Subject.Server, servers)
		case state.ScopeItem:
			if len(items) > 0 {
				r.found[i].Subject.Item = r.oneOf(f.at, "nobody listed the "+itemWord(rules), f.Subject.Item, items)
			}
		}
		k, ok := kinds[f.Kind]
		if !ok {
			near := r.near(string(f.Kind), kindNames(kinds))
			if near == "" {
				near = "; one of " + strings.Join(kindNames(kinds), ", ")
			}
			r.problem(f.at, "nobody can tell %.40q here%s", f.Kind, near)
		} else if why := k.check(f.Evidence); why != "" {
			r.problem(f.at, "%s", why)
		}
	}
}

// oneOf finds a name, whatever its case.
func (r *report) oneOf(at int, wrong, given string, all []string) string {
	found, ok := equalFold(given, all)
	if !ok {
		r.problem(at, "%s %.60q%s", wrong, given, r.near(given, all))
	}
	return found
}

func equalFold(given string, all []string) (string, bool) {
	if slices.Contains(all, given) {
		return given, true
	}
	i := slices.IndexFunc(all, func(s string) bool { return strings.EqualFold(s, given) })
	if i < 0 {
		return given, false
	}
	return all[i], true
}

// linesOf are the lines of a list in a value.
func linesOf(value string) []string {
	var out []string
	for line := range strings.Lines(value) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// itemWord is what an item of a farm is called.
func itemWord(r state.Rules) string { return cmp.Or(r.Item, "item") }
