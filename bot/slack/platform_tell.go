package slack

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// maxAck is how much an acknowledgement may carry, in bytes: Socket Mode drops those
// of 20 KiB and more in silence (github.com/slack-go/slack, socketmode).
const maxAck = 19 << 10

// whisper is a message as the answer to a slash command: for the person alone.
type whisper struct {
	Type   string          `json:"response_type"`
	Text   string          `json:"text"`
	Blocks []slackgo.Block `json:"blocks,omitempty"`
}

// whispered is what the acknowledgement of a slash command says. What would not fit
// is said without its form, and not all of it.
func (p *Platform) whispered(m chat.Message) any {
	if len(m.Parts) == 0 {
		return nil
	}
	sheets := render(m, setting{room: messageRoom, command: p.opt.Command}).sheets
	out := whisper{Type: slackgo.ResponseTypeEphemeral, Text: sheets[0].Text, Blocks: sheets[0].Blocks}
	if raw, err := json.Marshal(out); err != nil || len(raw) > maxAck || len(sheets) > 1 {
		out.Text, out.Blocks = escape(chat.Cut(words(m), maxWords)), nil
	}
	return out
}

// maxWords is how much is said of a message where it can have no form, in characters.
const maxWords = 2500

// tell says something to one person, behind the acknowledgement. It is false when
// too much waits to be said.
func (p *Platform) tell(place state.Place, link string, m chat.Message, key string) bool {
	if len(m.Parts) == 0 {
		return true
	}
	ok := p.in.later(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, behindTime)
		defer cancel()
		p.tellNow(ctx, place, link, m, key)
	})
	if !ok {
		p.opt.Count("not told")
	}
	return ok
}

// tellNow says something to one person, and reports whether that was possible.
func (p *Platform) tellNow(ctx context.Context, place state.Place, link string, m chat.Message, key string) bool {
	place.Person = link
	_, err := p.Post(ctx, place, m, key)
	if err != nil {
		p.opt.Count("not told")
		p.opt.Logger.Warn("slack: somebody could not be told why nothing was done", "error", err)
	}
	return err == nil
}

// answered tells what the desk said of a request. What was neither taken nor can be
// told is not acknowledged. What the desk could not take just now is delivered again
// by Slack when it is an event; otherwise, and for the last time, it is acknowledged
// when the person has been told.
func (p *Platform) answered(ctx context.Context, d delivery, req chat.Request, ack bot.Ack, err error) taken {
	key := "told " + req.ID
	switch {
	case err == nil || ack.Accepted:
		told := p.tell(req.Place, req.Actor.Link, ack.Message, key)
		return taken{refused: !told && !ack.Accepted}
	case d.event != nil && !d.last:
		return taken{refused: true}
	}
	return taken{refused: !p.tellNow(ctx, req.Place, req.Actor.Link, ack.Message, key)}
}

// refusal tells why something does not come before the desk.
func (p *Platform) refusal(ctx context.Context, d delivery, req chat.Request, m chat.Message) taken {
	return p.answered(ctx, d, req, bot.Ack{Message: m, Private: true}, nil)
}

// notice is something to say that tells nothing of any incident.
func notice(what, next string) chat.Message {
	everybody := chat.Mark{TLP: state.TLPClear}
	m := chat.Say(chat.Para{Mark: everybody, Text: chat.T(what)}).With(chat.ToneWarn)
	if next != "" {
		m.Add(chat.Note{Mark: everybody, Text: chat.T(next)})
	}
	return m
}

// problem is what is wrong with a line, for who wrote it. It quotes nothing that the
// person did not write.
func problem(err error) chat.Message {
	var wrong *chat.Problem
	if errors.As(err, &wrong) {
		return notice(wrong.What, wrong.Try)
	}
	return notice("This cannot be done.", "")
}

// words is what a message says, without its form.
func words(m chat.Message) string {
	var lines []string
	for _, part := range m.Parts {
		switch part := part.(type) {
		case chat.Heading:
			lines = append(lines, part.Text.Plain())
		case chat.Para:
			lines = append(lines, part.Text.Plain())
		case chat.Note:
			lines = append(lines, part.Text.Plain())
		case chat.List:
			for _, item := range part.Items {
				lines = append(lines, "• "+item.Plain())
			}
		}
	}
	for i, l := range lines {
		lines[i] = chat.Clean(l)
	}
	return strings.Join(lines, "\n")
}

// turnAway is what becomes of a delivery when too many are handled already: the
// person is told now, instead of too late. What cannot be told is not acknowledged.
func (p *Platform) turnAway(d delivery) taken {
	busy := notice("Not done: too much is asked of me at once.", "Nothing was changed. Try again in a minute.")
	switch {
	case d.slash != nil:
		return taken{body: p.whispered(busy)}
	case d.act != nil && d.act.Type == "view_submission":
		return taken{body: formErrors(d.act.View, busy)}
	case d.act != nil && d.act.ResponseURL != "":
		me := p.me.Load()
		place := state.Place{Platform: Name, Workspace: me.team, Channel: d.act.channel(), Thread: d.act.thread(), Reply: d.act.ResponseURL}
		return taken{refused: !p.tell(place, d.act.link(me), busy, "busy "+d.act.TriggerID)}
	}
	return taken{refused: true}
}
