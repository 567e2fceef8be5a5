package discordfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// problems collects what is wrong with a form, each under its path.
// https://docs.discord.com/developers/reference#error-messages
type problems struct {
	here []fieldError
	kids map[string]*problems
}

type fieldError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (p *problems) add(path []string, code, message string) {
	at := p
	for _, name := range path {
		if at.kids == nil {
			at.kids = map[string]*problems{}
		}
		if at.kids[name] == nil {
			at.kids[name] = &problems{}
		}
		at = at.kids[name]
	}
	at.here = append(at.here, fieldError{code, message})
}

func (p *problems) any() bool { return len(p.here) > 0 || len(p.kids) > 0 }

func (p *problems) tree() map[string]any {
	out := map[string]any{}
	if len(p.here) > 0 {
		out["_errors"] = p.here
	}
	for name, kid := range p.kids {
		out[name] = kid.tree()
	}
	return out
}

// err is 50035 when something is wrong.
func (p *problems) err() *apiError {
	if !p.any() {
		return nil
	}
	return &apiError{Status: http.StatusBadRequest, Code: 50035, Message: "Invalid Form Body", Form: p}
}

// field is a value of a form, with the path to it. A missing one can be asked too.
type field struct {
	value any
	has   bool
	path  []string
	p     *problems
}

// parseForm reads JSON with numbers as they were written.
func parseForm(raw []byte) (field, *apiError) {
	f := field{p: &problems{}}
	if len(bytes.TrimSpace(raw)) == 0 {
		return f, nil
	}
	if !utf8.Valid(raw) {
		return f, errJSON
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&f.value) != nil {
		return f, errJSON
	}
	if _, err := d.Token(); err != io.EOF {
		return f, errJSON
	}
	f.has = f.value != nil
	return f, nil
}

func (f field) bad(code, format string, args ...any) {
	f.p.add(f.path, code, fmt.Sprintf(format, args...))
}

func (f field) required() bool {
	if !f.has {
		f.bad("BASE_TYPE_REQUIRED", "This field is required")
	}
	return f.has
}

// given reports whether the object has the key at all, with null too.
func (f field) given(name string) bool {
	object, _ := f.value.(map[string]any)
	_, ok := object[name]
	return ok
}

// get is a member of an object.
func (f field) get(name string) field {
	kid := field{p: f.p, path: append(append([]string{}, f.path...), name)}
	if object, ok := f.value.(map[string]any); ok {
		kid.value = object[name]
		kid.has = kid.value != nil
	}
	return kid
}

// object checks that the value is an object.
func (f field) object() bool {
	if !f.has {
		return false
	}
	if _, ok := f.value.(map[string]any); !ok {
		f.bad("MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
		return false
	}
	return true
}

// list is the elements of an array of at most so many.
func (f field) list(least, most int) []field {
	if !f.has {
		return nil
	}
	array, ok := f.value.([]any)
	if !ok {
		f.bad("LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		return nil
	}
	if len(array) < least || len(array) > most {
		f.length(len(array), least, most)
	}
	out := make([]field, len(array))
	for i, v := range array {
		out[i] = field{v, v != nil, append(append([]string{}, f.path...), strconv.Itoa(i)), f.p}
	}
	return out
}

func (f field) length(n, least, most int) {
	switch {
	case least > 0 && most > 0:
		f.bad("BASE_TYPE_BAD_LENGTH", "Must be between %d and %d in length.", least, most)
	case n > most:
		f.bad("BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", most)
	}
}

// text is a string whose length, in code points, is within the limits.
func (f field) text(least, most int) string {
	if !f.has {
		return ""
	}
	s, ok := f.value.(string)
	if !ok {
		f.bad("STRING_TYPE_CONVERT", "Only string values are allowed.")
		return ""
	}
	if n := utf8.RuneCountInString(s); n < least || n > most {
		f.length(n, least, most)
	}
	return s
}

// need is a text that must be there.
func (f field) need(least, most int) string {
	if !f.required() {
		return ""
	}
	return f.text(least, most)
}

// integer is a whole number within the limits.
func (f field) integer(least, most int64) int64 {
	if !f.has {
		return 0
	}
	n, ok := f.value.(json.Number)
	i, err := n.Int64()
	if !ok || err != nil {
		f.bad("NUMBER_TYPE_COERCE", "Value %q is not int.", fmt.Sprint(f.value))
		return 0
	}
	if i < least {
		f.bad("NUMBER_TYPE_MIN", "int value should be greater than or equal to %d.", least)
	}
	if i > most {
		f.bad("NUMBER_TYPE_MAX", "int value should be less than or equal to %d.", most)
	}
	return i
}

// flag is a boolean.
func (f field) flag() bool {
	if !f.has {
		return false
	}
	b, ok := f.value.(bool)
	if !ok {
		f.bad("BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
	}
	return b
}

// id is a snowflake, as a string.
func (f field) id() string {
	if !f.has {
		return ""
	}
	s, ok := f.value.(string)
	if !ok || !isSnowflake(s) {
		f.bad("NUMBER_TYPE_COERCE", "Value %q is not snowflake.", fmt.Sprint(f.value))
		return ""
	}
	return s
}

// ids are snowflakes.
func (f field) ids(most int) []string {
	var out []string
	for _, e := range f.list(0, most) {
		out = append(out, e.id())
	}
	return out
}

// choice is a number that must be one of some.
func (f field) choice(of ...int64) int64 {
	n := f.integer(-1<<53, 1<<53)
	for _, o := range of {
		if n == o {
			return n
		}
	}
	if f.has {
		f.bad("BASE_TYPE_CHOICES", "Value must be one of (%s).", strings.Trim(fmt.Sprint(of), "[]"))
	}
	return n
}

// link is an address with one of the schemes.
func (f field) link(most int, schemes ...string) string {
	s := f.text(0, most)
	if s == "" {
		return s
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		f.bad("URL_TYPE_INVALID_URL", "Not a well formed URL.")
		return s
	}
	if !slices.Contains(schemes, u.Scheme) {
		f.bad("URL_TYPE_INVALID_SCHEME", "Scheme %q is not supported. Scheme must be one of (%s).", u.Scheme, strings.Join(schemes, ", "))
	}
	return s
}

// moment is a time in ISO 8601.
func (f field) moment() string {
	s := f.text(0, 64)
	if s == "" {
		return s
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05.999999", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Format("2006-01-02T15:04:05.000000+00:00")
		}
	}
	f.bad("DATE_TIME_TYPE_PARSE", "Could not parse %s. Should be ISO8601.", s)
	return s
}
