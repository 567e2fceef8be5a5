package discordfake_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	fake "github.com/allclear-bot/allclear/bot/discord/discordfake"
)

// bot is a raw client with a session and one command.
type bot struct {
	*raw
	s *socket
}

func newBot(t *testing.T, opt fake.Options) *bot {
	t.Helper()
	r := newRaw(t, opt)
	r.register(
		command("allclear", param(1, "scan", nil), object{"type": 1, "name": "status", "description": "x", "options": []object{
			param(3, "server", object{"required": true, "autocomplete": true}),
			param(4, "top", object{"min_value": 1, "max_value": 10}),
			param(5, "quiet", nil), param(6, "owner", nil), param(7, "place", nil), param(8, "team", nil), param(11, "list", nil),
			param(3, "view", object{"choices": []object{{"name": "Short", "value": "short"}}}),
		}}),
		object{"name": "leads", "description": "for leads", "default_member_permissions": fake.ManageGuild.String()},
	)
	return &bot{r, dial(t, r.d).ready()}
}

// took is an interaction as the bot got it.
type took struct {
	object
	id, token string
}

func (b *bot) take() took {
	b.t.Helper()
	i := b.s.event("INTERACTION_CREATE")
	id, _ := i["id"].(string)
	token, _ := i["token"].(string)
	return took{i, id, token}
}

func (i took) callback() string { return "/interactions/" + i.id + "/" + i.token + "/callback" }

func (b *bot) hook(i took) string { return "/webhooks/" + b.d.AppID() + "/" + i.token }

func (b *bot) answer(i took, kind int, data object) {
	b.t.Helper()
	b.call(204, "POST", i.callback(), object{"type": kind, "data": data})
}

func say(text string) object { return object{"content": text, "allowed_mentions": none} }

func TestACommandIsAnsweredInPublicAndPrivately(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	x := b.d.User("lead-1").Runs("responders", "/allclear scan")
	i := b.take()
	require.Equal(t, "lead-1", i.object["member"].(object)["user"].(object)["username"])
	require.InDelta(t, 2, i.object["type"], 0)
	b.answer(i, 4, say("61 scanned"))
	x.GetsPublicly("61 scanned")
	b.d.In("responders").SeesOnce("61 scanned")

	x = b.d.User("lead-1").Runs("responders", "/allclear scan")
	i = b.take()
	b.answer(i, 5, object{"flags": 64})
	x.Thinks()
	b.call(200, "PATCH", b.hook(i)+"/messages/@original", say("for you"))
	x.GetsPrivately("for you")
	b.d.In("responders").SeesNothing("for you")
	require.Equal(t, "for you", b.d.User("lead-1").Sees("for you").Text)
	require.Equal(t, []int{4, 5}, []int{b.d.Acks()[0].Type, b.d.Acks()[1].Type})
	require.Equal(t, "for you", b.d.Ephemerals("lead-1")[0].Text)
	require.Empty(t, b.d.Ephemerals("lead-2"))
}

func TestOptionsComeAsTheyWereGiven(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	x := b.d.User("lead-1").Runs("responders", "/allclear status",
		fake.With("server", "SP-01"), fake.With("top", "3"), fake.With("quiet", "true"), fake.With("owner", "lead-2"),
		fake.With("place", "leads"), fake.With("team", "on-call"), fake.With("view", "Short"),
		fake.WithFile("list", "a b.csv", "text/csv", []byte("x")))
	i := b.take()
	data := i.object["data"].(object)
	sub := data["options"].([]any)[0].(object)
	require.Equal(t, "status", sub["name"])
	var got []string
	for _, o := range sub["options"].([]any) {
		got = append(got, fmt.Sprintf("%v=%v", o.(object)["name"], o.(object)["value"]))
	}
	lead, err := b.d.UserID("lead-2")
	require.NoError(t, err)
	require.Contains(t, got, "server=SP-01")
	require.Contains(t, got, "top=3")
	require.Contains(t, got, "quiet=true")
	require.Contains(t, got, "owner="+lead)
	require.Contains(t, got, "view=short")
	resolved := data["resolved"].(object)
	require.Contains(t, resolved["users"], lead)
	require.Len(t, resolved["attachments"], 1)
	b.answer(i, 4, say("ok"))
	x.Gets("ok")
}

func TestAClientOfDiscordRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	for want, run := range map[string]func() (*fake.Asked, error){
		"no command /scan": func() (*fake.Asked, error) { return b.d.Run("lead-1", "responders", "/scan") },
		"no slash command": func() (*fake.Asked, error) { return b.d.Run("lead-1", "responders", "allclear") },
		"needs one of":     func() (*fake.Asked, error) { return b.d.Run("lead-1", "responders", "/allclear") },
		"no subcommand":    func() (*fake.Asked, error) { return b.d.Run("lead-1", "responders", "/allclear fix") },
		"is required":      func() (*fake.Asked, error) { return b.d.Run("lead-1", "responders", "/allclear status") },
		"no option": func() (*fake.Asked, error) {
			return b.d.Run("lead-1", "responders", "/allclear scan", fake.With("x", "y"))
		},
		"not within": func() (*fake.Asked, error) {
			return b.d.Run("lead-1", "responders", "/allclear status", fake.With("server", "s"), fake.With("top", "11"))
		},
		"none of its choices": func() (*fake.Asked, error) {
			return b.d.Run("lead-1", "responders", "/allclear status", fake.With("server", "s"), fake.With("view", "long"))
		},
		"may not use":         func() (*fake.Asked, error) { return b.d.Run("responder", "responders", "/leads") },
		"does not see":        func() (*fake.Asked, error) { return b.d.Run("responder", "leads", "/allclear scan") },
		"nobody called":       func() (*fake.Asked, error) { return b.d.Run("nobody", "responders", "/allclear scan") },
		"there is no channel": func() (*fake.Asked, error) { return b.d.Run("lead-1", "nowhere", "/allclear scan") },
		"with autocomplete": func() (*fake.Asked, error) {
			return b.d.Complete("lead-1", "responders", "/allclear status", "top", "1")
		},
		"there is no message":  func() (*fake.Asked, error) { return b.d.Press("lead-1", "1", "x") },
		"no command /allclear": func() (*fake.Asked, error) { return b.d.Run("lead-1", "DM", "/allclear scan") },
	} {
		_, err := run()
		require.ErrorContains(t, err, want)
	}
}

func TestAnAnswerAfterThreeSecondsIsTooLate(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	x := b.d.User("lead-1").Runs("responders", "/allclear scan")
	i := b.take()
	b.d.Advance(3*time.Second + time.Millisecond)
	x.Fails()
	b.refuses(10062, "POST", i.callback(), object{"type": 4, "data": say("late")})
	b.refuses(50027, "POST", b.hook(i), say("late"))
	require.False(t, b.d.Acks()[0].Accepted)
	b.d.Offends(fake.Unanswered)
}

func TestAnUnansweredInteractionFailsTheTest(t *testing.T) {
	t.Parallel()
	f, err := fake.Start(fake.Options{})
	require.NoError(t, err)
	d := f.For(t)
	r := &raw{t, d, d.Client(), d.Token()}
	r.register(command("ping"))
	s := dial(t, d).ready()
	d.User("lead-1").Runs("responders", "/ping")
	s.event("INTERACTION_CREATE")
	require.ErrorContains(t, f.Close(), "every interaction is answered")
	require.ErrorContains(t, f.Close(), "every interaction is answered", "a second Close says the same")
}

func TestNobodyOnlineIsNoOffence(t *testing.T) {
	t.Parallel()
	r := newRaw(t, fake.Options{})
	r.register(command("ping"))
	x := r.d.User("lead-1").Runs("responders", "/ping")
	r.d.Advance(4 * time.Second)
	x.Fails()
}

func TestAnInteractionIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	x := b.d.User("lead-1").Runs("responders", "/allclear scan")
	i := b.take()
	b.answer(i, 4, say("once"))
	b.d.Again(x.Asked)
	again := b.take()
	require.Equal(t, i.id, again.id)
	b.refuses(40060, "POST", i.callback(), object{"type": 4, "data": say("twice")})
	require.Empty(t, b.d.Offences(), "it was delivered twice")
	x = b.d.User("lead-1").Runs("responders", "/allclear scan")
	i = b.take()
	b.answer(i, 4, say("once"))
	b.refuses(40060, "POST", i.callback(), object{"type": 4, "data": say("twice")})
	b.d.Offends(fake.AnsweredTwice)
	x.Gets("once")
	b.refuses(10062, "POST", "/interactions/1/"+i.token+"/callback", object{"type": 4})
}

func TestEveryReplicaGetsTheInteraction(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	require.Equal(t, 1, b.d.Together())
	other := &bot{b.raw, dial(t, b.d).ready()}
	require.Equal(t, 2, b.d.Together())
	b.d.User("lead-1").Runs("responders", "/allclear scan")
	i, same := b.take(), other.take()
	require.Equal(t, i.token, same.token)
	b.answer(i, 4, say("once"))
	other.refuses(40060, "POST", i.callback(), object{"type": 4, "data": say("twice")})
	require.Empty(t, b.d.Offences(), "neither could know")
}

func TestNothingIsEditedBeforeTheFirstResponse(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	b.d.User("lead-1").Runs("responders", "/allclear scan")
	i := b.take()
	b.refuses(10015, "PATCH", b.hook(i)+"/messages/@original", say("early"))
	b.refuses(10015, "POST", b.hook(i), say("early"))
	b.d.Offends(fake.EarlyEdit)
	b.answer(i, 4, say("now"))
}

func TestTheTokenLivesFifteenMinutes(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	b.d.User("lead-1").Runs("responders", "/allclear scan")
	i := b.take()
	b.answer(i, 5, nil)
	b.d.Advance(14 * time.Minute)
	b.call(200, "PATCH", b.hook(i)+"/messages/@original", say("in time"))
	b.d.Advance(61 * time.Second)
	require.Equal(t, 401, b.refuses(50027, "PATCH", b.hook(i)+"/messages/@original", say("late")).status)
	b.refuses(50027, "POST", b.hook(i)+"x", say("wrong"))
	b.refuses(50027, "POST", "/webhooks/1/"+i.token, say("wrong"))
}

func TestFollowUpsAndWhoSeesThem(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	x := b.d.User("lead-1").Runs("responders", "/allclear scan")
	i := b.take()
	b.answer(i, 5, object{"flags": 64})
	first := b.call(200, "POST", b.hook(i), say("fills the deferred one"))
	x.GetsPrivately("fills the deferred one")
	second := b.call(200, "POST", b.hook(i), object{"content": "public", "allowed_mentions": none})
	x.GetsPublicly("public")
	require.NotEqual(t, first.object["id"], second.object["id"])
	id, _ := second.object["id"].(string)
	b.call(200, "PATCH", b.hook(i)+"/messages/"+id, say("public, edited"))
	b.d.In("responders").SeesOnce("public, edited")
	secret := b.call(200, "POST", b.hook(i), object{"content": "secret", "flags": 64, "allowed_mentions": none}).object["id"].(string)
	x.GetsPrivately("secret")
	b.refuses(10008, "PATCH", b.messages("responders")+"/"+secret, say("by the wrong way"))
	b.call(200, "GET", b.hook(i)+"/messages/"+secret, nil)
	b.call(204, "DELETE", b.hook(i)+"/messages/"+secret, nil)
	b.refuses(10008, "PATCH", b.hook(i)+"/messages/"+secret, say("gone"))
	b.call(204, "DELETE", b.hook(i)+"/messages/@original", nil)
	b.refuses(10008, "GET", b.hook(i)+"/messages/@original", nil)
	b.call(200, "PATCH", b.messages("responders")+"/"+id, say("by the bot itself"))
}

func TestAnAppThatOnlyPeopleInstalledHasFiveFollowUps(t *testing.T) {
	t.Parallel()
	opt := free
	opt.App.OnlyUserInstalled = true
	b := newBot(t, opt)
	b.d.User("lead-1").Runs("responders", "/allclear scan")
	i := b.take()
	b.answer(i, 4, say("first"))
	for range 5 {
		b.call(200, "POST", b.hook(i), say("more"))
	}
	b.refuses(40094, "POST", b.hook(i), say("too much"))
}

func TestResponsesFitTheInteraction(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	b.d.User("lead-1").Runs("responders", "/allclear scan")
	i := b.take()
	for _, kind := range []int{1, 6, 7, 8, 10, 99} {
		b.bad("type", "BASE_TYPE_CHOICES", "POST", i.callback(), object{"type": kind, "data": say("x")})
	}
	b.bad("type", "BASE_TYPE_REQUIRED", "POST", i.callback(), object{"data": say("x")})
	b.bad("data", "BASE_TYPE_REQUIRED", "POST", i.callback(), object{"type": 4})
	b.refuses(50006, "POST", i.callback(), object{"type": 4, "data": object{"content": "", "allowed_mentions": none}})
	out := b.call(200, "POST", i.callback()+"?with_response=true", object{"type": 4, "data": say("after all")})
	require.Contains(t, string(out.body), "after all")
}

func TestButtonsAndMenusOfAMessage(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	id := b.post("responders", object{"content": "board", "components": []object{
		{"type": 1, "components": []object{
			{"type": 2, "style": 4, "label": "Confirm", "custom_id": "yes"},
			{"type": 2, "style": 2, "label": "Off", "custom_id": "off", "disabled": true},
			{"type": 2, "style": 5, "label": "Docs", "url": "https://example.org/"},
		}},
		{"type": 1, "components": []object{{
			"type": 3, "custom_id": "pick", "placeholder": "Which", "max_values": 2,
			"options": []object{{"label": "One", "value": "1"}, {"label": "Two", "value": "2"}},
		}}},
		{"type": 1, "components": []object{{"type": 5, "custom_id": "who"}}},
	}})
	board := b.d.In("responders").Sees("board")
	require.Equal(t, id, board.ID)
	require.Equal(t, "danger", board.Buttons[0].Style)
	x := b.d.User("lead-2").Presses(board, "Confirm")
	i := b.take()
	require.Equal(t, "yes", i.object["data"].(object)["custom_id"])
	require.Equal(t, id, i.object["message"].(object)["id"])
	b.answer(i, 7, object{"content": "board, confirmed", "components": []object{}, "allowed_mentions": none})
	x.Gets("board, confirmed")
	b.d.In("responders").SeesOnce("board, confirmed")
	_, err := b.d.Press("lead-2", id, "Confirm")
	require.ErrorContains(t, err, "no such thing")

	id = b.post("responders", object{"content": "menu", "components": []object{{"type": 1, "components": []object{{
		"type": 3, "custom_id": "pick", "placeholder": "Which", "options": []object{{"label": "One", "value": "1"}},
	}}}, {"type": 1, "components": []object{{"type": 5, "custom_id": "who"}}}, {"type": 1, "components": []object{{"type": 2, "style": 2, "label": "Off", "custom_id": "off", "disabled": true}}}}})
	menu := b.d.In("responders").Sees("menu")
	x = b.d.User("lead-2").Picks(menu, "Which", "One")
	i = b.take()
	require.Equal(t, []any{"1"}, i.object["data"].(object)["values"])
	b.answer(i, 6, nil)
	require.Equal(t, 6, x.Answered().Type)
	b.call(200, "PATCH", b.hook(i)+"/messages/@original", say("menu, updated"))
	b.d.In("responders").SeesOnce("menu, updated")
	b.d.User("lead-2").Picks(menu, "who", "lead-1")
	i = b.take()
	require.Contains(t, i.object["data"].(object), "resolved")
	b.answer(i, 4, object{"content": "only for you", "flags": 64, "allowed_mentions": none})
	_, err = b.d.Pick("lead-2", id, "Which", "Three")
	require.ErrorContains(t, err, "no option")
	_, err = b.d.Press("lead-2", id, "Off")
	require.ErrorContains(t, err, "disabled")
}

func TestNobodyElsePressesAButtonOfAnEphemeralMessage(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	x := b.d.User("lead-1").Runs("responders", "/allclear scan")
	b.answer(b.take(), 4, object{"content": "sure?", "flags": 64, "allowed_mentions": none, "components": []object{
		{"type": 1, "components": []object{{"type": 2, "style": 1, "label": "Yes", "custom_id": "y"}}},
	}})
	s := x.GetsPrivately("sure?")
	_, err := b.d.Press("lead-2", s.ID, "Yes")
	require.ErrorContains(t, err, "does not see")
	b.d.User("lead-1").Presses(s, "Yes")
	b.answer(b.take(), 7, object{"content": "done", "components": []object{}, "allowed_mentions": none})
	x.GetsPrivately("done")
}

func TestAutocomplete(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	x := b.d.User("lead-1").Types("responders", "/allclear status", "server", "SP-", fake.With("top", "2"))
	i := b.take()
	require.InDelta(t, 4, i.object["type"], 0)
	var choices []object
	for n := range 26 {
		choices = append(choices, object{"name": fmt.Sprintf("SP-%02d", n), "value": fmt.Sprint(n)})
	}
	b.bad("data.choices", "BASE_TYPE_MAX_LENGTH", "POST", i.callback(), object{"type": 8, "data": object{"choices": choices}})
	b.bad("data.choices.0.name", "BASE_TYPE_BAD_LENGTH", "POST", i.callback(), object{"type": 8, "data": object{"choices": []object{{"name": strings.Repeat("x", 101), "value": "1"}}}})
	b.bad("type", "BASE_TYPE_CHOICES", "POST", i.callback(), object{"type": 4, "data": say("x")})
	b.answer(i, 8, object{"choices": choices[:25]})
	require.Len(t, x.Offers(), 25)
	require.Equal(t, "SP-00", x.Offers()[0])
}

func TestModals(t *testing.T) {
	t.Parallel()
	b := newBot(t, free)
	person := b.d.User("lead-1")
	x := person.Runs("responders", "/allclear scan")
	i := b.take()
	input := func(id string, more object) object {
		c := object{"type": 4, "custom_id": id, "style": 1, "label": "Reason"}
		for k, v := range more {
			c[k] = v
		}
		return object{"type": 1, "components": []object{c}}
	}
	modal := func(title string, parts ...object) object {
		return object{"type": 9, "data": object{"custom_id": "m", "title": title, "components": parts}}
	}
	b.bad("data.title", "BASE_TYPE_BAD_LENGTH", "POST", i.callback(), modal(strings.Repeat("t", 46), input("r", nil)))
	b.bad("data.components", "BASE_TYPE_BAD_LENGTH", "POST", i.callback(), modal("t", input("1", nil), input("2", nil), input("3", nil), input("4", nil), input("5", nil), input("6", nil)))
	b.bad("data.components.0.components.0.max_length", "NUMBER_TYPE_MAX", "POST", i.callback(), modal("t", input("r", object{"max_length": 4001})))
	b.bad("data.components.1.components.0.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "POST", i.callback(), modal("t", input("r", nil), input("r", nil)))
	b.bad("data.components.0.components.0.type", "BASE_TYPE_CHOICES", "POST", i.callback(), modal("t", object{"type": 1, "components": []object{{"type": 2, "style": 1, "label": "x", "custom_id": "x"}}}))
	b.call(204, "POST", i.callback(), modal("Claim SP-01", input("r", object{"min_length": 3}),
		object{"type": 18, "label": "Kind", "component": object{"type": 21, "custom_id": "k", "options": []object{{"label": "Patch", "value": "p"}, {"label": "Other", "value": "o"}}}}))
	require.Equal(t, []string{"Reason", "Kind"}, x.Opens("Claim").Inputs)
	_, err := b.d.Fill(x.Asked, map[string]string{"Reason": "no", "Kind": "Patch"})
	require.ErrorContains(t, err, "characters")
	_, err = b.d.Fill(x.Asked, map[string]string{"Nothing": "no"})
	require.ErrorContains(t, err, "no input")
	y := person.Fills(x, map[string]string{"Reason": "patched", "Kind": "Patch"})
	i = b.take()
	require.InDelta(t, 5, i.object["type"], 0)
	b.bad("type", "BASE_TYPE_CHOICES", "POST", i.callback(), modal("again", input("r", nil)))
	b.answer(i, 4, say("claimed"))
	y.Gets("claimed")
	_, err = b.d.Fill(x.Asked, nil)
	require.ErrorContains(t, err, "submitted already")
}

func TestGlobalCommandsWorkInDMs(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	r.call(201, "POST", "/applications/"+r.d.AppID()+"/commands", command("hello"))
	s := dial(t, r.d).ready()
	b := &bot{r, s}
	x := b.d.User("lead-1").Runs("DM", "/hello")
	i := b.take()
	require.Contains(t, i.object, "user")
	require.NotContains(t, i.object, "member")
	b.answer(i, 4, say("good morning"))
	x.Gets("good morning")
	require.Equal(t, []string{"hello"}, b.d.Commands(""))
}
