package slack

import (
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
)

// Limits of forms (docs.slack.dev/reference/views/modal-views,
// docs.slack.dev/reference/block-kit), in characters.
const (
	maxTitle    = 24
	maxSection  = 3000
	maxHint     = 2000
	maxOptions  = 100
	maxOption   = 75
	maxChoice   = 150 // the value of an option
	maxAnswer   = 3000
	maxUploads  = 5
	formInput   = "answer" // the action id of every field
	yes         = "yes"    // of a switch
	placeholder = "Begin to type a name"
)

// input is one question of a form. Its block is called as the argument is.
func input(in chat.Input) slackgo.Block {
	label := strings.ReplaceAll(in.Name, "-", " ")
	if label != "" {
		label = strings.ToUpper(label[:1]) + label[1:]
	}
	b := slackgo.NewInputBlock(in.Name, plain(label, maxHint), nil, element(in))
	if in.Help != "" && in.Type != chat.Switch {
		b.Hint = plain(in.Help, maxHint)
	}
	return b.WithOptional(!in.Required)
}

// element is what an answer is given with.
func element(in chat.Input) slackgo.BlockElement {
	switch {
	case len(in.Choices) > 0 && fits(in.Choices):
		return slackgo.NewOptionsSelectBlockElement(slackgo.OptTypeStatic, nil, formInput, options(in.Choices)...)
	case in.Type == chat.Switch:
		about := in.Help
		if about == "" {
			about = in.Name
		}
		return slackgo.NewCheckboxGroupsBlockElement(formInput, slackgo.NewOptionBlockObject(yes, plain(about, maxOption), nil))
	case in.Type == chat.Time:
		return slackgo.NewDateTimePickerBlockElement(formInput)
	case in.Type == chat.Upload:
		return slackgo.NewFileInputBlockElement(formInput).WithMaxFiles(maxUploads)
	case suggested(in.Type):
		e := slackgo.NewOptionsSelectBlockElement(slackgo.OptTypeExternal, plain(placeholder, maxChoice), formInput)
		least := 0
		e.MinQueryLength = &least
		return e
	}
	e := slackgo.NewPlainTextInputBlockElement(nil, formInput)
	e.MaxLength = maxAnswer
	e.Multiline = in.Rest || in.Name == "reason" || in.Name == "note"
	return e
}

// suggested reports whether names of this type can be completed.
func suggested(t chat.Type) bool {
	switch t {
	case chat.Server, chat.Owner, chat.Group, chat.Farm, chat.Incident:
		return true
	}
	return false
}

// options are choices to pick from.
func options(names []string) []*slackgo.OptionBlockObject {
	var out []*slackgo.OptionBlockObject
	for _, n := range names {
		if n != "" && len(n) <= maxChoice && len(out) < maxOptions {
			out = append(out, slackgo.NewOptionBlockObject(n, plain(n, maxOption), nil))
		}
	}
	return out
}

// fits reports whether all choices can be picked from a list.
func fits(choices []string) bool { return len(options(choices)) == len(choices) }
