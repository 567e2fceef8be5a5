package feeds_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

func TestVEXDocumentsSayOfEachPlaybookWhichProductsAreAffected(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 7, 22, 9, 0, 0, 0, time.UTC)
	for _, name := range []string{"toolshell", "sharepoint-2026-50522", "citrixbleed2", "proxynotshell"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pb, err := playbook.Load(name)
			require.NoError(t, err)
			v := feeds.VEX{ID: "ALLCLEAR-x-1", Rules: pb.Rules(), First: at, Made: at.Add(time.Hour), TLP: state.TLPAmber}
			raw, err := v.WriteCSAF(feeds.Publisher{Name: "Example", Namespace: "https://example.com"}) // held against the schema and the model
			require.NoError(t, err)
			require.Contains(t, string(raw), `"category": "csaf_vex"`)
			require.Contains(t, string(raw), `"known_affected"`)
			again, err := v.WriteCSAF(feeds.Publisher{Name: "Example", Namespace: "https://example.com"})
			require.NoError(t, err)
			require.Equal(t, raw, again)
			open, err := v.WriteOpenVEX(feeds.Publisher{})
			require.NoError(t, err)
			var doc struct {
				Statements []struct {
					Status string `json:"status"`
					Action string `json:"action_statement"`
					Impact string `json:"impact_statement"`
				} `json:"statements"`
			}
			require.NoError(t, json.Unmarshal(open, &doc))
			for _, s := range doc.Statements { // as the specification demands of each status
				require.Contains(t, []string{"affected", "not_affected", "fixed"}, s.Status)
				require.Equal(t, s.Status == "affected", s.Action != "")
				require.Equal(t, s.Status == "not_affected", s.Impact != "")
			}
		})
	}
	_, err := feeds.VEX{ID: "x", Rules: state.Rules{Playbook: "x"}, TLP: state.TLPAmber}.WriteCSAF(feeds.Publisher{})
	require.ErrorContains(t, err, "names no CVE or no product")
	_, err = feeds.VEX{TLP: state.TLPAmberStrict}.WriteCSAF(feeds.Publisher{})
	require.ErrorContains(t, err, "no name for TLP:AMBER+STRICT")
}
