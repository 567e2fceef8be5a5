package playbook

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

// facts is what public sources say of builds, kept apart from the playbook.
type facts struct {
	Header []struct {
		Product  string   `json:"product"`
		Value    string   `json:"header_value"`
		Possible []string `json:"possible"`
		Verdict  string   `json:"verdict"`
	} `json:"header"`
	Builds [][3]string `json:"builds"` // build, product, class
}

func readFacts(t *testing.T) facts {
	t.Helper()
	data, err := os.ReadFile("testdata/toolshell-facts.json")
	require.NoError(t, err)
	var f facts
	require.NoError(t, json.Unmarshal(data, &f))
	require.Len(t, f.Builds, 477)
	require.Len(t, f.Header, 21)
	return f
}

func toolshell(t *testing.T) Playbook {
	t.Helper()
	p, err := Load("toolshell")
	require.NoError(t, err)
	return p
}

func version(t *testing.T, s string) state.Version {
	t.Helper()
	v, err := state.ParseVersion(s)
	require.NoError(t, err)
	return v
}

func classVerdict(t *testing.T, class string) state.Verdict {
	t.Helper()
	switch class {
	case "vulnerable", "partial_july8", "unsupported_no_fix":
		return state.VerdictVulnerable
	case "fixed":
		return state.VerdictFixed
	}
	require.Failf(t, "unknown class", "%s", class)
	return state.VerdictUnknown
}

func TestEveryPublishedBuildIsJudgedAsThePublicSourcesDo(t *testing.T) {
	t.Parallel()
	rules := toolshell(t).Rules()
	partial := 0
	for _, b := range readFacts(t).Builds {
		j := rules.Judge(version(t, b[0]))
		require.Equal(t, b[1], j.Product, b[0])
		require.Equal(t, classVerdict(t, b[2]), j.Verdict, "%s: %s", b[0], j.Reason)
		if b[2] == "partial_july8" {
			partial++
			require.Contains(t, j.Reason, "fixes the earlier CVEs only", b[0])
		}
	}
	require.Equal(t, 3, partial)
}

func TestThePlaybookKnowsExactlyThePublishedBuilds(t *testing.T) {
	t.Parallel()
	var got [][2]string
	for _, p := range toolshell(t).Rules().Products {
		for _, b := range p.Branches {
			for _, k := range b.Known {
				got = append(got, [2]string{k.Version.String(), p.ID})
			}
		}
	}
	var want [][2]string
	for _, b := range readFacts(t).Builds {
		want = append(want, [2]string{b[0], b[1]})
	}
	require.Equal(t, want, got)
}

func TestTheHeaderDecidesExactlyWhatItCanDecide(t *testing.T) {
	t.Parallel()
	p := toolshell(t)
	rules := p.Rules()
	want := map[string]state.Verdict{
		"not_fixed": state.VerdictVulnerable, "inconclusive": state.VerdictUnknown, "fixed": state.VerdictFixed,
	}
	for _, row := range readFacts(t).Header {
		v := extract(p.Observers[0], row.Value)
		require.Equal(t, 3, v.Len(), row.Value)
		j := rules.Judge(v)
		require.Equal(t, row.Product, j.Product, row.Value)
		require.Equal(t, want[row.Verdict], j.Verdict, "%s: %s", row.Value, j.Reason)
		require.Equal(t, row.Verdict == "inconclusive", j.Settle == "inside evidence: run the collector on the server", row.Value)
	}
}

func TestAPrefixIsDecidedOnlyIfAllItsBuildsAgree(t *testing.T) {
	t.Parallel()
	rules := toolshell(t).Rules()
	byPrefix := map[string][]string{}
	for _, b := range readFacts(t).Builds {
		prefix := version(t, b[0]).Prefix(3).String()
		byPrefix[prefix] = append(byPrefix[prefix], b[2])
	}
	for prefix, classes := range byPrefix {
		want := classVerdict(t, classes[0])
		for _, c := range classes {
			if classVerdict(t, c) != want {
				want = state.VerdictUnknown
			}
		}
		j := rules.Judge(version(t, prefix))
		require.Equal(t, want, j.Verdict, "%s: %s", prefix, j.Reason)
	}
}

func TestBuildsOffTheTableAreJudgedByTheirBranch(t *testing.T) {
	t.Parallel()
	rules := toolshell(t).Rules()
	for _, c := range []struct {
		build, product string
		verdict        state.Verdict
	}{
		{"16.0.10417.99999", "sp2019", state.VerdictFixed}, // newer than the table
		{"16.0.10500.20000", "sp2019", state.VerdictFixed},
		{"16.0.10417.20036", "sp2019", state.VerdictVulnerable}, // between two published builds
		{"16.0.5513.1000", "sp2016", state.VerdictVulnerable},
		{"16.0.9999.1", "sp2016", state.VerdictFixed},
		{"16.0.10", "sp2016", state.VerdictVulnerable}, // cut short, or very old
		{"16.0.10000", "sp2019", state.VerdictVulnerable},
		{"16.0.13999.1", "sp2019", state.VerdictFixed},
		{"16.0.14000.1", "spse", state.VerdictVulnerable},
		{"16.0.18526.20507", "spse", state.VerdictVulnerable},
		{"16.0.19999", "spse", state.VerdictFixed},
		{"16.0.20000.1", "spo", state.VerdictUnknown},
		{"16.0.27612", "spo", state.VerdictUnknown},
		{"15.0.9999.1", "sp2013", state.VerdictVulnerable},
		{"14.0.7015", "sp2010", state.VerdictVulnerable},
		{"16.0", "", state.VerdictUnknown}, // three products share it
		{"12.0.6421.1000", "", state.VerdictUnknown},
		{"17.0.1.1", "", state.VerdictUnknown},
	} {
		j := rules.Judge(version(t, c.build))
		require.Equal(t, c.product, j.Product, c.build)
		require.Equal(t, c.verdict, j.Verdict, "%s: %s", c.build, j.Reason)
	}
	require.Contains(t, rules.Judge(version(t, "16.0.27612")).Reason, "inference")
	require.Contains(t, rules.Judge(version(t, "15.0.5545.1000")).Reason, "no fix")
}

func TestAlfrescoIsKnownByItsConstant(t *testing.T) {
	t.Parallel()
	header := toolshell(t).Observers[0]
	require.Len(t, header.Lookalikes, 1)
	alfresco := header.Lookalikes[0]
	require.Equal(t, "Alfresco", alfresco.Name)
	require.True(t, alfresco.Pattern.MatchString("14.00.0.000"))
	require.False(t, alfresco.Pattern.MatchString("14.0.0.7015"), "that is SharePoint 2010")
	require.False(t, alfresco.Pattern.MatchString("16.0.0.10417"))
}

func TestObserversReadWhatServersSend(t *testing.T) {
	t.Parallel()
	p := toolshell(t)
	for _, c := range []struct {
		observer     int
		answer, want string
	}{
		{0, "16.0.0.5513", "16.0.5513"},
		{0, "16.0.0.10417; x", ""},
		{0, "16.0.7.10417", ""}, // what is left out must be 0
		{0, "16.0.10417", ""},
		{1, "vti_encoding:SR|utf8-nl\nvti_extenderversion:SR|16.0.0.4732\n", "16.0.4732"},
		{1, "x vti_extenderversion:SR|16.0.0.4732", ""},
		{2, "vti_encoding:SR|utf8-nl\r\nvti_buildversion:SR|16.0.10417.20037\r\n", "16.0.10417.20037"},
		{2, "vti_buildversion:SR|16.0.10417", ""},
	} {
		require.Equal(t, c.want, extract(p.Observers[c.observer], c.answer).String(), c.answer)
	}
}

func TestLogRulesMatchTheTrafficThatWasSeen(t *testing.T) {
	t.Parallel()
	rules := map[string]LogRule{}
	for _, l := range toolshell(t).LogRules {
		rules[l.ID] = l
	}
	for _, c := range []struct {
		rule, stem, query, referer string
		want                       bool
	}{
		{"toolpane-strict", "/_layouts/15/ToolPane.aspx", "DisplayMode=Edit&a=/ToolPane.aspx", "/_layouts/SignOut.aspx", true},
		{"toolpane-strict", "/_layouts/16/toolpane.aspx/lx", "DisplayMode=Edit&lx=/ToolPane.aspx", "/_layouts/./SignOut.aspx", false},
		{"toolpane-general", "/_layouts/15/ToolPane.aspx", "DisplayMode=Edit&a=/ToolPane.aspx", "/_layouts/SignOut.aspx", true},
		{"toolpane-general", "/_layouts/16/toolpane.aspx/lx", "DisplayMode=Edit&lx=/ToolPane.aspx", "/_layouts/./SignOut.aspx", true},
		{"toolpane-general", "/_layouts/15/ToolPane.aspx", "DisplayMode=Edit&a=/other.aspx", "/_layouts/SignOut.aspx", false},
		{"spinstall-access", "/_layouts/15/SPInstall0.aspx", "", "", true},
		{"spinstall-access", "/_layouts/ghostfile346.aspx", "", "", true},
		{"spinstall-access", "/_layouts/15/start.aspx", "", "", false},
	} {
		l := rules[c.rule]
		got := l.Stem.MatchString(c.stem) &&
			(l.Query == nil || l.Query.MatchString(c.query)) && (l.Referer == nil || l.Referer.MatchString(c.referer))
		require.Equal(t, c.want, got, "%s on %s", c.rule, c.stem)
	}
}

func TestIndicatorsAreWellSourcedExactNames(t *testing.T) {
	t.Parallel()
	p := toolshell(t)
	require.Len(t, p.Plan().Indicators, 10)
	for _, i := range p.Indicators {
		require.Contains(t, []string{"A", "B"}, i.Grade, i.ID)
		require.True(t, strings.HasPrefix(i.Path, "/_layouts/15/") || strings.HasPrefix(i.Path, "/_layouts/16/"), i.Path)
	}
	for _, o := range p.Observers {
		require.NotEmpty(t, o.Caveat, o.ID)
	}
}

func TestToolShellHasTheFactsOfItsCampaign(t *testing.T) {
	t.Parallel()
	p := toolshell(t)
	rules := p.Rules()
	require.Equal(t, "toolshell", rules.Playbook)
	require.Equal(t, 2, rules.Revision)
	require.Equal(t, "web application", rules.Item)
	require.Equal(t, "2025-07-07", day(rules.Window))
	require.Equal(t, "2025-07-21", day(rules.Due))
	require.Equal(t, []string{"CVE-2025-49704", "CVE-2025-49706", "CVE-2025-53770", "CVE-2025-53771"}, rules.CVEs)
	require.True(t, p.CVEs[3].KEVDue.IsZero(), "CVE-2025-53771 is not in CISA KEV")
	require.Len(t, p.IOCs, 66)
	require.Equal(t, []string{
		"contain", "preserve", "patch", "patch-language", "psconfig", "amsi", "hunt", "modules", "evict",
		"rotate", "deploy", "restart", "verify",
	}, ids(rules.Steps, stepID))
}
