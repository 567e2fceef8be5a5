package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/discord"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/state"
)

func TestWhoseAPlaceIsSaysTheOperator(t *testing.T) {
	t.Parallel()
	c := communities{
		named:  map[string]state.TLP{"slack:T1:C9": state.TLPGreen, "discord:7": state.TLPGreen},
		guilds: map[string]discord.Guild{"5": {Team: true}, "6": {Ceiling: state.TLPAmber}},
	}
	for place, want := range map[state.Place]string{
		{Platform: "slack", Workspace: "T1", Channel: "C1"}:                 "",
		{Platform: "slack", Workspace: "T1", Channel: "C9"}:                 "slack:T1:C9 TLP:GREEN",
		{Platform: "discord", Workspace: "5", Channel: "1"}:                 "",
		{Platform: "discord", Workspace: "6", Channel: "1"}:                 "discord:6 TLP:CLEAR",
		{Platform: "discord", Workspace: "7", Channel: "1"}:                 "discord:7 TLP:GREEN",
		{Platform: "discord", Workspace: "8", Channel: "1"}:                 "discord:8 TLP:CLEAR",
		{Platform: "console", Channel: "console"}:                           "",
		{Platform: "discord", Person: "discord:1", Ceiling: state.TLPClear}: "",
	} {
		id, tlp, err := c.of(t.Context(), place)
		require.NoError(t, err)
		got := ""
		if id != "" {
			got = id + " " + tlp.String()
		}
		require.Equal(t, want, got, place.Key())
	}
}

func TestWhoAskedToBeCalledIsFoundByTheirLink(t *testing.T) {
	t.Parallel()
	link, ok := config{}.mention("slack")(t.Context(), "link:slack:T1:U2")
	require.True(t, ok)
	require.Equal(t, "slack:T1:U2", link)
	_, ok = config{}.mention("slack")(t.Context(), "link:discord:1")
	require.False(t, ok)
}

func TestCommunitiesAndSourcesAreConfigured(t *testing.T) {
	t.Parallel()
	var f configFile
	require.NoError(t, f.decode([]byte(`
communities:
  - {id: "discord:789", tlp: green}
  - {id: "slack:T0123:C0456"}
publisher: {name: Example CERT, namespace: "https://cert.example.com"}
feeds:
  every: 2h
  hosts: [www.cisa.gov, cveawg.mitre.org]
  sources:
    - {kind: kev, at: "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"}
    - {kind: cve, at: "https://cveawg.mitre.org/api/cve/{cve}"}
    - {kind: csaf, at: advisory.json}
`)))
	c, problems := f.check()
	require.Empty(t, problems)
	require.Equal(t, map[string]state.TLP{"discord:789": state.TLPGreen, "slack:T0123:C0456": state.TLPClear}, c.Communities.named)
	require.Equal(t, feeds.Publisher{Name: "Example CERT", Namespace: "https://cert.example.com"}, c.Publisher)
	require.Len(t, c.Feeds.Sources, 3)

	f = configFile{}
	require.NoError(t, f.decode([]byte(`
communities: [{id: discord, tlp: amber}]
publisher: {name: x}
feeds: {every: 1s, sources: [{kind: rss, at: x}, {kind: kev, at: "https://evil.example/kev"}]}
`)))
	_, problems = f.check()
	text := fmt.Sprint(problems)
	for _, want := range []string{`tlp "amber": want clear or green`, `id "discord": want a workspace`, "publisher: give both", `every "1s"`, "no kind of source", "evil.example"} {
		require.Contains(t, text, want)
	}
}
