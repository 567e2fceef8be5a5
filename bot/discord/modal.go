package discord

import (
	"context"
	"strings"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Limits of forms (docs.discord.com/developers/components/reference), in characters.
const (
	maxTitle   = 45
	maxLabel   = 45
	maxHint    = 100
	maxAnswer  = 4000
	maxInputs  = 5
	maxUploads = 5
)

// Kinds of components that discordgo does not know.
const (
	kindLabel  = 18
	kindUpload = 19
)

// form is a form as Discord shows it.
type form struct {
	CustomID   string  `json:"custom_id"`
	Title      string  `json:"title"`
	Components []label `json:"components"`
}

// label is one question.
type label struct {
	Type  int    `json:"type"`
	Label string `json:"label"`
	About string `json:"description,omitempty"`
	Field any    `json:"component"`
}

// ask opens the form of a button. Its id is that of the button, whose message comes back
// with the answers.
func (p *Platform) ask(desk bot.Desk, i *interaction, req chat.Request, b press) response {
	if m, may := p.mayAsk(desk, i, req); !may {
		return p.whisper(i, m)
	}
	f, err := chat.FormOf(desk.Specs(), b.button())
	if err != nil {
		p.opt.Logger.Error("discord: a button asks for what its command does not have", "asks", b.Ask)
		return p.whisper(i, notice("This button does not work any more.", "Ask for what it was on again."))
	}
	if len(f.Inputs) > maxInputs {
		return p.whisper(i, notice("There is too much in this button for a form.", "Type it: /"+p.opt.Command+" "+anyLine))
	}
	title := b.Label
	if title == "" {
		title = f.Spec.Path
	}
	out := form{CustomID: i.Data.CustomID, Title: chat.Cut(chat.Clean(title), maxTitle)}
	for _, in := range f.Inputs {
		out.Components = append(out.Components, question(in))
	}
	return response{Type: int(discordgo.InteractionResponseModal), Data: out}
}

// question is one input of a form. Its id is its name.
func question(in chat.Input) label {
	name := strings.ReplaceAll(in.Name, "-", " ")
	if name != "" {
		name = strings.ToUpper(name[:1]) + name[1:]
	}
	l := label{Type: kindLabel, Label: described(name, "Answer", maxLabel), About: chat.Cut(chat.Clean(in.Help), maxHint)}
	switch {
	case in.Type == chat.Switch:
		l.Field = selection(in, []string{yes})
	case len(in.Choices) > 0 && len(in.Choices) <= maxMenuChoices:
		l.Field = selection(in, in.Choices)
	case in.Type == chat.Upload:
		l.Field = map[string]any{"type": kindUpload, "custom_id": in.Name, "required": in.Required, "min_values": least(in), "max_values": maxUploads}
	default:
		style := discordgo.TextInputShort
		if in.Rest || in.Name == "reason" || in.Name == "note" {
			style = discordgo.TextInputParagraph
		}
		l.Field = map[string]any{"type": discordgo.TextInputComponent, "custom_id": in.Name, "style": style, "required": in.Required, "max_length": maxAnswer}
	}
	return l
}

func least(in chat.Input) int {
	if in.Required {
		return 1
	}
	return 0
}

// selection is a list to choose from.
func selection(in chat.Input, values []string) map[string]any {
	var options []map[string]string
	for _, v := range values {
		options = append(options, map[string]string{"label": chat.Cut(v, maxChoiceLen), "value": chat.Cut(v, maxChoiceLen)})
	}
	return map[string]any{
		"type": discordgo.SelectMenuComponent, "custom_id": in.Name, "options": options, "required": in.Required, "min_values": least(in), "max_values": 1,
	}
}

// submitted is a form that was filled in. Discord shows no errors in a form: wrong answers
// are told beside it, with what was typed.
func (p *Platform) submitted(ctx context.Context, desk bot.Desk, i *interaction) response {
	b, ok := readPress(i.Data.CustomID, i.Message)
	if !ok {
		return p.whisper(i, notice("This form does not work any more.", "Ask again for what it was opened from."))
	}
	f, err := chat.FormOf(desk.Specs(), b.button())
	if err != nil {
		return p.whisper(i, notice("This form does not work any more.", "Ask again for what it was opened from."))
	}
	answers := map[string]string{}
	var files []chat.File
	for _, in := range fields(i.Data.Inputs, 0) {
		value := in.Value
		for n, v := range in.Values {
			if a, ok := i.Data.Resolved.Attachments[v]; ok {
				files = append(files, a.file())
			} else if n == 0 {
				value = v
			}
		}
		answers[in.CustomID] = value
	}
	var inputs []chat.Input
	for _, in := range f.Inputs {
		if in.Type != chat.Upload || len(files) == 0 { // a file needs no word in the line
			inputs = append(inputs, in)
		}
	}
	f.Inputs = inputs
	line, wrong := f.Fill(answers)
	if len(wrong) > 0 {
		return p.whisper(i, mistakes(f, answers, wrong))
	}
	req := p.request(ctx, i, chat.TriggerButton, line)
	req.Files = files
	return p.hand(ctx, desk, i, req)
}

// mistakes says what is wrong in a form, and gives back what was typed.
func mistakes(f chat.Form, answers, wrong map[string]string) chat.Message {
	m := notice("Not done: something in the form is wrong.", "")
	own := chat.Mark{TLP: state.TLPClear} // it goes to who typed it
	for _, in := range f.Inputs {
		if why := wrong[in.Name]; why != "" {
			m.Add(chat.Para{Mark: own, Text: chat.T(chat.B(in.Name), ": ", why)})
		}
	}
	for _, in := range f.Inputs {
		if v := strings.TrimSpace(answers[in.Name]); v != "" && wrong[in.Name] == "" {
			m.Add(chat.Para{Mark: own, Text: chat.T("You had written under ", chat.B(in.Name), ": ", chat.C(v))})
		}
	}
	m.Add(chat.Note{Mark: own, Text: chat.T("Press the button again.")})
	return m
}
