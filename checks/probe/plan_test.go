package probe_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/probe"
	"github.com/allclear-bot/allclear/state"
)

func version(s string) state.Version {
	v, err := state.ParseVersion(s)
	if err != nil {
		panic(err)
	}
	return v
}

// rules are a small ToolShell.
func rules() state.Rules {
	branch := func(from, below, fixed string, known ...string) []state.Branch {
		b := state.Branch{From: version(from), Below: version(below)}
		if fixed != "" {
			b.Fixed = version(fixed)
		}
		for _, k := range known {
			b.Known = append(b.Known, state.Build{Version: version(k)})
		}
		return []state.Branch{b}
	}
	return state.Rules{Playbook: "toolshell", Revision: 1, Products: []state.Product{
		{ID: "sp2013", Name: "SharePoint Server 2013", Affected: true, Note: "End of life.", Branches: branch("15.0.0", "15.1.0", "")},
		{ID: "sp2016", Name: "SharePoint Server 2016", Affected: true, Branches: branch("16.0.4000", "16.0.10000", "16.0.5513.1001", "16.0.4351.1000", "16.0.5508.1000", "16.0.5513.1001", "16.0.5513.1002")},
		{ID: "sp2019", Name: "SharePoint Server 2019", Affected: true, Branches: branch("16.0.10000", "16.0.14000", "16.0.10417.20037", "16.0.10337.12109", "16.0.10417.20003", "16.0.10417.20027", "16.0.10417.20037")},
		{ID: "se", Name: "SharePoint Server Subscription Edition", Affected: true, Branches: branch("16.0.14000", "16.0.20000", "16.0.18526.20508", "16.0.14326.20450", "16.0.18526.20424", "16.0.18526.20508", "16.0.19127.20100")},
		{ID: "online", Name: "SharePoint Online", Note: "Microsoft patches it.", Branches: branch("16.0.20000", "16.1.0", "")},
	}}
}

func observers() []checks.Observer {
	return []checks.Observer{
		{
			ID: "teamservices", Method: http.MethodGet, Path: "/", Header: "MicrosoftSharePointTeamServices",
			Pattern: regexp.MustCompile(`^(\d+\.\d+\.\d+\.\d+)$`), Parts: []int{0, 1, 3}, Caveat: "IIS sends it, and it may be stale",
			Lookalikes: []checks.Lookalike{{Pattern: regexp.MustCompile(`^14\.00\.0\.000$`), Name: "Alfresco"}},
		},
		{ID: "service.cnf", Method: http.MethodGet, Path: "/_vti_pvt/service.cnf", Pattern: regexp.MustCompile(`vti_extenderversion:SR\|([\d.]+)`), Parts: []int{0, 1, 3}},
		{ID: "buildversion.cnf", Method: http.MethodGet, Path: "/_vti_pvt/buildversion.cnf", Pattern: regexp.MustCompile(`vti_buildversion:SR\|([\d.]+)`)},
	}
}

func plan() checks.Plan {
	return checks.Plan{Rules: rules(), Observers: observers(), Indicators: []checks.Indicator{
		{ID: "spinstall0", Path: "/_layouts/15/spinstall0.aspx", Grade: "A"},
		{ID: "spinstall", Path: "/_layouts/15/spinstall.aspx", Grade: "A"},
		{ID: "spinstall1", Path: "/_layouts/15/spinstall1.aspx", Grade: "A"},
		{ID: "debug_dev", Path: "/_layouts/15/debug_dev.js", Grade: "A"},
		{ID: "css", Path: "/_layouts/15/1.css", Grade: "B"},
	}}
}

// options are quick bounds for tests.
func options() checks.Options { return checks.Options{Version: "test", Contact: "sec@example.org"} }

// scan runs the plan against servers and returns the results by name.
func scan(t *testing.T, o checks.Options, p checks.Plan, servers ...state.Server) map[string]checks.Result {
	t.Helper()
	out := map[string]checks.Result{}
	sum := checks.NewRunner(o).Run(t.Context(), probe.New(p), checks.Targets(servers), func(r checks.Result) { out[r.Server] = r })
	require.True(t, sum.Complete)
	require.Len(t, out, len(servers))
	return out
}

// newTLS starts a TLS server and returns its address.
func newTLS(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}
