package commands

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// exposureOf reads an exposure in any case; "" is not known.
func exposureOf(s string) (state.Exposure, string) {
	var e state.Exposure
	words := []string{"unknown", "internet", "internal"}
	word := strings.ToLower(s)
	if word == "" || e.UnmarshalText([]byte(word)) == nil {
		return e, ""
	}
	why := fmt.Sprintf("exposure cannot be %s: %s", quoteName(s), strings.Join(words, ", "))
	if near := chat.Nearest(word, words); near != "" {
		why = fmt.Sprintf("exposure cannot be %s; did you mean %s?", quoteName(s), near)
	}
	return 0, why
}

// several splits a cell with several values, at ';' or white space.
func several(cell string) []string {
	if strings.TrimSpace(cell) == "" {
		return nil
	}
	return strings.FieldsFunc(cell, func(r rune) bool { return r == ';' || unicode.IsSpace(r) })
}

// tagsOf reads "k=v;k=v" or "k=v k=v". One tag may have spaces in its value, and
// so may several that are separated by ';'.
func tagsOf(cell string) map[string]string {
	parts := strings.Split(cell, ";")
	if len(parts) == 1 && strings.Count(cell, "=") != 1 {
		parts = strings.Fields(cell)
	}
	out := map[string]string{}
	for _, p := range parts {
		k, v, _ := strings.Cut(p, "=")
		if k = strings.TrimSpace(k); k != "" {
			out[k] = strings.TrimSpace(v)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
