package slackfake_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

func TestTheWorldMayGrow(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	u := s.AddUser(slackfake.User{Name: "new", SingleGuest: true})
	out := done(t, form(t, s, "users.info", map[string]string{"user": u.ID}))
	require.Equal(t, true, out["user"].(object)["is_ultra_restricted"])
	c := s.AddChannel(slackfake.Channel{Private: true, BotIn: true, Members: []string{u.ID}})
	g := s.AddGroup(slackfake.Group{Handle: "team", Members: []string{u.ID}})
	_ = say(t, s, c.ID, "<!subteam^"+g.ID+"> <@"+u.ID+">")
	m := s.In(c.ID).Last()
	require.Equal(t, "@team @new", m.Text)
	require.Equal(t, []string{g.ID, u.ID}, m.Pings)
	s.User("new").Reacts(m, "eyes")
	require.Equal(t, []string{u.ID}, s.In(c.ID).Last().Reactions["eyes"])
	require.Len(t, s.All(), 1)
	require.Contains(t, s.APIURL(), s.URL())
}

func TestFieldsOfEveryKindAreFilledIn(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	app(t, s, acks)
	two := []any{object{"text": label("One"), "value": "1"}, object{"text": label("Two"), "value": "2"}}
	view := modal(object{"blocks": []any{
		input("text", "Text", object{"type": "plain_text_input", "action_id": "v", "min_length": 2, "max_length": 3, "initial_value": "abc"}),
		input("menu", "Menu", object{"type": "static_select", "action_id": "v", "options": two, "initial_option": two[1]}),
		input("many", "Many", object{"type": "multi_static_select", "action_id": "v", "options": two}),
		input("radio", "Radio", object{"type": "radio_buttons", "action_id": "v", "options": two}),
		input("user", "User", object{"type": "users_select", "action_id": "v", "initial_user": slackfake.Lead1}),
		input("users", "Users", object{"type": "multi_users_select", "action_id": "v"}),
		input("place", "Place", object{"type": "conversations_select", "action_id": "v"}),
		input("channel", "Channel", object{"type": "channels_select", "action_id": "v"}),
		input("day", "Day", object{"type": "datepicker", "action_id": "v"}),
		input("hour", "Hour", object{"type": "timepicker", "action_id": "v"}),
	}})
	lead := s.User("lead-1")
	trigger := lead.Types("incident", "/allclear form").Done().Payload["trigger_id"]
	done(t, post(t, s, "views.open", object{"trigger_id": trigger, "view": view}))
	v := lead.SeesModal("Text")
	require.Equal(t, "abc", v.Values["Text"])
	require.Equal(t, "Two", v.Values["Menu"])
	d := lead.Fills(map[string]string{
		"Text": "xyz", "Menu": "One", "Many": "One, Two", "Radio": "Two", "User": "lead-2", "Users": "lead-1, responder", "Place": "incident",
		"Channel": "general", "Day": "2025-07-21", "Hour": "18:00",
	}).Submits().Done()
	require.Equal(t, slackfake.OK, d.Outcome)
	values := d.Payload["view"].(object)["state"].(object)["values"].(object)
	for block, want := range map[string]object{
		"text": {"value": "xyz"}, "menu": {"selected_option": two[0]}, "many": {"selected_options": two}, "radio": {"selected_option": two[1]},
		"user": {"selected_user": slackfake.Lead2}, "users": {"selected_users": []any{slackfake.Lead1, slackfake.Responder}},
		"place": {"selected_conversation": slackfake.Incident}, "channel": {"selected_channel": slackfake.General},
		"day": {"selected_date": "2025-07-21"}, "hour": {"selected_time": "18:00"},
	} {
		got := values[block].(object)["v"].(object)
		for k, w := range want {
			require.EqualValues(t, w, got[k], block)
		}
	}
}

func TestFieldsTakeNothingWrong(t *testing.T) {
	t.Parallel()
	w := &witness{TB: t}
	s := slackfake.New(w, quiet())
	app(t, s, acks)
	lead := s.User("lead-1")
	require.Contains(t, fatal(t, w, func() { lead.Fills(map[string]string{"Text": "x"}) }), "no modal is open")
	trigger := lead.Types("incident", "/allclear form").Done().Payload["trigger_id"]
	done(t, post(t, s, "views.open", object{"trigger_id": trigger, "view": modal(object{"blocks": []any{
		input("text", "Text", object{"type": "plain_text_input", "action_id": "v", "min_length": 2, "max_length": 3}),
		input("menu", "Menu", object{"type": "static_select", "action_id": "v", "options": []any{object{"text": label("One"), "value": "1"}}}),
		input("day", "Day", object{"type": "datepicker", "action_id": "v"}),
	}})}))
	for field, text := range map[string]string{"Text": "long", "Menu": "Three", "Day": "tomorrow", "Nothing": "x"} {
		require.Contains(t, fatal(t, w, func() { lead.Fills(map[string]string{field: text}) }), field)
	}
	require.Contains(t, fatal(t, w, func() { lead.PressesIn("Nothing") }), "no view with a button")
	w.cleanup[0]()
}
