package probe_test

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

func status(code int) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if code/100 == 3 {
			w.Header().Set("Location", "/_login/default.aspx")
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, "%d %s", code, path.Base(r.URL.Path))
	}
}

const (
	shell = "/_layouts/15/spinstall0.aspx"
	dump  = "/_layouts/15/debug_dev.js"
)

// known are the names of the plan.
func known(p string) bool {
	for _, i := range plan().Indicators {
		if strings.EqualFold(i.Path, p) {
			return true
		}
	}
	return false
}

func pageIf(page string, cond func(p string) bool) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if !cond(r.URL.Path) {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, page)
	}
}

func TestAnIndicatorCountsOnlyWithItsControls(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	sp := []string{"16.0.0.5517"}
	turn := new(atomic.Int64)
	for name, tc := range map[string]struct {
		box         box
		compromised *bool
		hits        []string
		doubt       string
	}{
		"clean":                       {box: box{header: sp}, compromised: &no},
		"one file":                    {box: box{header: sp, files: map[string]string{shell: "key|key"}}, compromised: &yes, hits: []string{"spinstall0"}},
		"one empty file":              {box: box{header: sp, files: map[string]string{shell: ""}}, compromised: &yes, hits: []string{"spinstall0"}},
		"two files, one page":         {box: box{header: sp, files: map[string]string{shell: "x", dump: "x"}}, compromised: &yes, hits: []string{"spinstall0", "debug_dev"}},
		"a file, on a vulnerable one": {box: box{header: []string{"16.0.0.5508"}, files: map[string]string{dump: "x"}}, compromised: &yes, hits: []string{"debug_dev"}},
		"a file behind a login":       {box: box{header: sp, files: map[string]string{shell: "x"}, other: status(401)}, compromised: &yes, hits: []string{"spinstall0"}},
		"a file, no version":          {box: box{files: map[string]string{shell: "x"}}, compromised: &yes, hits: []string{"spinstall0"}},
		"gone":                        {box: box{header: sp, other: status(410)}, compromised: &no},

		"no version":             {box: box{}, doubt: "shows no build"},
		"other software":         {box: box{header: []string{"14.00.0.000"}}, doubt: "shows no build"},
		"a build of no product":  {box: box{header: []string{"77.0.0.1"}}, doubt: "shows no build"},
		"SharePoint Online":      {box: box{header: []string{"16.0.0.27612"}}, doubt: "shows no build"},
		"200 to all":             {box: box{header: sp, other: status(200)}, doubt: "answers 200 to names in /_layouts/15/ that cannot exist"},
		"200 to all in LAYOUTS":  {box: box{header: sp, other: pageIf("hi", func(p string) bool { return strings.HasPrefix(p, "/_layouts/") })}, doubt: "cannot exist"},
		"200 to all of a shape":  {box: box{header: sp, other: pageIf("hi", func(p string) bool { return path.Ext(p) == ".aspx" })}, doubt: "cannot exist"},
		"200 to what looks so":   {box: box{header: sp, other: pageIf("hi", regexp.MustCompile(`spinstall\d*\.aspx$`).MatchString)}, doubt: "cannot exist"},
		"200 to one digit":       {box: box{header: sp, other: pageIf("hi", regexp.MustCompile(`^/_layouts/15/spinstall\d?\.aspx$`).MatchString)}, doubt: "a filter may be answering"},
		"200 to a name anywhere": {box: box{header: sp, other: pageIf("hi", func(p string) bool { return path.Base(p) == "spinstall0.aspx" })}, doubt: "a filter may be answering"},
		"200 to the exact list":  {box: box{header: sp, other: pageIf("blocked", known)}, doubt: "one and the same page"},
		"login":                  {box: box{header: sp, other: status(302)}, doubt: "cannot be looked at: answers 302 to any name"},
		"401":                    {box: box{header: sp, other: status(401)}, doubt: "cannot be looked at: answers 401"},
		"403":                    {box: box{header: sp, other: status(403)}, doubt: "cannot be looked at: answers 403"},
		"500":                    {box: box{header: sp, other: status(500)}, doubt: "cannot be looked at: answers 500"},
		"403 to one only": {box: box{header: sp, other: func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == shell {
				w.WriteHeader(403)
				return
			}
			http.NotFound(w, r)
		}}, doubt: "spinstall0: answers 403 where a name that cannot exist gets 404"},
		"404 to the known only": {box: box{header: sp, other: func(w http.ResponseWriter, r *http.Request) {
			if known(r.URL.Path) {
				http.NotFound(w, r)
				return
			}
			w.WriteHeader(401)
		}}, doubt: "answers 404 where a name that cannot exist gets 401"},
		"now so, now so": {box: box{header: sp, other: func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == shell && turn.Add(1)%2 == 1 {
				_, _ = io.WriteString(w, "x")
				return
			}
			http.NotFound(w, r)
		}}, doubt: "answered 200, and 404 when asked again"},
		"the page for nothing, with 200": {box: box{header: sp, other: func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != shell {
				w.WriteHeader(404)
			}
			fmt.Fprintf(w, "<h1>%s was not found</h1>", path.Base(r.URL.Path))
		}}, doubt: "the page that it also sends for names that cannot exist"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := scan(t, options(), plan(), serve(t, "sp01", tc.box))["sp01"]
			require.Equal(t, tc.compromised, r.Compromised, r.Doubt)
			require.Contains(t, r.Doubt, tc.doubt)
			require.Equal(t, tc.compromised == nil, r.Doubt != "")
			var hits []string
			for _, h := range r.Indicators {
				require.Equal(t, 200, h.Status)
				hits = append(hits, h.ID)
			}
			require.Equal(t, tc.hits, hits)
			requireIndicatorEvidence(t, r)
		})
	}
}

// requireIndicatorEvidence: one piece for each indicator, in agreement with the result.
func requireIndicatorEvidence(t *testing.T, r checks.Result) {
	t.Helper()
	values := map[string]int{}
	for _, e := range r.Evidence {
		if e.Kind == state.KindIndicator {
			values[e.Value]++
			require.NotEmpty(t, e.Tool)
			require.Equal(t, state.SourceProbe, e.Source)
		}
	}
	require.Equal(t, len(r.Indicators), values["found"])
	require.Equal(t, len(plan().Indicators), values["found"]+values["absent"]+values["unclear"])
	if r.Compromised != nil && !*r.Compromised {
		require.Equal(t, len(plan().Indicators), values["absent"])
	}
}

func TestThroughABalancerAbsenceProvesNothingAndAFindIsTheFarms(t *testing.T) {
	t.Parallel()
	clean := serve(t, "clean", box{header: []string{"16.0.0.5517"}})
	clean.Via = "lb01"
	hit := serve(t, "hit", box{header: []string{"16.0.0.5517"}, files: map[string]string{shell: "x"}})
	hit.Via = "lb02"
	results := scan(t, options(), plan(), clean, hit)
	require.Nil(t, results["clean"].Compromised)
	require.Contains(t, results["clean"].Doubt, "another of the farm may have it")
	require.True(t, *results["hit"].Compromised)
	for _, r := range results {
		require.Equal(t, state.ScopeFarm, r.Scope)
		require.Contains(t, strings.Join(r.Notes, ";"), "it speaks for the farm")
		for _, e := range r.Evidence {
			require.Equal(t, state.Subject{}, e.Subject)
			require.NotEqual(t, "absent", e.Value)
		}
	}
}

func TestAPlanOfIndicatorsAloneFindsThem(t *testing.T) {
	t.Parallel()
	p := plan()
	p.Observers = nil
	r := scan(t, options(), p, serve(t, "sp01", box{files: map[string]string{shell: "x"}}))["sp01"]
	require.True(t, r.Reached)
	require.True(t, *r.Compromised)
	require.Equal(t, "the plan has no observer", r.Judgement.Reason)
}
