package discord

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
)

// maxPrefix is how much of what is being typed is looked at, in characters: no name is
// longer.
const maxPrefix = 100

// suggest completes a name that is being typed. There are never more than Discord takes,
// and none where names may not be seen.
func (p *Platform) suggest(ctx context.Context, desk bot.Desk, i *interaction) response {
	path, options := walk(i.Data)
	spec, known := p.menu.Load().spec(p.dir.guild(i.GuildID), path)
	at := slices.IndexFunc(options, func(o option) bool { return o.Focused })
	if !known || at < 0 || i.garbled || i.GuildID == "" || !p.dir.guild(i.GuildID).Team && !spec.Community {
		return suggestions(nil)
	}
	q := bot.Question{Link: Link(i.who().ID), Place: p.place(ctx, i), Command: spec.Path, Prefix: strings.TrimSpace(options[at].text())}
	if utf8.RuneCountInString(q.Prefix) > maxPrefix {
		return suggestions(nil)
	}
	q.Place.Reply = ""
	for _, a := range append(slices.Clone(spec.Args), spec.Flags...) {
		if optionName(a.Name) == options[at].Name {
			q.Arg = a.Name
		}
	}
	for _, o := range options {
		if o.Name == "incident" && !o.Focused {
			q.Incident = o.text()
		}
	}
	names, err := desk.Suggest(ctx, q)
	if err != nil {
		p.opt.Count("not suggested")
		p.opt.Logger.Warn("discord: no names can be suggested", "error", err)
	}
	return suggestions(names)
}

// suggestions are names to choose from. A name that Discord does not take is left out: a
// shortened one would be another.
func suggestions(names []string) response {
	out := []choice{}
	seen := map[string]bool{}
	for _, n := range names {
		if n == "" || utf8.RuneCountInString(n) > maxChoiceLen || !utf8.ValidString(n) || strings.TrimSpace(n) != n || len(out) == bot.MaxSuggestions {
			continue
		}
		shown := chat.Cut(chat.Clean(n), maxChoiceLen)
		if !seen[shown] {
			seen[shown] = true
			out = append(out, choice{Name: shown, Value: n})
		}
	}
	return response{Type: int(discordgo.InteractionApplicationCommandAutocompleteResult), Data: map[string]any{"choices": out}}
}
