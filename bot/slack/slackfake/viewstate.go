package slackfake

import (
	"slices"
)

// values are the state of a view: what was filled in, over what was there at first.
func (v *view) values() object {
	out := object{}
	for _, e := range fillable(list(v.body["blocks"])) {
		value := initial(e.element)
		if f := v.filled[e.block][e.action]; f != nil && str(f["type"]) == str(e.element["type"]) {
			value = f
		}
		if out[e.block] == nil {
			out[e.block] = object{}
		}
		obj(out[e.block])[e.action] = value
	}
	return out
}

// entry is an element of a view or message that holds a value.
type entry struct {
	block, action string
	element       object
	label         string
	optional      bool
	input         bool
}

// fillable finds the elements that hold values.
func fillable(blocks []any) []entry {
	var out []entry
	add := func(b object, e object, input bool) {
		if e == nil || slices.Contains([]string{"", "button", "image", "overflow", "mrkdwn", "plain_text", "workflow_button"}, str(e["type"])) {
			return
		}
		out = append(out, entry{
			block: str(b["block_id"]), action: str(e["action_id"]), element: e, input: input,
			label: str(obj(b["label"])["text"]), optional: truth(b["optional"]),
		})
	}
	for _, b := range blocks {
		b := obj(b)
		switch str(b["type"]) {
		case "input":
			add(b, obj(b["element"]), true)
		case "section":
			add(b, obj(b["accessory"]), false)
		case "actions":
			for _, e := range list(b["elements"]) {
				add(b, obj(e), false)
			}
		case "container":
			out = append(out, fillable(list(b["child_blocks"]))...)
		}
	}
	return out
}

// initial is the value of an element before anybody touched it.
func initial(e object) object {
	kind := str(e["type"])
	v := object{"type": kind}
	switch kind {
	case "plain_text_input", "email_text_input", "url_text_input", "number_input":
		v["value"] = e["initial_value"]
	case "static_select", "external_select", "radio_buttons":
		v["selected_option"] = e["initial_option"]
	case "multi_static_select", "multi_external_select", "checkboxes":
		v["selected_options"] = orEmpty(e["initial_options"])
	case "users_select":
		v["selected_user"] = e["initial_user"]
	case "conversations_select":
		v["selected_conversation"] = e["initial_conversation"]
	case "channels_select":
		v["selected_channel"] = e["initial_channel"]
	case "multi_users_select":
		v["selected_users"] = orEmpty(e["initial_users"])
	case "multi_conversations_select":
		v["selected_conversations"] = orEmpty(e["initial_conversations"])
	case "multi_channels_select":
		v["selected_channels"] = orEmpty(e["initial_channels"])
	case "datepicker":
		v["selected_date"] = e["initial_date"]
	case "timepicker":
		v["selected_time"] = e["initial_time"]
	case "datetimepicker":
		v["selected_date_time"] = e["initial_date_time"]
	case "file_input":
		v["files"] = []any{}
	case "rich_text_input":
		v["rich_text_value"] = e["initial_value"]
	}
	return v
}

func orEmpty(v any) any {
	if v == nil {
		return []any{}
	}
	return v
}

// empty: nothing was filled in.
func empty(value object) bool {
	for k, v := range value {
		if k == "type" {
			continue
		}
		if l, ok := v.([]any); ok && len(l) > 0 {
			return false
		} else if !ok && v != nil && v != "" {
			return false
		}
	}
	return true
}
