package slackfake

import (
	"slices"
	"strings"
)

// Span is a stretch of what a person reads.
type Span struct {
	Text                              string
	Bold, Italic, Strike, Code, Quote bool
	// Link is where a click leads.
	Link string
	// Mention is whom it names: an id of a user or a user group, or "here",
	// "channel", "everyone".
	Mention string
}

// names finds what to show for ids.
type names interface {
	userName(id string) (string, bool)
	channelName(id string) (string, bool)
	groupName(id string) (string, bool)
}

// readMrkdwn reads Slack's markup (docs.slack.dev/messaging/formatting-message-text).
// Sequences in angle brackets are active wherever they stand, in code too: who
// shows the text of strangers must escape it everywhere.
func readMrkdwn(text string, who names) []Span {
	cells := lex(text, who)
	var out []Span
	for len(cells) > 0 {
		open := fence(cells, 0)
		if open < 0 {
			return append(out, lines(cells)...)
		}
		end := fence(cells, open+3)
		if end < 0 || end == open+3 {
			return append(out, lines(cells)...)
		}
		out = append(out, lines(cells[:open])...)
		code := trimNewlines(cells[open+3 : end])
		if len(out) > 0 && !strings.HasSuffix(out[len(out)-1].Text, "\n") {
			out = append(out, Span{Text: "\n"})
		}
		out = append(out, literal(code, Span{Code: true})...)
		cells = cells[end+3:]
		if len(cells) > 0 && cells[0].r != '\n' {
			out = append(out, Span{Text: "\n"})
		}
	}
	return out
}

func trimNewlines(cells []cell) []cell {
	for len(cells) > 0 && cells[0].r == '\n' {
		cells = cells[1:]
	}
	for len(cells) > 0 && cells[len(cells)-1].r == '\n' {
		cells = cells[:len(cells)-1]
	}
	return cells
}

// fence finds three backticks.
func fence(cells []cell, from int) int {
	for i := from; i+2 < len(cells); i++ {
		if marks(cells[i], '`') && marks(cells[i+1], '`') && marks(cells[i+2], '`') {
			return i
		}
	}
	return -1
}

func marks(c cell, r rune) bool { return c.ent == nil && !c.plain && c.r == r }

// lines reads text line by line, for quotes and styles end with the line.
func lines(cells []cell) []Span {
	var out []Span
	quoteRest := false
	for len(cells) > 0 {
		end := slices.IndexFunc(cells, func(c cell) bool { return c.ent == nil && c.r == '\n' })
		line, rest := cells, []cell(nil)
		if end >= 0 {
			line, rest = cells[:end], cells[end+1:]
		}
		style := Span{Quote: quoteRest}
		if n := arrows(line); n >= 3 {
			style.Quote, quoteRest, line = true, true, line[3:]
		} else if n > 0 {
			style.Quote, line = true, line[1:]
		}
		if style.Quote && len(line) > 0 && line[0].ent == nil && line[0].r == ' ' {
			line = line[1:]
		}
		out = append(out, inline(line, style)...)
		if end >= 0 {
			out = append(out, Span{Text: "\n"})
		}
		cells = rest
	}
	return out
}

// arrows counts the > that begin a quote. An escaped one begins a quote as well.
func arrows(line []cell) int {
	n := 0
	for n < len(line) && line[n].ent == nil && line[n].r == '>' {
		n++
	}
	return n
}

// readPlain reads plain text: no markup, but the three escapes are characters.
func readPlain(text string) []Span {
	if text == "" {
		return nil
	}
	return []Span{{Text: unescapeAll(text)}}
}

// flat is the text of spans.
func flat(spans []Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(s.Text)
	}
	return b.String()
}
