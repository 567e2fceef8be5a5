package playbook

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"

	"github.com/allclear-bot/allclear/state"
)

// maxPattern bounds a regular expression, in bytes.
const maxPattern = 300

var (
	wordForm  = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,38}[a-z0-9])?$`)
	tokenForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)
)

// reader walks the YAML of one playbook and gathers all that is wrong with it.
// It reads the keys of a mapping in the order of the fields, not of the file, so
// that what is referred to is known before it is referred to.
type reader struct {
	file     string
	problems Problems
	inForce  Playbook // may be a base; the zero value is none
	open     bool     // a value is left to be filled in
	// watch, if set, is told of each object that is read: tests hold the schema against it.
	watch func(what string, fields []field)
}

// reading takes the value of a key.
type reading func(ast.Node)

type field struct {
	key  string
	must bool
	read reading
}

func must(key string, read reading) field { return field{key, true, read} }
func may(key string, read reading) field  { return field{key, false, read} }

// object reads a mapping with exactly these keys.
func (r *reader) object(n ast.Node, what string, fields ...field) {
	if r.watch != nil {
		r.watch(what, fields)
	}
	var entries []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		entries = m.Values
	case *ast.MappingValueNode:
		entries = []*ast.MappingValueNode{m}
	default:
		r.problem(n, "%s must be keys with values", what)
		return
	}
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	seen := map[string]ast.Node{}
	for _, e := range entries {
		key, _ := scalar(e.Key)
		switch _, twice := seen[key]; {
		case !slices.Contains(keys, key):
			r.problem(e.Key, "unknown key %.40q in %s%s", key, what, suggest(key, keys))
		case twice:
			r.problem(e.Key, "the key %q is in %s twice", key, what)
		default:
			seen[key] = e.Value
		}
	}
	for _, f := range fields {
		if v, ok := seen[f.key]; ok {
			f.read(v)
		} else if f.must {
			r.problem(n, "%s needs the key %q", what, f.key)
		}
	}
}

// list reads a sequence of at most most entries.
func (r *reader) list(most int, each reading) reading {
	return func(n ast.Node) {
		s, ok := n.(*ast.SequenceNode)
		text, _ := scalar(n)
		what, open := leftOpen(text)
		switch {
		case open:
			r.open = true
			r.problem(n, "to be filled in: %s", what)
		case !ok:
			r.problem(n, "must be a list")
		case len(s.Values) > most:
			r.problem(n, "a list of %d entries; at most %d are read", len(s.Values), most)
		default:
			for _, v := range s.Values {
				each(v)
			}
		}
	}
}

// scalar is a plain value as it was written: "16.0" stays "16.0".
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// value reads a scalar through parse, whose error says what is wrong with it.
func (r *reader) value(most int, parse func(string) error) reading {
	return r.read(most, parse, strings.TrimSpace)
}

func (r *reader) read(most int, parse func(string) error, clean func(string) string) reading {
	return func(n ast.Node) {
		s, ok := scalar(n)
		s = clean(s)
		what, open := leftOpen(s)
		switch {
		case open:
			r.open = true
			r.problem(n, "to be filled in: %s", what)
		case !ok || s == "":
			r.problem(n, "must be a value")
		case len(s) > most:
			r.problem(n, "longer than %d bytes", most)
		case strings.ContainsFunc(s, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) }):
			r.problem(n, "contains a control character")
		default:
			if err := parse(s); err != nil {
				r.problem(n, "%s", err.Error())
			}
		}
	}
}

// text reads prose; its line breaks are those of the file and mean nothing.
func (r *reader) text(dst *string, most int) reading {
	keep := func(s string) error {
		*dst = s
		return nil
	}
	return r.read(most, keep, func(s string) string { return strings.Join(strings.Fields(s), " ") })
}

// word reads an id or a value: lower case, no spaces.
func (r *reader) word(dst *string) reading {
	return r.matching(dst, wordForm, "a word of lower-case letters, digits, dots and dashes")
}

func (r *reader) matching(dst *string, form *regexp.Regexp, want string) reading {
	return r.value(200, func(s string) error {
		if !form.MatchString(s) {
			return fmt.Errorf("%.60q is not %s", s, want)
		}
		*dst = s
		return nil
	})
}

func (r *reader) words(dst *[]string) reading {
	return r.list(20, func(n ast.Node) {
		var w string
		if r.word(&w)(n); w != "" && slices.Contains(*dst, w) {
			r.problem(n, "%q is listed twice", w)
		} else if w != "" {
			*dst = append(*dst, w)
		}
	})
}

// refs reads names of things that are known by now; what says which ones.
func (r *reader) refs(dst *[]string, what string, known []string) reading {
	return r.list(50, r.value(60, func(s string) error {
		switch {
		case !slices.Contains(known, s):
			return fmt.Errorf("%.40q is not %s%s", s, what, suggest(s, known))
		case slices.Contains(*dst, s):
			return fmt.Errorf("%q is listed twice", s)
		}
		*dst = append(*dst, s)
		return nil
	}))
}

func (r *reader) flag(dst *bool) reading {
	return r.value(10, func(s string) error {
		if s != "true" && s != "false" {
			return fmt.Errorf("%.20q is neither true nor false", s)
		}
		*dst = s == "true"
		return nil
	})
}

func (r *reader) number(dst *int, low, high int) reading {
	return r.value(12, func(s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < low || n > high {
			return fmt.Errorf("%.20q is not a number from %d to %d", s, low, high)
		}
		*dst = n
		return nil
	})
}

func (r *reader) version(dst *state.Version) reading {
	return r.value(80, func(s string) (err error) {
		*dst, err = state.ParseVersion(s)
		return err
	})
}

// date reads a day as its first moment, UTC.
func (r *reader) date(dst *time.Time) reading {
	return r.value(20, func(s string) (err error) {
		if *dst, err = time.Parse(time.DateOnly, s); err != nil {
			return fmt.Errorf("%.20q is not a day like 2025-07-21", s)
		}
		return nil
	})
}

// age reads "14d" or "12h".
func (r *reader) age(dst *time.Duration) reading {
	return r.value(20, func(s string) error {
		digits := strings.TrimRight(s, "dh")
		n, err := strconv.Atoi(digits)
		unit, ok := map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour}[s[len(digits):]]
		if err != nil || !ok || n <= 0 || n > 100_000 {
			return fmt.Errorf("%.20q is not a time like 14d or 12h", s)
		}
		*dst = time.Duration(n) * unit
		return nil
	})
}

// pattern reads a regular expression of RE2 with this many groups; -1: any number.
func (r *reader) pattern(dst **regexp.Regexp, groups int) reading {
	return r.value(maxPattern, func(s string) error {
		re, err := regexp.Compile(s)
		if err != nil {
			return fmt.Errorf("the pattern does not compile: %w", err)
		}
		if groups >= 0 && re.NumSubexp() != groups {
			return fmt.Errorf("the pattern has %d groups, not %d", re.NumSubexp(), groups)
		}
		*dst = re
		return nil
	})
}

// oneOf reads a word of a closed set.
func oneOf[T fmt.Stringer](r *reader, dst *T, what string, all ...T) reading {
	return r.value(40, func(s string) error {
		names := make([]string, len(all))
		for i, v := range all {
			if names[i] = v.String(); names[i] == s {
				*dst = v
				return nil
			}
		}
		return fmt.Errorf("%.40q is not %s: want %s%s", s, what, strings.Join(names, ", "), suggest(s, names))
	})
}
