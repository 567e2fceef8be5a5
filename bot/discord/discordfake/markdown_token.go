package discordfake

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// token reads what begins at i; flush is called with its end before it is emitted.
// It returns 0 when nothing begins there.
func (m *markdown) token(s string, i int, style Run, depth int, flush func(int)) int {
	rest := s[i:]
	switch rest[0] {
	case '`':
		if code, after, ok := fence(rest); ok {
			flush(len(s) - len(after))
			m.code(code, style)
			return 1
		}
		if code, n := ticks(rest); n > 0 {
			flush(i + n)
			style.Code = true
			m.emit(code, style)
			return n
		}
		return 0
	case '<':
		return m.angle(rest, i, style, flush)
	case '[':
		return m.masked(rest, i, style, depth, flush)
	case '@':
		for _, all := range []string{"@everyone", "@here"} {
			if strings.HasPrefix(rest, all) {
				flush(i + len(all))
				style.Mention = all
				m.emit(all, style)
				return len(all)
			}
		}
		return 0
	case 'h':
		if n := address(rest); n > 0 {
			flush(i + n)
			style.Link = rest[:n]
			m.emit(rest[:n], style)
			return n
		}
		return 0
	}
	for _, mark := range marks {
		if n := mark.closes(rest); n > 0 {
			inner := rest[len(mark.with) : n-len(mark.with)]
			flush(i + n)
			mark.set(&style)
			m.inline(inner, style, depth+1)
			return n
		}
	}
	return 0
}

func (m *markdown) code(text string, style Run) {
	style.Code, style.Block = true, true
	m.emit(text, style)
}

var address0 = regexp.MustCompile(`^https?://[^\s<]+[^<.,:;"'\]\s]`)

// address is the length of an address that begins here. A closing bracket that was
// not opened in it does not belong to it.
func address(s string) int {
	found := address0.FindString(s)
	for strings.HasSuffix(found, ")") && strings.Count(found, "(") < strings.Count(found, ")") {
		found = found[:len(found)-1]
	}
	if len(found) <= len("https://") {
		return 0
	}
	return len(found)
}

var angles = regexp.MustCompile(`^<(?:@!?(\d{1,20})|@&(\d{1,20})|#(\d{1,20})|t:(-?\d{1,13})(?::([tTdDfFRsS]))?|a?:(\w{2,32}):\d{1,20}|/([^:>\n]{1,100}):\d{1,20}|(https?://[^\s>]+))>`)

// angle reads mentions, times, emoji and addresses in angle brackets.
func (m *markdown) angle(s string, i int, style Run, flush func(int)) int {
	found := angles.FindStringSubmatch(s)
	if found == nil {
		return 0
	}
	style.Mention = found[0]
	text := found[0]
	switch {
	case found[1] != "":
		text = m.name("user", found[1], "@", text)
	case found[2] != "":
		text = m.name("role", found[2], "@", text)
	case found[3] != "":
		text = m.name("channel", found[3], "#", text)
	case found[4] != "":
		text = m.moment(found[4], found[5])
	case found[6] != "":
		text = ":" + found[6] + ":"
	case found[7] != "":
		text = "/" + found[7]
	default:
		text, style.Link, style.Mention = found[8], found[8], ""
	}
	flush(i + len(found[0]))
	m.emit(text, style)
	return len(found[0])
}

func (m *markdown) name(kind, id, sign, otherwise string) string {
	if m.names == nil {
		return otherwise
	}
	if name, ok := m.names(kind, id); ok {
		return sign + name
	}
	return sign + "unknown-" + kind
}

// moment is a time as the reader sees it, in UTC; R is relative to now.
func (m *markdown) moment(unix, style string) string {
	n, err := strconv.ParseInt(unix, 10, 64)
	if err != nil {
		return unix
	}
	t := time.Unix(n, 0).UTC()
	switch style {
	case "R":
		return relative(t.Sub(m.now))
	case "t", "T":
		return t.Format("15:04 UTC")
	case "d", "D":
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04 UTC")
}

func relative(d time.Duration) string {
	ago := d < 0
	if ago {
		d = -d
	}
	text := ""
	for _, unit := range []struct {
		name string
		is   time.Duration
	}{{"year", 365 * 24 * time.Hour}, {"month", 30 * 24 * time.Hour}, {"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}} {
		if n := int(d / unit.is); n > 0 {
			text = fmt.Sprintf("%d %s", n, unit.name)
			if n > 1 {
				text += "s"
			}
			break
		}
	}
	switch {
	case text == "":
		return "now"
	case ago:
		return text + " ago"
	}
	return "in " + text
}
