package playbook

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// Diff tells in lines what moved from one revision to another: fix lines first,
// because they re-open servers. Nothing moved: no lines. Where of one no more than its
// rules is known, no more is compared.
func Diff(from, to Playbook) []string {
	if from.bare || to.bare {
		from, to = OfRules(from.rules), OfRules(to.rules)
	}
	out := fixLines(from.rules.Products, to.rules.Products)
	out = append(out, listed("CVE", from.CVEs, to.CVEs, func(c CVE) string { return c.ID })...)
	out = append(out, moved("due date", dayOrNone(from.rules.Due), dayOrNone(to.rules.Due))...)
	out = append(out, moved("start of exploitation", dayOrNone(from.rules.Window), dayOrNone(to.rules.Window))...)
	out = append(out, listed("step", from.rules.Steps, to.rules.Steps, stepID)...)
	out = append(out, changedSteps(from.rules, to.rules)...)
	out = append(out, listed("sign", from.rules.Signs, to.rules.Signs, signText)...)
	out = append(out, listed("observer", from.Observers, to.Observers, observerText)...)
	out = append(out, otherStamps(from.Observers, to.Observers)...)
	out = append(out, listed("indicator", from.Indicators, to.Indicators, func(i checks.Indicator) string { return i.Path })...)
	out = append(out, listed("log rule", from.LogRules, to.LogRules, func(l LogRule) string {
		return fmt.Sprintf("%s (%s %v %v %v %v %v)", l.ID, l.Method, l.Names, l.Stem, l.Query, l.Referer, l.Agent)
	})...)
	return append(out, counted(from.IOCs, to.IOCs)...)
}

func fixLines(from, to []state.Product) []string {
	var out []string
	for _, p := range to {
		i := slices.IndexFunc(from, func(o state.Product) bool { return o.ID == p.ID })
		if i < 0 {
			out = append(out, fmt.Sprintf("product %s added", p.Name))
			continue
		}
		old := from[i]
		if old.Affected != p.Affected {
			out = append(out, fmt.Sprintf("%s: affected was %t, is %t", p.Name, old.Affected, p.Affected))
		}
		out = append(out, branchLines(p.Name, old.Branches, p.Branches)...)
	}
	for _, p := range from {
		if !slices.ContainsFunc(to, func(o state.Product) bool { return o.ID == p.ID }) {
			out = append(out, fmt.Sprintf("product %s removed", p.Name))
		}
	}
	return out
}

func branchLines(name string, from, to []state.Branch) []string {
	var out []string
	reach := func(b state.Branch) string { return fmt.Sprintf("%s up to %s", b.From, b.Below) }
	out = append(out, listed("branch of "+name, from, to, reach)...)
	for _, b := range to {
		for _, o := range from {
			if reach(o) != reach(b) {
				continue
			}
			out = append(out, moved("fix line of "+name, lineOrNone(o), lineOrNone(b))...)
			if added := len(b.Known) - len(o.Known); added != 0 {
				out = append(out, fmt.Sprintf("%s: %d published builds, were %d", name, len(b.Known), len(o.Known)))
			}
		}
	}
	return out
}

func lineOrNone(b state.Branch) string {
	if b.Fixed.IsZero() {
		return "none"
	}
	return b.Fixed.String()
}

func dayOrNone(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return day(t)
}

func moved(what, from, to string) []string {
	if from == to {
		return nil
	}
	return []string{fmt.Sprintf("%s: %s -> %s", what, from, to)}
}

// listed tells what was added to and removed from a list, by name.
func listed[T any](what string, from, to []T, name func(T) string) []string {
	var out []string
	was, is := ids(from, name), ids(to, name)
	for _, n := range is {
		if !slices.Contains(was, n) {
			out = append(out, fmt.Sprintf("%s %s added", what, n))
		}
	}
	for _, n := range was {
		if !slices.Contains(is, n) {
			out = append(out, fmt.Sprintf("%s %s removed", what, n))
		}
	}
	return out
}

func signText(s state.Sign) string {
	return fmt.Sprintf("%s %s (proves: %t)", s.Kind, strings.Join(s.Values, "/"), s.Proves)
}

// changedSteps tells which steps are asked for in another way, or in another order.
func changedSteps(from, to state.Rules) []string {
	var out []string
	var was, is []string
	for _, s := range to.Steps {
		old, ok := from.Step(s.ID)
		if !ok {
			continue
		}
		is = append(is, s.ID)
		o, n := old, s
		o.Title, o.Advice, n.Title, n.Advice = "", "", "", ""
		if old.Title != s.Title || old.Advice != s.Advice {
			out = append(out, fmt.Sprintf("step %s: other words", s.ID))
		}
		if !reflect.DeepEqual(o, n) {
			out = append(out, fmt.Sprintf("step %s: %s -> %s", s.ID, stepText(from, old), stepText(to, s)))
		}
	}
	for _, s := range from.Steps {
		if _, ok := to.Step(s.ID); ok {
			was = append(was, s.ID)
		}
	}
	return append(out, moved("order of the steps", strings.Join(was, ", "), strings.Join(is, ", "))...)
}

func stepText(r state.Rules, s state.Step) string {
	parts := demands(r, s)
	for _, p := range s.Proof {
		parts = append(parts, proofText(p))
	}
	return strings.Join(parts, "; ")
}

func observerText(o checks.Observer) string {
	if o.Pattern == nil {
		return fmt.Sprintf("%s (%s %s, %s)", o.ID, o.Method, o.Path, readText(o))
	}
	return fmt.Sprintf("%s (%s %s, %s, %s)", o.ID, o.Method, o.Path, readText(o), o.Pattern)
}

// otherStamps tells of tables that have as many stamps as before, and others.
func otherStamps(from, to []checks.Observer) []string {
	var out []string
	for _, o := range to {
		i := slices.IndexFunc(from, func(f checks.Observer) bool { return observerText(f) == observerText(o) })
		if i >= 0 && !slices.Equal(from[i].Stamps.Builds, o.Stamps.Builds) {
			out = append(out, fmt.Sprintf("observer %s: other stamps", o.ID))
		}
	}
	return out
}

// counted tells how indicators of compromise changed, as numbers: they are many.
func counted(from, to []IOC) []string {
	key := func(i IOC) string { return i.Type + " " + i.Value }
	changes := listed("", from, to, key)
	added := 0
	for _, c := range changes {
		if strings.HasSuffix(c, " added") {
			added++
		}
	}
	if len(changes) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("indicators of compromise: %d added, %d removed", added, len(changes)-added)}
}
