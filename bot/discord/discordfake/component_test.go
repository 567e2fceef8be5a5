package discordfake_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const v2 = 1 << 15

func row(parts ...object) object { return object{"type": 1, "components": parts} }

func button(id string) object {
	return object{"type": 2, "style": 1, "label": "Go", "custom_id": id}
}

func buttons(n int) []object {
	return make2(n, func(i int) object { return button(fmt.Sprint("b", i)) })
}

func text(s string) object { return object{"type": 10, "content": s} }

func TestComponentsAreCheckedAsDiscordDoes(t *testing.T) {
	t.Parallel()
	rows := func(r ...object) object { return object{"content": "x", "components": r} }
	parts := func(r ...object) object { return object{"flags": v2, "components": r} }
	menu := func(more object) object {
		m := object{"type": 3, "custom_id": "m", "options": []object{{"label": "l", "value": "v"}}}
		for k, v := range more {
			m[k] = v
		}
		return row(m)
	}
	for _, c := range []struct {
		name, path, kind string
		body             object
	}{
		{"six rows", "components", "BASE_TYPE_MAX_LENGTH", rows(make2(6, func(i int) object { return row(button(fmt.Sprint(i))) })...)},
		{"six buttons", "components.0.components", "BASE_TYPE_BAD_LENGTH", rows(row(buttons(6)...))},
		{"an empty row", "components.0.components", "BASE_TYPE_BAD_LENGTH", rows(row([]object{}...))},
		{"a button beside a menu", "components.0.components", "WIDTH_EXCEEDED", rows(row(button("a"), object{"type": 5, "custom_id": "u"}))},
		{"a button without a row", "components.0.type", "BASE_TYPE_CHOICES", rows(button("a"))},
		{"a custom id of 101", "components.0.components.0.custom_id", "BASE_TYPE_BAD_LENGTH", rows(row(button(strings.Repeat("c", 101))))},
		{"an empty custom id", "components.0.components.0.custom_id", "BASE_TYPE_BAD_LENGTH", rows(row(button("")))},
		{"a custom id twice", "components.1.components.0.custom_id", "DUPLICATED", rows(row(button("a")), row(button("a")))},
		{"a label of 81", "components.0.components.0.label", "BASE_TYPE_MAX_LENGTH", rows(row(object{"type": 2, "style": 1, "label": strings.Repeat("l", 81), "custom_id": "a"}))},
		{"no label", "components.0.components.0.label", "INVALID_LABEL", rows(row(object{"type": 2, "style": 1, "custom_id": "a"}))},
		{"a link without an address", "components.0.components.0.url", "BASE_TYPE_REQUIRED", rows(row(object{"type": 2, "style": 5, "label": "x"}))},
		{"a link with a custom id", "components.0.components.0.custom_id", "MUTUALLY_EXCLUSIVE", rows(row(object{"type": 2, "style": 5, "label": "x", "url": "https://example.org", "custom_id": "a"}))},
		{"an unknown style", "components.0.components.0.style", "BASE_TYPE_CHOICES", rows(row(object{"type": 2, "style": 9, "label": "x", "custom_id": "a"}))},
		{"26 options", "components.0.components.0.options", "BASE_TYPE_BAD_LENGTH", rows(menu(object{"options": make2(26, func(i int) object { return object{"label": "l", "value": fmt.Sprint(i)} })}))},
		{"a value twice", "components.0.components.0.options.1.value", "DUPLICATED", rows(menu(object{"options": []object{{"label": "l", "value": "v"}, {"label": "l", "value": "v"}}}))},
		{"more values than options", "components.0.components.0.max_values", "TOO_LARGE", rows(menu(object{"max_values": 2}))},
		{"a placeholder of 151", "components.0.components.0.placeholder", "BASE_TYPE_MAX_LENGTH", rows(menu(object{"placeholder": strings.Repeat("p", 151)}))},
		{"a text input in a message", "components.0.components.0.type", "BASE_TYPE_CHOICES", rows(row(object{"type": 4, "custom_id": "t", "label": "l", "style": 1}))},
		{"a text without the flag", "components.0.type", "BASE_TYPE_CHOICES", rows(text("x"))},
		{"content beside components", "content", "LEGACY_FIELDS", object{"flags": v2, "content": "x", "components": []object{text("x")}}},
		{"embeds beside components", "embeds", "LEGACY_FIELDS", object{"flags": v2, "embeds": []object{{"title": "x"}}, "components": []object{text("x")}}},
		{"41 components", "components", "MAX_TOTAL", parts(object{"type": 17, "components": make2(40, func(int) object { return text("x") })})},
		{"4001 characters of text", "components", "TEXT_SIZE", parts(text(strings.Repeat("x", 4000)), text("x"))},
		{"a section of four texts", "components.0.components", "BASE_TYPE_BAD_LENGTH", parts(object{"type": 9, "components": []object{text("1"), text("2"), text("3"), text("4")}, "accessory": button("a")})},
		{"a section without an accessory", "components.0.accessory", "BASE_TYPE_REQUIRED", parts(object{"type": 9, "components": []object{text("1")}})},
		{"a container in a container", "components.0.components.0.type", "BASE_TYPE_CHOICES", parts(object{"type": 17, "components": []object{{"type": 17, "components": []object{text("x")}}}})},
		{"eleven pictures", "components.0.items", "BASE_TYPE_BAD_LENGTH", parts(object{"type": 12, "items": make2(11, func(int) object { return object{"media": object{"url": "https://example.org/x.png"}} })})},
		{"a file that was not uploaded", "components.0.file.url", "NOT_FOUND", parts(object{"type": 13, "file": object{"url": "attachment://x.csv"}})},
		{"an id twice", "components.1.id", "ID_DUPLICATED", parts(object{"type": 10, "id": 7, "content": "x"}, object{"type": 10, "id": 7, "content": "y"})},
		{"no type", "components.0.type", "BASE_TYPE_REQUIRED", rows(object{"components": []object{}})},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRaw(t, free)
			c.body["allowed_mentions"] = none
			r.bad(c.path, c.kind, "POST", r.messages("responders"), c.body)
		})
	}
}

func TestFiveRowsOfFiveButtonsFit(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	r.post("responders", object{"content": "all", "components": make2(5, func(i int) object {
		return row(make2(5, func(k int) object { return button(fmt.Sprint(i, k)) })...)
	})})
	require.Len(t, r.d.In("responders").Sees("all").Buttons, 25)
}

func TestAMessageOfComponentsIsReadInOrder(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	id := r.post("responders", object{"flags": v2, "components": []object{
		{"type": 17, "accent_color": 0xff0000, "components": []object{
			text("# Board"),
			{"type": 14, "divider": true, "spacing": 2},
			{"type": 9, "components": []object{text("**61** verified")}, "accessory": button("more")},
			row(button("scan")),
			{"type": 12, "items": []object{{"media": object{"url": "https://example.org/x.png"}, "description": "chart"}}},
		}},
		text("small print"),
	}})
	s := r.d.In("responders").Sees("Board")
	require.Equal(t, "Board\n61 verified\nsmall print", s.Text)
	require.Len(t, s.Buttons, 2)
	at := r.messages("responders") + "/" + id
	out := r.call(200, "GET", at, nil)
	require.Contains(t, string(out.body), `"accessory"`)
	r.bad("content", "LEGACY_FIELDS", "PATCH", at, object{"content": "x", "allowed_mentions": none})
	r.call(200, "PATCH", at, object{"components": []object{text("shorter")}, "allowed_mentions": none})
	require.Equal(t, "shorter", r.d.In("responders").Sees("shorter").Text)
}

func TestPartsOfModalsHaveLimits(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	b.d.User("lead-1").Runs("responders", "/allclear scan")
	i := b.take()
	options := func(n int) []object {
		return make2(n, func(i int) object { return object{"label": "l", "value": fmt.Sprint(i)} })
	}
	label := func(inner object) object {
		inner["custom_id"] = "i"
		return object{"type": 9, "data": object{"custom_id": "m", "title": "t", "components": []object{{"type": 18, "label": "L", "component": inner}}}}
	}
	for _, c := range []struct {
		path, kind string
		inner      object
	}{
		{"options", "BASE_TYPE_BAD_LENGTH", object{"type": 21, "options": options(1)}},
		{"options", "BASE_TYPE_BAD_LENGTH", object{"type": 21, "options": options(11)}},
		{"options", "BASE_TYPE_BAD_LENGTH", object{"type": 22, "options": options(11)}},
		{"max_values", "NUMBER_TYPE_MAX", object{"type": 19, "max_values": 11}},
		{"value", "BASE_TYPE_MAX_LENGTH", object{"type": 4, "style": 1, "value": strings.Repeat("v", 4001)}},
		{"placeholder", "BASE_TYPE_MAX_LENGTH", object{"type": 4, "style": 1, "placeholder": strings.Repeat("v", 101)}},
	} {
		b.bad("data.components.0.component."+c.path, c.kind, "POST", i.callback(), label(c.inner))
	}
	b.call(204, "POST", i.callback(), label(object{"type": 22, "options": options(10)}))
}
