package discordfake

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Value is what a person gives for an option of a command.
type Value struct {
	Option string
	value  string
	file   *File
}

// With gives a value for an option: a text, a number, "true", or the name of a
// person, role or channel, as the type of the option wants.
func With(option, value string) Value { return Value{Option: option, value: value} }

// WithFile gives a file for an option.
func WithFile(option, name, contentType string, data []byte) Value {
	return Value{Option: option, file: &File{Name: name, ContentType: contentType, Data: data}}
}

// Asked is something that a person did, and how it went on.
type Asked struct {
	f *Fake
	i *interaction
}

// Run runs a slash command as a client of Discord would: the command is registered,
// the person may use it here, and the values fit the options. The line is
// "/name group subcommand".
func (f *Fake) Run(userName, channelName, line string, values ...Value) (*Asked, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u, ch, err := f.personIn(userName, channelName)
	if err != nil {
		return nil, err
	}
	c, path, err := f.commandFor(u, ch, line)
	if err != nil {
		return nil, err
	}
	r := &resolved{f: f, ch: ch}
	options, err := r.options(path.options, values)
	if err != nil {
		return nil, fmt.Errorf("/%s: %w", c.name, err)
	}
	i := f.newInteraction(kindCommand, u, ch, shownLine(line, values), path.data(c, options, r))
	i.command = c
	f.send(i)
	return &Asked{f, i}, nil
}

func shownLine(line string, values []Value) string {
	for _, v := range values {
		line += " " + v.Option + ":" + v.value
		if v.file != nil {
			line += v.file.Name
		}
	}
	return line
}

// commandPath is a command with the words behind its name.
type commandPath struct {
	nodes   []*commandOption // group and subcommand
	options []*commandOption
}

// data is what Discord sends of a command.
func (p commandPath) data(c *command, options []any, r *resolved) map[string]any {
	for _, n := range slices.Backward(p.nodes) {
		options = []any{map[string]any{"name": n.name, "type": n.kind, "options": orEmpty(options)}}
	}
	out := map[string]any{"id": c.id, "name": c.name, "type": c.kind}
	if len(options) > 0 {
		out["options"] = options
	}
	if c.guild != "" {
		out["guild_id"] = c.guild
	}
	if len(r.found) > 0 {
		out["resolved"] = r.found
	}
	return out
}

// commandFor finds the command of a line that a person may use in a channel.
func (f *Fake) commandFor(u *user, ch *channel, line string) (*command, commandPath, error) {
	words := strings.Fields(strings.TrimPrefix(line, "/"))
	if len(words) == 0 || !strings.HasPrefix(line, "/") {
		return nil, commandPath{}, fmt.Errorf("%q is no slash command", line)
	}
	c, err := f.visible(ch, words[0])
	if err != nil {
		return nil, commandPath{}, err
	}
	if g := f.guilds[ch.guildID]; g != nil {
		have := f.permissions(ch, u.id)
		switch {
		case !have.has(UseCommands):
			return nil, commandPath{}, fmt.Errorf("%s may use no commands in #%s", u.name, ch.name)
		case c.defaultPermissions != nil && (*c.defaultPermissions == 0 || !have.has(*c.defaultPermissions)) && !have.has(Administrator):
			return nil, commandPath{}, fmt.Errorf("%s may not use /%s: its default_member_permissions are %s", u.name, c.name, *c.defaultPermissions)
		}
	}
	path := commandPath{options: c.options}
	for _, w := range words[1:] {
		next := findOption(path.options, w)
		if next == nil || next.kind > optGroup {
			return nil, commandPath{}, fmt.Errorf("/%s has no subcommand %q: it has %s", c.name, w, optionNames(path.options))
		}
		path.nodes, path.options = append(path.nodes, next), next.options
	}
	if len(path.options) > 0 && path.options[0].kind <= optGroup {
		return nil, commandPath{}, fmt.Errorf("%q needs one of %s behind it", line, optionNames(path.options))
	}
	return c, path, nil
}

// visible is the command of a name that is offered in a channel: the one of the
// guild before the global one.
func (f *Fake) visible(ch *channel, name string) (*command, error) {
	var lists [][]*command
	if g := f.guilds[ch.guildID]; g != nil {
		if g.member(f.app.ID) == nil {
			return nil, fmt.Errorf("the bot is not in %q", g.name)
		}
		lists = append(lists, g.commands)
	}
	var names []string
	for _, list := range append(lists, f.commands) {
		for _, c := range list {
			names = append(names, "/"+c.name)
			if c.name == name && c.kind == 1 && (ch.guildID != "" || c.inDM) {
				return c, nil
			}
		}
	}
	return nil, fmt.Errorf("no command /%s is registered here; there are: %s", name, strings.Join(names, ", "))
}

func optionNames(list []*commandOption) string {
	var names []string
	for _, o := range list {
		names = append(names, o.name)
	}
	return strings.Join(names, ", ")
}

// resolved reads the values of options and collects what they refer to.
type resolved struct {
	f     *Fake
	ch    *channel
	found map[string]map[string]any
	loose bool // for autocomplete: what is missing or wrong is not refused
}

func (r *resolved) add(kind, id string, what any) {
	if r.found == nil {
		r.found = map[string]map[string]any{}
	}
	if r.found[kind] == nil {
		r.found[kind] = map[string]any{}
	}
	r.found[kind][id] = what
}

func (r *resolved) options(list []*commandOption, values []Value) ([]any, error) {
	var out []any
	for _, v := range values {
		if findOption(list, v.Option) == nil {
			return nil, fmt.Errorf("there is no option %q, only %s", v.Option, optionNames(list))
		}
	}
	for _, o := range list {
		i := slices.IndexFunc(values, func(v Value) bool { return v.Option == o.name })
		if i < 0 {
			if o.required && !r.loose {
				return nil, fmt.Errorf("the option %q is required", o.name)
			}
			continue
		}
		value, err := r.value(o, values[i])
		if err != nil {
			return nil, fmt.Errorf("option %q: %w", o.name, err)
		}
		out = append(out, map[string]any{"name": o.name, "type": o.kind, "value": value})
	}
	return out, nil
}

func (r *resolved) value(o *commandOption, v Value) (any, error) {
	if len(o.choices) > 0 {
		for _, c := range o.choices {
			if c.Name == v.value || fmt.Sprint(c.Value) == v.value {
				return c.Value, nil
			}
		}
		return nil, fmt.Errorf("%q is none of its choices", v.value)
	}
	switch o.kind {
	case optString:
		if n := utf8.RuneCountInString(v.value); n < o.minLen || n > o.maxLen {
			return nil, fmt.Errorf("%d characters; it takes %d to %d", n, o.minLen, o.maxLen)
		}
		return v.value, nil
	case optInteger, optNumber:
		return numberValue(o, v.value)
	case optBoolean:
		return strconv.ParseBool(v.value)
	case optAttachment:
		if v.file == nil {
			return nil, fmt.Errorf("it takes a file: use WithFile")
		}
		a := &attachment{id: r.f.snowflake(), name: fileName(v.file.Name), contentType: v.file.ContentType, data: v.file.Data, ephemeral: true}
		r.f.keep(a, r.ch.id)
		r.add("attachments", a.id, a.json())
		return a.id, nil
	}
	return r.reference(o.kind, v.value)
}

func numberValue(o *commandOption, s string) (any, error) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || o.kind == optInteger && n != float64(int64(n)) {
		return nil, fmt.Errorf("%q is no number for it", s)
	}
	if o.min != nil && n < *o.min || o.max != nil && n > *o.max {
		return nil, fmt.Errorf("%s is not within its limits", s)
	}
	return json.Number(s), nil
}

// reference reads a person, a role or a channel, by name or id.
func (r *resolved) reference(kind int, name string) (any, error) {
	f, g := r.f, r.f.guilds[r.ch.guildID]
	if (kind == optRole || kind == optMentionable) && g != nil {
		for _, role := range g.roles {
			if role.Name == name || role.ID == name {
				r.add("roles", role.ID, roleJSON(role, 1))
				return role.ID, nil
			}
		}
	}
	if kind == optChannel {
		ch, err := f.channelNamed(name)
		if err != nil {
			return nil, err
		}
		r.add("channels", ch.id, f.partialChannel(ch, f.users[f.app.ID]))
		return ch.id, nil
	}
	if kind == optRole {
		return nil, fmt.Errorf("there is no role %q", name)
	}
	u, err := f.userNamed(name)
	if err != nil {
		return nil, err
	}
	r.add("users", u.id, userJSON(u))
	if g != nil && g.member(u.id) != nil {
		m := f.memberJSON(g, g.member(u.id))
		delete(m, "user")
		delete(m, "deaf")
		delete(m, "mute")
		m["permissions"] = f.permissions(r.ch, u.id).String()
		r.add("members", u.id, m)
	}
	return u.id, nil
}
