package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// formCallback is the callback id of our forms.
const formCallback = "form"

// maxMetadata is what a form may keep for us, in characters; it is kept in bytes
// (docs.slack.dev/reference/views/modal-views).
const maxMetadata = 3000

// slip is what a form keeps between the press that opened it and its submission:
// what is to be run, and where it was pressed.
type slip struct {
	Press   press  `json:"p"`
	Channel string `json:"c,omitempty"` // "": in the App Home, answered directly
	Thread  string `json:"t,omitempty"`
	Reply   string `json:"r,omitempty"`
}

// readPress reads what a button carries.
func readPress(value string) (press, bool) {
	var p press
	if !strings.HasPrefix(value, "{") || json.Unmarshal([]byte(value), &p) != nil {
		return press{}, false
	}
	return p, strings.TrimSpace(p.Line) != ""
}

// ask opens the form of a button, at once: Slack lets it be opened within three
// seconds, and once. Who cannot be shown it is told.
func (p *Platform) ask(ctx context.Context, desk bot.Desk, req chat.Request, b press, d delivery) taken {
	if m, may := p.mayAsk(desk, req); !may {
		return p.refusal(ctx, d, req, m)
	}
	form, err := chat.FormOf(desk.Specs(), b.button())
	if err != nil {
		p.opt.Logger.Error("slack: a button asks for what its command does not have", "asks", b.Ask)
		return p.refusal(ctx, d, req, notice("This button does not work any more.", "Ask for what it was on again."))
	}
	view, err := p.form(form, b, req.Place)
	if err != nil {
		return p.refusal(ctx, d, req, notice("There is too much in this button for a form.", "Type it: "+p.opt.Command+" "+form.Spec.Path))
	}
	if !p.in.forms.add(req.ID, req.At, req.At.Add(signatureWindow)) {
		return taken{} // it was delivered again
	}
	opening := p.in.later(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, behindTime)
		defer cancel()
		_, err := p.api.OpenViewContext(ctx, d.act.TriggerID, view)
		switch word := wordOf(err); {
		case err == nil, word == "exchanged_trigger_id", word == "expired_trigger_id" && d.retry:
			return // it is open: another replica did it when the press was delivered before
		}
		p.opt.Count("form not opened")
		p.opt.Logger.Warn("slack: a form could not be opened", "error", hushed(err))
		p.tellNow(ctx, req.Place, req.Actor.Link, notice("The form could not be opened.", "Press the button again."), "told "+req.ID)
	})
	if !opening {
		p.in.forms.forget(req.ID)
	}
	return taken{refused: !opening}
}

// form is a form as Slack shows it.
func (p *Platform) form(f chat.Form, b press, place state.Place) (slackgo.ModalViewRequest, error) {
	keep := slip{Press: b, Channel: place.Channel, Thread: place.Thread, Reply: place.Reply}
	if place.Channel == homeChannel {
		keep.Channel = ""
	}
	raw, err := json.Marshal(keep)
	if err != nil || len(raw) > maxMetadata {
		return slackgo.ModalViewRequest{}, errors.New("a form that keeps too much")
	}
	title := b.Label
	if title == "" {
		title = f.Spec.Path
	}
	blocks := []slackgo.Block{slackgo.NewSectionBlock(plain(p.opt.Command+" "+b.Line, maxSection), nil, nil)}
	for _, in := range f.Inputs {
		blocks = append(blocks, input(in))
	}
	return slackgo.ModalViewRequest{
		Type: slackgo.VTModal, CallbackID: formCallback, PrivateMetadata: string(raw), Title: plain(title, maxTitle),
		Submit: plain("Send", maxTitle), Close: plain("Cancel", maxTitle), Blocks: slackgo.Blocks{BlockSet: blocks},
	}, nil
}

// submitted is a form that was filled in. Wrong answers are told in the form, and so
// is why nothing was done: what was typed stays there. The id is made of the form and
// its answers: who sends the same once more, for they saw no answer, has asked once.
func (p *Platform) submitted(ctx context.Context, desk bot.Desk, me *self, d delivery) taken {
	v := d.act.View
	var keep slip
	if v.Callback != formCallback || json.Unmarshal([]byte(v.Metadata), &keep) != nil {
		return taken{}
	}
	form, err := chat.FormOf(desk.Specs(), keep.Press.button())
	if err != nil {
		return taken{body: formErrors(v, notice("This form does not work any more.", "Close it, and ask again for what it was opened from."))}
	}
	if d.garbled {
		return taken{body: formErrors(v, problem(notText()))}
	}
	text, files, wrong := fill(form, v)
	if len(wrong) > 0 {
		return taken{body: formAnswer{Action: "errors", Errors: wrong}}
	}
	link := d.act.link(me)
	place, private := p.direct(ctx, me, link), true
	if keep.Channel != "" {
		place, private = p.place(ctx, me, d.act.User.ID, keep.Channel, keep.Thread, keep.Reply), false
	}
	req := chat.Request{
		ID: requestID("form", v.ID, text, fmt.Sprint(files)), Trigger: chat.TriggerButton, Actor: chat.Actor{Link: link},
		Place: place, Text: text, Files: files, At: d.at, Private: private,
	}
	ack, _ := p.hand(ctx, desk, req) // what it says is told in the form
	if !ack.Accepted {
		return taken{body: formErrors(v, ack.Message)}
	}
	p.redraw(ctx, desk, me, req, ack)
	return taken{}
}

// formAnswer is the answer to a form (docs.slack.dev/surfaces/modals).
type formAnswer struct {
	Action string            `json:"response_action"`
	Errors map[string]string `json:"errors"`
}

// formErrors says something under the first field of a form. A form without fields
// is not ours, and closes.
func formErrors(v view, m chat.Message) any {
	var keep slip
	if json.Unmarshal([]byte(v.Metadata), &keep) != nil || len(keep.Press.Ask) == 0 {
		return nil
	}
	first := strings.TrimSuffix(keep.Press.Ask[0], "?")
	return formAnswer{Action: "errors", Errors: map[string]string{first: chat.Cut(words(m), maxError)}}
}

// maxError is how much is said under a field, in characters.
const maxError = 1000

// fill is the line of a form with its answers, and the files that were handed in.
func fill(f chat.Form, v view) (line string, files []chat.File, wrong map[string]string) {
	answers := map[string]string{}
	var inputs []chat.Input
	for _, in := range f.Inputs {
		a := one(v.State.Values[in.Name])
		handed := handedIn(a.Files)
		files = append(files, handed...)
		if in.Type == chat.Upload && len(handed) > 0 {
			continue // a file needs no word in the line
		}
		inputs = append(inputs, in)
		answers[in.Name] = a.text()
	}
	f.Inputs = inputs
	line, wrong = f.Fill(answers)
	for name, why := range wrong {
		wrong[name] = chat.Cut(chat.Clean(why), maxError)
	}
	return line, files, wrong
}

// one is the only answer of a block.
func one(answers map[string]answer) answer {
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		return answers[name]
	}
	return answer{}
}

// text is an answer as it would be typed.
func (a answer) text() string {
	switch {
	case a.Selected != nil:
		return a.Selected.Value
	case len(a.Checked) > 0:
		return a.Checked[0].Value
	case a.Moment > 0:
		return time.Unix(a.Moment, 0).UTC().Format(time.RFC3339)
	}
	return spaces.Replace(a.Value)
}
