package commands

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/state"
)

// reported writes a report, and returns its files by name.
func reported(t *testing.T, w *world, formats string) map[string]string {
	t.Helper()
	files := map[string]*bytes.Buffer{}
	err := WriteReport(t.Context(), w.store, "toolshell-1", formats, w.clock(), feeds.Publisher{Name: "Example", Namespace: "https://example.com"}, func(f ReportFile) (io.WriteCloser, error) {
		files[f.Name] = &bytes.Buffer{}
		return closeNothing{files[f.Name]}, nil
	})
	require.NoError(t, err)
	out := map[string]string{}
	for name, b := range files {
		out[name] = b.String()
	}
	return out
}

func TestAReportTellsWhatHappenedWhoDecidedAndWhatWasNotSeen(t *testing.T) {
	t.Parallel()
	w := july(t)
	w.wait(time.Hour)
	w.run(t, "lead-1", "playbook revise toolshell --apply "+shownHash(t, w, "toolshell"))
	files := reported(t, w, "all")
	require.Len(t, files, len(ReportFiles()))
	for _, want := range []string{
		"# ToolShell\n\nTLP:AMBER+STRICT · incident toolshell-1 · as of 2025-07-22T10:00:00Z",
		"- Opened 2025-07-22T09:00:00Z by lead-1.", "| 2025-07-22T09:00:00Z | lead-2 | ", "Revision 2 is in force since 2025-07-22T10:00:00Z, by lead-1.", "**Not declared clear.**", "- Servers: 3, and 0 retired. Open: 2.",
		"3 servers: nobody ever looked at it from outside (sp-1, sp-2, sp-3)", "1 server: what was seen does not tell whether it is fixed (sp-3)",
		"| 2025-07-22T09:00:00Z | confirmed | sp-1 | lead-1 | lead-2 | on the facts ", "| confirmation ended | sp-1 |",
		"playbook revised \\(revision 2 of toolshell is in force\\)", "sp-1 → exposed",
	} {
		require.Contains(t, files["report.md"], want)
	}
	var doc struct {
		TLP       string                                 `json:"tlp"`
		Counts    struct{ Status map[string]int }        `json:"counts"`
		Servers   []struct{ Name, Status string }        `json:"servers"`
		Timeline  []struct{ Type, Server, To string }    `json:"timeline"`
		Decisions []struct{ Type, Server, Words string } `json:"decisions"`
	}
	require.NoError(t, json.Unmarshal([]byte(files["report.json"]), &doc))
	require.Equal(t, "AMBER+STRICT", doc.TLP)
	require.Equal(t, map[string]int{"confirmed": 1, "exposed": 1, "unknown": 1}, doc.Counts.Status)
	require.Len(t, doc.Servers, 3)
	rows, err := csv.NewReader(strings.NewReader(files["timeline.csv"])).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, len(doc.Timeline)+1)
	require.Contains(t, files["evidence.csv"], "sp-2,patch,")
	require.Contains(t, files["vex.csaf.json"], `"category": "csaf_vex"`)
	require.Contains(t, files["vex.openvex.json"], "https://openvex.dev/ns/v0.2.0")
	for name, text := range files {
		if strings.HasPrefix(name, "vex.") {
			require.NotContains(t, text, "sp-1", "documents about products name no server")
		}
	}
	require.Equal(t, files, reported(t, w, "all"), "the same record and moment give the same bytes")
}

func TestAReportIsSafeToOpen(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,farm,owner\nsp-1,fin,=cmd()\n")
	hostile := "=HYPERLINK(1)|<script>\x1b[31m`x`"
	_, err := w.store.Update(t.Context(), state.Work{Request: "hostile", By: "lead-1", At: w.clock()}, "toolshell-1", []string{"fin"}, func(tx *state.Tx) error {
		return tx.Record("fin", state.Evidence{Subject: state.Subject{Server: "sp-1"}, Kind: state.KindBuild, Value: hostile, Source: state.SourceProbe, Tool: hostile, Observed: w.clock()})
	})
	require.NoError(t, err)
	_, err = w.store.Update(t.Context(), state.Work{Request: "claim", By: "alice", At: w.clock()}, "toolshell-1", []string{"fin"}, func(tx *state.Tx) error { return tx.Claim("sp-1", "", hostile) })
	require.NoError(t, err)
	for name, text := range reported(t, w, "md,csv") {
		require.NotContains(t, text, "\x1b", name)
		if !strings.HasSuffix(name, ".csv") {
			require.NotContains(t, text, "<script>", name)
			continue
		}
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		require.NoError(t, err)
		for _, row := range rows {
			for _, c := range row {
				require.False(t, c != "" && strings.ContainsRune("=+@\t|%", rune(c[0])), "%s: %q", name, c)
			}
		}
	}
}

func TestAReportInChatIsFilesWithTheirMarkings(t *testing.T) {
	t.Parallel()
	w := july(t)
	c := reportCommand{w.store, feeds.Publisher{}, w.clock}
	run := func(args ...string) (chat.Message, error) {
		values, err := chat.Parse(c.Spec(), args, nil)
		require.NoError(t, err)
		return c.Run(t.Context(), chat.Call{Values: values, Incident: "toolshell-1"})
	}
	m, err := run()
	require.NoError(t, err)
	n := 0
	for _, p := range m.Parts {
		if a, ok := p.(chat.Attachment); ok {
			n++
			want := state.TLPAmberStrict
			if strings.Contains(a.Name, "vex.") {
				want = state.TLPAmber
			}
			require.Equal(t, want, a.TLP, a.Name)
		}
	}
	require.Equal(t, len(ReportFiles()), n)
	_, err = run("--as", "pdf")
	require.ErrorContains(t, err, "no report as \"pdf\"")
	c.store = pruned{w.store}
	_, err = run()
	require.ErrorContains(t, err, "no report without the whole record")
}
