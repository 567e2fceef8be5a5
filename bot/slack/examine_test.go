package slack

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

func neededScopes() []string {
	var out []string
	for _, n := range needs() {
		out = append(out, n.scope)
	}
	return out
}

// wrongs are the findings that something is wrong, by what was looked at.
func wrongs(t *testing.T, all []bot.Finding) map[string]bot.Finding {
	t.Helper()
	out := map[string]bot.Finding{}
	for _, f := range all {
		require.NotEmpty(t, f.What)
		if f.Wrong != "" {
			require.NotEmpty(t, f.Do, f.Wrong)
			out[f.What] = f
		}
	}
	return out
}

func TestAnAppThatIsSetUpWellHasNothingWrong(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{Scopes: neededScopes()}, nil)
	all := st.p.Examine(t.Context(), []state.Place{incidentPlace(), at(slackfake.Secret), incidentPlace(), {Platform: "console", Channel: "terminal"}, at(slackfake.Lead1)})
	require.Empty(t, wrongs(t, all))
	require.Len(t, all, 2+1+len(needs())+2, "two tokens, the clock, the scopes, two channels")
	require.Zero(t, st.Connections(), "it does not connect")
	for _, c := range st.Calls() {
		require.Contains(t, []string{"auth.test", "apps.connections.open", "conversations.info"}, c.Method, "it changes nothing")
	}
}

func TestWhatIsMissingIsToldWithWhatStops(t *testing.T) {
	t.Parallel()
	scopes := slices.DeleteFunc(neededScopes(), func(s string) bool { return s == "pins:write" || s == "chat:write" })
	st := newStage(t, false, slackfake.Options{Scopes: append(scopes, "chat:write.public")}, nil)
	bad := wrongs(t, st.p.Examine(t.Context(), nil))
	require.Len(t, bad, 3)
	require.Contains(t, bad["the scope pins:write"].Wrong, "boards are not pinned")
	require.True(t, bad["the scope pins:write"].Warning)
	require.False(t, bad["the scope chat:write"].Warning)
	for _, scope := range []string{"files:write", "channels:history", "groups:history", "im:history"} {
		without := slices.DeleteFunc(neededScopes(), func(s string) bool { return s == scope })
		st := newStage(t, false, slackfake.Options{Scopes: without}, nil)
		f := wrongs(t, st.p.Examine(t.Context(), nil))["the scope "+scope]
		require.NotEmpty(t, f.Wrong)
		require.False(t, f.Warning, scope)
	}
	require.Contains(t, bad["other scopes"].Wrong, "chat:write.public")
}

func TestTokensThatAreRefusedAreSaidSoWithoutThem(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{}, func(o *Options) { o.BotToken, o.AppToken = "xoxb-1-wrong-token", "xapp-1-wrong-token" })
	all := st.p.Examine(t.Context(), []state.Place{incidentPlace()})
	bad := wrongs(t, all)
	require.Len(t, bad, 2)
	require.Contains(t, bad["the bot token"].Wrong, "invalid_auth")
	require.Contains(t, bad["the bot token"].Do, "ALLCLEAR_SLACK_BOT_TOKEN")
	require.Contains(t, bad["the app token"].Do, "ALLCLEAR_SLACK_APP_TOKEN")
	require.NotContains(t, text(all), "wrong-token")

	st = newStage(t, false, slackfake.Options{}, nil)
	st.NextCalls("*", -1, slackfake.ServerError())
	require.Contains(t, wrongs(t, st.p.Examine(t.Context(), nil))["the bot token"].Wrong, "did not answer")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Len(t, wrongs(t, st.p.Examine(ctx, nil)), 2)
}

func TestChannelsThatCannotBeWrittenToAreFound(t *testing.T) {
	t.Parallel()
	st := newStage(t, true, slackfake.Options{Scopes: neededScopes()}, nil)
	other := incidentPlace()
	other.Workspace = "T0OTHER0001"
	bad := wrongs(t, st.p.Examine(t.Context(), []state.Place{at(slackfake.General), at(slackfake.Hidden), at(slackfake.Archived), at(slackfake.Shared), other}))
	require.Len(t, bad, 5)
	require.Contains(t, bad["the channel #general (C0GENERAL01)"].Do, "/invite @allclear")
	require.Contains(t, bad["the channel C0HIDDEN001"].Wrong, "private")
	require.Contains(t, bad["the channel #archived (C0ARCHIVED1)"].Wrong, "archived")
	require.Contains(t, bad["the channel #shared (C0SHARED001)"].Wrong, "TLP:GREEN")
	require.True(t, bad["the channel #shared (C0SHARED001)"].Warning)
	require.Contains(t, bad["the channel C0INCIDENT1"].Wrong, "T0OTHER0001")
}

func TestAClockThatIsWrongIsFound(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 7, 21, 18, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		ours          time.Duration
		wrong, severe bool
		word          string
	}{
		"right": {0, false, false, ""}, "a little": {50 * time.Second, false, false, ""},
		"ahead": {90 * time.Second, true, false, "ahead of"}, "behind": {-90 * time.Second, true, false, "behind"},
		"far ahead": {6 * time.Minute, true, true, "ahead of"}, "far behind": {-6 * time.Minute, true, true, "behind"},
	} {
		h := http.Header{"Date": {now.Format(http.TimeFormat)}}
		f := clockFinding(h, now.Add(c.ours), now.Add(c.ours+time.Second))
		require.Len(t, f, 1)
		require.Equal(t, c.wrong, f[0].Wrong != "", "%s: %s", name, f[0].Wrong)
		require.Equal(t, c.severe, f[0].Wrong != "" && !f[0].Warning, name)
		require.True(t, strings.Contains(f[0].Wrong, c.word))
	}
	slow := clockFinding(http.Header{"Date": {now.Format(http.TimeFormat)}}, now.Add(-2*time.Minute), now.Add(2*time.Minute))
	require.Empty(t, slow[0].Wrong, "an answer that took long proves nothing")
	require.Empty(t, clockFinding(http.Header{}, now, now))

	st := newStage(t, false, slackfake.Options{Scopes: neededScopes()}, func(o *Options) { o.Now = func() time.Time { return time.Now().Add(-10 * time.Minute) } })
	bad := wrongs(t, st.p.Examine(t.Context(), nil))
	require.Len(t, bad, 1)
	require.False(t, bad["the clock"].Warning)
}

func TestAPlaceThatNothingReachesIsTold(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{Scopes: neededScopes()}, nil)
	require.Empty(t, st.p.Reach(t.Context(), incidentPlace()))
	require.Equal(t, "Slack knows no such channel, or it is private and we are not in it. Write /invite @allclear in it.", st.p.Reach(t.Context(), at("C0NOWHERE01")))
	st.NextCalls("conversations.info", 10, slackfake.ServerError())
	require.Empty(t, st.p.Reach(t.Context(), incidentPlace()), "what is not known is not told")
}

func TestPeopleWhoseIdentityCannotActAreTold(t *testing.T) {
	t.Parallel()
	st := newStage(t, false, slackfake.Options{Scopes: neededScopes()}, nil)
	people := state.People{
		{ID: "lead-1", Role: state.RoleLead, Links: []string{Link(slackfake.TeamID, slackfake.Lead1), "console:uid-1"}},
		{ID: "gone", Links: []string{Link(slackfake.TeamID, slackfake.Gone)}},
		{ID: "guest", Role: state.RoleLead, Links: []string{Link(slackfake.TeamID, slackfake.Guest)}},
		{ID: "watching", Links: []string{Link(slackfake.TeamID, slackfake.Guest)}},
		{ID: "typo", Links: []string{Link(slackfake.TeamID, "U0NOBODY001")}},
		{ID: "other", Links: []string{Link("T0OTHER0001", slackfake.Lead1)}},
	}
	all := st.p.ExaminePeople(t.Context(), people)
	require.Len(t, all, 6, "who is linked elsewhere is examined there")
	for i, want := range []string{"", "deactivated", "It is a guest", "", "no such user", "The workspace is not the token's"} {
		if want == "" {
			require.Empty(t, all[i].Wrong, all[i].What)
			continue
		}
		require.Contains(t, all[i].Wrong, want)
		require.NotEmpty(t, all[i].Do)
	}
	st.NextCalls("users.info", 1, slackfake.ServerError())
	require.True(t, st.p.ExaminePeople(t.Context(), people[:1])[0].Warning, "what is not known is no fault")
}
