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
	var out []rune
	for _, r := range strings.TrimSpace(s) {
		switch {
		case unicode.IsSpace(r):
			if len(out) > 0 && out[len(out)-1] == ' ' {
				continue
			}
			r = ' '
		case r == utf8.RuneError, !unicode.IsPrint(r), drop(r):
			r = '·'
		}
		if len(out) >= limit {
			return strings.TrimSpace(string(out[:max(limit-1, 0)])) + "…"
		}
		out = append(out, r)
	}
	return string(out)
}

// plain reports whether s can stay as it is.
func plain(s string, drop func(rune) bool) bool {
	if strings.TrimSpace(s) != s || strings.Contains(s, "  ") {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || drop(rune(s[i])) {
			return false
		}
	}
	return true
}
