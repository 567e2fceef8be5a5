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

func TestAButtonOfTheHomeAnswersThere(t *testing.T) {
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
	req := desk.only(t)
	require.Equal(t, "scan", req.Text)
	require.True(t, req.Private)
	require.Equal(t, homeChannel, req.Place.Channel)
	require.Equal(t, link, req.Place.Person)
	require.Equal(t, state.TLPAmberStrict, req.Place.Ceiling)

	responder.PressesIn(cannot.Label).Done()
	responder.SeesModal("except")
	responder.Fills(map[string]string{"Reason": "it is down"})
	responder.Submits().Done()
	require.Len(t, desk.requests(), 2)
	require.Equal(t, homeChannel, desk.requests()[1].Place.Channel)
	require.True(t, desk.requests()[1].Private)

	desk.says(refuses(chat.Say(chat.P("scan needs the role responder"))))
	responder.PressesIn("Scan")
	responder.SeesHome("scan needs the role responder")
}
