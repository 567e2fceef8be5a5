package slack

import (
	"encoding/json"
	"fmt"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
)

// Limits of buttons (docs.slack.dev/reference/block-kit/block-elements/button-element,
// composition-objects/confirmation-dialog-object), in characters; that of the value
// is kept in bytes.
const (
	maxRow          = 25
	maxLabel        = 75
	maxValue        = 2000
	maxConfirmTitle = 100
	maxConfirmText  = 300
	maxConfirmLabel = 30
)

// row adds buttons. One whose line is too long for a button is a line to type.
func (r *renderer) row(buttons []chat.Button) {
	var row []slackgo.BlockElement
	p := piece{press: true}
	flush := func() {
		if len(row) > 0 {
			p.block = slackgo.NewActionBlock("", row...)
			r.pieces = append(r.pieces, p)
		}
		row, p = nil, piece{press: true}
	}
	for _, b := range buttons {
		value, ok := valueOf(b)
		if !ok {
			flush()
			r.strip(prose, append(named(b.Label, []stretch{{text: "type "}}), stretch{text: r.command + " " + chat.Clean(b.Line), style: chat.Code}))
			continue
		}
		r.pressed++
		e, size := button(b, fmt.Sprintf("press-%d", r.pressed), value)
		if len(row) == maxRow || p.size+size > r.room.chunk {
			flush()
		}
		row, p.size = append(row, e), p.size+size
		p.says += "[ " + chat.Clean(b.Label) + " ] " + r.command + " " + chat.Clean(b.Line) + "\n"
	}
	flush()
}

// valueOf is what a button carries, unless it is too long.
func valueOf(b chat.Button) (string, bool) {
	p := press{Line: b.Line, Ask: b.Ask}
	if len(b.Ask) > 0 {
		p.Label = b.Label
	}
	raw, err := json.Marshal(p)
	return string(raw), err == nil && len(raw) <= maxValue
}

// button is one button, and how many units of text are in it.
func button(b chat.Button, id, value string) (*slackgo.ButtonBlockElement, int) {
	label := plain(b.Label, maxLabel)
	e := slackgo.NewButtonBlockElement(id, value, label)
	n := units(label.Text)
	if b.Danger {
		e.Style = slackgo.StyleDanger
	}
	if b.Confirm == "" {
		return e, n
	}
	c := slackgo.NewConfirmationBlockObject(
		plain(b.Label, maxConfirmTitle), plain(b.Confirm, maxConfirmText), plain(b.Label, maxConfirmLabel), plain("Not now", maxConfirmLabel),
	)
	c.Style = e.Style
	e.Confirm = c
	return e, n + units(c.Title.Text) + units(c.Text.Text) + units(c.Confirm.Text) + units(c.Deny.Text)
}
