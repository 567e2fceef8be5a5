package slackfake

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// cell is a character, or a whole <…> sequence.
type cell struct {
	r     rune
	ent   *Span
	plain bool // came from &lt; &gt; &amp;: never a marker, but see quotes
}

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
