package discord

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
)

// command is a slash command. Its options are the answers to the form of its Spec.
func (p *Platform) command(ctx context.Context, desk bot.Desk, i *interaction) response {
	path, options := walk(i.Data)
	req := p.request(ctx, i, chat.TriggerLine, "")
	if path == p.opt.Command+" "+anyLine {
		if at := slices.IndexFunc(options, func(o option) bool { return o.Name == lineArg }); at >= 0 {
			req.Text = p.bare(options[at].text())
		}
		return p.hand(ctx, desk, i, req)
	}
	spec, known := p.menu.Load().spec(p.dir.guild(i.GuildID), path)
	if !known {
		return p.whisper(i, notice("There is no such command any more.", "Discord shows an old list; it is renewed now. Try again in a minute."))
	}
	line, files, err := lineOf(spec, options, i.Data.Resolved.Attachments)
	if err != nil {
		return p.whisper(i, problem(err))
	}
	for _, f := range files {
		if f.Ref == "" {
			return p.whisper(i, notice("The file is not kept by Discord, and I go nowhere else.", "Hand it in again."))
		}
	}
	req.Text, req.Files = line, files
	return p.hand(ctx, desk, i, req)
}

// bare is a line without the name of the command, which people type out of habit. Who
// says nothing gets the menu.
func (p *Platform) bare(line string) string {
	line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "/"))
	if rest, ok := strings.CutPrefix(line, p.opt.Command); ok && (rest == "" || rest[0] == ' ') {
		line = strings.TrimSpace(rest)
	}
	if line == "" {
		return "menu"
	}
	return line
}

// walk is the path of a command, and the options of its last part.
func walk(d data) (path string, options []option) {
	path, options = d.Name, d.Options
	for range 2 {
		if len(options) != 1 || options[0].Type != 1 && options[0].Type != 2 {
			break
		}
		path, options = path+" "+options[0].Name, options[0].Options
	}
	return path, options
}

// lineOf is the line of a command with its options, and the files that were handed in.
func lineOf(spec chat.Spec, options []option, handed map[string]attachment) (string, []chat.File, error) {
	answers := map[string]string{}
	var files []chat.File
	for _, o := range options {
		value := o.text()
		name := o.Name
		if a, ok := handed[value]; ok && o.Type == 11 {
			files = append(files, a.file())
			continue
		}
		if base, ok := strings.CutSuffix(name, textSuffix); ok {
			name = base
		}
		answers[name] = value
	}
	b := chat.Button{Label: spec.Path, Line: spec.Path}
	gap := ""
	for _, a := range spec.Args {
		given := strings.TrimSpace(answers[optionName(a.Name)]) != ""
		switch {
		case given && gap != "":
			return "", nil, &chat.Problem{What: fmt.Sprintf("%s is given, and %s is not.", a.Name, gap), Try: "Give " + gap + " as well."}
		case !given && gap == "" && (a.Type != chat.Upload || len(files) == 0):
			gap = a.Name
		}
	}
	named := map[string]string{}
	for _, a := range append(slices.Clone(spec.Args), spec.Flags...) {
		if v, ok := answers[optionName(a.Name)]; ok {
			named[a.Name] = v
			b.Ask = append(b.Ask, a.Name+"?")
		}
	}
	form, err := chat.FormOf([]chat.Spec{spec}, b)
	if err != nil {
		return "", nil, err
	}
	line, wrong := form.Fill(named)
	for _, a := range b.Ask {
		if why := wrong[strings.TrimSuffix(a, "?")]; why != "" {
			return "", nil, &chat.Problem{What: why}
		}
	}
	return line, files, nil
}

// optionName is what an argument is called on Discord.
func optionName(name string) string {
	name = strings.ToLower(chat.Cut(name, maxNameLen))
	return strings.TrimSuffix(name, textSuffix)
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
