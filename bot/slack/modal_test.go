package slack

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

// board posts a message with buttons, and returns it as people see it.
func (st *stage) board(t *testing.T, channel string, buttons ...chat.Button) slackfake.Message {
	t.Helper()
	_, err := st.p.Post(t.Context(), at(channel), chat.Say(chat.P("the board"), chat.Row(buttons...)), t.Name()+channel+buttons[0].Label)
	require.NoError(t, err)
	return st.In(channel).Sees(buttons[0].Label)
}

var cannot = chat.Button{Label: "Can't, because… of something long", Line: "except sp-01", Ask: []string{"reason", "for?", "kind?", "owner?", "now?", "until?"}}

func TestAButtonRunsItsLineAndNothingElse(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, overHTTP bool) {
		st, desk := newStage(t, overHTTP, slackfake.Options{}, nil), &notebook{}
		st.runs(t, desk)
		m := st.board(t, slackfake.Incident, chat.Button{Label: "Scan", Line: "scan --group emea \"sp 01\"", Confirm: "Scan?"})
		sent := st.User("lead-1").Presses(m, "Scan")
		require.Equal(t, slackfake.OK, sent.Done().Outcome)
		require.Empty(t, sent.Done().Reply)
		req := desk.only(t)
		require.Equal(t, "scan --group emea \"sp 01\"", req.Text)
		require.Equal(t, chat.TriggerButton, req.Trigger)
		require.Equal(t, "slack:T0ACME0001:U0LEAD00001", req.Actor.Link)
		require.Equal(t, slackfake.Incident, req.Place.Channel)
		require.NotEmpty(t, req.Place.Reply)
		require.Empty(t, req.Place.Thread)
		require.False(t, req.Private)
	})
}

func TestARedeliveredPressIsOneRequestAndTwoPressesAreTwo(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	m := st.board(t, slackfake.Incident, chat.Button{Label: "Scan", Line: "scan"})
	st.User("lead-1").Presses(m, "Scan").Done()
	st.Again()
	st.Eventually("both are acknowledged", func() bool { return st.Acks() == 2 })
	require.Len(t, desk.requests(), 1)
	st.User("lead-1").Presses(m, "Scan").Done()
	require.Len(t, desk.requests(), 2)
}

func TestAButtonInAThreadAnswersThereAndARefusalIsPrivate(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	desk.says(refuses(chat.Say(chat.P("confirm needs the role lead"))))
	st.runs(t, desk)
	head := st.board(t, slackfake.Incident, chat.Button{Label: "Scan", Line: "scan"})
	place := at(slackfake.Incident)
	place.Thread = head.TS
	_, err := st.p.Post(t.Context(), place, chat.Say(chat.P("in the thread"), chat.Row(chat.Button{Label: "Confirm", Line: "confirm sp-01"})), "reply")
	require.NoError(t, err)
	reply := st.In("incident").Sees("in the thread")
	st.User("manager").Presses(reply, "Confirm")
	told := st.User("manager").Sees("confirm needs the role lead")
	require.True(t, told.Private)
	require.Equal(t, head.TS, told.ThreadTS)
	desk.says(nil)
	st.User("lead-1").Presses(reply, "Confirm").Done()
	require.Equal(t, head.TS, desk.only(t).Place.Thread)
}

func TestAButtonThatAsksOpensAFormWhoseAnswersAreTheLine(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, overHTTP bool) {
		st, desk := newStage(t, overHTTP, slackfake.Options{}, nil), &notebook{}
		desk.names = func(q bot.Question) ([]string, error) { return []string{"team-emea", "team-apac"}, nil }
		st.runs(t, desk)
		m := st.board(t, slackfake.Incident, cannot)
		lead := st.User("lead-1")
		require.Empty(t, lead.Presses(m, cannot.Label).Done().Reply)
		form := lead.SeesModal("/allclear except sp-01")
		require.LessOrEqual(t, len([]rune(form.Title)), 24)
		require.Contains(t, form.Title, "Can't, because…")
		require.Empty(t, desk.requests(), "nothing is asked yet")

		lead.Fills(map[string]string{"Reason": "it's \"down\" --for 9d\nuntil Monday", "For": "soon", "Kind": "risk", "Now": "yes"})
		lead.Submits()
		form = lead.SeesModal("for cannot be")
		require.Contains(t, form.Errors["For"], "soon")
		require.Empty(t, desk.requests())

		require.Equal(t, []string{"team-emea", "team-apac", "team"}, lead.Searches("Owner", "team"), "what was typed can be chosen, too")
		lead.Fills(map[string]string{"For": "2d", "Owner": "team-apac"})
		sent := lead.Submits()
		require.Equal(t, slackfake.OK, sent.Done().Outcome)
		_, open := st.Modal("lead-1")
		require.False(t, open, "it is closed when it is taken")
		req := desk.only(t)
		spec, words, err := chat.Find(desk.Specs(), req.Text)
		require.NoError(t, err)
		v, err := chat.Parse(spec, words, nil)
		require.NoError(t, err, req.Text)
		require.Equal(t, "sp-01", v.String("server"))
		require.Equal(t, "it's \"down\" --for 9d\nuntil Monday", v.String("reason"))
		require.Equal(t, "2d", v.String("for"))
		require.Equal(t, "risk", v.String("kind"))
		require.Equal(t, "team-apac", v.String("owner"))
		require.True(t, v.Bool("now"))
		require.False(t, v.Has("until"))
		require.Equal(t, chat.TriggerButton, req.Trigger)
		require.Equal(t, slackfake.Incident, req.Place.Channel, "where the button is")
		require.NotEmpty(t, req.Place.Reply)
		require.Equal(t, "slack:T0ACME0001:U0LEAD00001", req.Actor.Link)
	})
}

func TestNamesAreSuggestedForThePlaceAndTheIncidentOfTheButton(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	b := cannot
	b.Line = "except --incident ts-1 sp-01"
	st.User("lead-1").Presses(st.board(t, slackfake.Shared, b), b.Label).Done()
	st.User("lead-1").SeesModal("except")
	require.Empty(t, st.User("lead-1").Searches("Owner", ""))
	require.Equal(t, []string{"te am"}, st.User("lead-1").Searches("Owner", " te am "))
	q := desk.asked[1]
	require.Equal(t, state.TLPGreen, q.Place.Ceiling)
	require.Equal(t, slackfake.Shared, q.Place.Channel)
	require.Equal(t, bot.Question{Link: Link(slackfake.TeamID, slackfake.Lead1), Place: q.Place, Command: "except", Arg: "owner", Prefix: "te am", Incident: "ts-1"}, q)

	st.User("stranger").Presses(st.In("shared").Last(), b.Label)
	require.True(t, st.User("stranger").Sees("not for people of other organisations").Private)
}

func TestWhatTheDeskRefusesIsToldInTheFormAndWhatWasTypedStays(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	lead := st.User("lead-1")
	lead.Presses(st.board(t, slackfake.Incident, cannot), cannot.Label).Done()
	lead.SeesModal("except")
	lead.Fills(map[string]string{"Reason": "it is down"})
	desk.says(refuses(chat.Say(chat.P("Not done: the store does not answer."), chat.N("Try again in a minute."))))
	lead.Submits()
	form := lead.SeesModal("Not done: the store does not answer.\nTry again in a minute.")
	require.Equal(t, "it is down", form.Values["Reason"])
	leave := st.crowded()
	lead.Submits()
	lead.SeesModal("too much is asked of me")
	leave()
	desk.says(nil)
	require.Equal(t, slackfake.OK, lead.Submits().Done().Outcome)
	st.Again()
	st.Eventually("it is acknowledged again", func() bool { return st.Acks("interactive") >= 5 })
	require.Equal(t, "it is down", func() string {
		spec, words, _ := chat.Find(desk.Specs(), desk.only(t).Text)
		v, _ := chat.Parse(spec, words, nil)
		return v.String("reason")
	}())
}

func TestAFormIsOpenedOnceAndWhoCannotBeShownItIsTold(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	m := st.board(t, slackfake.Incident, cannot)
	st.User("lead-1").Presses(m, cannot.Label).Done()
	st.User("lead-1").SeesModal("except")
	st.Again()
	st.Eventually("it is acknowledged again", func() bool { return st.Acks() == 2 })
	st.Eventually("it is opened once", func() bool { return len(st.Calls("views.open")) == 1 })

	st.NextCalls("views.open", 1, slackfake.Fault{Error: "expired_trigger_id"})
	st.User("lead-2").Presses(m, cannot.Label)
	require.True(t, st.User("lead-2").Sees("The form could not be opened.").Private)
	st.User("lead-2").Presses(m, cannot.Label).Done()
	st.User("lead-2").SeesModal("except")
	require.Empty(t, st.Ephemerals("lead-1"), "a second attempt would have failed, and been told")
}

func TestAButtonThatDoesNotWorkAnyMoreSaysSo(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	gone := chat.Button{Label: "Gone", Line: "vanish sp-01", Ask: []string{"reason"}}
	st.User("lead-1").Presses(st.board(t, slackfake.Incident, gone), "Gone")
	require.True(t, st.User("lead-1").Sees("This button does not work any more.").Private)
}

func TestAFormKeepsNoMoreThanSlackLetsIt(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, nil)
	form, err := chat.FormOf((&notebook{}).Specs(), cannot)
	require.NoError(t, err)
	b := press{Line: "except " + strings.Repeat("ü", 900), Ask: cannot.Ask, Label: cannot.Label}
	_, err = st.p.form(form, b, at(slackfake.Incident))
	require.NoError(t, err)
	b.Line += strings.Repeat("ü", 900)
	_, err = st.p.form(form, b, at(slackfake.Incident))
	require.Error(t, err)
}

func TestFilesAndMomentsOfAFormAreOfTheRequest(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	submit := func(b press, values map[string]any) slackfake.Delivery {
		raw, err := json.Marshal(slip{Press: b, Channel: slackfake.Incident})
		require.NoError(t, err)
		return st.Interacts(map[string]any{
			"type": "view_submission", "user": map[string]any{"id": slackfake.Responder, "team_id": slackfake.TeamID}, "team": map[string]any{"id": slackfake.TeamID},
			"view": map[string]any{"id": "V1", "callback_id": "form", "private_metadata": string(raw), "state": map[string]any{"values": values}},
		}).Done()
	}
	upload := press{Line: "evidence add", Ask: []string{"report"}}
	answer := submit(upload, map[string]any{"report": map[string]any{"answer": map[string]any{"type": "file_input", "files": []any{}}}})
	require.Equal(t, map[string]any{"report": "This is needed."}, answer.Reply["errors"])
	files := []any{map[string]any{"id": "F1", "name": "../../etc/report.csv", "mimetype": "text/csv"}, map[string]any{"id": "F2", "name": "b.json"}}
	require.Empty(t, submit(upload, map[string]any{"report": map[string]any{"answer": map[string]any{"type": "file_input", "files": files}}}).Reply)
	req := desk.only(t)
	require.Equal(t, "evidence add", req.Text)
	require.Equal(t, []chat.File{{Name: "report.csv", Ref: "F1"}, {Name: "b.json", Ref: "F2"}}, req.Files)

	moment := time.Date(2025, 7, 21, 18, 0, 0, 0, time.UTC)
	require.Empty(t, submit(press{Line: "except sp-01 because", Ask: []string{"until"}}, map[string]any{
		"until": map[string]any{"answer": map[string]any{"type": "datetimepicker", "selected_date_time": moment.Unix()}},
	}).Reply)
	spec, words, err := chat.Find(desk.Specs(), desk.requests()[1].Text)
	require.NoError(t, err)
	v, err := chat.Parse(spec, words, nil)
	require.NoError(t, err)
	require.Equal(t, moment, v.Time("until"))
}

func TestEachKindOfArgumentHasAFieldThatSlackTakes(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	for _, b := range []chat.Button{
		{Label: "All", Line: "except", Ask: []string{"server", "reason", "for?", "until?", "kind?", "now?", "owner?", "incident?"}},
		{Label: "Upload", Line: "evidence add", Ask: []string{"report"}},
	} {
		m := st.board(t, slackfake.Incident, b)
		st.User("lead-1").Presses(m, b.Label).Done()
		st.User("lead-1").SeesModal("/allclear " + b.Line)
		st.User("lead-1").Closes()
	}
}

func TestAFormThatAnotherReplicaOpenedIsNotSaidToHaveFailed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		word  string
		retry bool
		told  int
	}{{"expired_trigger_id", true, 0}, {"exchanged_trigger_id", true, 0}, {"exchanged_trigger_id", false, 0}, {"expired_trigger_id", false, 1}, {"internal_error", true, 1}} {
		st := newStage(t, true, slackfake.Options{}, nil)
		stop := st.runs(t, &notebook{})
		st.NextCalls("views.open", 1, slackfake.Fault{Error: c.word})
		i := &interaction{Type: "block_actions", TriggerID: "1.2.3", Actions: []action{{ActionID: "a", ActionTS: "1.1", Value: `{"l":"except sp-01","a":["reason"]}`}}}
		i.User.ID, i.User.Team, i.Container.Channel = slackfake.Responder, slackfake.TeamID, slackfake.Incident
		require.False(t, st.p.serve(t.Context(), delivery{act: i, retry: c.retry, at: time.Now()}).refused)
		require.NoError(t, stop())
		require.Len(t, st.Calls("views.open"), 1)
		require.Len(t, st.Ephemerals("responder"), c.told, "%s %v", c.word, c.retry)
	}
}
