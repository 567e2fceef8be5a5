package chart

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

const (
	// maxText is how many runes of a title, a subtitle or a label are looked at.
	maxText = 300

	// maxAccents is how many combining marks a letter keeps; honest text needs two.
	maxAccents = 2

	// missing stands for runes that the font cannot draw.
	missing = '□'

	ellipsis = "…"
)

// clean makes one line of plain text of whatever it is given: no control or
// formatting characters (line breaks, escapes, direction overrides), no towers
// of accents, no white space but single blanks, at most limit runes.
func clean(s string, limit int) string {
	var b strings.Builder
	blank, accents := false, 0
	for _, r := range norm.NFC.String(firstRunes(s, maxText)) {
		switch {
		case unicode.IsSpace(r):
			blank = true
		case r == unicode.ReplacementChar, !unicode.IsPrint(r):
		case unicode.Is(unicode.M, r) && accents == maxAccents:
		default:
			if accents++; !unicode.Is(unicode.M, r) {
				accents = 0
			}
			if blank && b.Len() > 0 {
				b.WriteByte(' ')
			}
			blank = false
			b.WriteRune(r)
		}
	}
	return cut(b.String(), limit)
}

// firstRunes is at most n runes of s, without looking at the rest.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// cut shortens s to at most limit runes and shows that it did.
func cut(s string, limit int) string {
	if short := firstRunes(s, limit-1); len(firstRunes(s, limit)) < len(s) {
		return strings.TrimRight(short, " ") + ellipsis
	}
	return s
}

// drawable makes text that the embedded font can draw: symbols that it lacks
// (emoji) are left out, a word in a script that it lacks becomes one box,
// and Hebrew, the only right-to-left script it has, is put in visual order.
func drawable(s string) string {
	var out []rune
	for _, r := range clean(s, maxText) {
		switch {
		case unicode.Is(unicode.M, r): // the font has no way to place it
		case covered(r):
			out = append(out, r)
		case unicode.Is(unicode.S, r):
		case len(out) == 0 || out[len(out)-1] != missing:
			out = append(out, missing)
		}
	}
	return strings.Join(strings.Fields(string(visual(out))), " ")
}

// visual reverses each stretch of Hebrew in place.
func visual(s []rune) []rune {
	for i := 0; i < len(s); i++ {
		if !unicode.Is(unicode.Hebrew, s[i]) {
			continue
		}
		end := i + 1
		for j := i; j < len(s) && (s[j] == ' ' || unicode.Is(unicode.Hebrew, s[j])); j++ {
			if s[j] != ' ' {
				end = j + 1
			}
		}
		for a, z := i, end-1; a < z; a, z = a+1, z-1 {
			s[a], s[z] = s[z], s[a]
		}
		i = end
	}
	return s
}

// says reports whether s has anything to read.
func says(s string) bool { return strings.Trim(s, " "+string(missing)+ellipsis) != "" }
