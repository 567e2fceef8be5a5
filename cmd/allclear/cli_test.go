package main

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden transcripts")

// transcripts are command lines with what they print. FIXTURE is a make-believe
// server, DATA an empty directory that the lines of one transcript share.
var transcripts = []struct {
	name  string
	lines [][]string
	in    string
}{
	{name: "help", lines: [][]string{{}, {"--help"}, {"scan", "--help"}, {"serve", "--help"}, {"do", "--help"}, {"version"}}},
	{name: "usage", lines: [][]string{{"scna"}, {"scan"}, {"scan", "-i", "/does/not/exist"}, {"scan", "-i", "-", "--concurrency", "-1"}, {"playbook", "show", "toolshel"}, {"playbook", "check", "/does/not/exist"}, {"import"}, {"do"}, {"export", "--frob"}, {"status", "sp-1"}, {"incident", "open", "x"}, {"frobnicate"}, {"evidence", "--help"}, {"evidence", "add", "--help"}}},
	{name: "inventory", lines: [][]string{{"scan", "-i", "-"}}, in: "name,url,farm\na,http://x y,\nA,http://127.0.0.1:1,\n,,f\nb,ftp://x,\n"},
	{name: "playbook", lines: [][]string{{"playbook", "list"}, {"playbook", "check", "testdata/bad.yaml"}}},
	{name: "scan", lines: [][]string{{"scan", "-i", "-", "--concurrency", "1"}, {"scan", "-i", "-", "--json", "--concurrency", "1"}}, in: "name,url,addresses\nold,FIXTURE/,\napp,,\n"},
	{name: "incident", lines: [][]string{
		{"do", "status"},
		{"do", "incident", "open", "ts-1"},
		{"do", "incident", "open", "ts-1"},
		{"do", "server", "add", "sp-1", "--farm", "f", "--owner", "owner-1"},
		{"do", "stats"},
		{"do", "status", "sp-2"},
		{"do", "claim", "sp-1", "patch"},
		{"do", "confirm", "sp-1"},
		{"do", "evidence", "add", `{"schema":"allclear/evidence/1","farm":"f","observd":"x"}`},
		{"evidence", "add", "testdata/evidence.json"},
		{"do", "server", "show", "sp-1"},
		{"audit", "verify"},
		{"export", "DATA/export.jsonl"},
		{"audit", "verify", "DATA/export.jsonl"},
		{"import", "--data", "DATA/other", "DATA/export.jsonl"},
		{"import", "--data", "DATA/other", "DATA/export.jsonl"},
		{"audit", "verify", "--data", "DATA/other"},
		{"health"},
	}},
}

func TestCommandLinesPrintWhatTheTranscriptsSay(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("MicrosoftSharePointTeamServices", "16.0.0.5495")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	for _, tr := range transcripts {
		t.Run(tr.name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			fill := strings.NewReplacer("FIXTURE", server.URL, "DATA", data)
			var got strings.Builder
			for _, line := range tr.lines {
				args := make([]string, len(line))
				for i, a := range line {
					args[i] = fill.Replace(a)
				}
				sys, out, errs := piped(t, fill.Replace(tr.in), "ALLCLEAR_DATA="+filepath.Join(data, "store"))
				code := run(t.Context(), args, sys)
				got.WriteString("$ allclear " + strings.Join(line, " ") + "\n" + out.String() + errs.String())
				got.WriteString("[exit " + string(rune('0'+code)) + "]\n\n")
			}
			golden(t, tr.name, fixups(got.String(), data, server.URL))
		})
	}
}

// fixups takes out what differs from run to run.
func fixups(s, data, url string) string {
	s = strings.NewReplacer(data, "DATA", url, "FIXTURE", "allclear "+stamped(), "allclear VERSION").Replace(s)
	for _, f := range []struct{ pattern, with string }{
		{`\d\d? [A-Z][a-z]{2}\s+\d\d:\d\d`, "DAY TIME"},
		{`\d{4}-\d\d-\d\d \d\d:\d\d`, "DATE TIME"},
		{`\b\d\d:\d\d\b`, "TIME"},
		{`"took_ms":\d+`, `"took_ms":N`},
		{`servers in [0-9.]+m?s`, "servers in N s"},
		{`\b[0-9a-f]{64}\b`, "HASH"},
		{`console:[A-Za-z0-9_.-]+`, "console:USER"},
		{`-[0-9a-f]{6}\b`, "-ID"},
	} {
		s = regexp.MustCompile(f.pattern).ReplaceAllString(s, f.with)
	}
	return s
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}
