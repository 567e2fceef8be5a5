package discordfake

import (
	"slices"
)

// scope is where the commands of a call are registered.
func (req *request) scope() (*guild, *[]*command, *apiError) {
	switch id := req.params["app"]; {
	case !isSnowflake(id):
		return nil, nil, notASnowflake("application_id", id)
	case id != req.f.app.ID:
		return nil, nil, errUnknownApp
	}
	if req.params["guild"] == "" {
		return nil, &req.f.commands, nil
	}
	g, err := req.guild()
	if err != nil {
		return nil, nil, err
	}
	return g, &g.commands, nil
}

func (req *request) getCommands() (any, *apiError) {
	_, list, err := req.scope()
	if err != nil {
		return nil, err
	}
	return req.commandsJSON(*list), nil
}

func (req *request) commandsJSON(list []*command) []any {
	out := []any{}
	for _, c := range list {
		out = append(out, c.json(req.f.app.ID))
	}
	return out
}

func (req *request) findCommand() (*[]*command, int, *apiError) {
	_, list, err := req.scope()
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(*list, func(c *command) bool { return c.id == req.params["command"] })
	if i < 0 {
		return nil, 0, errUnknownCommand
	}
	return list, i, nil
}

func (req *request) getCommand() (any, *apiError) {
	list, i, err := req.findCommand()
	if err != nil {
		return nil, err
	}
	return (*list)[i].json(req.f.app.ID), nil
}

// createCommand registers a command, over one of the same name and type.
func (req *request) createCommand() (any, *apiError) {
	g, list, err := req.scope()
	if err != nil {
		return nil, err
	}
	c := readCommand(req.form, nil)
	if err := req.form.p.err(); err != nil {
		return nil, err
	}
	if i := same(*list, c); i >= 0 {
		req.adopt(c, g, (*list)[i].id)
		(*list)[i] = c
		return c.json(req.f.app.ID), nil
	}
	if err := req.countCreates(g, 1); err != nil {
		return nil, err
	}
	all := append(slices.Clone(*list), c)
	if tooMany(all) {
		return nil, errCommands
	}
	req.adopt(c, g, "")
	*list = all
	return created{c.json(req.f.app.ID)}, nil
}

func same(list []*command, c *command) int {
	return slices.IndexFunc(list, func(o *command) bool { return o.name == c.name && o.kind == c.kind })
}

func tooMany(list []*command) bool {
	count := map[int]int{}
	for _, c := range list {
		count[c.kind]++
	}
	return count[1] > maxCommands || count[2] > maxUserLike || count[3] > maxUserLike
}

// adopt gives a command its identity.
func (req *request) adopt(c *command, g *guild, id string) {
	c.id, c.version = id, req.f.snowflake()
	if id == "" {
		c.id = req.f.snowflake()
	}
	if g != nil {
		c.guild = g.id
	}
}

// globalCreates counts the creates of global commands.
const globalCreates = "creates"

// countCreates counts what is new: 200 a day.
func (req *request) countCreates(g *guild, n int) *apiError {
	key := globalCreates
	if g != nil {
		key += " " + g.id
	}
	l := &req.f.limiter
	for range n {
		if _, after, ok := l.take(key, l.limits.CommandCreates, req.f.now()); !ok {
			e := *errDailyCreates
			e.After, e.Scope = after, "shared"
			return &e
		}
	}
	return nil
}

// overwriteCommands replaces all commands of a scope. Only new ones count as
// creates.
func (req *request) overwriteCommands() (any, *apiError) {
	g, list, err := req.scope()
	if err != nil {
		return nil, err
	}
	req.form.required()
	var all []*command
	fresh := 0
	for _, f := range req.form.list(0, maxCommands+2*maxUserLike) {
		c := readCommand(f, nil)
		if same(all, c) >= 0 {
			f.get("name").bad("APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
		}
		if same(*list, c) < 0 {
			fresh++
		}
		all = append(all, c)
	}
	if err := req.form.p.err(); err != nil {
		return nil, err
	}
	if tooMany(all) {
		return nil, errCommands
	}
	if err := req.countCreates(g, fresh); err != nil {
		return nil, err
	}
	for _, c := range all {
		id := ""
		if i := same(*list, c); i >= 0 {
			id = (*list)[i].id
		}
		req.adopt(c, g, id)
	}
	*list = all
	return req.commandsJSON(all), nil
}

func (req *request) editCommand() (any, *apiError) {
	list, i, err := req.findCommand()
	if err != nil {
		return nil, err
	}
	old := (*list)[i]
	c := readCommand(req.form, old)
	if at := same(*list, c); at >= 0 && at != i {
		req.form.get("name").bad("APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
	}
	if err := req.form.p.err(); err != nil {
		return nil, err
	}
	c.guild = old.guild
	req.adopt(c, nil, old.id)
	(*list)[i] = c
	return c.json(req.f.app.ID), nil
}

func (req *request) deleteCommand() (any, *apiError) {
	list, i, err := req.findCommand()
	if err != nil {
		return nil, err
	}
	*list = slices.Delete(slices.Clone(*list), i, i+1)
	return nil, nil
}

// editCommandPermissions is refused: it takes the token of a person.
func (req *request) editCommandPermissions() (any, *apiError) {
	if _, _, err := req.findCommand(); err != nil {
		return nil, err
	}
	if n := len(req.form.get("permissions").list(0, 100)); n > 100 {
		return nil, req.form.p.err()
	}
	return nil, errBotsOnly
}

// Commands are the names of the commands that people find in a guild, global ones
// too; "" is the only guild.
func (f *Fake) Commands(guildName string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := slices.Clone(f.commands)
	if g, err := f.guildNamed(guildName); err == nil {
		all = append(all, g.commands...)
	}
	var names []string
	for _, c := range all {
		if !slices.Contains(names, c.name) {
			names = append(names, c.name)
		}
	}
	slices.Sort(names)
	return names
}
