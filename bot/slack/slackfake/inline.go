package slackfake

import (
	"regexp"
	"strings"
	"unicode"
)

// inline reads the styles of a line.
func inline(cells []cell, style Span) []Span {
	last := map[rune]int{}
	for i, c := range cells {
		if c.ent == nil && !c.plain && strings.ContainsRune("*_~`", c.r) && closes(cells, i) {
			last[c.r] = i
		}
	}
	var out []Span
	from := 0
	for i := 0; i < len(cells); i++ {
		c := cells[i]
		if c.ent != nil || c.plain || !strings.ContainsRune("*_~`", c.r) || last[c.r] <= i || !opens(cells, i) {
			continue
		}
		end := closing(cells, i)
		if end < 0 {
			continue
		}
		out = append(out, literal(cells[from:i], style)...)
		inner := style
		switch c.r {
		case '*':
			inner.Bold = true
		case '_':
			inner.Italic = true
		case '~':
			inner.Strike = true
		case '`':
			inner.Code = true
		}
		if inner.Code {
			out = append(out, literal(cells[i+1:end], inner)...)
		} else {
			out = append(out, inline(cells[i+1:end], inner)...)
		}
		from, i = end+1, end
	}
	return append(out, literal(cells[from:], style)...)
}

func closing(cells []cell, open int) int {
	for j := open + 2; j < len(cells); j++ {
		if marks(cells[j], cells[open].r) && closes(cells, j) {
			return j
		}
	}
	return -1
}

// opens: a marker begins a style after a space or punctuation, before something.
func opens(cells []cell, i int) bool {
	return (i == 0 || !wordy(cells[i-1])) && i+1 < len(cells) && !spacy(cells[i+1]) && !marks(cells[i+1], cells[i].r)
}

// closes: a marker ends a style after something, before a space or punctuation.
func closes(cells []cell, i int) bool {
	return i > 0 && (marks(cells[i], '`') || !spacy(cells[i-1])) && (i+1 == len(cells) || !wordy(cells[i+1]))
}

func wordy(c cell) bool {
	return c.ent == nil && (unicode.IsLetter(c.r) || unicode.IsDigit(c.r))
}

func spacy(c cell) bool { return c.ent == nil && unicode.IsSpace(c.r) }

// bare addresses become links.
var bare = regexp.MustCompile(`https?://[^\s<>|]+`)

// literal shows cells in a style.
func literal(cells []cell, style Span) []Span {
	var out []Span
	var b strings.Builder
	flush := func() {
		rest := b.String()
		b.Reset()
		for rest != "" {
			at := []int{len(rest), len(rest)}
			if m := bare.FindStringIndex(rest); m != nil && !style.Code {
				at = m
			}
			if at[0] > 0 {
				plain := style
				plain.Text = rest[:at[0]]
				out = append(out, plain)
			}
			if at[1] > at[0] {
				linked := style
				linked.Text, linked.Link = rest[at[0]:at[1]], rest[at[0]:at[1]]
				out = append(out, linked)
			}
			rest = rest[at[1]:]
		}
	}
	for _, c := range cells {
		if c.ent == nil {
			b.WriteRune(c.r)
			continue
		}
		flush()
		span := style
		span.Text, span.Link, span.Mention = c.ent.Text, c.ent.Link, c.ent.Mention
		out = append(out, span)
	}
	flush()
	return out
}
