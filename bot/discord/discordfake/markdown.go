package discordfake

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Run is a stretch of text as a person sees it.
type Run struct {
	Text                                    string
	Bold, Italic, Underlined, Struck, Small bool
	Hidden                                  bool // behind a spoiler
	Code, Block                             bool
	Link                                    string // where a click leads
	Mention                                 string // the token of a mention, as it was written
}

// Names says what a mention shows. The kind is "user", "role", "channel"; an
// unknown one is shown as it is written.
type Names func(kind, id string) (string, bool)

// ReadMarkdown reads text as Discord's clients do.
// https://support.discord.com/hc/en-us/articles/210298617
func ReadMarkdown(s string, names Names, now time.Time) []Run {
	m := &markdown{names: names, now: now}
	m.blocks(s, Run{}, 0)
	return m.out
}

// Plain is the text of runs. A masked link shows where it leads.
func Plain(runs []Run) string {
	var b strings.Builder
	for i, r := range runs {
		b.WriteString(r.Text)
		last := i+1 == len(runs) || runs[i+1].Link != r.Link
		if r.Link != "" && last && !strings.Contains(r.Text, r.Link) {
			b.WriteString(" ⟨" + r.Link + "⟩")
		}
	}
	return b.String()
}

type markdown struct {
	names Names
	now   time.Time
	out   []Run
}

// maxDepth is how deep styles are read into each other.
const maxDepth = 10

// emit appends text in a style, to the last run when it has the same.
func (m *markdown) emit(text string, style Run) {
	if text == "" {
		return
	}
	style.Text = text
	if n := len(m.out); n > 0 {
		last := m.out[n-1]
		last.Text = text
		if last == style && style.Mention == "" && !style.Block {
			m.out[n-1].Text += text
			return
		}
	}
	m.out = append(m.out, style)
}

// blocks reads what begins at the beginning of a line: headings, quotes, lists.
func (m *markdown) blocks(s string, style Run, depth int) {
	if depth > maxDepth {
		m.emit(s, style)
		return
	}
	for s != "" {
		if rest, ok := strings.CutPrefix(s, ">>> "); ok {
			m.emit("▌ ", style)
			m.blocks(rest, style, depth+1)
			return
		}
		if code, rest, ok := fence(s); ok {
			m.code(code, style)
			s = rest
			continue
		}
		line, rest := lineOf(s)
		m.line(line, style, depth)
		s = rest
	}
}

// lineOf is the first line, up to and with its end; a block of code that begins in
// it belongs to it.
func lineOf(s string) (line, rest string) {
	for i := 0; i < len(s); {
		switch {
		case s[i] == '\n':
			return s[:i+1], s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i += 2
		case strings.HasPrefix(s[i:], "```"):
			if _, after, ok := fence(s[i:]); ok {
				i = len(s) - len(after)
			} else {
				i += 3
			}
		case opensAcross(s[i:]) > 0: // a style that goes over the end of the line
			i += opensAcross(s[i:])
		default:
			i++
		}
	}
	return s, ""
}

// opensAcross is the length of a styled stretch that begins here and has a line end
// in it, 0 when there is none.
func opensAcross(s string) int {
	for _, mark := range marks {
		if n := mark.closes(s); n > 0 && strings.Contains(s[:n], "\n") {
			return n
		}
	}
	return 0
}

var (
	heading = regexp.MustCompile(`^\s*#{1,3} +`)
	small   = regexp.MustCompile(`^\s*-# +`)
	item    = regexp.MustCompile(`^(\s*)[-*] +`)
)

func (m *markdown) line(s string, style Run, depth int) {
	if strings.TrimSpace(s) == "" {
		m.emit(s, style)
		return
	}
	switch {
	case strings.HasPrefix(s, "> "):
		m.emit("▌ ", style)
		m.line(s[2:], style, depth+1)
		return
	case heading.MatchString(s):
		s, style.Bold = s[len(heading.FindString(s)):], true
	case small.MatchString(s):
		s, style.Small = s[len(small.FindString(s)):], true
	case item.MatchString(s):
		found := item.FindStringSubmatch(s)
		m.emit(found[1]+"• ", style)
		s = s[len(found[0]):]
	}
	m.inline(s, style, depth+1)
}

// inline reads what stands within a line.
func (m *markdown) inline(s string, style Run, depth int) {
	plain := 0
	i := 0
	flush := func(next int) {
		m.emit(s[plain:i], style)
		plain, i = next, next
	}
	for i < len(s) {
		switch c := s[i]; {
		case c == '\\':
			if n := escaped(s[i:]); n > 0 {
				at := i
				flush(i + 1 + n)
				m.emit(s[at+1:at+1+n], style)
				continue
			}
		case depth <= maxDepth && special(c):
			if n := m.token(s, i, style, depth, flush); n > 0 {
				continue
			}
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	flush(len(s))
}

// special are the bytes with which something may begin.
func special(c byte) bool { return strings.IndexByte("`<[*_~|@h", c) >= 0 }

// escaped is the length of the character that a backslash keeps as it is.
func escaped(s string) int {
	if len(s) < 2 {
		return 0
	}
	r, size := utf8.DecodeRuneInString(s[1:])
	if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) || unicode.IsSpace(r) {
		return 0
	}
	return size
}
