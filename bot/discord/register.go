package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/allclear-bot/allclear/bot/chat"
)

// registerAll registers the commands in each guild that we are in, where they are not
// what they should be: all in the team's own, in others those for communities.
func (p *Platform) registerAll(ctx context.Context) error {
	all := p.menu.Load()
	var specs []chat.Spec
	for _, s := range all.all() {
		if s.Community {
			specs = append(specs, s)
		}
	}
	var some []command
	if len(specs) > 0 {
		some = newMenu(p.opt.Command, specs).commands
	}
	var errs []error
	for _, guild := range p.dir.in() {
		want := some
		if p.dir.guild(guild).Team {
			want = all.commands
		}
		if err := p.register(ctx, guild, want); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// all are the Specs of a menu, each once.
func (m *menu) all() []chat.Spec {
	var out []chat.Spec
	for _, s := range m.specs {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b chat.Spec) int { return bytes.Compare([]byte(a.Path), []byte(b.Path)) })
	return out
}

// register makes the commands of a guild what they should be. Nothing is written when
// they are: Discord takes 200 new ones a day.
func (p *Platform) register(ctx context.Context, guild string, want []command) error {
	ctx, cancel := context.WithTimeout(ctx, errandTime)
	defer cancel()
	path := "applications/" + p.me.Load().app + "/guilds/" + guild + "/commands"
	var have []command
	if err := p.rest.call(ctx, "GET", path, nil, &have); err != nil {
		if codeOf(err) == missingAccess || codeOf(err) == unknownGuild {
			p.opt.Logger.Warn("discord: commands may not be registered in a guild: invite the bot again, with the scope applications.commands", "guild", guild)
			return nil
		}
		return err
	}
	if same(have, want) {
		return nil
	}
	if want == nil {
		want = []command{}
	}
	p.opt.Count("registered")
	p.opt.Logger.Info("discord: the commands of a guild are registered", "guild", guild, "commands", len(want))
	return p.rest.call(ctx, "PUT", path, want, nil)
}

// same reports whether commands are those that Discord has, in whatever order.
func same(have, want []command) bool {
	if len(have) != len(want) {
		return false
	}
	byName := func(a, b command) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) }
	have, want = slices.Clone(have), slices.Clone(want)
	slices.SortFunc(have, byName)
	slices.SortFunc(want, byName)
	a, err := json.Marshal(have)
	b, err2 := json.Marshal(want)
	return err == nil && err2 == nil && bytes.Equal(a, b)
}
