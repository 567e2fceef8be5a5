package discordfake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	fake "github.com/allclear-bot/allclear/bot/discord/discordfake"
)

func (r *raw) commands() string {
	r.t.Helper()
	guild, err := r.d.GuildID("")
	require.NoError(r.t, err)
	return "/applications/" + r.d.AppID() + "/guilds/" + guild + "/commands"
}

func TestCommandsAreCheckedAsDiscordDoes(t *testing.T) {
	t.Parallel()
	list := func(n int, make func(int) object) []object { return make2(n, make) }
	with := func(options ...object) object { return command("x", options...) }
	for _, c := range []struct {
		name, path, kind string
		body             object
	}{
		{"a name in capitals", "name", "APPLICATION_COMMAND_INVALID_NAME", command("Scan")},
		{"a name with a space", "name", "APPLICATION_COMMAND_INVALID_NAME", command("scan all")},
		{"a name of 33", "name", "BASE_TYPE_BAD_LENGTH", command(strings.Repeat("x", 33))},
		{"no name", "name", "BASE_TYPE_REQUIRED", object{"description": "d"}},
		{"no description", "description", "BASE_TYPE_REQUIRED", object{"name": "x"}},
		{"a description of 101", "description", "BASE_TYPE_BAD_LENGTH", object{"name": "x", "description": strings.Repeat("x", 101)}},
		{"26 options", "options", "BASE_TYPE_MAX_LENGTH", with(list(26, func(i int) object { return param(3, fmt.Sprint("o", i), nil) })...)},
		{"26 choices", "options.0.choices", "BASE_TYPE_MAX_LENGTH", with(param(3, "o", object{"choices": list(26, func(i int) object { return object{"name": fmt.Sprint(i), "value": "v"} })}))},
		{"a choice of 101", "options.0.choices.0.value", "BASE_TYPE_BAD_LENGTH", with(param(3, "o", object{"choices": []object{{"name": "n", "value": strings.Repeat("v", 101)}}}))},
		{"a choice of the wrong type", "options.0.choices.0.value", "NUMBER_TYPE_COERCE", with(param(4, "o", object{"choices": []object{{"name": "n", "value": "five"}}}))},
		{"a choice twice", "options.0.choices.1.name", "ALREADY_EXISTS", with(param(3, "o", object{"choices": []object{{"name": "n", "value": "1"}, {"name": "n", "value": "2"}}}))},
		{"choices and autocomplete", "options.0.autocomplete", "AUTOCOMPLETE_INVALID", with(param(3, "o", object{"autocomplete": true, "choices": []object{{"name": "n", "value": "1"}}}))},
		{"a required option behind another", "options.1", "REQUIRED_INVALID", with(param(3, "a", nil), param(3, "b", object{"required": true}))},
		{"an option twice", "options.1.name", "NAME_ALREADY_EXISTS", with(param(3, "a", nil), param(3, "a", nil))},
		{"subcommands among options", "options", "TYPE_INVALID", with(param(1, "a", nil), param(3, "b", nil))},
		{"a group in a subcommand", "options.0.options.0.type", "BASE_TYPE_CHOICES", with(param(1, "a", object{"options": []object{param(2, "b", nil)}}))},
		{"an option's name in capitals", "options.0.name", "INVALID_NAME", with(param(3, "A", nil))},
		{"an unknown type", "options.0.type", "BASE_TYPE_CHOICES", with(param(12, "a", nil))},
		{"more than 8000 characters", "", "APPLICATION_COMMAND_TOO_LARGE", with(list(25, func(i int) object {
			return param(3, fmt.Sprint("o", i), object{"choices": list(4, func(k int) object { return object{"name": fmt.Sprint(k), "value": strings.Repeat("v", 100)} })})
		})...)},
		{"a text of more than 6000", "options.0.max_length", "NUMBER_TYPE_MAX", with(param(3, "a", object{"max_length": 6001}))},
		{"a user command with a description", "description", "DESCRIPTION_NOT_ALLOWED", object{"name": "Look at", "type": 2, "description": "d"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRaw(t, free)
			if c.kind == "APPLICATION_COMMAND_TOO_LARGE" {
				for _, o := range c.body["options"].([]object) {
					o["description"] = strings.Repeat("d", 100)
				}
			}
			r.bad(c.path, c.kind, "POST", r.commands(), c.body)
			require.Empty(t, r.d.Commands(""))
		})
	}
}

func TestCommandsAreCreatedEditedAndDeleted(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	made := r.call(201, "POST", r.commands(), command("scan"))
	id, _ := made.object["id"].(string)
	same := r.call(200, "POST", r.commands(), object{"name": "scan", "description": "another"})
	require.Equal(t, id, same.object["id"], "the same name is the same command")
	r.call(200, "PATCH", r.commands()+"/"+id, object{"description": "third"})
	got := r.call(200, "GET", r.commands()+"/"+id, nil)
	require.Equal(t, "third", got.object["description"])
	require.Equal(t, "scan", got.object["name"], "what is not named stays")
	r.call(201, "POST", r.commands(), command("ping"))
	r.bad("name", "DUPLICATE_NAME", "PATCH", r.commands()+"/"+id, object{"name": "ping"})
	r.refuses(20001, "PUT", r.commands()+"/"+id+"/permissions", object{"permissions": []object{}})
	r.call(204, "DELETE", r.commands()+"/"+id, nil)
	r.refuses(10063, "DELETE", r.commands()+"/"+id, nil)
	require.Equal(t, []string{"ping"}, r.d.Commands(""))
	r.bad("1.name", "DUPLICATE_NAME", "PUT", r.commands(), []object{command("a"), command("a")})
	r.call(200, "PUT", r.commands(), []object{command("größe"), {"name": "Look at", "type": 2}})
	require.Equal(t, []string{"Look at", "größe"}, r.d.Commands(""))
	r.refuses(10002, "GET", "/applications/123456789012345678/commands", nil)
}

func TestHowManyCommandsThereMayBe(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	all := make2(100, func(i int) object { return command(fmt.Sprint("c", i)) })
	r.call(200, "PUT", r.commands(), all)
	r.refuses(30032, "POST", r.commands(), command("one-more"))
	r.refuses(30032, "PUT", r.commands(), append(all, command("one-more")))
	r.refuses(30032, "PUT", r.commands(), make2(16, func(i int) object { return object{"name": fmt.Sprint("u", i), "type": 2} }))
}

func TestCommandsAreCreated200TimesADay(t *testing.T) {
	t.Parallel()
	opt := free
	opt.Limits.CommandCreates = fake.Rate{N: 3, Per: 24 * time.Hour}
	r := newRaw(t, opt)
	r.call(200, "PUT", r.commands(), []object{command("a"), command("b"), command("c")})
	r.call(200, "PUT", r.commands(), []object{command("a"), command("b")})
	require.Equal(t, 429, r.refuses(30034, "POST", r.commands(), command("d")).status)
	r.call(201, "POST", "/applications/"+r.d.AppID()+"/commands", command("d"))
	r.d.Advance(25 * time.Hour)
	r.call(201, "POST", r.commands(), command("d"))
}
