package discord

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/allclear-bot/allclear/bot/chat"
)

// units is how long a text is, in UTF-16 units. Discord counts characters, its clients
// units; there are never fewer units than characters.
func units(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// escape takes the meaning from what has one in Discord's markdown, wherever in a line it
// stands. What has one only at the beginning of a line is for guard
// (support.discord.com/hc/articles/210298617).
func escape(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 8)
	for i, r := range s {
		switch r {
		case '\\', '*', '_', '~', '`', '|', '<', '>', '#', '[', ']', '@':
			b.WriteByte('\\')
		case ':': // emoji, and addresses
			next, _ := utf8.DecodeRuneInString(s[i+1:])
			if next == '/' || next == '_' || unicode.IsLetter(next) || unicode.IsDigit(next) {
				b.WriteByte('\\')
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

// guard takes the meaning from the beginning of a line that is written already.
func guard(line string) string {
	rest := strings.TrimLeft(line, " ")
	at := len(line) - len(rest)
	switch {
	case strings.HasPrefix(rest, "-"), strings.HasPrefix(rest, "+"):
		return line[:at] + `\` + rest
	}
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	if digits > 0 && (strings.HasPrefix(rest[digits:], ".") || strings.HasPrefix(rest[digits:], ")")) {
		return line[:at] + rest[:digits] + `\` + rest[digits:]
	}
	return line
}

// stretch is a piece of a line in one style, cleaned. With at it is a moment, which
// Discord tells by the clock of the reader; its text is for where that cannot be.
type stretch struct {
	text  string
	style chat.Style
	at    time.Time
}

// set cleans a line.
func set(t chat.Text) []stretch {
	var out []stretch
	for _, s := range t {
		out = append(out, stretch{chat.Clean(s.Text), s.Style, s.At})
	}
	return melted(out)
}

// melted joins neighbours of one style, and leaves out what is empty: two marks side by
// side would be another mark.
func melted(t []stretch) []stretch {
	var out []stretch
	for _, s := range t {
		if s.style == chat.Dim {
			s.style = chat.Plain // small print is a whole line on Discord
		}
		if n := len(out); n > 0 && out[n-1].style == s.style && out[n-1].at.IsZero() && s.at.IsZero() {
			out[n-1].text += s.text
		} else if s.text != "" {
			out = append(out, s)
		}
	}
	return out
}

// marked is a stretch in markdown.
func (s stretch) marked() string {
	blank := strings.TrimSpace(s.text) == ""
	switch {
	case !s.at.IsZero(): // the date and time, and how long until or since
		return fmt.Sprintf("<t:%d:f>, <t:%[1]d:R>", s.at.Unix())
	case s.style == chat.Code && !blank && !strings.Contains(s.text, "``"):
		return codeSpan(s.text)
	case s.style == chat.Strong && !blank:
		return "**" + escape(s.text) + "**"
	}
	return escape(s.text)
}

// codeSpan is text as it is. There is no escaping within code, so as many backticks open
// and close it as are not in it.
func codeSpan(s string) string {
	if !strings.Contains(s, "`") {
		return "`" + s + "`"
	}
	if strings.HasPrefix(s, "`") {
		s = " " + s
	}
	if strings.HasSuffix(s, "`") {
		s += " "
	}
	return "``" + s + "``"
}

// said is a line as text alone.
func said(t []stretch) string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.text)
	}
	return b.String()
}

// torn cuts a line in two, so that the first, as it is written, takes at most so many
// units: behind a space when there is one in its second half, else between what people see
// as characters.
func torn(l []stretch, most int, written func(stretch) string) (first, rest []stretch) {
	for i, s := range l {
		n := units(written(s))
		if n <= most {
			most -= n
			continue
		}
		if !s.at.IsZero() && i > 0 {
			return l[:i:i], l[i:]
		}
		s.at = time.Time{} // there is no room for it
		head, tail := broken(s, most, written)
		if head == "" && i > 0 {
			return l[:i:i], l[i:]
		}
		return append(l[:i:i], stretch{text: head, style: s.style}), append([]stretch{{text: tail, style: s.style}}, l[i+1:]...)
	}
	return l, nil
}

// broken cuts the text of a stretch. Something is always cut off.
func broken(s stretch, most int, written func(stretch) string) (first, rest string) {
	at, space := 0, 0
	frame := units(written(stretch{text: "x", style: s.style})) - 1
	used := frame + 2 // a backtick at its edge takes more
	asIs := s.style == chat.Code && !strings.Contains(s.text, "``")
	for left, state := s.text, -1; left != ""; {
		var one string
		one, left, _, state = uniseg.FirstGraphemeClusterInString(left, state)
		n := units(one)
		if !asIs {
			n = max(n, units(written(stretch{text: one})))
		}
		if used += n; used > most {
			break
		}
		at += len(one)
		if one == " " && used > most/2 {
			space = at
		}
	}
	switch {
	case space > 0:
		at = space
	case at == 0:
		_, at = utf8.DecodeRuneInString(s.text)
	}
	return s.text[:at], s.text[at:]
}
