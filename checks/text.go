package checks

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text one line without control and formatting characters, at most
// limit runes long. It is for texts of ours that may quote others.
func Clean(s string, limit int) string { return clean(s, limit, func(rune) bool { return false }) }

// Excerpt is Clean for what a server sent: characters that mark up text, mention
// people or end a quotation are dots too.
func Excerpt(s string, limit int) string {
	return clean(s, limit, func(r rune) bool { return strings.ContainsRune("<>&@*~`\"\\|", r) })
}

func clean(s string, limit int, drop func(rune) bool) string {
	if len(s) <= limit && plain(s, drop) {
		return s
	}
	var b strings.Builder
	n, space := 0, true
	for _, r := range s {
		if n == limit {
			return strings.TrimSuffix(b.String(), " ") + "…"
		}
		switch {
		case unicode.IsSpace(r):
			if space {
				continue
			}
			r = ' '
		case r == utf8.RuneError, !unicode.IsPrint(r), drop(r):
			r = '·'
		}
		space = r == ' '
		b.WriteRune(r)
		n++
	}
	return strings.TrimSuffix(b.String(), " ")
}

// plain reports whether s can stay as it is.
func plain(s string, drop func(rune) bool) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || drop(rune(s[i])) {
			return false
		}
	}
	return true
}
