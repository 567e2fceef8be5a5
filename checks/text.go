package checks

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SettleInside says what settles a question that no look from outside can. It is
// the only place that does: when a program gathers such evidence, say so here.
const SettleInside = "evidence from inside: evidence add with what an administrator sees (format: help evidence add)"

// Gist is the part of a reason that is the same for many servers, short: without
// the address in front of it, and without what stands behind its first clause.
func Gist(reason string) string {
	s := reason
	if head, tail, ok := strings.Cut(s, ": "); ok && isAddress(head) {
		s = tail
	}
	if before, aside, ok := strings.Cut(s, " ("); ok {
		_, after, _ := strings.Cut(aside, ")")
		s = before + after
	}
	for _, end := range []string{":", ";", ". "} {
		if i := strings.Index(s, end); i > 0 {
			s = s[:i]
		}
	}
	return Clean(strings.TrimSuffix(strings.TrimSpace(s), "."), 80)
}

func isAddress(s string) bool {
	if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(s)
	return err == nil
}

// Clean makes text one line without control and formatting characters, at most
// limit runes long; what is longer ends with a whole word and an ellipsis. It is
// for texts of ours that may quote others.
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
			return atWord(out, limit)
		}
		out = append(out, r)
	}
	return string(out)
}

// atWord is the beginning of a text that goes on, cut behind a whole word; within
// a word only when that is longer than half of what there is room for.
func atWord(out []rune, limit int) string {
	if limit < 1 {
		return "…"
	}
	end := limit - 1
	for end > limit/2 && out[end] != ' ' {
		end--
	}
	if out[end] != ' ' {
		end = limit - 1
	}
	return strings.TrimRight(string(out[:end]), " ,;:(") + "…"
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
