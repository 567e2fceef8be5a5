package slack

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

func TestGuestsAreViewersAtMostWhoeverTheyAreLinkedTo(t *testing.T) {
	t.Parallel()
	st, waits := aged(t, nil)
	bot := st.AddUser(slackfake.User{Name: "other-bot", Bot: true})
	_, err := st.p.Limit(t.Context(), Link(slackfake.TeamID, slackfake.Lead1))
	require.ErrorIs(t, err, state.ErrUnavailable, "it is not known yet who we are: what was acknowledged is run again, and refused nobody")
	st.runs(t, &notebook{})
	most := func(link string) state.Role {
		r, err := st.p.Limit(t.Context(), link)
		require.NoError(t, err)
		return r
	}
	for _, user := range []string{slackfake.Lead1, slackfake.Responder} {
		require.Equal(t, state.RoleLead, most(Link(slackfake.TeamID, user)), user)
	}
	for _, link := range []string{
		Link(slackfake.TeamID, slackfake.Guest), Link(slackfake.TeamID, slackfake.Stranger), Link(slackfake.OtherTeam, slackfake.Stranger),
		Link(slackfake.TeamID, slackfake.Gone), Link(slackfake.TeamID, bot.ID), Link(slackfake.OtherTeam, slackfake.Lead1),
		Link(slackfake.TeamID, "U0NOBODY001"), "slack:", "",
	} {
		require.Equal(t, state.RoleViewer, most(link), link)
	}
	st.NextCalls("users.info", -1, slackfake.Fault{Error: "internal_error"})
	waits(2 * time.Hour)
	require.Equal(t, state.RoleLead, most(Link(slackfake.TeamID, slackfake.Lead1)), "no lead is locked out because Slack is slow")
	require.Equal(t, state.RoleViewer, most(Link(slackfake.TeamID, slackfake.Guest)))
	role, err := st.p.Limit(t.Context(), Link(slackfake.TeamID, slackfake.Lead2))
	require.ErrorIs(t, err, state.ErrUnavailable, "who was never seen is not judged while Slack does not say who that is")
	require.Equal(t, state.RoleViewer, role)
}

func TestWhoIsTakenOutOfAGroupWhileItIsReadIsNotPutBack(t *testing.T) {
	t.Parallel()
	var p *Platform
	leaves := true
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if leaves {
			p.dir.leave("S0GROUP0001", []string{"U0LEFT00001"})
		}
		leaves = false
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"ok":true,"users":["U0LEFT00001"]}`))
	}))
	t.Cleanup(api.Close)
	p, err := New(Options{BotToken: "xoxb-1", AppToken: "xapp-1", API: api.URL + "/", Roles: map[string]state.Role{Link("T0ACME0001", "S0GROUP0001"): state.RoleLead}})
	require.NoError(t, err)
	require.NoError(t, p.dir.readGroup(t.Context(), "S0GROUP0001"))
	require.False(t, p.dir.in("S0GROUP0001", "U0LEFT00001"))
	require.Len(t, p.dir.kick, 1, "it is read again")
	require.NoError(t, p.dir.readGroup(t.Context(), "S0GROUP0001"))
	require.True(t, p.dir.in("S0GROUP0001", "U0LEFT00001"), "what was read afterwards counts")
}
