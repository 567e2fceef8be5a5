package slack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

func TestTheShortcutOnOurMessageIsTheStatusOfItsServer(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{Shortcuts: map[string]string{"Act on this server": actOnServer, "Other": "other"}}, nil), &notebook{}
	st.runs(t, desk)
	m := chat.Say(chat.P("sp 01 was attacked"))
	m.About = chat.About{Incident: "ts-1", Server: "sp 01"}
	head, err := st.p.Post(t.Context(), at(slackfake.Incident), m, "one")
	require.NoError(t, err)
	responder := st.User("responder")
	responder.UsesShortcut(st.In("incident").Sees("sp 01 was attacked"), "Act on this server").Done()
	req := desk.only(t)
	require.Equal(t, `status --incident ts-1 "sp 01"`, req.Text)
	require.True(t, req.Private)
	require.Equal(t, slackfake.Incident, req.Place.Channel)
	require.NotEmpty(t, req.Place.Reply)

	inThread := at(slackfake.Incident)
	inThread.Thread = head
	m.Parts, m.About = []chat.Part{chat.P("sp-02 in the thread")}, chat.About{Server: "sp-02"}
	_, err = st.p.Post(t.Context(), inThread, m, "two")
	require.NoError(t, err)
	responder.UsesShortcut(st.In("incident").Sees("sp-02 in the thread"), "Act on this server").Done()
	require.Equal(t, "status sp-02", desk.requests()[1].Text)
	require.Equal(t, head, desk.requests()[1].Place.Thread)

	responder.UsesShortcut(st.In("incident").Sees("sp-02 in the thread"), "Other").Done()
	require.Len(t, desk.requests(), 2, "another shortcut is not ours to answer")
}

func TestTheShortcutOnAnyOtherMessageIsTheMenu(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{Shortcuts: map[string]string{"Act on this server": actOnServer}}, nil), &notebook{}
	st.runs(t, desk)
	responder := st.User("responder")
	responder.Says("incident", "sp-01 looks odd")
	responder.UsesShortcut(st.In("incident").Sees("looks odd"), "Act on this server").Done()
	_, err := st.p.Post(t.Context(), at(slackfake.Incident), chat.Say(chat.P("a digest")), "one")
	require.NoError(t, err)
	responder.UsesShortcut(st.In("incident").Sees("a digest"), "Act on this server").Done()
	st.NextCalls("conversations.replies", 1, slackfake.ServerError())
	responder.UsesShortcut(st.In("incident").Sees("a digest"), "Act on this server").Done()
	require.Len(t, desk.requests(), 3)
	for _, req := range desk.requests() {
		require.Equal(t, "menu", req.Text)
		require.True(t, req.Private)
	}
	st.Eventually("what others wrote is not looked up", func() bool { return len(st.Calls("conversations.replies")) == 2 })
}
