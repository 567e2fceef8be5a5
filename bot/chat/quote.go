package chat

import (
	"strings"
	"unicode"
)

// Quote keeps a word together that Words would take apart. What a person wrote
// stays one word of a line, whatever is in it.
func Quote(w string) string {
	const marks = "\"“”„«»'‘’‚\\"
	if w != "" && !strings.ContainsAny(w, marks) && !strings.HasPrefix(w, "{") && !strings.ContainsFunc(w, unicode.IsSpace) {
		return w
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range w {
		if strings.ContainsRune(marks, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
	return b.String()
}
