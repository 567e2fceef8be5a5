package slack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

func TestAMentionIsALineAndItsThreadIsTheRequests(t *testing.T) {
	t.Parallel()
	over(t, func(t *testing.T, overHTTP bool) {
		st, desk := newStage(t, overHTTP, slackfake.Options{}, nil), &notebook{}
		st.runs(t, desk)
		st.User("responder").Mentions("incident", "@allclear: scan sp-01.acme.example").Done()
		req := desk.only(t)
		require.Equal(t, "scan sp-01.acme.example", req.Text)
		require.Equal(t, "slack:T0ACME0001:U0RESPOND01", req.Actor.Link)
		require.Equal(t, state.Place{Platform: Name, Workspace: "T0ACME0001", Channel: "C0INCIDENT1", Ceiling: state.TLPAmberStrict, Threads: true}, req.Place)

		head := st.In("incident").Last()
		st.User("lead-1").Replies(head, "@allclear status").Done()
		require.Equal(t, head.TS, desk.requests()[1].Place.Thread)
	})
}

func TestWhoWritesInPrivateNeedNotMentionUs(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	st.User("responder").Messages("scan sp-01").Done()
	req := desk.only(t)
	require.Equal(t, "scan sp-01", req.Text)
	require.Equal(t, st.DM("responder"), st.In(req.Place.Channel))
	require.Equal(t, state.TLPAmberStrict, req.Place.Ceiling, "a full member reads it alone")
	st.User("responder").Messages("@allclear /allclear status").Done()
	require.Equal(t, "status", desk.requests()[1].Text)
	st.User("responder").Messages("@allclear").Done()
	require.Equal(t, "menu", desk.requests()[2].Text)
	st.User("guest").Messages("status").Done()
	require.Equal(t, state.TLPGreen, desk.requests()[3].Place.Ceiling)
}

func TestWhatIsNotSaidToUsIsLeftAlone(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{Subscriptions: append(slackfake.DefaultEvents(), "message.channels")}, nil), &notebook{}
	st.runs(t, desk)
	sent := st.User("responder").Says("incident", "scan sp-01")
	st.User("responder").Edits(sent, "incident", "status sp-01")
	st.User("responder").Deletes(sent, "incident")
	st.User("responder").Uploads("incident", "report.csv", []byte("a,b\n"))
	st.User("responder").Mentions("incident", "thanks @allclear, good work").Done()
	own := map[string]any{"type": "app_mention", "text": "<@U0ALLCLEAR1> scan", "ts": "1700000000.000100", "channel": "C0INCIDENT1", "team": "T0ACME0001"}
	for _, more := range []map[string]any{
		{"user": "U0ALLCLEAR1"},
		{"user": "U0OTHERBOT1", "bot_id": "B0OTHERBOT1"},
		{"user": "USLACKBOT"},
		{"bot_id": "B0OTHERBOT1", "subtype": "bot_message"},
		{"user": "U0RESPOND01", "edited": map[string]any{"user": "U0RESPOND01", "ts": "1700000001.000100"}},
		{"user": "U0RESPOND01", "subtype": "message_changed"},
	} {
		event := map[string]any{}
		for k, v := range own {
			event[k] = v
		}
		for k, v := range more {
			event[k] = v
		}
		st.Event(event)
	}
	st.Eventually("all are acknowledged", func() bool { return st.Acks() == len(st.Deliveries()) && len(st.Deliveries()) > 10 })
	require.Empty(t, desk.requests())
	require.Empty(t, st.Ephemerals("responder"))
}

func TestACommandInTheMiddleOfASentenceIsNotRunAndTheWriterIsToldHow(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	st.User("responder").Mentions("incident", "yesterday I asked @allclear scan sp-01")
	require.True(t, st.User("responder").Sees("begins with my name").Private)
	require.Empty(t, desk.requests())
}

func TestARefusedMentionIsToldToThePersonAlone(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	desk.says(refuses(chat.Say(chat.P("scan needs the role responder"))))
	st.runs(t, desk)
	st.User("manager").Mentions("incident", "@allclear scan")
	require.True(t, st.User("manager").Sees("scan needs the role responder").Private)
	head := st.In("incident").Last()
	st.User("manager").Replies(head, "@allclear scan sp-01")
	st.Eventually("it is told in the thread", func() bool {
		all := st.Ephemerals("manager")
		return len(all) == 2 && all[1].ThreadTS == head.TS
	})
	desk.says(func(chat.Request) (bot.Ack, error) { return bot.Ack{}, nil })
	st.User("manager").Messages("scan")
	st.User("manager").Sees("Not done: the request could not be taken.")
}

func TestFilesAreHandedInWithALine(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	st.User("responder").Uploads("incident", "report 1.csv", []byte("a,b\n"), "@allclear evidence add").Done()
	req := desk.only(t)
	require.Equal(t, "evidence add", req.Text)
	require.Len(t, req.Files, 1)
	require.Equal(t, "report 1.csv", req.Files[0].Name)
	require.NotEmpty(t, req.Files[0].Ref)
	require.Nil(t, req.Files[0].Data, "it is read when the request runs")
	got, err := st.p.Fetch(t.Context(), req.Place, req.Files[0])
	require.NoError(t, err)
	require.Equal(t, "a,b\n", string(got.Data))

	st.User("responder").Uploads("incident", "report.csv", []byte("a,b\n"), "@allclear")
	require.True(t, st.User("responder").Sees("no word of what it is for").Private)
	st.User("responder").Sees("evidence add")
	require.Len(t, desk.requests(), 1)
}

func TestPeopleOfOtherOrganisationsAreThemselvesAndMayOnlyLook(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	st.User("stranger").Mentions("shared", "@allclear status").Done()
	req := desk.only(t)
	require.Equal(t, "slack:T0OTHER0001:U0STRANGER1", req.Actor.Link, "who is linked here can never be somebody there")
	require.Equal(t, state.TLPGreen, req.Place.Ceiling)
	st.User("stranger").Mentions("shared", "@allclear scan sp-01")
	require.True(t, st.User("stranger").Sees("scan is not for people of other organisations.").Private)
	require.Len(t, desk.requests(), 1)
	st.User("responder").Mentions("shared", "@allclear scan sp-01").Done()
	require.Len(t, desk.requests(), 2)

	// A shared channel, and nobody says whose the writer is.
	st.Event(map[string]any{"type": "app_mention", "user": "U0STRANGER1", "text": "<@U0ALLCLEAR1> scan", "ts": "1700000000.000100", "channel": "C0SHARED001"})
	st.Event(map[string]any{"type": "app_mention", "user": "U0NOBODY001", "text": "<@U0ALLCLEAR1> status", "ts": "1700000000.000200", "channel": "C0SHARED001"})
	st.Eventually("all are acknowledged", func() bool { return st.Acks() == len(st.Deliveries()) })
	require.Len(t, desk.requests(), 3)
	require.Equal(t, "slack:unknown:U0NOBODY001", desk.requests()[2].Actor.Link)
}

func TestACommandInTheThreadOfAServerIsAboutThatServer(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	m := chat.Say(chat.P("sp 01 was attacked"))
	m.About = chat.About{Incident: "ts-1", Server: "sp 01"}
	_, err := st.p.Post(t.Context(), at(slackfake.Incident), m, "one")
	require.NoError(t, err)
	head := st.In("incident").Sees("sp 01 was attacked")
	responder := st.User("responder")
	responder.Replies(head, "@allclear scan").Done()
	require.Equal(t, `scan --incident ts-1 "sp 01"`, desk.only(t).Text)
	responder.Replies(head, "@allclear scan sp-02").Done()
	require.Equal(t, "scan sp-02", desk.requests()[1].Text, "what is named counts")

	responder.Says("incident", "sp-01 looks odd")
	responder.Replies(st.In("incident").Sees("looks odd"), "@allclear scan").Done()
	require.Equal(t, "scan", desk.requests()[2].Text, "what others say of a server proves nothing")
	st.NextCalls("conversations.replies", 1, slackfake.ServerError())
	responder.Replies(head, "@allclear scan").Done()
	require.Equal(t, "scan", desk.requests()[3].Text)
}
