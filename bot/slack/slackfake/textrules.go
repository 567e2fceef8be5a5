package slackfake

import (
	"net/url"
	"slices"
)

// Limits of composition objects (docs.slack.dev/reference/block-kit/composition-objects).
// All count characters.
const (
	maxText        = 3000
	maxID          = 255
	maxURL         = 3000
	maxPlaceholder = 150
	maxOptions     = 100
	maxOptionText  = 75
	maxOptionValue = 150
	maxConfirm     = 300
	maxConfirmHead = 100
	maxConfirmWord = 30
)

// plain is a text object of plain text.
func plain(most int) rule {
	return all(onlyType("plain_text"), shape(
		must("type", anything), must("text", text(1, most)), may("emoji", boolean),
	))
}

// either is a text object of any kind.
func either(most int) rule {
	return func(c *checker, at string, v any) {
		if str(obj(v)["type"]) == "mrkdwn" {
			shape(must("type", anything), must("text", text(1, most)), may("verbatim", boolean))(c, at, v)
			return
		}
		if t := obj(v)["type"]; t != nil && str(t) != "plain_text" {
			c.bad(at+"/type", "unsupported type: %.60s", str(t))
			return
		}
		shape(must("type", anything), must("text", text(1, most)), may("emoji", boolean))(c, at, v)
	}
}

// onlyType refuses other types of text.
func onlyType(want string) rule {
	return func(c *checker, at string, v any) {
		if t, there := obj(v)["type"]; there && str(t) != want {
			c.bad(at+"/type", "must be a valid enum value: %s", want)
		}
	}
}

// link is an address that a browser may follow.
func link(c *checker, at string, v any) {
	text(1, maxURL)(c, at, v)
	u, err := url.Parse(str(v))
	if err != nil || u.Scheme == "" || u.Host == "" && u.Opaque == "" && !slices.Contains([]string{"slack", "mailto"}, u.Scheme) {
		c.bad(at, "must be a valid URL")
	}
}

// actionID is unique within its block.
func actionID(c *checker, at string, v any) {
	text(1, maxID)(c, at, v)
	id := str(v)
	if c.actionIDs[id] {
		c.bad(at, "`action_id` %q already exists", id)
	}
	if c.actionIDs != nil {
		c.actionIDs[id] = true
	}
}

// blockID is unique within a message or view.
func blockID(c *checker, at string, v any) {
	text(1, maxID)(c, at, v)
	id := str(v)
	if c.blockIDs[id] {
		c.bad(at, "`block_id` %q already exists", id)
	}
	c.blockIDs[id] = true
}

// confirmation is asked before an action.
var confirmation = shape(
	must("title", plain(maxConfirmHead)), must("text", either(maxConfirm)),
	must("confirm", plain(maxConfirmWord)), must("deny", plain(maxConfirmWord)),
	may("style", oneOf("primary", "danger")),
)

// option is a choice. Only checkboxes and radio buttons take markup.
func option(words func(int) rule, withURL bool) rule {
	fields := []field{
		must("text", words(maxOptionText)), must("value", text(1, maxOptionValue)), may("description", words(maxOptionText)),
	}
	if withURL {
		fields = append(fields, may("url", link))
	}
	return shape(fields...)
}

// optionGroup is a heading with choices under it.
var optionGroup = shape(must("label", plain(maxOptionText)), must("options", items(1, maxOptions, option(plain, false))))

var dispatch = shape(may("trigger_actions_on", items(1, 2, oneOf("on_enter_pressed", "on_character_entered"))))

var slackFile = func(c *checker, at string, v any) {
	shape(may("id", text(1, maxID)), may("url", link))(c, at, v)
	if o := obj(v); o != nil && (o["id"] == nil) == (o["url"] == nil) {
		c.bad(at, "must define either `id` or `url`")
	}
}
