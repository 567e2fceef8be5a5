package commands

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// known maps the members that an object may have to what reads them.
type known map[string]func(node)

// object reads the members of an object. A member that nobody knows, or that
// comes twice, is a problem; null is the same as leaving it out.
func (d *document) object(n node, what string, k known) {
	if n.delim != '{' {
		d.problem(n.at, "%s must be an object", what)
		return
	}
	seen := map[string]bool{}
	for _, m := range n.members {
		read, ok := k[m.name]
		switch {
		case !ok:
			d.problem(m.at, "%s has no member %.40q%s", what, m.name, d.near(m.name, names(k)))
		case seen[m.name]:
			d.problem(m.at, "%s has %.40q twice", what, m.name)
		case !m.value.null():
			read(m.value)
		}
		seen[m.name] = true
	}
}

// each reads an object whose members are names, not words of the format.
func (d *document) each(n node, what string, read func(m member)) {
	if n.delim != '{' {
		d.problem(n.at, "%s must be an object", what)
		return
	}
	seen := map[string]bool{}
	for _, m := range n.members {
		switch {
		case m.name == "":
			d.problem(m.at, "%s has a member without a name", what)
		case seen[m.name]:
			d.problem(m.at, "%s has %.40q twice", what, m.name)
		default:
			read(m)
		}
		seen[m.name] = true
	}
}

func (d *document) list(n node, what string, read func(node)) {
	if n.delim != '[' {
		d.problem(n.at, "%s must be a list", what)
		return
	}
	for _, i := range n.items {
		read(i)
	}
}

func (d *document) text(dst *string, what string) func(node) {
	return func(n node) {
		s, ok := n.value.(string)
		if !ok || n.delim != 0 || s == "" {
			d.problem(n.at, "%s must be a text", what)
			return
		}
		*dst = s
	}
}

// word reads one of a few words.
func (d *document) word(dst *string, what string, words []string) func(node) {
	return func(n node) {
		s, _ := n.value.(string)
		for _, w := range words {
			if s == w {
				*dst = w
				return
			}
		}
		d.problem(n.at, "%s cannot be %s: one of %s", what, shown(n), strings.Join(words, ", "))
	}
}

func (d *document) moment(dst *time.Time, what string) func(node) {
	return func(n node) {
		s, _ := n.value.(string)
		t, err := time.Parse(time.RFC3339, s)
		if err != nil || t.Year() < 2000 {
			d.problem(n.at, "%s cannot be %s: write 2025-07-21T18:00:00Z", what, shown(n))
			return
		}
		*dst = t.UTC()
	}
}

// shown is a value as a problem quotes it, cut.
func shown(n node) string {
	switch {
	case n.delim == '{':
		return "an object"
	case n.delim == '[':
		return "a list"
	}
	b, _ := json.Marshal(n.value) // what was read from JSON can be written
	if r := []rune(string(b)); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return string(b)
}

// near is orNearest for as long as anybody will read it: to look for what is
// nearest takes time, and a document can have very many mistakes.
func (d *document) near(given string, candidates []string) string {
	if len(d.problems) >= maxProblems || len(given) > state.MaxName {
		return ""
	}
	return orNearest(given, candidates)
}

func orNearest(given string, candidates []string) string {
	if near := chat.Nearest(given, candidates); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

func names(k known) []string { return slices.Sorted(maps.Keys(k)) }
