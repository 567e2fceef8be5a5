package slack

import (
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
)

// stretch is a piece of a line in one style, cleaned. With who it names a user or
// a user group, and notifies them; its text is then what it counts for. With at it is a
// moment, which Slack tells by the clock of the reader; its text is for where that
// cannot be.
type stretch struct {
	text  string
	style chat.Style
	who   string
	at    time.Time
}

// whole reports whether a stretch cannot be cut, or joined to another.
func (s stretch) whole() bool { return s.who != "" || !s.at.IsZero() }

// set cleans a line.
func set(t chat.Text) []stretch {
	out := make([]stretch, 0, len(t))
	for _, s := range t {
		out = append(out, stretch{text: chat.Clean(s.Text), style: s.Style, at: s.At})
	}
	return melted(out)
}

// said is a line as text alone.
func said(t []stretch) string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.text)
	}
	return b.String()
}

// kind is how lines are set.
type kind uint8

const (
	prose        kind = iota // one below the other
	bullets                  // each an item
	preformatted             // as they are
)

// strip adds lines, which may be cut into several blocks.
func (r *renderer) strip(k kind, lines ...[]stretch) {
	empty := true
	for _, l := range lines {
		empty = empty && said(l) == ""
	}
	if !empty {
		r.pieces = append(r.pieces, piece{kind: k, lines: lines})
	}
}

// block sets lines as one block of rich text.
func (k kind) block(lines [][]stretch) slackgo.Block {
	switch k {
	case bullets:
		var items []slackgo.RichTextElement
		for _, l := range lines {
			items = append(items, section(l))
		}
		return slackgo.NewRichTextBlock("", slackgo.NewRichTextList(slackgo.RTEListBullet, 0, items...))
	case preformatted:
		var text []string
		for _, l := range lines {
			text = append(text, said(l))
		}
		all := strings.Join(text, "\n")
		if all == "" {
			all = " "
		}
		return slackgo.NewRichTextBlock("", &slackgo.RichTextPreformatted{
			Type: slackgo.RTEPreformatted, Elements: []slackgo.RichTextSectionElement{slackgo.NewRichTextSectionTextElement(all, nil)},
		})
	}
	return slackgo.NewRichTextBlock("", section(lines...))
}

// section is lines in one section. Slack refuses empty texts.
func section(lines ...[]stretch) *slackgo.RichTextSection {
	var all []stretch
	for i, l := range lines {
		if i > 0 {
			all = append(all, stretch{text: "\n"})
		}
		all = append(all, l...)
	}
	var out []slackgo.RichTextSectionElement
	for _, s := range melted(all) {
		out = append(out, s.element())
	}
	if len(out) == 0 {
		out = append(out, slackgo.NewRichTextSectionTextElement(" ", nil))
	}
	return slackgo.NewRichTextSection(out...)
}

// melted joins neighbours of one style, and leaves out what is empty.
func melted(t []stretch) []stretch {
	var out []stretch
	for _, s := range t {
		if n := len(out); n > 0 && !s.whole() && !out[n-1].whole() && out[n-1].style == s.style {
			out[n-1].text += s.text
		} else if s.text != "" {
			out = append(out, s)
		}
	}
	return out
}

// dateFormat is how Slack tells a moment (docs.slack.dev/messaging/formatting-message-text,
// "Date formatting").
const dateFormat = "{date_short_pretty} {time}"

func (s stretch) element() slackgo.RichTextSectionElement {
	switch {
	case strings.HasPrefix(s.who, "S"):
		return slackgo.NewRichTextSectionUserGroupElement(s.who)
	case s.who != "":
		return slackgo.NewRichTextSectionUserElement(s.who, nil)
	}
	if !s.at.IsZero() {
		return slackgo.NewRichTextSectionDateElement(s.at.Unix(), dateFormat, nil, &s.text)
	}
	var look *slackgo.RichTextSectionTextStyle
	switch s.style {
	case chat.Strong:
		look = &slackgo.RichTextSectionTextStyle{Bold: true}
	case chat.Code:
		look = &slackgo.RichTextSectionTextStyle{Code: true}
	case chat.Dim:
		look = &slackgo.RichTextSectionTextStyle{Italic: true}
	}
	return slackgo.NewRichTextSectionTextElement(s.text, look)
}
