package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
)

// menus are the commands as they are registered: all for the team, and those for
// communities.
type menus struct{ team, community *menu }

func newMenus(root string, specs []chat.Spec) *menus {
	m := &menus{team: newMenu(root, specs), community: &menu{}}
	theirs := slices.DeleteFunc(slices.Clone(specs), func(s chat.Spec) bool { return !s.Community })
	if len(theirs) > 0 {
		m.community = newMenu(root, theirs)
	}
	return m
}

// of is the menu of a guild.
func (m *menus) of(g Guild) *menu {
	if g.Team {
		return m.team
	}
	return m.community
}

// spec is what a path stands for in a guild. Where another list is shown than the guild's
// own, because it is global or an old one, it is that one's.
func (m *menus) spec(g Guild, path string) (chat.Spec, bool) {
	for _, list := range []*menu{m.of(g), m.team} {
		if s, ok := list.specs[path]; ok {
			return s, true
		}
	}
	return chat.Spec{}, false
}

// registerAll registers the commands where they are not what they should be: for the whole
// application when they are global, and otherwise in each guild that we are in, all in the
// team's own and those for communities in others. What is of the other kind is taken away.
func (p *Platform) registerAll(ctx context.Context) error {
	all := p.menu.Load()
	var errs []error
	if err := p.register(ctx, "", p.wanted("", all.team)); err != nil {
		errs = append(errs, err)
	}
	for _, guild := range p.dir.in() {
		if err := p.register(ctx, guild, p.wanted(guild, all.of(p.dir.guild(guild)))); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// wanted are the commands that are to be registered in a guild, or ("") globally.
func (p *Platform) wanted(guild string, m *menu) []command {
	if p.opt.Global != (guild == "") {
		return nil
	}
	return m.commands
}

// registered is a command that Discord has.
type registered struct {
	ID string `json:"id"`
	command
}

// register makes the commands of a guild, or ("") the global ones, what they should be.
// Nothing is written when they are: Discord takes 200 new ones a day. Where none of ours
// should be, those of others stay.
func (p *Platform) register(ctx context.Context, guild string, want []command) error {
	ctx, cancel := context.WithTimeout(ctx, errandTime)
	defer cancel()
	path, where := "applications/"+p.me.Load().app+"/commands", "everywhere"
	if guild != "" {
		path, where = "applications/"+p.me.Load().app+"/guilds/"+guild+"/commands", guild
	}
	var have []registered
	if err := p.rest.call(ctx, "GET", path, nil, &have); err != nil {
		if codeOf(err) == missingAccess || codeOf(err) == unknownGuild {
			p.opt.Logger.Warn("discord: commands may not be registered in a guild: invite the bot again, with the scope applications.commands", "guild", guild)
			return nil
		}
		return err
	}
	if len(want) == 0 {
		return p.unregister(ctx, path, where, have)
	}
	if same(have, want) {
		return nil
	}
	p.opt.Count("registered")
	p.opt.Logger.Info("discord: commands are registered", "guild", where, "commands", len(want))
	return p.rest.call(ctx, "PUT", path, want, nil)
}

// unregister takes those of our commands away that are there.
func (p *Platform) unregister(ctx context.Context, path, where string, have []registered) error {
	root := p.opt.Command
	for _, c := range have {
		if c.Name != root && !strings.HasPrefix(c.Name, root+"-") {
			continue
		}
		p.opt.Logger.Info("discord: a command is taken away", "guild", where, "command", c.Name)
		if err := p.rest.call(ctx, "DELETE", path+"/"+c.ID, nil, nil); err != nil && codeOf(err) != unknownCommand {
			return err
		}
	}
	return nil
}

// same reports whether commands are those that Discord has, in whatever order.
func same(have []registered, want []command) bool {
	if len(have) != len(want) {
		return false
	}
	byName := func(a, b command) int { return strings.Compare(a.Name, b.Name) }
	var there []command
	for _, c := range have {
		there = append(there, c.command)
	}
	want = slices.Clone(want)
	slices.SortFunc(there, byName)
	slices.SortFunc(want, byName)
	a, err := json.Marshal(there)
	b, err2 := json.Marshal(want)
	return err == nil && err2 == nil && bytes.Equal(a, b)
}
