package slack

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

func TestTheHomeIsARequestOfWhoOpensItNotMoreThanOnceInTenSeconds(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	st.User("responder").OpensHome().Done()
	req := desk.only(t)
	require.Equal(t, "home", req.Text)
	require.True(t, req.Private)
	link := Link(slackfake.TeamID, slackfake.Responder)
	require.Equal(t, link, req.Actor.Link)
	require.Equal(t, state.Place{Platform: Name, Workspace: slackfake.TeamID, Channel: homeChannel, Person: link, Ceiling: state.TLPAmberStrict}, req.Place)
	for range 5 {
		st.User("responder").OpensHome().Done()
	}
	require.Len(t, desk.requests(), 1)
	st.User("guest").OpensHome().Done()
	require.Equal(t, state.TLPGreen, desk.requests()[1].Place.Ceiling)
	st.Event(map[string]any{"type": "app_home_opened", "user": slackfake.Lead1, "tab": "messages"})
	st.Eventually("it is acknowledged", func() bool { return st.Acks() == 8 })
	require.Len(t, desk.requests(), 2, "only the home is drawn")
}

func TestAfterTenSecondsTheHomeIsDrawnAgain(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.nano.Store(time.Now().UnixNano())
	d.runs(t, d.desk)
	d.User("responder").OpensHome().Done()
	d.waits(homeEvery)
	d.Clock().Advance(homeEvery)
	d.User("responder").OpensHome().Done()
	require.Len(t, d.desk.requests(), 2)
}

func TestAButtonOfTheHomeIsAnsweredDirectlyAndTheHomeDrawnAgain(t *testing.T) {
	t.Parallel()
	st, desk := newStage(t, false, slackfake.Options{}, nil), &notebook{}
	st.runs(t, desk)
	link := Link(slackfake.TeamID, slackfake.Responder)
	home := state.Place{Platform: Name, Workspace: slackfake.TeamID, Channel: homeChannel, Person: link}
	_, err := st.p.Post(t.Context(), home, chat.Say(chat.P("my servers"), chat.Row(chat.Button{Label: "Scan", Line: "scan"}, cannot)), "home")
	require.NoError(t, err)
	responder := st.User("responder")
	responder.SeesHome("my servers")
	responder.PressesIn("Scan").Done()
	require.Len(t, desk.requests(), 2)
	req, redraw := desk.requests()[0], desk.requests()[1]
	require.Equal(t, "scan", req.Text)
	require.True(t, req.Private)
	require.Equal(t, state.Place{Platform: Name, Workspace: slackfake.TeamID, Person: link, Ceiling: state.TLPAmberStrict}, req.Place)
	require.Equal(t, homeLine, redraw.Text)
	require.Equal(t, homeChannel, redraw.Place.Channel)
	require.Equal(t, link, redraw.Place.Person)
	require.True(t, redraw.Private)
	st.Again()
	st.Eventually("it is acknowledged again", func() bool { return st.Acks() == 2 })
	require.Len(t, desk.requests(), 2, "the same press is the same requests")
	for _, answer := range []string{"the first answer", "the second answer"} {
		_, err := st.p.Post(t.Context(), req.Place, chat.Say(chat.P(answer)), answer)
		require.NoError(t, err)
	}
	responder.Sees("the first answer")
	responder.Sees("the second answer")
	responder.SeesHome("my servers")

	responder.PressesIn("Scan").Done()
	require.Len(t, desk.requests(), 4)

	responder.PressesIn(cannot.Label).Done()
	responder.SeesModal("except")
	responder.Fills(map[string]string{"Reason": "it is down"})
	responder.Submits().Done()
	require.Len(t, desk.requests(), 6)
	require.Equal(t, req.Place, desk.requests()[4].Place)
	require.True(t, desk.requests()[4].Private)
	require.Equal(t, homeLine, desk.requests()[5].Text)

	desk.says(refuses(chat.Say(chat.P("scan needs the role responder"))))
	responder.PressesIn("Scan").Done()
	responder.Sees("scan needs the role responder")
	responder.SeesHome("my servers")
}
