package probe_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/probe"
	"github.com/allclear-bot/allclear/state"
)

// farm is a make-believe SharePoint: what it says, and which files it has.
type box struct {
	header  []string
	service string
	build   string
	status  int                                          // of /
	files   map[string]string                            // path -> body
	other   func(w http.ResponseWriter, r *http.Request) // for any other path; nil: 404
}

func (b box) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, h := range b.header {
		w.Header().Add("MicrosoftSharePointTeamServices", h)
	}
	body, ok := b.files[r.URL.Path]
	switch {
	case r.URL.Path == "/" && b.status != 0:
		w.WriteHeader(b.status)
	case r.URL.Path == "/":
	case r.URL.Path == "/_vti_pvt/service.cnf" && b.service != "":
		fmt.Fprintf(w, "vti_encoding:SR|utf8-nl\r\nvti_extenderversion:SR|%s\r\n", b.service)
	case r.URL.Path == "/_vti_pvt/buildversion.cnf" && b.build != "":
		fmt.Fprintf(w, "vti_encoding:SR|utf8-nl\r\nvti_buildversion:SR|%s\r\n", b.build)
	case ok:
		_, _ = w.Write([]byte(body))
	case b.other != nil:
		b.other(w, r)
	default:
		http.NotFound(w, r)
	}
}

// serve starts a handler and returns the server of the inventory that it is.
func serve(t *testing.T, name string, h http.Handler) state.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return state.Server{Name: name, Farm: name, URL: s.URL}
}

func TestWhatIsReadBecomesAVerdictWithItsReason(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		box      box
		verdict  state.Verdict
		observed string
		basis    string
		product  string
		reason   string
		contra   string
	}{
		"2019 header carries no revision": {
			box: box{header: []string{"16.0.0.10417"}}, verdict: state.VerdictUnknown, observed: "16.0.10417", basis: "teamservices", product: "sp2019", reason: "carries no revision",
		},
		"2016 below the line": {
			box: box{header: []string{"16.0.0.5508"}}, verdict: state.VerdictVulnerable, observed: "16.0.5508", basis: "teamservices", product: "sp2016", reason: "below the fix line",
		},
		"a header on 401 counts": {
			box: box{header: []string{"16.0.0.5508"}, status: 401}, verdict: state.VerdictVulnerable, observed: "16.0.5508", basis: "teamservices", product: "sp2016", reason: "below",
		},
		"newer than the table": {
			box: box{header: []string{"16.0.0.5999"}}, verdict: state.VerdictFixed, observed: "16.0.5999", basis: "teamservices", product: "sp2016", reason: "says it is fixed",
		},
		"older than the table": {
			box: box{header: []string{"16.0.0.4100"}}, verdict: state.VerdictVulnerable, observed: "16.0.4100", basis: "teamservices", product: "sp2016", reason: "older than any published build",
		},
		"SharePoint Online": {
			box: box{header: []string{"16.0.0.27612"}}, verdict: state.VerdictUnknown, observed: "16.0.27612", basis: "teamservices", product: "online", reason: "SharePoint Online",
		},
		"Alfresco": {
			box: box{header: []string{"14.00.0.000"}}, verdict: state.VerdictUnknown, basis: "teamservices", reason: "answers like Alfresco",
		},
		"no fix exists": {
			box: box{header: []string{"15.0.0.5545"}}, verdict: state.VerdictVulnerable, observed: "15.0.5545", basis: "teamservices", product: "sp2013", reason: "no fix",
		},
		"the build file is more precise, fixed": {
			box: box{header: []string{"16.0.0.10417"}, build: "16.0.10417.20037"}, verdict: state.VerdictFixed, observed: "16.0.10417.20037", basis: "buildversion.cnf", product: "sp2019", reason: "says it is fixed",
		},
		"the build file is more precise, vulnerable": {
			box: box{header: []string{"16.0.0.10417"}, service: "16.0.0.10417", build: "16.0.10417.20027"}, verdict: state.VerdictVulnerable, observed: "16.0.10417.20027", basis: "buildversion.cnf", product: "sp2019", reason: "below",
		},
		"a stale header, worse": {
			box: box{header: []string{"16.0.0.5508"}, service: "16.0.0.5517"}, verdict: state.VerdictVulnerable, observed: "16.0.5508", basis: "teamservices", product: "sp2016", reason: "below", contra: "teamservices says 16.0.5508, service.cnf says 16.0.5517",
		},
		"a stale header, better": {
			box: box{header: []string{"16.0.0.5517"}, service: "16.0.0.5508"}, verdict: state.VerdictVulnerable, observed: "16.0.5508", basis: "service.cnf", product: "sp2016", reason: "below", contra: "service.cnf says 16.0.5508",
		},
		"two headers that disagree": {
			box: box{header: []string{"16.0.0.5517", "16.0.0.5508"}}, verdict: state.VerdictVulnerable, observed: "16.0.5508", basis: "teamservices", product: "sp2016", contra: "the worse counts",
		},
		"two values in one header": {
			box: box{header: []string{"16.0.0.5517, 16.0.0.5508"}}, verdict: state.VerdictVulnerable, observed: "16.0.5508", basis: "teamservices", product: "sp2016", contra: "the worse counts",
		},
		"another product's header against fixed": {
			box: box{header: []string{"14.00.0.000"}, service: "16.0.0.5517"}, verdict: state.VerdictUnknown, basis: "teamservices", reason: "Alfresco", contra: "Alfresco",
		},
		"four real parts where the third should be 0": {
			box: box{header: []string{"16.0.10417.20037"}}, verdict: state.VerdictUnknown, reason: "is not a build as teamservices writes it",
		},
		"markup instead of a build": {
			box: box{header: []string{"<!channel> @everyone"}}, verdict: state.VerdictUnknown, reason: "·!channel· ·everyone",
		},
		"nothing": {box: box{}, verdict: state.VerdictUnknown, reason: "shows no build (/: 200, /_vti_pvt/service.cnf: 404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := scan(t, options(), plan(), serve(t, "sp01", tc.box))["sp01"]
			require.True(t, r.Reached)
			require.Empty(t, r.Error)
			require.Equal(t, tc.verdict, r.Judgement.Verdict, r.Judgement.Reason)
			require.Equal(t, []string{tc.observed, tc.basis, tc.product}, []string{r.Observed, r.Basis, r.Judgement.Product})
			require.Contains(t, r.Judgement.Reason, tc.reason)
			require.Contains(t, r.Contradiction, tc.contra)
			require.Equal(t, tc.contra == "", r.Contradiction == "")
			if tc.verdict == state.VerdictUnknown {
				require.NotEmpty(t, r.Judgement.Settle)
			}
		})
	}
}

func TestAResultAsOneLineOfJSON(t *testing.T) {
	t.Parallel()
	s := serve(t, "sp01", box{header: []string{"16.0.0.5508"}, files: map[string]string{"/_layouts/15/spinstall0.aspx": "key|HMACSHA256"}})
	b, err := json.Marshal(scan(t, options(), plan(), s)["sp01"].Line())
	require.NoError(t, err)
	got := map[string]any{}
	require.NoError(t, json.Unmarshal(b, &got))
	require.IsType(t, float64(0), got["took_ms"])
	delete(got, "took_ms")
	require.Equal(t, map[string]any{
		"server": "sp01", "url": s.URL, "reached": true, "product": "sp2016", "observed": "16.0.5508",
		"verdict": "vulnerable", "basis": "teamservices", "reason": "SharePoint Server 2016 16.0.5508 is below the fix line 16.0.5513.1001",
		"compromised": true, "indicators": []any{map[string]any{"id": "spinstall0", "url": s.URL + "/_layouts/15/spinstall0.aspx", "status": 200.0}},
		"error": "",
	}, got)
}

func TestAServerWithoutURLIsNotAsked(t *testing.T) {
	t.Parallel()
	r := scan(t, options(), plan(), state.Server{Name: "app01", Farm: "f"})["app01"]
	require.Equal(t, "has no URL: nothing to ask", r.Judgement.Reason)
	require.Zero(t, r.Requests)
	require.Empty(t, r.Error)
	require.Empty(t, r.Evidence)
}

func TestDrySaysExactlyWhatIsSent(t *testing.T) {
	t.Parallel()
	var asked []string
	b := box{header: []string{"16.0.0.5508"}}
	s := serve(t, "sp01", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" http://"+r.Host+r.URL.Path)
		require.Equal(t, "allclear/test (+sec@example.org)", r.UserAgent())
		b.ServeHTTP(w, r)
	}))
	p, targets := probe.New(plan()), checks.Targets([]state.Server{s})
	checks.NewRunner(options()).Run(t.Context(), p, targets, func(checks.Result) {})
	var dry []string
	for _, line := range p.Dry(targets[0]) {
		if !strings.Contains(line, ", if ") {
			dry = append(dry, strings.TrimSuffix(line, " (control)"))
		}
	}
	require.Equal(t, dry, asked)
}
