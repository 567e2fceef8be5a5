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
