package state_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// The oracle says what must be true of the raw evidence before a server may count
// as remediated. It is written from the published order of work, and shares nothing
// with Assess: it looks for what is missing, one sentence of the order at a time.

var (
	exploited = time.Date(2025, 7, 7, 0, 0, 0, 0, time.UTC)
	fixes     = map[int][3][2]int{ // third and fourth number: 2016, 2019, Subscription Edition
		1: {{5508, 1000}, {10417, 20027}, {18526, 20424}},
		2: {{5513, 1001}, {10417, 20037}, {18526, 20508}},
	}
)

// reads says what a build means: its product line and "fixed", "vulnerable" or "".
func reads(build string, revision int) (line, verdict string) {
	var n []int
	for _, f := range strings.FieldsFunc(build, func(r rune) bool { return r == '.' || r == '-' }) {
		i, err := strconv.Atoi(f)
		if err != nil {
			return "", ""
		}
		n = append(n, i)
	}
	switch {
	case len(n) < 3:
		return "", ""
	case n[0] == 14 || n[0] == 15:
		return "old", "vulnerable"
	case n[0] != 16 || n[1] != 0 || n[2] >= 20000:
		return "", ""
	}
	i := 2
	if n[2] < 10000 {
		i = 0
	} else if n[2] < 14000 {
		i = 1
	}
	line, fix := []string{"2016", "2019", "SE"}[i], fixes[revision][i]
	switch {
	case n[2] > fix[0] || n[2] == fix[0] && len(n) > 3 && n[3] >= fix[1]:
		return line, "fixed"
	case n[2] == fix[0] && len(n) == 3 && i == 0:
		return line, "fixed" // each published build of 2016 with that number has the fix
	case n[2] == fix[0] && len(n) == 3:
		return line, ""
	}
	return line, "vulnerable"
}

type oracle struct {
	world
	seen []state.Evidence // what may count at all
}

// objection is what the raw evidence says against calling a server remediated, or "".
func objection(w world, name string) string {
	o := oracle{world: w}
	for _, e := range w.evidence {
		two := e.Source != state.SourceAttestation || e.By != "" && e.Second != "" && e.By != e.Second
		sign := e.Kind == "indicator" && e.Value == "found" || e.Value == "hit" || e.Value == "malicious" || e.Value == "raised" ||
			e.Kind == "attack" && slices.Contains([]string{"answered", "keys", "late", "shell"}, e.Value)
		if two && (sign || !e.Observed.After(w.now)) {
			o.seen = append(o.seen, e)
		}
	}
	for _, why := range []string{o.shared(name), o.own(name), o.signs(name), o.outside(name)} {
		if why != "" {
			return name + ": " + why
		}
	}
	return ""
}

func (o oracle) all(sub state.Subject, kind state.Kind, values ...string) []state.Evidence {
	var out []state.Evidence
	for _, e := range o.seen {
		if e.Subject == sub && e.Kind == kind && (len(values) == 0 || slices.Contains(values, e.Value)) {
			out = append(out, e)
		}
	}
	return out
}

func proofs(es []state.Evidence) []state.Evidence {
	return slices.DeleteFunc(es, func(e state.Evidence) bool { return !takes(e.Source) })
}

func inner(es []state.Evidence) []state.Evidence {
	return slices.DeleteFunc(es, func(e state.Evidence) bool { return !e.Source.Inside() })
}

// takes reports whether the steps take a source's word, but for hunts.
func takes(s state.Source) bool { return s == state.SourceAttestation || s == state.SourceCollector }

func last(es []state.Evidence) (t time.Time) {
	for _, e := range es {
		if e.Observed.After(t) {
			t = e.Observed
		}
	}
	return t
}

// happened is when the last event of a kind was, as far as it says.
func happened(es []state.Evidence) (t time.Time) {
	for _, e := range proofs(es) {
		if e.At.After(t) && !e.At.After(e.Observed) {
			t = e.At
		}
	}
	return t
}

// since is the earliest moment since which something may have been true without a
// break, zero when it is not; what came before bad says otherwise.
func since(good, bad []state.Evidence) (t time.Time) {
	broken := last(bad)
	for _, g := range good {
		if !g.Observed.After(broken) {
			continue
		}
		at := g.Observed
		if !g.At.IsZero() && g.At.Before(at) {
			at = g.At
		}
		if at.Before(broken) {
			at = broken
		}
		if t.IsZero() || at.Before(t) {
			t = at
		}
	}
	return t
}

// outranked reports whether the newest bad news comes from a source that no later
// good news is as good as.
func outranked(good, bad []state.Evidence) bool {
	return slices.ContainsFunc(bad, func(b state.Evidence) bool {
		if !takes(b.Source) {
			b.Source = 0 // bad news counts whoever brings it; who is not asked is answered by anybody who is
		}
		return !slices.ContainsFunc(good, func(g state.Evidence) bool { return g.Observed.After(b.Observed) && g.Source >= b.Source })
	})
}

func (o oracle) builds(sub state.Subject, kind state.Kind, verdict string) []state.Evidence {
	return slices.DeleteFunc(o.all(sub, kind), func(e state.Evidence) bool {
		_, v := reads(e.Value, o.rules.Revision)
		return v != verdict
	})
}

// looksVulnerable are outside looks that read a build below the line, and that two
// persons did not note as stale while the observer went on reading it.
func (o oracle) looksVulnerable(sub state.Subject) []state.Evidence {
	return slices.DeleteFunc(o.builds(sub, state.KindBuild, "vulnerable"), func(e state.Evidence) bool {
		return e.Source.Inside() || slices.ContainsFunc(o.all(sub, state.KindStale, e.Value), func(n state.Evidence) bool {
			return n.Source == state.SourceAttestation && !slices.ContainsFunc(o.all(sub, state.KindBuild), func(x state.Evidence) bool {
				return x.Source == e.Source && x.Tool == e.Tool && x.Value != e.Value &&
					(x.Observed.Compare(e.Observed) >= 0 && x.Observed.Compare(n.Observed) <= 0 || x.Observed.Compare(n.Observed) >= 0 && x.Observed.Compare(e.Observed) <= 0)
			})
		})
	})
}

// single reports whether all that was seen from inside is of products that have no
// language package: the two that have one are 2016 and 2019.
func (o oracle) single(sub state.Subject) bool {
	n := 0
	for _, k := range []state.Kind{"package", "package.language", state.KindBuild} {
		for _, e := range inner(o.all(sub, k)) {
			if line, _ := reads(e.Value, o.rules.Revision); line == "2016" || line == "2019" {
				return false
			} else if line != "" {
				n++
			}
		}
	}
	return n > 0
}

type part struct {
	what      string
	good, bad []state.Evidence
	age       time.Duration
}

// parts are the things that must be true of a server, and go on being true.
func (o oracle) parts(sub state.Subject) []part {
	below := o.looksVulnerable(sub)
	day := 24 * time.Hour
	out := []part{{"package", proofs(o.builds(sub, "package", "fixed")), slices.Concat(o.builds(sub, "package", "vulnerable"), below), 30 * day}}
	if !o.single(sub) {
		good, bad := proofs(o.builds(sub, "package.language", "fixed")), o.builds(sub, "package.language", "vulnerable")
		out = append(out, part{"language package", good, slices.Concat(bad, below), 30 * day})
	}
	installed := time.Time{}
	for _, p := range out {
		installed = maxTime(installed, since(p.good, p.bad))
	}
	configured := slices.DeleteFunc(proofs(o.all(sub, "psconfig", "done")), func(e state.Evidence) bool {
		return e.Observed.Before(installed) || !e.At.IsZero() && e.At.Before(installed) && !e.At.After(e.Observed)
	})
	return append(out, part{"psconfig", configured, slices.Concat(o.all(sub, "psconfig", "needed"), below), 30 * day})
}

// late are the attacks that were answered before the server was fixed, though the rules
// of their day said that they came after it.
func (o oracle) late(sub state.Subject) []state.Evidence {
	var fixed time.Time
	for _, p := range o.parts(sub) {
		at := since(p.good, p.bad)
		if at.IsZero() || outranked(p.good, p.bad) {
			return o.all(sub, "attack", "late")
		}
		fixed = maxTime(fixed, at)
	}
	return slices.DeleteFunc(o.all(sub, "attack", "late"), func(e state.Evidence) bool {
		return !e.At.IsZero() && !e.At.After(e.Observed) && e.At.After(fixed)
	})
}

func (o oracle) hits(sub state.Subject) []state.Evidence {
	return slices.Concat(o.all(sub, "indicator", "found"), o.all(sub, "hunt", "hit"), o.all(sub, "modules", "malicious"), o.all(sub, "attack", "shell"))
}

func (o oracle) evicted(sub state.Subject) time.Time {
	return happened(slices.DeleteFunc(o.all(sub, "eviction", "evicted", "rebuilt"), func(e state.Evidence) bool { return e.Source != state.SourceAttestation }))
}

// safeSince is when a server stopped being a way in, at the earliest: fixed, swept,
// and rid of the attacker. The second result names what was never done.
func (o oracle) safeSince(sub state.Subject) (t time.Time, why string) {
	for _, p := range o.parts(sub) {
		at := since(p.good, p.bad)
		if at.IsZero() || outranked(p.good, p.bad) {
			return t, p.what + " of " + sub.Server + " is not shown"
		}
		t = maxTime(t, at)
	}
	fixed := t
	if hits := o.hits(sub); len(hits) > 0 {
		if !o.evicted(sub).After(last(hits)) {
			return t, "nobody evicted the attacker from " + sub.Server
		}
		t, fixed = maxTime(t, o.evicted(sub)), maxTime(fixed, o.evicted(sub))
	}
	swept := slices.DeleteFunc(o.all(sub, "hunt", "clean"), func(e state.Evidence) bool {
		return !e.Source.Inside() || e.From.IsZero() || !o.coversTheBeginning(sub, e) || e.To.Before(fixed) || e.To.After(e.Observed)
	})
	at := since(swept, o.all(sub, "hunt", "hit"))
	if at.IsZero() {
		return t, "no clean hunt of " + sub.Server + " covers the time until it was fixed"
	}
	return maxTime(t, at), ""
}

// coversTheBeginning: a hunt begins when exploitation did, or goes on where another of
// the same logs ends.
func (o oracle) coversTheBeginning(sub state.Subject, e state.Evidence) bool {
	if !e.From.After(exploited) {
		return true
	}
	return e.Source == state.SourceHunt && e.Tool == "hunt/logs" && slices.ContainsFunc(o.all(sub, "hunt", "clean"), func(x state.Evidence) bool {
		return x.Source == e.Source && x.Tool == e.Tool && !x.From.IsZero() && x.From.Before(e.From) && !x.To.Before(e.From) && !x.To.After(x.Observed) &&
			o.coversTheBeginning(sub, x)
	})
}

func maxTime(ts ...time.Time) time.Time { return slices.MaxFunc(ts, time.Time.Compare) }

func (o oracle) items() []string {
	newest := map[string]time.Time{}
	for _, e := range inner(o.all(state.Subject{}, "items")) {
		k := fmt.Sprint(e.Source, e.Tool)
		newest[k] = maxTime(newest[k], e.Observed)
	}
	var out []string
	for _, e := range inner(o.all(state.Subject{}, "items")) {
		if e.Observed.Equal(newest[fmt.Sprint(e.Source, e.Tool)]) {
			out = append(out, strings.Fields(e.Value)...)
		}
	}
	return out
}

// shared is what the whole farm must have done before new keys are worth anything,
// and what must be done on each item.
func (o oracle) shared(name string) string {
	var safe time.Time
	for _, s := range o.farm.Servers {
		t, why := o.safeSince(srv(s.Name))
		switch {
		case s.Retired == nil && why != "":
			return why
		case s.Retired != nil && (why != "" || t.After(s.Retired.At)):
			t = s.Retired.At
		}
		// What a retired server had proved cannot be asked for more than it knows.
		if s.Retired == nil || why != "" {
			safe = maxTime(safe, t)
		}
	}
	if len(o.items()) == 0 {
		return "nobody listed the items"
	}
	restarted := happened(o.all(srv(name), "restart", "restarted"))
	for _, w := range o.items() {
		rotated := happened(o.all(item(w), "rotation", "rotated"))
		deployed := happened(o.all(item(w), "deployment", "deployed"))
		on, off := proofs(o.all(item(w), "amsi", "on", "full")), o.all(item(w), "amsi", "off", "balanced")
		switch {
		case !rotated.After(safe):
			return fmt.Sprintf("the keys of %s were rotated %s, the farm was safe %s", w, rotated, safe)
		case !deployed.After(rotated):
			return "the keys of " + w + " were not deployed after that"
		case !restarted.After(deployed):
			return "IIS was not restarted after the keys of " + w + " were deployed"
		case since(on, off).IsZero() || outranked(on, off) || last(on).AddDate(0, 0, 14).Compare(o.now) <= 0:
			return "AMSI of " + w + " is not shown to be on"
		}
	}
	return ""
}

// own is what the server itself must show, and show again when it is too old.
func (o oracle) own(name string) string {
	sub := srv(name)
	for _, p := range o.parts(sub) {
		if last(p.good).Add(p.age).Compare(o.now) <= 0 {
			return p.what + " is too old"
		}
	}
	clean, malicious := proofs(o.all(sub, "modules", "clean")), o.all(sub, "modules", "malicious")
	if since(clean, malicious).IsZero() || outranked(clean, malicious) || last(clean).AddDate(0, 0, 30).Compare(o.now) <= 0 {
		return "the modules are not shown to be clean"
	}
	restarted := happened(o.all(sub, "restart", "restarted"))
	yes := slices.DeleteFunc(proofs(o.all(sub, "keys.match", "yes")), func(e state.Evidence) bool { return e.Observed.Before(restarted) })
	no := o.all(sub, "keys.match", "no")
	switch {
	case happened(o.all(sub, "preserved", "done")).IsZero():
		return "nothing was preserved"
	case since(yes, no).IsZero() || outranked(yes, no) || last(yes).AddDate(0, 0, 14).Compare(o.now) <= 0:
		return "the keys in use are not verified after the restart"
	}
	return ""
}

func (o oracle) signs(name string) string {
	sub := srv(name)
	if hits := o.hits(sub); len(hits) > 0 && !maxTime(o.evicted(sub), o.evicted(state.Subject{})).After(last(hits)) {
		return "compromised, and not evicted"
	}
	suspicions := slices.Concat(o.all(sub, "suspicion", "raised"), o.all(sub, "attack", "answered", "keys"), o.late(sub))
	for _, e := range o.seen {
		if e.Subject.Server == "" {
			suspicions = append(suspicions, o.hits(e.Subject)...)
			suspicions = append(suspicions, o.all(e.Subject, "suspicion", "raised")...)
			suspicions = append(suspicions, o.all(e.Subject, "attack", "answered", "keys", "late")...)
		}
	}
	at := last(suspicions)
	if at.IsZero() || maxTime(o.evicted(sub), o.evicted(state.Subject{})).After(at) {
		return ""
	}
	if !slices.ContainsFunc(o.all(sub, "hunt", "clean"), func(e state.Evidence) bool {
		return e.Source == state.SourceAttestation && e.Observed.After(at) && !e.To.Before(at) && !e.From.After(exploited)
	}) {
		return "a suspicion that nobody cleared"
	}
	return ""
}

// outside: the newest answer of an observer must not be a build below the line.
func (o oracle) outside(name string) string {
	for _, sub := range []state.Subject{srv(name), {}} {
		for _, e := range o.looksVulnerable(sub) {
			if !slices.ContainsFunc(o.all(sub, state.KindBuild), func(x state.Evidence) bool {
				return x.Source == e.Source && x.Tool == e.Tool && x.Observed.After(e.Observed)
			}) {
				return "the newest answer is " + e.Value
			}
		}
	}
	return ""
}
