package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

func TestWhatIsWrongAboutSlackIsToldAtOnceAndWithoutTokens(t *testing.T) {
	t.Parallel()
	f := configFile{Slack: slackFile{
		BotToken: "xoxp-marked-token", AppToken: "marked-token", Command: "allclear", Ceiling: "red", SharedCeiling: "pink",
		Roles: map[string]string{"S0123": "boss"},
	}}
	_, problems := f.check()
	var said string
	for _, p := range problems {
		said += p.Error() + "\n"
	}
	for _, want := range []string{"xoxb-", "xapp-", `command "allclear"`, `ceiling "red"`, `shared_ceiling "pink"`, `"boss"`, `"S0123"`} {
		require.Contains(t, said, want)
	}
	require.NotContains(t, said, "marked-token")
	_, problems = configFile{Slack: slackFile{AppToken: "xapp-1"}}.check()
	require.ErrorContains(t, problems[0], "ALLCLEAR_SLACK_BOT_TOKEN")
	_, problems = configFile{Slack: slackFile{BotToken: "xoxb-1"}}.check()
	require.ErrorContains(t, problems[0], "signing_secret")
	c, problems := configFile{Slack: slackFile{BotToken: "xoxb-1", AppToken: "xapp-1", Roles: map[string]string{"slack:T1:S1": "lead"}, SharedCeiling: "clear"}}.check()
	require.Empty(t, problems)
	require.Equal(t, map[string]state.Role{"slack:T1:S1": state.RoleLead}, c.Slack.Roles)
	require.Equal(t, state.TLPClear, c.Slack.SharedCeiling)
	require.False(t, c.Slack.overHTTP())
}

func TestAMentionIsWhoActsForTheOwnerOnThePlatform(t *testing.T) {
	t.Parallel()
	c := config{
		People: state.People{
			{ID: "responder-1", Links: []string{"discord:G1:7", "slack:T1:U1"}, Owns: []string{"owner-finance"}},
			{ID: "responder-2", Links: []string{"discord:G1:8"}},
		},
		Groups: map[string][]string{"team-emea": {"discord:G1:99", "slack:T1:S1"}},
	}
	find := c.mention("slack")
	for name, want := range map[string]string{
		"owner:owner-finance": "slack:T1:U1", "owner:responder-1": "slack:T1:U1", "person:responder-1": "slack:T1:U1",
		"group:team-emea": "slack:T1:S1", "owner:team-emea": "slack:T1:S1",
		"owner:responder-2": "", "owner:nobody": "", "group:": "", "x": "", "": "",
	} {
		link, ok := find(t.Context(), name)
		require.Equal(t, want, link, name)
		require.Equal(t, want != "", ok, name)
	}
}

func TestWhoeverRunsTheProcessIsNoSecondPersonBesideThoseWhoAreNamed(t *testing.T) {
	t.Parallel()
	alone := config{}.withSelf().People
	require.Equal(t, state.PersonID("lead-1"), alone[0].ID)
	people := config{People: state.People{{ID: "responder-1", Role: state.RoleResponder, Links: []string{"slack:T1:U3"}}}}.withSelf().People
	require.Len(t, people, 2)
	self := people[1]
	require.Equal(t, state.RoleLead, self.Role)
	require.False(t, state.Distinct("responder-1", "slack:T1:U3", self.ID, self.Links[0]))
}
