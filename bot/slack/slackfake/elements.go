package slackfake

import (
	"regexp"
	"strings"
)

// Limits of elements (docs.slack.dev/reference/block-kit/block-elements).
const (
	maxButtonText  = 75
	maxButtonValue = 2000
	maxAltText     = 2000
	maxOverflow    = 5
	maxBoxes       = 10
	maxInputText   = 3000
)

var (
	dateShape = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	timeShape = regexp.MustCompile(`^\d{2}:\d{2}$`)
)

func matching(shape *regexp.Regexp, what string) rule {
	return func(c *checker, at string, v any) {
		if !shape.MatchString(str(v)) {
			c.bad(at, "must match the format %s", what)
		}
	}
}

// element makes the rule of an interactive element.
func element(fields ...field) rule {
	return shape(append([]field{must("type", anything), may("action_id", actionID)}, fields...)...)
}

var (
	placeholder = may("placeholder", plain(maxPlaceholder))
	focus       = may("focus_on_load", boolean)
	confirmed   = may("confirm", confirmation)
)

var button = element(
	must("text", plain(maxButtonText)), may("url", link), may("value", text(0, maxButtonValue)),
	may("style", oneOf("primary", "danger")), confirmed, may("accessibility_label", text(1, maxButtonText)),
)

var picture = func(c *checker, at string, v any) {
	shape(must("type", anything), may("image_url", link), may("slack_file", slackFile), must("alt_text", text(1, maxAltText)))(c, at, v)
	oneOfTwo(c, at, v, "image_url", "slack_file")
}

func oneOfTwo(c *checker, at string, v any, a, b string) {
	if o := obj(v); o != nil && (o[a] == nil) == (o[b] == nil) {
		c.bad(at, "must define either `%s` or `%s`", a, b)
	}
}

// options are chosen from a list that is given, flat or in groups.
func options(c *checker, at string, v any) { oneOfTwo(c, at, v, "options", "option_groups") }

// initialAmong: what is chosen at first is one of the options.
func initialAmong(name string) rule {
	return func(c *checker, at string, v any) {
		o := obj(v)
		var known []any
		known = append(known, list(o["options"])...)
		for _, g := range list(o["option_groups"]) {
			known = append(known, list(obj(g)["options"])...)
		}
		var chosen []any
		if one := o[name]; one != nil {
			if many, ok := one.([]any); ok {
				chosen = many
			} else {
				chosen = []any{one}
			}
		}
		for _, want := range chosen {
			found := false
			for _, k := range known {
				found = found || str(obj(k)["value"]) == str(obj(want)["value"])
			}
			if !found {
				c.bad(at+"/"+name, "must be one of the provided options")
			}
		}
	}
}

func selects(kind string, fields ...field) (one, many rule) {
	_ = kind
	most := may("max_selected_items", whole(1, 100))
	one = element(append(fields, placeholder, confirmed, focus)...)
	many = element(append(fields, placeholder, confirmed, focus, most)...)
	return one, many
}

// anyElement is every element by its type.
func anyElement() map[string]rule {
	given := []field{
		may("options", items(1, maxOptions, option(plain, false))), may("option_groups", items(1, maxOptions, optionGroup)),
		may("initial_option", option(plain, false)), may("initial_options", items(1, maxOptions, option(plain, false))),
	}
	static, multiStatic := selects("static", given...)
	external, multiExternal := selects("external", may("min_query_length", whole(0, maxText)),
		may("initial_option", option(plain, false)), may("initial_options", items(1, maxOptions, option(plain, false))))
	user := text(1, maxID)
	users, multiUsers := selects("users", may("initial_user", user), may("initial_users", items(1, maxOptions, user)))
	filter := may("filter", shape(
		may("include", items(1, 4, oneOf("im", "mpim", "private", "public"))),
		may("exclude_external_shared_channels", boolean), may("exclude_bot_users", boolean),
	))
	conversations, multiConversations := selects("conversations", filter,
		may("initial_conversation", user), may("initial_conversations", items(1, maxOptions, user)),
		may("default_to_current_conversation", boolean), may("response_url_enabled", boolean))
	channels, multiChannels := selects("channels", may("initial_channel", user), may("initial_channels", items(1, maxOptions, user)), may("response_url_enabled", boolean))
	boxes := items(1, maxBoxes, option(either, false))
	typed := []field{may("initial_value", text(0, maxInputText)), placeholder, focus, may("dispatch_action_config", dispatch)}
	return map[string]rule{
		"button":                     button,
		"workflow_button":            element(must("text", plain(maxButtonText)), must("workflow", anything), may("style", oneOf("primary", "danger")), may("accessibility_label", text(1, maxButtonText))),
		"image":                      picture,
		"static_select":              all(static, options, initialAmong("initial_option")),
		"multi_static_select":        all(multiStatic, options, initialAmong("initial_options")),
		"external_select":            external,
		"multi_external_select":      multiExternal,
		"users_select":               users,
		"multi_users_select":         multiUsers,
		"conversations_select":       conversations,
		"multi_conversations_select": multiConversations,
		"channels_select":            channels,
		"multi_channels_select":      multiChannels,
		"overflow":                   element(must("options", items(1, maxOverflow, option(plain, true))), confirmed),
		"datepicker":                 element(may("initial_date", matching(dateShape, "YYYY-MM-DD")), placeholder, confirmed, focus),
		"timepicker":                 element(may("initial_time", matching(timeShape, "HH:mm")), placeholder, confirmed, focus, may("timezone", text(1, maxID))),
		"datetimepicker":             element(may("initial_date_time", whole(1e9, 1e10-1)), confirmed, focus),
		"checkboxes":                 all(element(must("options", boxes), may("initial_options", boxes), confirmed, focus), initialAmong("initial_options")),
		"radio_buttons":              all(element(must("options", boxes), may("initial_option", option(either, false)), confirmed, focus), initialAmong("initial_option")),
		"plain_text_input": element(append(typed, may("multiline", boolean),
			may("min_length", whole(0, maxInputText)), may("max_length", whole(1, maxInputText)))...),
		"email_text_input": element(typed...),
		"url_text_input":   element(typed...),
		"number_input":     element(append(typed, must("is_decimal_allowed", boolean), may("min_value", text(1, maxID)), may("max_value", text(1, maxID)))...),
		"rich_text_input":  element(may("initial_value", richText), placeholder, focus, may("dispatch_action_config", dispatch)),
		"file_input":       element(may("filetypes", items(1, 100, text(1, maxID))), may("max_files", whole(1, 10))),
		"feedback_buttons": element(must("positive_button", anything), must("negative_button", anything)),
		"icon_button":      element(must("icon", oneOf("trash")), must("text", plain(maxButtonText)), may("value", text(0, maxButtonValue)), confirmed, may("visible_to_user_ids", items(1, 100, text(1, maxID))), may("accessibility_label", text(1, maxButtonText))),
	}
}

// Where elements may stand (docs.slack.dev/reference/block-kit/blocks).
const (
	inActions   = "button checkboxes datepicker datetimepicker multi_static_select multi_external_select multi_users_select multi_conversations_select multi_channels_select overflow radio_buttons static_select external_select users_select conversations_select channels_select timepicker workflow_button rich_text_input"
	inAccessory = "button checkboxes datepicker image multi_static_select multi_external_select multi_users_select multi_conversations_select multi_channels_select overflow radio_buttons static_select external_select users_select conversations_select channels_select timepicker workflow_button"
	inInput     = "checkboxes datepicker datetimepicker email_text_input file_input multi_static_select multi_external_select multi_users_select multi_conversations_select multi_channels_select number_input plain_text_input radio_buttons rich_text_input static_select external_select users_select conversations_select channels_select timepicker url_text_input"
)

// elementsIn are the elements that may stand somewhere.
func elementsIn(names string) rule {
	every := anyElement()
	kinds := map[string]rule{}
	for _, name := range strings.Fields(names) {
		kinds[name] = every[name]
	}
	return byType(kinds)
}
