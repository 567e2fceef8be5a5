package discordfake

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mark is a pair of signs that styles what is between them.
type mark struct {
	with string
	set  func(*Run)
}

var marks = []mark{
	{"**", func(r *Run) { r.Bold = true }},
	{"__", func(r *Run) { r.Underlined = true }},
	{"~~", func(r *Run) { r.Struck = true }},
	{"||", func(r *Run) { r.Hidden = true }},
	{"*", func(r *Run) { r.Italic = true }},
	{"_", func(r *Run) { r.Italic = true }},
}

// closes is the length of the stretch that begins with the mark and ends with it, 0
// when there is none.
func (k mark) closes(s string) int {
	if !strings.HasPrefix(s, k.with) {
		return 0
	}
	switch k.with {
	case "*":
		return star(s)
	case "_":
		return underscore(s)
	}
	escapes := k.with == "**" || k.with == "__"
	for i := len(k.with); i < len(s); {
		if escapes && s[i] == '\\' && i+1 < len(s) {
			i += 2
			continue
		}
		end := i + len(k.with)
		if i > len(k.with) && strings.HasPrefix(s[i:], k.with) && !(escapes && end < len(s) && s[end] == k.with[0]) {
			return end
		}
		i++
	}
	return 0
}

// star closes emphasis: no space after the first star or before the last.
func star(s string) int {
	if len(s) < 3 || unicode.IsSpace(rune(s[1])) || s[1] == '*' {
		return 0
	}
	for i := 1; i < len(s); {
		switch {
		case s[i] == '\\' && i+1 < len(s), strings.HasPrefix(s[i:], "**"):
			i += 2
		case s[i] == '*':
			if unicode.IsSpace(rune(s[i-1])) {
				return 0
			}
			return i + 1
		default:
			i++
		}
	}
	return 0
}

// underscore closes emphasis at the end of a word.
func underscore(s string) int {
	for i := 1; i < len(s); {
		switch {
		case s[i] == '\\' && i+1 < len(s), strings.HasPrefix(s[i:], "__"):
			i += 2
		case s[i] == '_':
			next, _ := utf8.DecodeRuneInString(s[i+1:])
			if i == 1 || i+1 < len(s) && next < utf8.RuneSelf && (unicode.IsLetter(next) || unicode.IsDigit(next)) {
				return 0
			}
			return i + 1
		default:
			i++
		}
	}
	return 0
}

var language = regexp.MustCompile(`^[A-Za-z0-9_+\-.#]+\n`)

// fence reads a block of code that begins here.
func fence(s string) (code, rest string, ok bool) {
	body, ok := strings.CutPrefix(s, "```")
	if !ok {
		return "", s, false
	}
	end := strings.Index(body, "```")
	if end < 0 || strings.TrimSpace(strings.Trim(body[:end], "\n")) == "" && strings.Trim(body[:end], "\n") == "" {
		return "", s, false
	}
	code = body[:end]
	if head := language.FindString(code); head != "" && strings.TrimSpace(code[len(head):]) != "" {
		code = code[len(head):]
	}
	return strings.Trim(code, "\n"), body[end+3:], true
}

// ticks reads code within a line: as many backticks close it as opened it.
func ticks(s string) (code string, length int) {
	n := 0
	for n < len(s) && s[n] == '`' {
		n++
	}
	for i := n; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		end := i
		for end < len(s) && s[end] == '`' {
			end++
		}
		if end-i == n && i > n {
			return trimTicks(s[n:i]), end
		}
		i = end
	}
	return "", 0
}

// trimTicks removes the space that keeps a backtick at the edge of code apart.
func trimTicks(s string) string {
	if strings.HasPrefix(strings.TrimLeft(s, " "), "`") && strings.HasPrefix(s, " ") {
		s = s[1:]
	}
	if strings.HasSuffix(strings.TrimRight(s, " "), "`") && strings.HasSuffix(s, " ") {
		s = s[:len(s)-1]
	}
	return s
}

var maskedLink = regexp.MustCompile(`^\[((?:\\.|[^\[\]\\\n]|\[[^\[\]\n]*\])+)\]\(<?(https?://[^\s)>]+)>?(?:\s+"[^"\n]*")?\)`)

// masked reads a link with a text of its own.
func (m *markdown) masked(s string, i int, style Run, depth int, flush func(int)) int {
	found := maskedLink.FindStringSubmatch(s)
	if found == nil {
		return 0
	}
	flush(i + len(found[0]))
	style.Link = found[2]
	m.inline(found[1], style, depth+1)
	return len(found[0])
}

// outsideCode is the text without what is in code: that is where mentions count. A
// backslash before a mention does not make it count less, so none is removed.
func outsideCode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] == '\\' && i+1 < len(s) && s[i+1] == '`' {
			i += 2
			continue
		}
		if s[i] == '`' {
			if _, rest, ok := fence(s[i:]); ok {
				i = len(s) - len(rest)
				b.WriteByte(' ')
				continue
			}
			if _, n := ticks(s[i:]); n > 0 {
				i += n
				b.WriteByte(' ')
				continue
			}
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}
