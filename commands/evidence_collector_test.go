package commands

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

func collectorFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "deploy", "collector", name))
	require.NoError(t, err)
	return data
}

func TestWhatTheCollectorWritesIsTakenAndProvesWhatItShowsAndNoMore(t *testing.T) {
	t.Parallel()
	data := collectorFile(t, "example.json")
	require.NoError(t, fits(t, shape(t), string(data)))
	b := newBoard(t, 2)
	b.now = at("2025-07-22 15:00")
	m := plain(b.must("resp-1", "evidence add", chat.File{Name: "evidence.json", Data: data}))
	require.Contains(t, m, "seen by collector/1@SP-FIN-01")
	f, err := b.store.Farm(t.Context(), boardID, "fin")
	require.NoError(t, err)
	inc, err := b.store.Incident(t.Context(), boardID)
	require.NoError(t, err)
	a := f.Assess(inc.Rules, b.now)
	steps := func(server string) (done, open []string) {
		s, ok := a.Server(server)
		require.True(t, ok)
		for _, st := range s.Steps {
			if st.Status.Done() {
				done = append(done, stepName(st))
			} else {
				open = append(open, stepName(st))
			}
		}
		return done, open
	}
	done, open := steps("sp-fin-01")
	require.Contains(t, done, "patch")
	require.Contains(t, done, "patch-language")
	require.Contains(t, done, "psconfig")
	require.Contains(t, done, "amsi of Portal")
	require.Contains(t, open, "amsi of SharePoint Central Administration v4")
	require.Contains(t, open, "rotate of Portal", "a server of the farm is not through with PSConfig: new keys would be read again")
	require.Contains(t, open, "restart")
	_, open = steps("sp-fin-02")
	for _, step := range []string{"patch-language", "psconfig", "modules", "restart"} {
		require.Contains(t, open, step, "left out, or said to be needed")
	}
	require.Equal(t, state.StatusExposed, b.status("sp-fin-02"))
}

func TestTheExamplesByHandAreTakenByTheirPlaybooks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file, campaign, farm, now string
		servers                   []string
	}{
		{"example-netscaler.json", "citrixbleed2", "gateway", "2025-07-11 15:00", []string{"ns-1", "ns-2"}},
		{"example-exchange.json", "proxynotshell", "mail", "2022-11-10 15:00", []string{"ex-1", "ex-2"}},
	} {
		data := collectorFile(t, c.file)
		require.NoError(t, fits(t, shape(t), string(data)), c.file)
		pb, err := playbook.Load(c.campaign)
		require.NoError(t, err)
		r := readReport(data, at(c.now))
		require.NoError(t, r.err())
		f := state.Farm{Name: c.farm}
		for _, s := range c.servers {
			f.Servers = append(f.Servers, state.Server{Name: s, Farm: c.farm})
		}
		r.against(pb.Rules(), f, kindRules(pb.Rules()), nil)
		require.NoError(t, r.err(), c.file)
		for i := range r.found {
			r.found[i].ID = r.found[i].NewID()
		}
		s := state.Assess(pb.Rules(), f, r.evidence(), at(c.now)).Servers[0]
		require.Equal(t, state.VerdictFixed, s.Verdict, "%s: %s", c.file, s.Reason)
	}
}

// TestTheCollectorOnlyReads holds the script against the list of all that it may
// call. It is no proof that it works: its header says that nobody has run it.
func TestTheCollectorOnlyReads(t *testing.T) {
	t.Parallel()
	script := string(collectorFile(t, "Get-AllclearEvidence.ps1"))
	head, code, ok := strings.Cut(script, "#>")
	require.True(t, ok)
	require.Contains(t, strings.Join(strings.Fields(head), " "), "REVIEWED, NOT RUN")
	require.Contains(t, strings.Join(strings.Fields(head), " "), "It was NOT run against a live farm")

	allowed := []string{
		"Set-StrictMode", "Get-Date", "Test-Path", "Write-Warning", "Write-Output", "Write-Left", "Format-Utc", "Get-ChildItem", "Join-Path", "Get-ItemProperty",
		"Get-WinEvent", "Get-CimInstance", "Get-Process", "Sort-Object", "Get-Content", "Get-AuthenticodeSignature", "Get-Item", "Where-Object", "Select-Object",
		"ForEach-Object", "Get-Command", "Get-Module", "Import-Module", "Add-PSSnapin", "ConvertFrom-Json", "ConvertTo-Json", "Get-Location", "New-Object",
		"Get-SPFarm", "Get-SPServer", "Get-SPWebApplication", "Get-SPFeature",
		"Invoke-Command",    // runs what is in the script, and nothing else
		"Invoke-RestMethod", // to where -Post says
	}
	for _, word := range regexp.MustCompile(`\b[A-Z][a-z]+-[A-Z][A-Za-z]+\b`).FindAllString(code, -1) {
		require.Contains(t, allowed, word)
	}
	calls := regexp.MustCompile(`\.([A-Z][A-Za-z]+)\(`)
	reading := []string{
		"ToUniversalTime", "ToString", "ContainsKey", "SelectNodes", "SelectSingleNode", "GetAttribute", "ComputeHash", "GetBytes", "GetServerProductInfo", "GetUpgradeStatus",
	}
	for _, c := range calls.FindAllStringSubmatch(code, -1) {
		require.True(t, slices.Contains(reading, c[1]), "%s is not on the list of what only reads", c[1])
	}
	statics := regexp.MustCompile(`\]::([A-Za-z]+)\(`)
	for _, c := range statics.FindAllStringSubmatch(code, -1) {
		require.Contains(t, []string{"NewGuid", "GetProductVersions", "ExpandEnvironmentVariables", "Create", "ToString", "Combine", "WriteAllText"}, c[1])
	}
	require.Equal(t, 2, strings.Count(code, "WriteAllText"), "the document, and what it remembers")
	for _, word := range []string{"iisreset", "Invoke-Expression", "iex ", "Start-", "Stop-", "Remove-", "Update(", "cmd.exe"} {
		require.NotContains(t, code, word)
	}
}

// A rotation is told with the time of the run before it, its deployment with that of
// the last change of a file: neither is a way round the order of work.
func TestARotationThatTheCollectorBracketsKeepsTheOrderOfWork(t *testing.T) {
	t.Parallel()
	doc := func(psconfig, rotation, deployment, restart string) chat.File {
		server := `{"package":{"build":"16.0.10417.20037","at":"2025-07-22T09:00:00Z"},"packageLanguage":{"build":"16.0.10417.20037","at":"2025-07-22T09:10:00Z"},` +
			`"psconfig":{"state":"done","at":"2025-07-22T` + psconfig + `:00Z"},"hunt":{"result":"clean","from":"2025-07-07T00:00:00Z","to":"2025-07-22T10:50:00Z"},` +
			`"restart":{"at":"2025-07-22T` + restart + `:00Z"},"keysMatch":"yes","modules":"clean","preserved":{"at":"2025-07-22T08:00:00Z"}}`
		return chat.File{Name: "e.json", Data: []byte(`{"schema":"allclear/evidence/1","farm":"fin","observed":"2025-07-22T15:00:00Z","items":["Portal"],` +
			`"servers":{"sp-fin-01":` + server + `,"sp-fin-02":` + server + `},"webApplications":{"Portal":{"amsi":"full",` +
			`"rotation":{"at":"2025-07-22T` + rotation + `:00Z"},"deployment":{"at":"2025-07-22T` + deployment + `:00Z"}}}}`)}
	}
	for _, c := range []struct {
		psconfig, rotation, deployment, restart string
		open                                    string
	}{
		{"10:30", "11:00", "12:30", "13:00", ""},
		{"11:30", "11:00", "12:30", "13:00", "rotate"},  // the first run was before PSConfig
		{"10:30", "11:00", "12:30", "12:00", "restart"}, // restarted before the file had the new keys
		{"10:30", "11:00", "10:45", "13:00", "deploy"},  // a file that was copied with its old time
	} {
		b := newBoard(t, 2)
		b.now = at("2025-07-22 15:30")
		b.must("resp-1", "evidence add", doc(c.psconfig, c.rotation, c.deployment, c.restart))
		f, err := b.store.Farm(t.Context(), boardID, "fin")
		require.NoError(t, err)
		inc, err := b.store.Incident(t.Context(), boardID)
		require.NoError(t, err)
		s, _ := f.Assess(inc.Rules, b.now).Server("sp-fin-01")
		var open []string
		for _, st := range s.Missing() {
			open = append(open, st.Step)
		}
		if c.open == "" {
			require.Equal(t, state.StatusReady, s.Status, "%v", open)
		} else {
			require.Contains(t, open, c.open)
		}
	}
}
