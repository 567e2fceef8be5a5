package slack

import (
	"fmt"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
)

// sheet is one message, or the view of an App Home.
type sheet struct {
	Blocks []slackgo.Block `json:"blocks"`
	// Text is for notifications and screen readers.
	Text string `json:"text"`
}

// setting is all that rendering depends on besides the message.
type setting struct {
	room    room
	command string // how the bot is called, "/allclear"
	// calls are whom the message notifies, resolved.
	calls []stretch
	// charts: the workspace draws charts itself.
	charts bool
	// files says where files are shown, as words behind their name; "" when they are
	// shown nowhere.
	files string
	// onward says where a message that needs several sheets goes on.
	onward string
}

// enclosure is a file that goes with a message.
type enclosure struct {
	name, alt string
	data      []byte
}

// rendered is a message as Slack shows it.
type rendered struct {
	sheets []sheet
	files  []enclosure
	charts bool // there is a chart in it
}

// mostSheets is how many messages one becomes at most. What is longer is a file.
const mostSheets = 3

// wholeFile is the name of the file that holds what is longer than that.
const wholeFile = "message.txt"

// render makes a message what Slack shows. It is pure, and withholds nothing: that
// was done before. Text is data: it is put into rich text, whose text Slack takes
// as it is, and escaped where there is none.
func render(m chat.Message, s setting) rendered {
	r := &renderer{setting: s, buttons: hasButtons(m)}
	if len(s.calls) > 0 {
		r.strip(prose, s.calls)
	}
	for i, part := range m.Parts {
		r.part(part, m.Tone, i == 0)
	}
	if len(r.pieces) == 0 {
		r.strip(prose, []stretch{{text: "–"}})
	}
	out := r.bind()
	text := summary(m)
	for i := range out.sheets {
		out.sheets[i].Text = text
		if i > 0 {
			out.sheets[i].Text = fmt.Sprintf("%s (%d of %d)", text, i+1, len(out.sheets))
		}
	}
	return out
}

type renderer struct {
	setting
	buttons bool // the message has some
	pieces  []piece
	files   []enclosure
	charts  int
	pressed int // buttons so far
}

func hasButtons(m chat.Message) bool {
	for _, p := range m.Parts {
		if b, ok := p.(chat.Buttons); ok && len(b.Buttons) > 0 {
			return true
		}
	}
	return false
}

func (r *renderer) part(part chat.Part, tone chat.Tone, first bool) {
	mark := ""
	if first {
		mark = markOf(tone)
	}
	switch part := part.(type) {
	case chat.Heading:
		r.heading(part, mark)
	case chat.Para:
		r.strip(prose, marked(mark, set(part.Text)))
	case chat.Note:
		r.note(part.Text)
	case chat.List:
		r.list(part)
	case chat.Fields:
		r.fields(part.Fields)
	case chat.Table:
		r.table(part)
	case chat.Progress:
		r.progress(part)
	case chat.CodeBlock:
		r.code(part.Text)
	case chat.Picture:
		r.picture(part)
	case chat.Attachment:
		r.attachment(part)
	case chat.Buttons:
		r.row(part.Buttons)
	}
}

// markOf is a spot of colour: it says nothing that the text does not.
func markOf(t chat.Tone) string {
	switch t {
	case chat.ToneGood:
		return "🟢 "
	case chat.ToneWarn:
		return "🟡 "
	case chat.ToneBad:
		return "🔴 "
	}
	return ""
}

func marked(mark string, t []stretch) []stretch {
	if mark == "" {
		return t
	}
	return append([]stretch{{text: mark}}, t...)
}

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
	r.enclose(enclosure{name: a.Name, data: a.Data}, "file", size(len(a.Data)))
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

func size(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// maxSummary is how long a fallback text is, in units: few enough that its bytes
// stay under the 4,000 that chat.update takes (docs.slack.dev/reference/methods/chat.update).
const maxSummary = 1000

// summary is the message in a line: the first that it says.
func summary(m chat.Message) string {
	for _, p := range m.Parts {
		if s := strings.TrimSpace(fitted(opening(p).Plain(), maxSummary)); s != "" {
			return s
		}
	}
	return "allclear has something to show."
}

// opening is the first line of a part that is a sentence of its own.
func opening(p chat.Part) chat.Text {
	switch p := p.(type) {
	case chat.Heading:
		return p.Text
	case chat.Para:
		return p.Text
	case chat.Note:
		return p.Text
	case chat.Progress:
		return p.Legend
	case chat.List:
		if len(p.Items) > 0 {
			return p.Items[0]
		}
	case chat.Picture:
		return chat.T(p.Alt)
	}
	return nil
}
