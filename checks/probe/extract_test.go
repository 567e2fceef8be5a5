package probe_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/probe"
	"github.com/allclear-bot/allclear/state"
)

// gate is a make-believe product whose builds have two parts.
func gate(observers ...checks.Observer) checks.Plan {
	return checks.Plan{Observers: observers, Rules: state.Rules{Playbook: "gate", Products: []state.Product{{
		ID: "gate", Name: "Gate", Affected: true, Branches: []state.Branch{{
			From: version("14.1"), Below: version("14.2"), Fixed: version("14.1-43.56"), Gaps: true,
		}},
	}, {
		ID: "dated", Name: "Dated", Affected: true, Branches: []state.Branch{{
			From: version("2020.1.1"), Below: version("2100.1.1"), Fixed: version("2025.6.10"),
		}},
	}}}}
}

const (
	stamped4356 = 1749552827 // 2025-06-10 10:53:47 UTC
	stamped4350 = 1740156084 // 2025-02-21 16:41:24 UTC
)

func stampObserver() checks.Observer {
	return checks.Observer{
		ID: "stamp", Path: "/lang/en.json.gz", Read: checks.ExtractStamp,
		Stamps: checks.Stamps{Name: "en.json", Builds: []checks.Stamp{{Seconds: stamped4350, Build: version("14.1-43.50")}, {Seconds: stamped4356, Build: version("14.1-43.56")}}},
	}
}

// zipped is a gzip file with a time stamp and a name.
func zipped(t testing.TB, seconds int64, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Name = name
	if seconds > 0 {
		w.ModTime = time.Unix(seconds, 0)
	}
	_, err := w.Write([]byte(`{"hello":"world"}`))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// page answers one path, and 404 to the rest.
func page(path string, answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		answer(w, r)
	})
}

func body(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b) }
}

// look scans one server with one observer.
func look(t *testing.T, o checks.Observer, h http.Handler) checks.Result {
	t.Helper()
	return scan(t, options(), gate(o), serve(t, "gw01", h))["gw01"]
}

func TestTheStampOfAFileTellsItsBuild(t *testing.T) {
	t.Parallel()
	dated := stampObserver()
	dated.Stamps.Builds = nil
	extra := zipped(t, stamped4356, "en.json") // with an extra field before the name
	extra = bytes.Join([][]byte{extra[:3], {extra[3] | 4}, extra[4:10], {3, 0, 'a', 'b', 'c'}, extra[10:]}, nil)
	for name, tc := range map[string]struct {
		o       checks.Observer
		file    []byte
		verdict state.Verdict
		build   string
		reason  string
	}{
		"the fix":                      {stampObserver(), zipped(t, stamped4356, "en.json"), state.VerdictFixed, "14.1.43.56", "at or above the fix line"},
		"before the fix":               {stampObserver(), zipped(t, stamped4350, "en.json"), state.VerdictVulnerable, "14.1.43.50", "below the fix line"},
		"the name with its folder":     {stampObserver(), zipped(t, stamped4350, "lang/en.json"), state.VerdictVulnerable, "14.1.43.50", "below the fix line"},
		"a field before the name":      {stampObserver(), extra, state.VerdictFixed, "14.1.43.56", "at or above the fix line"},
		"no build of the table":        {stampObserver(), zipped(t, stamped4356+1, "en.json"), state.VerdictUnknown, "", "was made 2025-06-10 10:53:48 UTC, which is in no table"},
		"no stamp":                     {stampObserver(), zipped(t, 0, "en.json"), state.VerdictUnknown, "", "carries no time stamp"},
		"another file":                 {stampObserver(), zipped(t, stamped4356, "other.json"), state.VerdictUnknown, "", "is another file, other.json"},
		"compressed on the way":        {stampObserver(), zipped(t, stamped4356, ""), state.VerdictUnknown, "", "was compressed on the way"},
		"no gzip at all":               {stampObserver(), []byte("<html>Sign in</html>"), state.VerdictUnknown, "", "is no gzip file"},
		"cut in the header":            {stampObserver(), zipped(t, stamped4356, "en.json")[:12], state.VerdictUnknown, "", "is no gzip file"},
		"a name without an end":        {stampObserver(), append([]byte{0x1f, 0x8b, 8, 8, 0xbb, 0x11, 0x48, 0x68, 0, 3}, bytes.Repeat([]byte("a"), 5000)...), state.VerdictUnknown, "", "is no gzip file"},
		"an extra field beyond all":    {stampObserver(), append([]byte{0x1f, 0x8b, 8, 12, 0xbb, 0x11, 0x48, 0x68, 0, 3, 0xff, 0xff}, "en.json\x00"...), state.VerdictUnknown, "", "is no gzip file"},
		"nothing":                      {stampObserver(), nil, state.VerdictUnknown, "", "is no gzip file"},
		"its date is the build":        {dated, zipped(t, stamped4356, "en.json"), state.VerdictFixed, "2025.6.10", "at or above the fix line 2025.6.10"},
		"a date before the fix":        {dated, zipped(t, stamped4350, "en.json"), state.VerdictVulnerable, "2025.2.21", "below the fix line 2025.6.10"},
		"a name that wants to be more": {stampObserver(), zipped(t, stamped4356, "<!channel> @everyone"), state.VerdictUnknown, "", "is another file, ·!channel· ·everyone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := look(t, tc.o, page(tc.o.Path, body(tc.file)))
			require.Equal(t, tc.verdict, r.Judgement.Verdict, r.Judgement.Reason)
			require.Equal(t, tc.build, r.Observed)
			require.Contains(t, r.Judgement.Reason, tc.reason)
			requireHarmless(t, name, r)
			require.Equal(t, tc.build != "", len(r.Evidence) == 2, "a build is remembered when one was read, next to the reach")
		})
	}
}

func TestAStampIsReadWhateverEncodingTheAnswerNames(t *testing.T) {
	t.Parallel()
	o := stampObserver()
	r := look(t, o, page(o.Path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(zipped(t, stamped4350, "en.json"))
	}))
	require.Equal(t, "14.1.43.50", r.Observed)
	r = look(t, o, page(o.Path, func(w http.ResponseWriter, _ *http.Request) { // a sign-in page that is not the file
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write(zipped(t, stamped4350, "en.json"))
	}))
	require.Empty(t, r.Observed)
	require.Contains(t, r.Judgement.Reason, "/lang/en.json.gz: 403")
}

func linksObserver() checks.Observer {
	return checks.Observer{ID: "path", Path: "/app/", Read: checks.ExtractLinks, Pattern: regexp.MustCompile(`^/app/auth/([0-9]+\.[0-9]+-[0-9]+(?:\.[0-9]+)?)/`)}
}

func TestLinksOfAPageTellItsBuild(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ page, build, reason, contra string }{
		"an icon":                 {`<link rel="icon" href="/app/auth/14.1-43.50/favicon.ico">`, "14.1.43.50", "below the fix line", ""},
		"single quotes":           {`<script src='/app/auth/14.1-43.56/a.js'></script>`, "14.1.43.56", "at or above", ""},
		"no quotes":               {`<img src=/app/auth/14.1-43.56/a.png>`, "14.1.43.56", "at or above", ""},
		"a style sheet":           {`<style>@font-face{src: url("/app/auth/14.1-43.50/f.ttf")}</style>`, "14.1.43.50", "below", ""},
		"less than a build":       {`<link href="/app/auth/14.1-43/x.css">`, "14.1.43", "is not the whole build", ""},
		"many alike":              {strings.Repeat(`<link href="/app/auth/14.1-43.50/x.css">`, 50), "14.1.43.50", "below", ""},
		"two that disagree":       {`<link href="/app/auth/14.1-43.56/x.css"><link href="/app/auth/14.1-43.50/x.css">`, "14.1.43.50", "below", "the worse counts"},
		"of another server":       {`<link href="https://elsewhere.example/app/auth/14.1-43.50/x.css"><link href="//elsewhere.example/app/auth/14.1-43.50/x">`, "", "shows no build (/app/: 200)", ""},
		"prose":                   {`We run /app/auth/14.1-43.50/ here, or "/app/auth/14.1-43.50/".`, "", "shows no build", ""},
		"not what it seems":       {`<link href="/app/auth/99999999999.1-1.1/x.css">`, "", "is not a build as path writes it", ""},
		"a link without an end":   {`<link href="/app/auth/14.1-43.50/` + strings.Repeat("a", 3000), "", "shows no build", ""},
		"more links than we read": {strings.Repeat(`<a href="/x">`, 600) + `<link href="/app/auth/14.1-43.50/x.css">`, "", "shows no build", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := look(t, linksObserver(), page("/app/", body([]byte(tc.page))))
			require.Equal(t, tc.build, r.Observed, r.Judgement.Reason)
			require.Contains(t, r.Judgement.Reason, tc.reason)
			require.Contains(t, r.Contradiction, tc.contra)
			requireHarmless(t, name, r)
		})
	}
}

func TestTheTargetOfARedirectTellsABuild(t *testing.T) {
	t.Parallel()
	o := checks.Observer{ID: "to", Path: "/", Method: http.MethodHead, Read: checks.ExtractRedirect, Pattern: regexp.MustCompile(`/v(14\.[0-9.-]+)/`)}
	for to, build := range map[string]string{
		"/v14.1-43.50/login":                          "14.1.43.50",
		"https://elsewhere.example/v14.1-43.50/login": "14.1.43.50", // it is read, and not followed
		"/login": "",
		"/v14./": "",
		"/v14.1-43.50/" + strings.Repeat("a", 3000): "",
		"/x?next=/v14.1-43.56/":                     "14.1.43.56",
	} {
		r := look(t, o, page("/", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}))
		require.Equal(t, build, r.Observed, to)
		requireHarmless(t, to, r)
	}
	r := look(t, o, page("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/v14.1-43.50/") // of no redirect
	}))
	require.Empty(t, r.Observed)
}

func statusObserver() checks.Observer {
	return checks.Observer{ID: "asset", Path: "/assets/since-14.1.js", Read: checks.ExtractStatus, Status: http.StatusOK, Means: version("14.1")}
}

func TestAStatusIsTheSignOfABuildOnlyBetweenControls(t *testing.T) {
	t.Parallel()
	o := statusObserver()
	answers := func(it, others int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == o.Path {
				w.WriteHeader(it)
				return
			}
			w.WriteHeader(others)
		})
	}
	for name, tc := range map[string]struct {
		it, others    int
		build, reason string
	}{
		"there":             {200, 404, "14.1", "/assets/since-14.1.js: 200"},
		"there, by refusal": {200, 403, "14.1", ""},
		"not there":         {404, 404, "", "shows no build (/assets/since-14.1.js: 404)"},
		"answers anything":  {200, 200, "", "answers 200 to names beside /assets/since-14.1.js that cannot exist: it tells nothing"},
		"refuses":           {403, 404, "", "shows no build (/assets/since-14.1.js: 403)"},
	} {
		r := look(t, o, answers(tc.it, tc.others))
		require.Equal(t, tc.build, r.Observed, name)
		require.Equal(t, state.VerdictUnknown, r.Judgement.Verdict, "a prefix of the fix line tells which product it is, and no more")
		require.Contains(t, r.Judgement.Reason+r.Evidence[len(r.Evidence)-1].Detail, tc.reason, name)
		require.LessOrEqual(t, r.Requests, 3)
	}
}

func TestAStatusWhoseControlsAreNotAnsweredTellsNothing(t *testing.T) {
	t.Parallel()
	o := statusObserver()
	var asked atomic.Int64
	r := look(t, o, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1); r.URL.Path == o.Path {
			w.WriteHeader(http.StatusOK)
			return
		}
		panic(http.ErrAbortHandler)
	}))
	require.Empty(t, r.Observed)
	require.Equal(t, state.VerdictUnknown, r.Judgement.Verdict)
	require.False(t, r.Reached)
}

func TestDrySaysWhichRequestsAStatusCosts(t *testing.T) {
	t.Parallel()
	target := checks.Target{Server: state.Server{Name: "gw01", URL: "https://gw01.example"}}
	lines := probe.Dry(gate(statusObserver(), stampObserver()), target)
	require.Len(t, lines, 4)
	require.Equal(t, "GET https://gw01.example/lang/en.json.gz", lines[0])
	require.Regexp(t, `^GET https://gw01\.example/assets/\S+\.js \(control\)$`, lines[1])
	require.Equal(t, "GET https://gw01.example/assets/since-14.1.js", lines[3])
}

func TestABuildOfAnotherPrecisionIsNotUnderstood(t *testing.T) {
	t.Parallel()
	o := checks.Observer{ID: "h", Path: "/", Header: "X-Version", Pattern: regexp.MustCompile(`^([0-9.-]+)$`), Precision: 4}
	for value, build := range map[string]string{"14.1-43.50": "14.1.43.50", "14.1-43": "", "14.1": "", "14.1-43.50.9": ""} {
		r := look(t, o, page("/", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Version", value) }))
		require.Equal(t, build, r.Observed, value)
		if build == "" {
			require.Contains(t, r.Judgement.Reason, fmt.Sprintf("has %d numbers, a build of h has 4", version(value).Len()))
		}
	}
}
