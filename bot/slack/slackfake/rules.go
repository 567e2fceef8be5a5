package slackfake

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A rule says what a JSON value must be. What it finds wrong goes to the checker,
// with the place of it, in Slack's words: "must be less than 3001 characters
// [json-pointer:/blocks/0/text/text]".
type rule func(c *checker, at string, v any)

// checker collects what is wrong with blocks or a view.
type checker struct {
	surface  surface
	noCharts bool
	stream   bool // blocks of a stream, where alerts are allowed
	problems []string

	blockIDs  map[string]bool
	actionIDs map[string]bool // of the block that is being checked
	markdown  int             // characters in all markdown blocks
	tables    int
	charts    int
	inputs    []string
}

// surface is where blocks are shown.
type surface string

const (
	onMessage surface = "message"
	onModal   surface = "modal"
	onHome    surface = "home"
)

func (c *checker) bad(at, format string, args ...any) {
	if len(c.problems) < 50 {
		c.problems = append(c.problems, fmt.Sprintf(format, args...)+" [json-pointer:"+at+"]")
	}
}

// field is a property of an object.
type field struct {
	name string
	is   rule
	need bool
}

func must(name string, is rule) field { return field{name, is, true} }
func may(name string, is rule) field  { return field{name, is, false} }

// shape is an object with these properties and no others.
func shape(fields ...field) rule {
	return func(c *checker, at string, v any) {
		o, ok := v.(object)
		if !ok {
			c.bad(at, "must provide an object")
			return
		}
		for _, f := range fields {
			value, there := o[f.name]
			switch {
			case there && value != nil:
				f.is(c, at+"/"+f.name, value)
			case f.need:
				c.bad(at, "missing required field: %s", f.name)
			}
		}
		for _, name := range sortedKeys(o) {
			if !slices.ContainsFunc(fields, func(f field) bool { return f.name == name }) {
				c.bad(at, "invalid additional property: %.60s", name)
			}
		}
	}
}

func sortedKeys(o object) []string {
	keys := make([]string, 0, len(o))
	for k := range o {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// length counts characters as Slack does: code points, not bytes.
func length(s string) int { return utf8.RuneCountInString(s) }

// text is a string of so many characters.
func text(least, most int) rule {
	return func(c *checker, at string, v any) {
		s, ok := v.(string)
		switch {
		case !ok:
			c.bad(at, "must provide a string")
		case length(s) < least:
			c.bad(at, "must be more than %d characters", least-1)
		case length(s) > most:
			c.bad(at, "must be less than %d characters", most+1)
		}
	}
}

func boolean(c *checker, at string, v any) {
	if _, ok := v.(bool); !ok {
		c.bad(at, "must provide a boolean")
	}
}

func whole(least, most int64) rule {
	return func(c *checker, at string, v any) {
		n, ok := v.(json.Number)
		i, err := n.Int64()
		switch {
		case !ok || err != nil:
			c.bad(at, "must provide an integer")
		case i < least:
			c.bad(at, "must be greater than %d", least-1)
		case i > most:
			c.bad(at, "must be less than %d", most+1)
		}
	}
}

func number(c *checker, at string, v any) {
	n, ok := v.(json.Number)
	if _, err := n.Float64(); !ok || err != nil {
		c.bad(at, "must provide a number")
	}
}

// oneOf is one of some words.
func oneOf(words ...string) rule {
	return func(c *checker, at string, v any) {
		if s, ok := v.(string); !ok || !slices.Contains(words, s) {
			c.bad(at, "must be a valid enum value: %s", strings.Join(words, ", "))
		}
	}
}

// items is an array of so many things.
func items(least, most int, each rule) rule {
	return func(c *checker, at string, v any) {
		l, ok := v.([]any)
		if !ok {
			c.bad(at, "must provide an array")
			return
		}
		if len(l) < least {
			c.bad(at, "must provide at least %d items", least)
		}
		if len(l) > most {
			c.bad(at, "no more than %d items allowed", most)
			return
		}
		for i, e := range l {
			each(c, fmt.Sprintf("%s/%d", at, i), e)
		}
	}
}

// byType picks the rule by the property "type".
func byType(kinds map[string]rule) rule {
	return func(c *checker, at string, v any) {
		o, ok := v.(object)
		if !ok {
			c.bad(at, "must provide an object")
			return
		}
		kind, there := o["type"]
		if !there {
			c.bad(at, "missing required field: type")
			return
		}
		is, known := kinds[str(kind)]
		if !known {
			c.bad(at+"/type", "unsupported type: %.60s", str(kind))
			return
		}
		is(c, at, v)
	}
}

// all applies one rule after the other.
func all(rules ...rule) rule {
	return func(c *checker, at string, v any) {
		for _, is := range rules {
			is(c, at, v)
		}
	}
}

// anything is not looked at.
func anything(*checker, string, any) {}
