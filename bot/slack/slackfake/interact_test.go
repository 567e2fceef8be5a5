package slackfake_test

import (
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

// calls collects interactive payloads as the library reads them.
func calls(t *testing.T, s *slackfake.Slack, answer func(slack.InteractionCallback) any) chan slack.InteractionCallback {
	t.Helper()
	got := make(chan slack.InteractionCallback, 20)
	app(t, s, func(c *socketmode.Client, e socketmode.Event) {
		var payload any
		if call, ok := e.Data.(slack.InteractionCallback); ok {
			if answer != nil {
				payload = answer(call)
			}
			got <- call
		}
		if e.Request.EnvelopeID != "" {
			_ = c.Ack(*e.Request, payload)
		}
	})
	return got
}

func label(text string) object { return object{"type": "plain_text", "text": text} }

func TestButtonsAndMenusOfMessagesArePressed(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	got := calls(t, s, nil)
	blocks := []any{actions(
		button(object{"text": label("Confirm"), "value": "confirm k-1", "action_id": "line", "confirm": confirm(3, 5)}),
		menu(object{"action_id": "pick", "options": []any{object{"text": label("SP-1"), "value": "sp-1"}}}),
	)}
	ts := done(t, post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "card", "blocks": blocks}))["ts"]
	m := s.In("incident").Last()
	require.Equal(t, "xxx\nxxxxx", m.Asks("Confirm"))
	sent := s.User("lead-1").Presses(m, "Confirm")
	require.Equal(t, "xxx\nxxxxx", sent.Asked)
	call := <-got
	require.Equal(t, slack.InteractionTypeBlockActions, call.Type)
	require.Equal(t, "confirm k-1", call.ActionCallback.BlockActions[0].Value)
	require.Equal(t, "line", call.ActionCallback.BlockActions[0].ActionID)
	require.Equal(t, slackfake.Lead1, call.User.ID)
	require.Equal(t, slackfake.Incident, call.Channel.ID)
	require.Equal(t, ts, call.Container.MessageTs)
	require.Equal(t, ts, call.Message.Timestamp)
	require.Equal(t, "ok", responseTo(t, call.ResponseURL, `{"text":"gone","blocks":[],"replace_original":true}`).text)
	require.Equal(t, "gone", s.In("incident").Last().Text, "it replaces what was pressed")

	done(t, post(t, s, "chat.postEphemeral", object{"channel": slackfake.Incident, "user": slackfake.Lead2, "text": "card", "blocks": blocks}))
	s.User("lead-2").Chooses(s.Ephemerals("lead-2")[0], "pick", "SP-1")
	call = <-got
	require.Equal(t, "sp-1", call.ActionCallback.BlockActions[0].SelectedOption.Value)
	require.True(t, call.Container.IsEphemeral)
	require.Empty(t, call.Message.Timestamp, "what only one person sees is not shown to the app")
	for _, action := range call.BlockActionState.Values {
		require.Equal(t, "sp-1", action["pick"].SelectedOption.Value)
	}
}

func TestShortcutsOnMessages(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, slackfake.Options{Shortcuts: map[string]string{"Act on this server": "act"}, Pace: slackfake.NoPace()})
	got := calls(t, s, nil)
	root := say(t, s, slackfake.Incident, "SP-1 is exposed")
	done(t, post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": "in the thread", "thread_ts": root}))
	s.User("lead-1").UsesShortcut(s.In("incident").Sees("in the thread"), "Act on this server")
	call := <-got
	require.Equal(t, slack.InteractionTypeMessageAction, call.Type)
	require.Equal(t, "act", call.CallbackID)
	require.Equal(t, root, call.Message.ThreadTimestamp)
	require.NotEmpty(t, call.TriggerID)
	s.User("lead-1").UsesGlobalShortcut("Act on this server")
	require.Equal(t, slack.InteractionTypeShortcut, (<-got).Type)
}

func TestTriggersWorkOnceAndForThreeSeconds(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	app(t, s, acks)
	trigger := func() any {
		return s.User("lead-1").Types("incident", "/allclear edit").Done().Payload["trigger_id"]
	}
	id := trigger()
	done(t, post(t, s, "views.open", object{"trigger_id": id, "view": modal(nil)}))
	refused(t, "exchanged_trigger_id", post(t, s, "views.open", object{"trigger_id": id, "view": modal(nil)}))
	id = trigger()
	s.Clock().Advance(3001 * time.Millisecond)
	refused(t, "expired_trigger_id", post(t, s, "views.open", object{"trigger_id": id, "view": modal(nil)}))
	refused(t, "invalid_trigger_id", post(t, s, "views.open", object{"trigger_id": "1.2.x", "view": modal(nil)}))
}

func input(block, label string, element object) object {
	return object{"type": "input", "block_id": block, "label": object{"type": "plain_text", "text": label}, "element": element}
}

func modal(more object) object {
	return mix(object{
		"type": "modal", "title": label("Except a server"), "submit": label("Ask"), "callback_id": "except", "private_metadata": "k-1",
		"blocks": []any{
			input("reason", "Reason", object{"type": "plain_text_input", "action_id": "text"}),
			input("server", "Server", object{"type": "external_select", "action_id": "server", "min_query_length": 0}),
			mix(input("steps", "Steps", object{"type": "checkboxes", "action_id": "steps", "options": []any{
				object{"text": label("Patch"), "value": "patch"}, object{"text": label("Rotate"), "value": "rotate"},
			}}), object{"optional": true}),
		},
	}, more)
}

func TestAModalIsFilledInSubmittedAndAnswered(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	api := client(s)
	got := calls(t, s, func(call slack.InteractionCallback) any {
		switch call.Type {
		case slack.InteractionTypeBlockSuggestion:
			return map[string]any{"options": []any{object{"text": label("SP-1 of " + call.Value), "value": "sp-1"}}}
		case slack.InteractionTypeViewSubmission:
			values := call.View.State.Values
			switch values["reason"]["text"].Value {
			case "wrong":
				return slack.NewErrorsViewSubmissionResponse(map[string]string{"reason": "say why"})
			case "again":
				return map[string]any{"response_action": "update", "view": modal(object{"title": label("Second")})}
			case "more":
				return map[string]any{"response_action": "push", "view": modal(object{"title": label("Over it")})}
			case "all":
				return slack.NewClearViewSubmissionResponse()
			}
		}
		return nil
	})
	lead := s.User("lead-1")
	trigger := lead.Types("incident", "/allclear except").Done().Payload["trigger_id"]
	opened := done(t, post(t, s, "views.open", object{"trigger_id": trigger, "view": modal(object{"notify_on_close": true})}))
	require.NotEmpty(t, opened["view"].(object)["hash"])
	v := lead.SeesModal("Except a server")
	require.Equal(t, "k-1", v.PrivateMetadata)

	require.Contains(t, lead.Submits().Words, "complete this required field")
	v = lead.SeesModal("Please complete this required field.")
	require.Len(t, v.Errors, 2)

	require.Equal(t, []string{"SP-1 of sp"}, lead.Searches("Server", "sp"))
	require.Equal(t, slack.InteractionTypeBlockSuggestion, (<-got).Type)
	lead.Fills(map[string]string{"Reason": "wrong", "Server": "SP-1 of sp", "Steps": "Patch, Rotate"}).Submits().Done()
	call := <-got
	require.Equal(t, "sp-1", call.View.State.Values["server"]["server"].SelectedOption.Value)
	require.Len(t, call.View.State.Values["steps"]["steps"].SelectedOptions, 2)
	v = lead.SeesModal("say why")
	require.Equal(t, "say why", v.Errors["Reason"])
	require.Equal(t, "Patch, Rotate", v.Values["Steps"])

	lead.Fills(map[string]string{"Reason": "again"}).Submits().Done()
	<-got
	v = lead.SeesModal("Second")
	require.Equal(t, "again", v.Values["Reason"], "what was filled in stays")
	lead.Fills(map[string]string{"Reason": "more"}).Submits().Done()
	<-got
	require.Equal(t, 1, lead.SeesModal("Over it").Depth)
	lead.Closes()
	lead.SeesModal("Second")
	lead.Fills(map[string]string{"Reason": "all"}).Submits().Done()
	<-got
	_, open := s.Modal("lead-1")
	require.False(t, open)
	_ = api
}

func TestViewsAreUpdatedAgainstTheirHash(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	got := calls(t, s, nil)
	lead := s.User("lead-1")
	trigger := lead.Types("incident", "/allclear except").Done().Payload["trigger_id"]
	first := done(t, post(t, s, "views.open", object{"trigger_id": trigger, "view": modal(object{"external_id": "ext", "notify_on_close": true})}))["view"].(object)
	update := func(args object) object { return post(t, s, "views.update", args) }
	second := done(t, update(object{"view_id": first["id"], "hash": first["hash"], "view": modal(object{"external_id": "ext", "notify_on_close": true})}))["view"].(object)
	refused(t, "hash_conflict", update(object{"view_id": first["id"], "hash": first["hash"], "view": modal(nil)}))
	done(t, update(object{"external_id": "ext", "hash": second["hash"], "view": modal(object{"external_id": "ext", "notify_on_close": true})}))
	refused(t, "not_found", update(object{"view_id": "V0NOVIEW001", "view": modal(nil)}))

	trigger = s.User("lead-2").Types("incident", "/allclear except").Done().Payload["trigger_id"]
	refused(t, "duplicate_external_id", post(t, s, "views.open", object{"trigger_id": trigger, "view": modal(object{"external_id": "ext"})}))

	push := func() object {
		button := modal(object{"blocks": []any{actions(button(object{"text": label("More"), "action_id": "more"}))}})
		if v, _ := s.Modal("lead-1"); len(v.Buttons()) == 0 {
			done(t, update(object{"view_id": v.ID, "view": button}))
		}
		lead.PressesIn("More")
		return post(t, s, "views.push", object{"trigger_id": (<-got).TriggerID, "view": button})
	}
	done(t, push())
	done(t, push())
	refused(t, "push_limit_reached", push())
	v, _ := s.Modal("lead-1")
	require.Equal(t, 2, v.Depth)
	lead.Closes()
	lead.Closes()
	require.Empty(t, got)
	v, _ = s.Modal("lead-1")
	done(t, update(object{"view_id": v.ID, "view": modal(object{"notify_on_close": true, "clear_on_close": true})}))
	lead.Closes()
	closed := <-got
	require.Equal(t, slack.InteractionTypeViewClosed, closed.Type)
	require.True(t, closed.IsCleared)
}

func TestViewsAreHeldToTheirLimits(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	s.Allow(slackfake.BadBlocks)
	s.Allow(slackfake.Unacked)
	app(t, s, acks)
	for _, c := range []struct {
		more object
		want string
	}{
		{object{"title": plain(25)}, "must be less than 25 characters [json-pointer:/view/title/text]"},
		{object{"submit": plain(25)}, "must be less than 25 characters [json-pointer:/view/submit/text]"},
		{object{"close": plain(25)}, "must be less than 25 characters [json-pointer:/view/close/text]"},
		{object{"private_metadata": strings.Repeat("x", 3001)}, "must be less than 3001 characters [json-pointer:/view/private_metadata]"},
		{object{"callback_id": strings.Repeat("x", 256)}, "must be less than 256 characters [json-pointer:/view/callback_id]"},
		{object{"external_id": strings.Repeat("x", 256)}, "must be less than 256 characters [json-pointer:/view/external_id]"},
		{object{"blocks": times(101, func(int) any { return object{"type": "divider"} })}, "no more than 100 items allowed [json-pointer:/view/blocks]"},
		{object{"submit": nil}, "must define `submit` to use an `input` block in modals [json-pointer:/view/blocks/0]"},
		{object{"title": nil}, "missing required field: title [json-pointer:/view]"},
		{object{"blocks": []any{line(1, 1, 1, 1)}}, "unsupported type: data_visualization [json-pointer:/view/blocks/0/type]"},
		{object{"type": "home"}, "must be a valid enum value: modal [json-pointer:/view/type]"},
		{object{"colour": "red"}, "invalid additional property: colour [json-pointer:/view]"},
	} {
		trigger := s.User("lead-1").Types("incident", "/allclear x").Done().Payload["trigger_id"]
		out := post(t, s, "views.open", object{"trigger_id": trigger, "view": modal(c.more)})
		refused(t, "invalid_arguments", out)
		require.Contains(t, out["errors"], c.want)
	}
	refused(t, "invalid_arguments", post(t, s, "views.open", object{"trigger_id": "x"}))
}

func TestAnAnswerThatAViewCannotUseIsComplainedOf(t *testing.T) {
	t.Parallel()
	s := start(t, quiet())
	replies := make(chan any, 10)
	calls(t, s, func(slack.InteractionCallback) any { return <-replies })
	lead := s.User("lead-1")
	for _, reply := range []any{
		object{"response_action": "errors", "errors": object{"elsewhere": "x"}},
		object{"response_action": "explode"},
		object{"response_action": "update", "view": modal(object{"title": plain(25)})},
		object{"text": "not for views"},
	} {
		trigger := lead.Types("incident", "/allclear x").Done().Payload["trigger_id"]
		done(t, post(t, s, "views.open", object{"trigger_id": trigger, "view": modal(object{"blocks": []any{input("reason", "Reason", object{"type": "plain_text_input", "action_id": "text"})}})}))
		lead.Fills(map[string]string{"Reason": "x"})
		replies <- reply
		lead.Submits().Done()
	}
	require.Equal(t, []slackfake.Kind{slackfake.ViewError, slackfake.ViewError, slackfake.ViewError, slackfake.ViewError}, kinds(s))
}

func TestAHomeIsPublishedAndPressed(t *testing.T) {
	t.Parallel()
	s := slackfake.New(t, quiet())
	s.Allow(slackfake.BadBlocks)
	got := calls(t, s, nil)
	home := func(text string) object {
		return object{"type": "home", "blocks": []any{section(text), actions(button(object{"text": label("My servers"), "value": "mine"}), menu(object{"action_id": "pick"}))}}
	}
	_, ok := s.Home("lead-1")
	require.False(t, ok)
	publish := func(hash, text string) object {
		return post(t, s, "views.publish", object{"user_id": slackfake.Lead1, "hash": hash, "view": home(text)})
	}
	refused(t, "hash_conflict", publish("1.x", "a"))
	hash := done(t, publish("", "44/61"))["view"].(object)["hash"].(string)
	done(t, publish(hash, "45/61"))
	refused(t, "hash_conflict", publish(hash, "46/61"))
	lead := s.User("lead-1")
	require.Contains(t, lead.SeesHome("45/61").Buttons(), "My servers")
	lead.PressesIn("My servers")
	call := <-got
	require.Equal(t, "mine", call.ActionCallback.BlockActions[0].Value)
	require.Equal(t, slack.VTHomeTab, call.View.Type)
	lead.ChoosesIn("pick", "x")
	require.Equal(t, "v", (<-got).ActionCallback.BlockActions[0].SelectedOption.Value)
	refused(t, "invalid_arguments", post(t, s, "views.publish", object{"user_id": "U0NOBODY001", "view": home("x")}))
	refused(t, "invalid_arguments", post(t, s, "views.publish", object{"user_id": slackfake.Lead1, "view": modal(nil)}))
}
