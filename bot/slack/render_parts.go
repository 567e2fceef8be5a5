package slack

import (
	"fmt"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
)

// Limits of headings and small print, in units (docs.slack.dev/reference/block-kit/blocks:
// header 150, context element 3,000 as other text).
const (
	maxHeading = 150
	maxNote    = 1000
)

func (r *renderer) heading(h chat.Heading, mark string) {
	text := h.Text.Plain()
	if t := plain(text, maxHeading-units(mark)); units(escape(chat.Clean(text))) <= maxHeading-units(mark) {
		t.Text = mark + t.Text
		r.pieces = append(r.pieces, piece{
			block: slackgo.NewHeaderBlock(t), size: units(t.Text), extra: headerCost, heading: true, says: mark + chat.Clean(text),
		})
		return
	}
	bold := set(h.Text)
	for i := range bold {
		if bold[i].style != chat.Code {
			bold[i].style = chat.Strong
		}
	}
	r.strip(prose, marked(mark, bold))
}

// note is small print, which Slack sets in small letters when it is short.
func (r *renderer) note(t chat.Text) {
	text := chat.Clean(t.Plain())
	if text == "" {
		return
	}
	if units(escape(text)) > maxNote {
		r.strip(prose, set(t))
		return
	}
	r.pieces = append(r.pieces, piece{block: slackgo.NewContextBlock("", plain(text, maxNote)), size: units(escape(text)), says: text})
}

func (r *renderer) list(l chat.List) {
	var items [][]stretch
	for _, i := range l.Items {
		items = append(items, set(i))
	}
	r.strip(bullets, items...)
	r.more(l.More)
}

// more says how many are not shown, and how to see them when no button does.
func (r *renderer) more(n int) {
	switch {
	case n <= 0:
	case r.buttons:
		r.strip(prose, []stretch{{text: fmt.Sprintf("and %d more", n), style: chat.Dim}})
	default:
		r.strip(prose, []stretch{
			{text: fmt.Sprintf("and %d more; ", n), style: chat.Dim}, {text: r.command + " help", style: chat.Code}, {text: " says how to list them", style: chat.Dim},
		})
	}
}

func (r *renderer) fields(fields []chat.Field) {
	var lines [][]stretch
	for _, f := range fields {
		lines = append(lines, named(f.Name, set(f.Value)))
	}
	r.strip(prose, lines...)
}

func named(name string, value []stretch) []stretch {
	if name = chat.Clean(name); name == "" {
		return value
	}
	return append([]stretch{{text: name + ":", style: chat.Strong}, {text: " "}}, value...)
}

// mostBar is how many columns a progress bar has.
const mostBar = 24

// progress is a bar made of text, full only when everything is done.
func (r *renderer) progress(p chat.Progress) {
	total := max(p.Total, 0)
	full := 0
	if total > 0 {
		full = int(int64(min(max(p.Done, 0), total)) * mostBar / int64(total))
	}
	bar := strings.Repeat("█", full) + strings.Repeat("░", mostBar-full) + fmt.Sprintf(" %d/%d", p.Done, p.Total)
	t := []stretch{{text: bar}}
	if len(p.Legend) > 0 {
		t = append(append(t, stretch{text: "  "}), set(p.Legend)...)
	}
	r.strip(prose, t)
}

func (r *renderer) code(text string) {
	r.pieces = append(r.pieces, piece{kind: preformatted, lines: codeLines(text)})
}

func codeLines(text string) [][]stretch {
	text = strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	var lines [][]stretch
	for l := range strings.SplitSeq(text, "\n") {
		l = chat.Clean(strings.ReplaceAll(l, "\t", "    "))
		lines = append(lines, []stretch{{text: l}})
	}
	return lines
}

func (r *renderer) attachment(a chat.Attachment) {
	r.enclose(enclosure{name: a.Name, data: a.Data}, "file", chat.FileSize(len(a.Data)))
}

// enclose adds a file, and a line that says so.
func (r *renderer) enclose(e enclosure, kind string, rest string) {
	where := r.setting.files
	switch {
	case len(e.data) == 0: // Slack takes no empty files
		where = "it is empty"
	case where == "":
		where = "it cannot be shown here"
	default:
		r.files = append(r.files, e)
	}
	t := []stretch{{text: "[" + kind + " ", style: chat.Dim}, {text: chat.Clean(e.name), style: chat.Code}, {text: ", " + where + "]", style: chat.Dim}}
	if rest = chat.Clean(rest); rest != "" {
		t = append(t, stretch{text: " " + rest})
	}
	r.strip(prose, t)
}
