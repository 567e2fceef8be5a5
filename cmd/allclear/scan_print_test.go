package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// answering is a server that shows this build in its header.
func answering(t *testing.T, version string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("MicrosoftSharePointTeamServices", version)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func scanned(t *testing.T, inventory string, args ...string) (code int, out, errs string) {
	t.Helper()
	sys, o, e := piped(t, inventory)
	code = run(t.Context(), append([]string{"scan", "-i", "-"}, args...), sys)
	return code, o.String(), e.String()
}

func TestAScanPrintsOneLineAServerAndTellsWhatTheyShareOnce(t *testing.T) {
	t.Parallel()
	inventory := "name,url\nnowhere,\n"
	for i := range 3 {
		inventory += fmt.Sprintf("same-%d,%s\n", i, answering(t, "16.0.0.10417"))
	}
	inventory += "a-name-that-is-longer-than-the-others-by-far," + answering(t, "16.0.0.5513") + "\n"
	code, out, errs := scanned(t, inventory)
	require.Equal(t, exitUnknown, code, errs)
	rows, summary, found := strings.Cut(out, "\n\n")
	require.True(t, found, out)
	require.Len(t, strings.Split(rows, "\n"), 5)
	for line := range strings.Lines(out) {
		require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 100, line)
	}
	require.NotContains(t, rows, "evidence add", "what is the same for all is told once")
	require.Equal(t, 1, strings.Count(out, "IIS sends it from its own configuration"))
	require.NotContains(t, rows, "IIS sends it")
	require.Contains(t, summary, "4 unknown, because:\n- 3: SharePoint Server 2019 16.0.10417 carries no revision\n- 1: has no URL\n")
	require.Contains(t, strings.Join(strings.Fields(summary), " "), "What settles it is evidence from inside: evidence add with")
	require.Contains(t, summary, "Nothing was found from outside. That is not the same as remediated.")
}

func TestAReasonEndsWithAWholeWord(t *testing.T) {
	t.Parallel()
	_, out, _ := scanned(t, "name,url\n"+strings.Repeat("n", 40)+","+answering(t, "16.0.0.5513")+"\n")
	row, _, _ := strings.Cut(out, "\n")
	require.True(t, strings.HasSuffix(row, "…"), row)
	last := strings.TrimSuffix(row[strings.LastIndex(row, " ")+1:], "…")
	require.Contains(t, strings.Fields("every published build of SharePoint Server 2016 16.0.5513 is at or above the fix line"), last)
}

func TestJSONKeepsTheWholeReason(t *testing.T) {
	t.Parallel()
	_, out, errs := scanned(t, "name,url\na,"+answering(t, "16.0.0.10417")+"\n", "--json")
	require.Contains(t, out, "11 have it (No revision: it cannot tell fixed from vulnerable")
	require.Contains(t, out, "to settle it: evidence from inside")
	require.Empty(t, errs, "it is complete")
}

func TestAScanWithoutRoomOrTimeIsWrongUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--concurrency", "0"}, {"--concurrency", "-3"}, {"--concurrency", "5000"}, {"--deadline", "0s"}, {"--deadline", "-1s"}} {
		code, out, errs := scanned(t, "http://127.0.0.1:1/\n", args...)
		require.Equal(t, exitUsage, code, args)
		require.Empty(t, out)
		require.Contains(t, errs, args[0]+" "+args[1]+" cannot be: want")
	}
}

// slowly answers nothing, and calls asked when the first question comes.
func slowly(t *testing.T, asked func()) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked()
		<-r.Context().Done()
	}))
	t.Cleanup(s.CloseClientConnections)
	t.Cleanup(s.Close)
	return s.URL
}

func TestAScanThatIsInterruptedSaysHowManyItLookedAt(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"scan", "-i", "-", "--concurrency", "1", "--json"}, {"scan", "-i", "-", "--concurrency", "1"}} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		sys, out, errs := piped(t, "name,url\na,\nb,"+slowly(t, cancel)+"\nc,\n")
		require.Equal(t, exitUnknown, run(ctx, args, sys))
		told := out
		if len(args) == 6 {
			told = errs
			require.Equal(t, 1, strings.Count(out.String(), "\n"), "a line a server and nothing else: %s", out)
		}
		require.Contains(t, strings.Join(strings.Fields(told.String()), " "),
			"INCOMPLETE: the scan was interrupted. 1 of 3 servers looked at; the rest is as unknown as before.")
	}
}

func TestAScanThatTheDeadlineEndsSaysSo(t *testing.T) {
	t.Parallel()
	code, _, errs := scanned(t, "name,url\nb,"+slowly(t, func() {})+"\n", "--json", "--deadline", (50 * time.Millisecond).String())
	require.Equal(t, exitUnknown, code)
	require.Equal(t, "allclear: INCOMPLETE: the deadline of 50ms ended the scan. 0 of 1 server looked at; the rest is as unknown as before.\n", errs)
}

func TestADryRunTellsOfServersThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	code, out, _ := scanned(t, "name,url\na,\n", "--dry-run")
	require.Zero(t, code)
	require.Equal(t, "a: nothing; it has no URL\n", out)
}
