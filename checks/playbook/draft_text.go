package playbook

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// draftPage writes a draft as YAML, and counts what it leaves open.
type draftPage struct {
	strings.Builder
	open int
}

func (w *draftPage) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

// quote is text as a YAML value of at most so many bytes: nothing in it means anything.
func quote(s string, most int) string {
	s = checks.Clean(s, most)
	for len(s) > most {
		_, size := utf8.DecodeLastRuneInString(s)
		s = strings.TrimSpace(s[:len(s)-size])
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// remark is text as a YAML comment.
func (w *draftPage) remark(indent, text string) { w.line("%s# %s", indent, checks.Clean(text, 300)) }

// ask is a comment that a person has to answer.
func (w *draftPage) ask(indent, text string) {
	w.open++
	w.line("%s# %s: %s", indent, toFill, checks.Clean(text, 280))
}

// key writes a key with its value, or with what is open about it.
func (w *draftPage) key(lead, key string, c cell) {
	switch {
	case c.ask != "":
		w.open++
		w.line("%s%s: %s", lead, key, quote(toFill+": "+c.ask, 290))
	case c.remark != "":
		w.line("%s%s: %s # %s", lead, key, c.value, checks.Clean(c.remark, 200))
	default:
		w.line("%s%s: %s", lead, key, c.value)
	}
}

func (w *draftPage) write(d draft) {
	ids := make([]string, len(d.records))
	for i, r := range d.records {
		ids[i] = r.ID
	}
	w.line("# A draft, made from the CVE record of %s. It does not load before a person has", strings.Join(ids, ", "))
	w.line(`# answered what begins with "%s", and removed those words.`, toFill)
	w.line("playbook: %s", d.name)
	w.line("revision: 1")
	w.line("title: %s", quote(w.title(d), 100))
	w.key("", "summary", asked("what happened, and what done means"))
	w.key("", "window", asked("the day on which exploitation began, like 2025-07-07: a hunt must cover from there"))
	w.key("", "due", d.due())
	w.cves(d)
	w.products(d)
	w.steps()
	w.observers()
	w.sources(d)
}

func (w *draftPage) title(d draft) string { return cmpOr(d.records[0].Title, d.records[0].ID) }

// due is the earliest date of the catalogue.
func (d draft) due() cell {
	var due time.Time
	open := ""
	for _, r := range d.records {
		e, ok := d.kev.entries[r.ID]
		switch {
		case ok && (due.IsZero() || e.due.Before(due)):
			due = e.due
		case !ok && !r.KEVAdded.IsZero():
			open = r.ID
		}
	}
	switch {
	case open != "":
		return asked("the date by which an authority wants this done; %s is in CISA's catalogue, and %s", open, d.kev.missing())
	case due.IsZero():
		return given("none", "in no catalogue that was given")
	}
	return given(due.Format(time.DateOnly), "CISA KEV "+d.kev.Version)
}

// missing says why the catalogue does not tell of an entry.
func (k KEV) missing() string {
	if k.Version == "" {
		return "no catalogue was given"
	}
	return "the one that was given, of " + k.Version + ", does not have it yet"
}

func (w *draftPage) cves(d draft) {
	w.line("\ncves:")
	for _, r := range d.records {
		w.line("  - id: %s", r.ID)
		w.line("    title: %s", quote(cmpOr(r.Title, r.ID), 200))
		w.line("    grade: B # one primary source: the record")
		if !r.Published.IsZero() {
			w.line("    published: %s", r.Published.Format(time.DateOnly))
		}
		e, ok := d.kev.entries[r.ID]
		switch {
		case ok:
			w.line("    kev: {added: %s, due: %s}", e.added.Format(time.DateOnly), e.due.Format(time.DateOnly))
		case !r.KEVAdded.IsZero():
			w.ask("    ", fmt.Sprintf("kev: {added: %s, due: the date}; the record tells of the entry, and %s", r.KEVAdded.Format(time.DateOnly), d.kev.missing()))
		}
	}
}

func (w *draftPage) products(d draft) {
	w.line("")
	for _, name := range d.spared {
		w.remark("", name+" is not affected, says the record")
	}
	if len(d.products) == 0 {
		w.key("", "products", asked("the products that are affected, with a branch for each fix line; the record lists none"))
		return
	}
	w.line("products:")
	for _, p := range d.products {
		w.line("  - id: %s", p.id)
		w.line("    name: %s", quote(strings.Join(p.names, ", "), 100))
		for _, r := range p.remarks {
			w.remark("    ", r)
		}
		for _, a := range p.asks {
			w.ask("    ", a)
		}
		w.line("    branches:")
		for _, b := range p.branches {
			w.branch(b)
		}
	}
}

func (w *draftPage) branch(b draftBranch) {
	w.key("      - ", "from", b.from)
	w.key("        ", "below", b.below)
	w.key("        ", "fixed", b.fixed)
	if len(b.partial) == 0 || b.fixed.ask != "" {
		return
	}
	w.line("        builds: # the lower ones fix some of the CVEs only")
	partial := slices.SortedFunc(slices.Values(b.partial), func(x, y string) int {
		vx, _ := state.ParseVersion(x) // they were read before
		vy, _ := state.ParseVersion(y)
		return vx.Compare(vy)
	})
	for _, line := range partial {
		w.line("          - %s partial", line)
	}
	w.line("          - %s", b.fixed.value)
}

// steps are those that every campaign has.
func (w *draftPage) steps() {
	w.line("\nsteps:")
	w.line("  - id: update")
	w.line("    title: Install the update")
	w.line("    scope: server")
	w.line("    fix: true")
	w.key("    ", "advice", asked("how the update is installed, and what belongs to it"))
	w.line("    proof:")
	w.line("      - {kind: package, fixLine: true, sources: [collector, attestation], maxAge: 30d}")
	w.ask("  ", "what else must be done (sessions, keys, accounts, modules), on which scope and after what; remove this when that is all")
	w.line("  - id: hunt")
	w.line("    title: Hunt for signs of the attacker")
	w.line("    scope: server")
	w.key("    ", "advice", asked("what to look for, and where"))
	w.line("    proof:")
	w.line("      - {kind: hunt, good: [clean], bad: [hit], covers: true, sources: [hunt, collector, attestation]}")
	w.line("  - id: evict")
	w.line("    title: Evict the attacker")
	w.line("    scope: server")
	w.line("    need: compromised")
	w.line("    advice: Rebuild the server, or remove all that the attacker left and have a second person sign for it; then hunt again.")
	w.line("    proof:")
	w.line("      - {kind: eviction, dated: true, good: [evicted, rebuilt], sources: [attestation]}")
	w.line("\nsigns:")
	w.line("  - {kind: hunt, values: [hit], proves: true}")
	w.line("  - {kind: suspicion, values: [raised], proves: false}")
}

func (w *draftPage) observers() {
	w.line("")
	w.ask("", "harmless requests whose answers show the build, or leave the list empty and remove this: then all comes from inside")
	w.line("observers: []")
}

func (w *draftPage) sources(d draft) {
	w.line("\nsources:")
	for _, r := range d.records {
		w.line("  - {title: %s, at: %s, for: 'fix lines, dates', grade: B}", quote("CVE record of "+r.ID, 100), quote("https://www.cve.org/CVERecord?id="+r.ID, 100))
		for _, url := range r.References {
			w.remark("  ", "the record refers to "+url)
		}
	}
}
