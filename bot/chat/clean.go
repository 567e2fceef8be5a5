package chat

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostMarks is how many combining marks one character may carry.
const mostMarks = 4

// Clean makes a string safe to be shown within one line, wherever. What a terminal
// or a client would act upon, and what would not be seen, is written out instead,
// so that nothing is hidden and nothing is lost. What it returns, it leaves alone.
func Clean(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	marks := 0
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case unicode.Is(unicode.M, r):
			marks++
			if marks <= mostMarks && !blank(r) {
				b.WriteRune(r)
			} else {
				b.WriteString(written(r))
			}
		case r == ' ' || unicode.IsPrint(r) && !blank(r):
			b.WriteRune(r)
			marks = 0
		default:
			b.WriteString(written(r))
			marks = 0
		}
		s = s[n:]
	}
	return b.String()
}

// written is how a character that cannot be shown is written out.
func written(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t' || unicode.Is(unicode.Zs, r):
		return " "
	case r == 0xfe0e, r == 0xfe0f:
		return "" // only says whether the character before is drawn as text or as a picture
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	}
	return fmt.Sprintf(`\u{%x}`, r)
}

// blank reports whether a character counts as printable and yet shows nothing.
func blank(r rune) bool {
	switch {
	case r == 0x115f, r == 0x1160, r == 0x3164, r == 0xffa0, r == 0x2800, r == 0x34f, r == 0x17b4, r == 0x17b5:
		return true // fillers, the empty Braille pattern, joiners
	case r >= 0x180b && r <= 0x180f, r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0000 && r <= 0xe0fff:
		return true // selectors of variants, tags
	}
	return false
}
