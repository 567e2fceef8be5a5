package slackfake

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
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

// cell is a character, or a whole <…> sequence.
type cell struct {
	r     rune
	ent   *Span
	plain bool // came from &lt; &gt; &amp;: never a marker, but see quotes
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

// entity is a sequence in angle brackets.
var entity = regexp.MustCompile(`^<([^<>\n]+)>`)

func lex(text string, who names) []cell {
	var cells []cell
	for text != "" {
		if text[0] == '<' {
			if m := entity.FindStringSubmatch(text); m != nil {
				if span := special(m[1], who); span != nil {
					cells = append(cells, cell{ent: span})
					text = text[len(m[0]):]
					continue
				}
			}
		}
		if c, rest, ok := unescape(text); ok {
			cells, text = append(cells, cell{r: c, plain: true}), rest
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		cells, text = append(cells, cell{r: r}), text[size:]
	}
	return cells
}

func unescape(s string) (rune, string, bool) {
	if s[0] != '&' {
		return 0, s, false
	}
	for _, e := range []struct {
		code string
		r    rune
	}{{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}} {
		if rest, ok := strings.CutPrefix(s, e.code); ok {
			return e.r, rest, true
		}
	}
	return 0, s, false
}

// unescapeAll turns escapes back to characters.
func unescapeAll(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// escapeAll is what Slack does to text that a person typed.
func escapeAll(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// special reads what is between angle brackets, nil when it is no sequence.
func special(body string, who names) *Span {
	head, label, labelled := strings.Cut(body, "|")
	label = unescapeAll(label)
	switch {
	case strings.HasPrefix(head, "@") && userShape.MatchString(head[1:]):
		name, known := who.userName(head[1:])
		if !known {
			return &Span{Text: "@unknown-user"}
		}
		return &Span{Text: "@" + name, Mention: head[1:]}
	case strings.HasPrefix(head, "#") && channelShape.MatchString(head[1:]):
		if name, known := who.channelName(head[1:]); known {
			return &Span{Text: "#" + name, Link: "#" + head[1:]}
		}
		return &Span{Text: "#unknown-channel"}
	case strings.HasPrefix(head, "!"):
		return command(head[1:], label, labelled, who)
	case hasScheme(head):
		if !labelled || label == "" {
			label = unescapeAll(head)
		}
		return &Span{Text: label, Link: unescapeAll(head)}
	}
	return nil
}

func command(head, label string, labelled bool, who names) *Span {
	switch {
	case slices.Contains([]string{"here", "channel", "everyone", "group"}, head):
		if head == "group" {
			head = "channel"
		}
		return &Span{Text: "@" + head, Mention: head}
	case strings.HasPrefix(head, "subteam^"):
		id := strings.TrimPrefix(head, "subteam^")
		if name, known := who.groupName(id); known {
			return &Span{Text: "@" + name, Mention: id}
		}
		return &Span{Text: "@unknown-group"}
	case strings.HasPrefix(head, "date^"):
		link := ""
		if parts := strings.Split(head, "^"); len(parts) > 3 {
			link = parts[3]
		}
		return &Span{Text: label, Link: link}
	case labelled:
		return &Span{Text: "<" + label + ">"}
	}
	return &Span{Text: "<" + head + ">"}
}

func hasScheme(s string) bool {
	for _, scheme := range []string{"http://", "https://", "mailto:", "tel:", "slack://", "ftp://"} {
		if len(s) > len(scheme) && strings.HasPrefix(strings.ToLower(s), scheme) {
			return true
		}
	}
	return false
}

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
