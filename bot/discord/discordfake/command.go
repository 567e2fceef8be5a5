package discordfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The types of options.
// https://docs.discord.com/developers/interactions/application-commands#application-command-object-application-command-option-type
const (
	optSubcommand  = 1
	optGroup       = 2
	optString      = 3
	optInteger     = 4
	optBoolean     = 5
	optUser        = 6
	optChannel     = 7
	optRole        = 8
	optMentionable = 9
	optNumber      = 10
	optAttachment  = 11
)

// The limits of commands.
// https://docs.discord.com/developers/interactions/application-commands
const (
	maxCommands    = 100
	maxUserLike    = 15 // of USER and of MESSAGE commands
	maxCommandOpts = 25
	maxChoices     = 25
	maxChoice      = 100
	maxDescription = 100
	maxCommandSize = 8000
	maxTextOption  = 6000
)

var commandName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)

// command is a registered application command.
type command struct {
	id, guild, version string
	name, description  string
	kind               int
	options            []*commandOption
	defaultPermissions *Permission
	inDM               bool
	raw                map[string]any
}

// commandOption is a parameter, a subcommand or a group.
type commandOption struct {
	name, description  string
	kind               int
	required, complete bool
	choices            []Choice
	options            []*commandOption
	min, max           *float64
	minLen, maxLen     int
}

// Choice is a value that can be picked for an option.
type Choice struct {
	Name  string
	Value any // a string or a json.Number
}

func findOption(list []*commandOption, name string) *commandOption {
	for _, o := range list {
		if o.name == name {
			return o
		}
	}
	return nil
}

func (c *command) json(app string) map[string]any {
	out := maps.Clone(c.raw)
	for name, v := range out {
		if v == nil {
			delete(out, name)
		}
	}
	out["id"], out["application_id"], out["version"], out["type"], out["name"], out["description"] = c.id, app, c.version, c.kind, c.name, c.description
	if c.guild != "" {
		out["guild_id"] = c.guild
	}
	return out
}

// readCommand reads and checks a command; with an old one, what is not named stays.
func readCommand(f field, old *command) *command {
	c := &command{kind: 1, inDM: true}
	if !f.required() || !f.object() {
		return c
	}
	if old != nil {
		merged := maps.Clone(old.raw)
		object, _ := f.value.(map[string]any)
		maps.Copy(merged, object)
		f.value = merged
	}
	c.raw, _ = f.value.(map[string]any)
	if f.get("type").has {
		c.kind = int(f.get("type").choice(1, 2, 3))
	}
	c.name = f.get("name").need(1, 32)
	if c.kind == 1 {
		checkName(f.get("name"), c.name)
		c.description = f.get("description").need(1, maxDescription)
		c.options = readOptions(f.get("options"), 0)
	} else {
		if f.get("description").text(0, maxDescription) != "" {
			f.get("description").bad("APPLICATION_COMMAND_DESCRIPTION_NOT_ALLOWED", "Context menu commands cannot have description")
		}
		if len(f.get("options").list(0, maxCommandOpts)) > 0 {
			f.get("options").bad("APPLICATION_COMMAND_OPTIONS_NOT_ALLOWED", "Context menu commands cannot have options")
		}
	}
	readWhere(c, f)
	if n := c.size(); n > maxCommandSize {
		f.bad("APPLICATION_COMMAND_TOO_LARGE", "Command exceeds maximum size (%d)", maxCommandSize)
	}
	return c
}

// readWhere reads who may use a command and where.
func readWhere(c *command, f field) {
	if p := f.get("default_member_permissions"); p.has {
		n, err := strconv.ParseUint(p.text(1, 20), 10, 64)
		if err != nil {
			p.bad("NUMBER_TYPE_COERCE", "Value is not int.")
		}
		bits := Permission(n)
		c.defaultPermissions = &bits
	}
	if p := f.get("dm_permission"); p.has {
		c.inDM = p.flag()
	}
	if p := f.get("contexts"); p.has {
		c.inDM = false
		for _, x := range p.list(0, 3) {
			if x.choice(0, 1, 2) == 1 {
				c.inDM = true
			}
		}
	}
	for _, x := range f.get("integration_types").list(0, 2) {
		x.choice(0, 1)
	}
	f.get("nsfw").flag()
}

func checkName(f field, name string) {
	if name == "" {
		return
	}
	if !commandName.MatchString(name) || strings.ToLower(name) != name {
		f.bad("APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
	}
}

// size is what counts for the 8000 characters: names, descriptions and the values of
// choices, of the command and all in it.
func (c *command) size() int {
	n := utf8.RuneCountInString(c.name) + utf8.RuneCountInString(c.description)
	for _, o := range c.options {
		n += o.size()
	}
	return n
}

func (o *commandOption) size() int {
	n := utf8.RuneCountInString(o.name) + utf8.RuneCountInString(o.description)
	for _, c := range o.choices {
		n += utf8.RuneCountInString(c.Name) + utf8.RuneCountInString(fmt.Sprint(c.Value))
	}
	for _, k := range o.options {
		n += k.size()
	}
	return n
}

// readOptions reads the options of a command (depth 0), a group (1) or a
// subcommand (2).
func readOptions(list field, depth int) []*commandOption {
	var out []*commandOption
	optional, nested, plain := false, false, false
	for _, f := range list.list(0, maxCommandOpts) {
		o := readOption(f, depth)
		if o == nil {
			continue
		}
		switch o.kind {
		case optSubcommand, optGroup:
			nested = true
		default:
			plain = true
			if o.required && optional {
				f.bad("APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before non-required options")
			}
			optional = optional || !o.required
		}
		if findOption(out, o.name) != nil {
			f.get("name").bad("APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "Option name already exists")
		}
		out = append(out, o)
	}
	if nested && plain {
		list.bad("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Sub-command and sub-command group option types are mutually exclusive to all other types")
	}
	return out
}

func readOption(f field, depth int) *commandOption {
	if !f.object() {
		return nil
	}
	o := &commandOption{name: f.get("name").need(1, 32), description: f.get("description").need(1, maxDescription)}
	checkName(f.get("name"), o.name)
	f.get("type").required()
	kinds := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	switch depth {
	case 1:
		kinds = kinds[:1]
	case 2:
		kinds = kinds[2:]
	}
	o.kind = int(f.get("type").choice(kinds...))
	switch o.kind {
	case optGroup:
		o.options = readOptions(f.get("options"), 1)
	case optSubcommand:
		o.options = readOptions(f.get("options"), 2)
	default:
		if len(f.get("options").list(0, maxCommandOpts)) > 0 {
			f.get("options").bad("APPLICATION_COMMAND_OPTIONS_NOT_ALLOWED", "This option type cannot have options")
		}
		readParameter(o, f)
	}
	return o
}

func readParameter(o *commandOption, f field) {
	o.required, o.complete = f.get("required").flag(), f.get("autocomplete").flag()
	o.choices = readChoices(f.get("choices"), o.kind, maxChoices)
	typed := slices.Contains([]int{optString, optInteger, optNumber}, o.kind)
	if len(o.choices) > 0 && !typed {
		f.get("choices").bad("APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", "Choices are only for string, integer and number options")
	}
	if o.complete && (!typed || len(o.choices) > 0) {
		f.get("autocomplete").bad("APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID", "autocomplete may not be set with choices or for this type")
	}
	for _, t := range f.get("channel_types").list(0, 20) {
		t.integer(0, 16)
	}
	if o.kind == optInteger || o.kind == optNumber {
		o.min, o.max = number(f.get("min_value")), number(f.get("max_value"))
	}
	if o.kind == optString {
		o.maxLen = maxTextOption
		if v := f.get("max_length"); v.has {
			o.maxLen = int(v.integer(1, maxTextOption))
		}
		o.minLen = int(f.get("min_length").integer(0, maxTextOption))
	}
}

func number(f field) *float64 {
	if !f.has {
		return nil
	}
	n, ok := f.value.(json.Number)
	v, err := n.Float64()
	if !ok || err != nil {
		f.bad("NUMBER_TYPE_COERCE", "Value is not float.")
		return nil
	}
	return &v
}

// readChoices reads choices whose values have the type of the option.
func readChoices(list field, kind, most int) []Choice {
	var out []Choice
	names := map[string]bool{}
	for _, f := range list.list(0, most) {
		if !f.object() {
			continue
		}
		c := Choice{Name: f.get("name").need(1, maxChoice)}
		value := f.get("value")
		value.required()
		switch kind {
		case optInteger:
			value.integer(-1<<53, 1<<53)
			c.Value = value.value
		case optNumber:
			number(value)
			c.Value = value.value
		default:
			c.Value = value.text(1, maxChoice)
		}
		if names[c.Name] {
			f.get("name").bad("APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS", "The specified choice name already exists for this option")
		}
		names[c.Name] = true
		out = append(out, c)
	}
	return out
}
