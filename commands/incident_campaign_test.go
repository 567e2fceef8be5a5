package commands

import (
	"testing"

	"github.com/stretchr/testify/require"
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
