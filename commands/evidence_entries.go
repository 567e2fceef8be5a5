package commands

import (
	"cmp"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// items reads the list of all items of the farm.
func (r *report) items(n node) {
	var all []string
	r.list(n, "items", func(n node) {
		var item string
		r.text(&item, "an item")(n)
		switch {
		case item == "":
		case strings.ContainsAny(item, "\r\n"):
			r.problem(n.at, "an item may not have a line break in it")
		default:
			all = append(all, item)
		}
	})
	if n.delim == '[' && len(n.items) == 0 {
		r.problem(n.at, "items is empty; leave it out when nobody listed them")
	}
	if len(all) > 0 {
		r.put(n.at, state.Evidence{Kind: state.KindItems, Value: strings.Join(all, "\n")})
	}
}

// kindFarmBuild is what a farm says of its own build. It usually does not match what
// is installed, so that no step takes it.
const kindFarmBuild state.Kind = "farm.build"

func (r *report) farmBuild(n node) {
	e, bad := entry{key: "build"}, len(r.problems)+r.more
	ev := state.Evidence{Kind: kindFarmBuild}
	if r.value(&ev, e)(n); len(r.problems)+r.more == bad {
		r.put(n.at, ev)
	}
}

// subjects reads what is said of servers or items.
func (r *report) subjects(n node, what string, entries []entry, subject func(string) state.Subject) {
	r.each(n, what, func(m member) {
		k := known{}
		for _, e := range entries {
			k[e.key] = func(n node) { r.entry(n, e, subject(m.name)) }
		}
		if !m.value.null() {
			r.object(m.value, m.name, k)
		}
	})
}

// entry reads one member of a server or an item.
func (r *report) entry(n node, e entry, on state.Subject) {
	ev := state.Evidence{Subject: on, Kind: e.kind}
	bad := len(r.problems) + r.more
	switch {
	case e.member == "" && !e.event:
		r.value(&ev, e)(n)
	default:
		k := known{}
		if e.member != "" {
			k[e.member] = r.value(&ev, e)
		} else {
			ev.Value = e.words[0]
		}
		if e.hunt {
			k["from"], k["to"] = r.moment(&ev.From, "from"), r.moment(&ev.To, "to")
		} else {
			k["at"] = r.moment(&ev.At, "at")
		}
		r.object(n, e.key, k)
		if n.delim == '{' {
			r.complete(n, e, ev)
		}
	}
	if len(r.problems)+r.more == bad {
		r.put(n.at, ev)
	}
}

// complete notes what an entry cannot do without. A hit needs no window: bad
// news is taken as it comes.
func (r *report) complete(n node, e entry, ev state.Evidence) {
	if e.member != "" {
		r.require(n, e.member)
	}
	switch {
	case e.event:
		r.require(n, "at")
	case e.hunt && ev.Value != "hit":
		r.require(n, "from", "to")
	}
}

func (r *report) value(ev *state.Evidence, e entry) func(node) {
	if e.words != nil {
		return r.word(&ev.Value, e.key, e.words)
	}
	return func(n node) {
		r.text(&ev.Value, e.key)(n)
		if _, err := state.ParseVersion(ev.Value); ev.Value != "" && err != nil {
			r.problem(n.at, "%s cannot be %s: a build like 16.0.10417.20037", e.key, shown(n))
		}
	}
}

// generic reads one piece of evidence in the form for any playbook.
func (r *report) generic(n node) {
	var ev state.Evidence
	var kind string
	bad := len(r.problems) + r.more
	r.object(n, "a piece of evidence", known{
		"subject": func(n node) {
			r.object(n, "subject", known{"server": r.text(&ev.Subject.Server, "server"), "item": r.text(&ev.Subject.Item, "item")})
			if ev.Subject.Server != "" && ev.Subject.Item != "" {
				r.problem(n.at, "a subject is a server or an item, not both")
			}
		},
		"kind":     r.text(&kind, "kind"),
		"value":    r.text(&ev.Value, "value"),
		"at":       r.moment(&ev.At, "at"),
		"from":     r.moment(&ev.From, "from"),
		"to":       r.moment(&ev.To, "to"),
		"observed": r.moment(&ev.Observed, "observed"),
		"tool":     r.text(&ev.Tool, "tool"),
		"detail":   r.text(&ev.Detail, "detail"),
	})
	if n.delim == '{' {
		r.require(n, "subject", "kind", "value")
	}
	if ev.Kind = state.Kind(kind); len(r.problems)+r.more == bad {
		r.put(n.at, ev)
	}
}

// put adds evidence, with the time and the tool of the document, when its times
// can be true.
func (r *report) put(at int, ev state.Evidence) {
	ev.Source, ev.Tool = state.SourceCollector, cmp.Or(ev.Tool, r.tool)
	if ev.Kind == state.KindHunt || ev.Kind == state.KindAttack {
		ev.Source = state.SourceHunt
		if !r.observed.Before(ev.To) && ev.Observed.IsZero() {
			ev.Observed = ev.To // the end of the hunt is when it was seen, however late it is told
		}
	}
	if ev.Observed.IsZero() {
		ev.Observed = r.observed
	}
	switch {
	case ev.Observed.IsZero(): // told already: the document needs observed
	case ev.Observed.After(r.now.Add(state.MaxSkew)) && !r.observed.After(r.now.Add(state.MaxSkew)):
		r.problem(at, "observed is in the future")
	case ev.At.After(ev.Observed):
		r.problem(at, "at (%s) is after it was observed (%s)", stampOf(ev.At), stampOf(ev.Observed))
	case ev.To.After(ev.Observed):
		r.problem(at, "to (%s) is after it was observed (%s)", stampOf(ev.To), stampOf(ev.Observed))
	case !ev.From.IsZero() && ev.To.Before(ev.From):
		r.problem(at, "it ends before it begins, or has no end")
	case len(ev.Value) > state.MaxValue, len(ev.Detail) > state.MaxValue:
		r.problem(at, "%s is longer than %d bytes", cmp.Or(string(ev.Kind), "the value"), state.MaxValue)
	case len(ev.Tool) > state.MaxName:
		r.problem(at, "tool is longer than %d bytes", state.MaxName)
	}
	r.found = append(r.found, found{r.clamp(ev), at})
}

// clamp takes a clock that is ahead by less than the skew for ours.
func (r *report) clamp(ev state.Evidence) state.Evidence {
	for _, t := range []*time.Time{&ev.Observed, &ev.At, &ev.From, &ev.To} {
		if t.After(r.now) {
			*t = r.now
		}
	}
	return ev
}

func stampOf(t time.Time) string { return t.UTC().Format(time.RFC3339) }
