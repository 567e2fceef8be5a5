package chat

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxLine is how long a command line may be, in bytes: Slack's text limit of
// 8,000 characters with room for multi-byte ones.
const MaxLine = 32 << 10

// Values are the arguments of a call, checked against the Spec.
type Values struct {
	words map[string]string
	files []File
}

// NewValues makes values for a test.
func NewValues(words map[string]string, files ...File) Values { return Values{words, files} }

// String is the argument as given, "" when it was not.
func (v Values) String(name string) string { return v.words[name] }

// Has reports whether the argument was given.
func (v Values) Has(name string) bool { _, ok := v.words[name]; return ok }

// Bool reports whether a switch was given.
func (v Values) Bool(name string) bool { return v.Has(name) }

// Int is a number, or def.
func (v Values) Int(name string, def int) int {
	n, err := strconv.Atoi(v.words[name])
	if err != nil {
		return def
	}
	return n
}

// Duration is a duration, or def.
func (v Values) Duration(name string, def time.Duration) time.Duration {
	d, err := ParseDuration(v.words[name])
	if err != nil {
		return def
	}
	return d
}

// Time is a moment, zero when it was not given.
func (v Values) Time(name string) time.Time {
	t, _ := ParseTime(v.words[name])
	return t
}

// With is the values with one set; for resolved names.
func (v Values) With(name, value string) Values {
	w := map[string]string{}
	for k, o := range v.words {
		w[k] = o
	}
	w[name] = value
	return Values{w, v.files}
}

// Files are what was handed in with the request.
func (v Values) Files() []File { return v.files }

// ParseDuration reads Go's durations and days: "90m", "3d".
func ParseDuration(s string) (time.Duration, error) {
	if d, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(d)
		if err != nil || n < 0 || n > 3650 {
			return 0, fmt.Errorf("%.20q is not a number of days", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	return time.ParseDuration(s)
}

// ParseTime reads RFC 3339, "2025-07-21 18:00" and "2025-07-21", in UTC or with a zone
// behind: "+02:00", or a name as "Europe/Berlin". Short names ("CEST") are refused: they
// mean different things in different places.
func ParseTime(s string) (time.Time, error) {
	text, zone := strings.TrimSpace(s), time.UTC
	if i := strings.LastIndexByte(text, ' '); i > 0 && strings.ContainsRune(text[i:], '/') && len(text) < 80 {
		if l, err := time.LoadLocation(text[i+1:]); err == nil {
			text, zone = strings.TrimSpace(text[:i]), l
		}
	}
	for _, f := range []string{
		time.RFC3339, "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.DateOnly,
		"2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02 15:04 Z07:00", "2006-01-02 15:04 -0700", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00",
	} {
		if t, err := time.ParseInLocation(f, text, zone); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not a time: write 2025-07-21 18:00 (UTC), or 2025-07-21T18:00+02:00", s)
}

// Find splits a line and finds the command that it names, by its longest path.
func Find(specs []Spec, text string) (Spec, []string, error) {
	words, err := Words(text)
	if err != nil {
		return Spec{}, nil, err
	}
	best := -1
	for i, s := range specs {
		path := strings.Fields(s.Path)
		if len(words) >= len(path) && slices.EqualFunc(path, words[:len(path)], strings.EqualFold) &&
			(best < 0 || len(path) > len(strings.Fields(specs[best].Path))) {
			best = i
		}
	}
	if best >= 0 {
		return specs[best], words[len(strings.Fields(specs[best].Path)):], nil
	}
	return Spec{}, nil, unknown(specs, words)
}

// Words splits a line at white space. Quotes, straight or typographic, keep words
// together; a backslash keeps the next quote or backslash as it is. A word that
// begins with a brace is JSON: it is taken as it stands, to the end of the line.
func Words(text string) ([]string, error) {
	switch {
	case len(text) > MaxLine:
		return nil, &Problem{What: fmt.Sprintf("The line is longer than %d bytes.", MaxLine), Try: "Hand the text in as a file."}
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return nil, &Problem{What: "The line has bytes in it that are not text."}
	}
	var out []string
	var word strings.Builder
	var quote rune
	inWord, escaped := false, false
	for i, r := range text {
		if r == '{' && !inWord && quote == 0 {
			return append(out, strings.TrimSpace(text[i:])), nil
		}
		q := closing(r)
		switch {
		case escaped:
			if q == 0 && r != '\\' {
				word.WriteRune('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped, inWord = true, true
		case quote != 0 && q == quote:
			quote = 0
		case quote == 0 && q == '"', quote == 0 && q == '\'' && !inWord:
			quote, inWord = q, true
		case quote == 0 && unicode.IsSpace(r):
			if inWord {
				out = append(out, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if escaped {
		word.WriteRune('\\')
	}
	if quote != 0 {
		return nil, &Problem{What: "A quote is opened and never closed."}
	}
	if inWord {
		out = append(out, word.String())
	}
	return out, nil
}

// closing maps every kind of quotation mark to the straight one of its family.
func closing(r rune) rune {
	switch r {
	case '"', '“', '”', '„', '«', '»':
		return '"'
	case '\'', '‘', '’', '‚':
		return '\''
	}
	return 0
}

// endOfFlags is the word behind which nothing is a flag.
const endOfFlags = "--"

// Parse checks the words behind a command against its Spec. Behind a word "--"
// nothing is a flag.
func Parse(s Spec, words []string, files []File) (Values, error) {
	v := Values{words: map[string]string{}, files: files}
	var positional []string
	for i := 0; i < len(words); i++ {
		if words[i] == endOfFlags && !(len(positional) > 0 && restOf(s) && len(positional) >= len(s.Args)) {
			positional = append(positional, words[i+1:]...)
			break
		}
		name, isFlag := strings.CutPrefix(dashes(words[i]), "--")
		name, value, inline := strings.Cut(name, "=")
		inText := len(positional) > 0 && len(positional) >= len(s.Args) && restOf(s)
		if !isFlag || name == "" || inText && !s.has(name) {
			positional = append(positional, words[i])
			continue
		}
		f, err := s.flag(name)
		if err != nil {
			return v, err
		}
		switch {
		case f.Type == Switch && inline:
			return v, &Problem{What: fmt.Sprintf("--%s takes no value.", f.Name), Try: "Usage: " + s.Usage()}
		case f.Type == Switch:
			value = "yes"
		case !inline:
			if i+1 >= len(words) {
				return v, &Problem{What: fmt.Sprintf("--%s needs a value.", f.Name), Try: "Usage: " + s.Usage()}
			}
			i++
			value = words[i]
		}
		if err := check(f, value); err != nil {
			return v, err
		}
		v.words[f.Name] = value
	}
	return v, v.place(s, positional)
}

// dashes turns the long dashes that phones make of "--" back.
func dashes(w string) string {
	for _, d := range []string{"—", "–"} {
		if rest, ok := strings.CutPrefix(w, d); ok {
			return "--" + rest
		}
	}
	return w
}

func restOf(s Spec) bool { return len(s.Args) > 0 && s.Args[len(s.Args)-1].Rest }

// has reports whether a name is an option: those behind a text are taken for options
// too, and what only looks like one belongs to the text.
func (s Spec) has(name string) bool {
	return slices.ContainsFunc(s.Flags, func(f Arg) bool { return f.Name == name })
}

func (s Spec) flag(name string) (Arg, error) {
	var names []string
	for _, f := range s.Flags {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	p := &Problem{What: fmt.Sprintf("%s has no option --%.40s.", s.Path, name), Try: "Usage: " + s.Usage()}
	if near := Nearest(name, names); near != "" {
		p.Try = "Did you mean: --" + near
	}
	return Arg{}, p
}

// place gives the positional words to the arguments in their order.
func (v Values) place(s Spec, words []string) error {
	for i, a := range s.Args {
		if i >= len(words) {
			if a.Optional || a.Type == Upload && len(v.files) > 0 {
				return nil
			}
			return &Problem{What: fmt.Sprintf("%s needs %s (%s).", s.Path, strings.ToUpper(a.Name), a.Help), Try: "Usage: " + s.Usage()}
		}
		value := words[i]
		if a.Rest {
			value = strings.Join(words[i:], " ")
		}
		if err := check(a, value); err != nil {
			return err
		}
		v.words[a.Name] = value
		if a.Rest {
			return nil
		}
	}
	if len(words) > len(s.Args) {
		return &Problem{What: fmt.Sprintf("%s does not know what to do with %.40q.", s.Path, words[len(s.Args)]), Try: "Usage: " + s.Usage()}
	}
	return nil
}

func check(a Arg, value string) error {
	var err error
	switch a.Type {
	case Number:
		_, err = strconv.Atoi(value)
	case Duration:
		_, err = ParseDuration(value)
	case Time:
		_, err = ParseTime(value)
	}
	if err != nil {
		return &Problem{What: fmt.Sprintf("%s cannot be %.40q.", a.Name, value), Try: a.Help}
	}
	if len(a.Choices) > 0 && !slices.Contains(a.Choices, value) {
		p := &Problem{What: fmt.Sprintf("%s cannot be %.40q.", a.Name, value), Try: "One of: " + strings.Join(a.Choices, ", ")}
		if near := Nearest(value, a.Choices); near != "" {
			p.Try = "Did you mean: " + near
		}
		return p
	}
	return nil
}
