package commands

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/playbook"
)

func TestAnIncidentThatIsNamedAfterACampaignGetsItsPlaybook(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"toolshell-1":                        "toolshell",
		"citrixbleed2":                       "citrixbleed2",
		"citrixbleed2-emea":                  "citrixbleed2",
		"citrixbleed20":                      "toolshell",
		"proxynotshell.2":                    "proxynotshell",
		"sharepoint-2026-50522-headquarters": "sharepoint-2026-50522",
		"sharepoint-2026":                    "toolshell",
		"ts-1":                               "toolshell",
	} {
		require.Equal(t, want, campaign(id), id)
	}
}

func TestAFixLineOfSeveralBranchesIsToldOnce(t *testing.T) {
	t.Parallel()
	p, err := playbook.Builtin("citrixbleed2")
	require.NoError(t, err)
	require.Equal(t, []string{
		"NetScaler 14.1: 14.1.43.56",
		"NetScaler 13.1: 13.1.58.32",
		"NetScaler 13.1 FIPS and NDcPP: 13.1.37.235",
		"NetScaler 12.1 FIPS: 12.1.55.328",
		"NetScaler 12.1 and 13.0, out of support: no fix: disconnect it",
	}, fixLines(p.Rules()))
}
