package commands

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// nucleiLine is a result of nuclei about a host.
func nucleiLine(template, host, at string) string {
	return fmt.Sprintf(`{"template-id":%q,"matched-at":"https://%s/","timestamp":%q,"matcher-status":true}`, template, host, at) + "\n"
}

func handed(name, text string) chat.File { return chat.File{Name: name, Data: []byte(text)} }

func TestAReportOpensWorkRaisesQuestionsAndListsTheRest(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 16:00")
	report := nucleiLine("CVE-2025-53770", "fin.example", "2025-07-22T14:00:00Z") +
		nucleiLine("CVE-2025-49706", "hr.example", "2025-07-22T14:00:00Z") +
		nucleiLine("CVE-2025-53770", "else.example.org", "2025-07-22T14:00:00Z") +
		nucleiLine("CVE-2024-3400", "hr.example", "2025-07-22T14:00:00Z") +
		nucleiLine("CVE-2025-53770", "hr.example", "2025-07-23T14:00:00Z") +
		nucleiLine("CVE-2025-53770", "hr.example", "2025-07-22 14:00:00") +
		`{"template-id":"CVE-2025-53770","host":"hr.example","timestamp":"2025-07-22T14:00:00Z","matcher-status":false}` + "\n"
	m := b.must("resp-1", "intake", handed("out.jsonl", report))
	text := plain(m)
	for _, want := range []string{
		"Report of nuclei: 1 server changed",
		"7 rows, 5 findings: 4 about 2 servers. Recorded: 1 report of what a rule has seen, 1 question.",
		"▲ 1 newly exposed: sp-fin-01 (was unknown)",
		"? 1 question, from which nothing is concluded: sp-hr-01",
		"? nuclei/CVE-2025-49706: the template infers it from status codes, which a filter can send too",
		"1 not in the inventory: else.example.org port 443",
		"1 called fixed or not vulnerable", "1 about other vulnerabilities",
		"2 rows refused:\nline 5: it is dated in the future (2025-07-23 14:00)\nline 6: the time \"2025-07-22 14:00:00\" has no zone: say which is meant",
		"What a report does not list is as unknown as before (2 servers of the inventory not named in it), and what it calls fixed proves nothing.",
	} {
		require.Contains(t, text, want)
	}
	require.Equal(t, chat.ToneBad, m.Tone)
	require.Equal(t, []string{"server list --incident ts-1 --status exposed"}, lines(m))
	require.Equal(t, state.StatusExposed, b.status("sp-fin-01"))
	require.Equal(t, state.StatusUnknown, b.status("sp-hr-01"))
	require.Contains(t, plain(b.must("resp-1", "server show sp-hr-01")), "question raised by import nuclei/CVE-2025-49706")

	entries, err := b.store.AuditOf(t.Context(), boardID, "sp-fin-01", 20)
	require.NoError(t, err)
	require.Len(t, entries, 2) // put, and the evidence
	require.Contains(t, string(fmt.Append(nil, entries[0])), "resp-1")
}

func TestTheSameRequestTakesAReportInOnce(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 16:00")
	file := handed("out.jsonl", nucleiLine("CVE-2025-53770", "fin.example", "2025-07-22T14:00:00Z"))
	_, err := b.askAs("same", "resp-1", "intake", file)
	require.NoError(t, err)
	seq, err := b.store.AuditSeq(t.Context())
	require.NoError(t, err)
	b.now = b.now.Add(time.Minute)
	m, err := b.askAs("same", "resp-1", "intake", file)
	require.NoError(t, err)
	require.Contains(t, plain(m), "Report of nuclei: recorded before")
	after, err := b.store.AuditSeq(t.Context())
	require.NoError(t, err)
	require.Equal(t, seq, after)
	// The same report again, by whomever: the same observations.
	m = b.must("lead-1", "intake", file)
	require.Contains(t, plain(m), "Report of nuclei: no status changed")
	require.Contains(t, plain(m), "Recorded: nothing.\n1 recorded before\n")
	f, err := b.store.Farm(t.Context(), boardID, "fin")
	require.NoError(t, err)
	require.Len(t, f.Evidence, 1)
}

func TestAReportReopensWhatWasReadyAndNewerInsideEvidenceAnswersIt(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.prove()
	require.Equal(t, state.StatusReady, b.status("sp-fin-01"))
	b.now = b.now.Add(time.Hour)
	b.must("resp-1", "intake", handed("o.jsonl", nucleiLine("CVE-2025-53770", "fin.example", "2025-07-20T14:00:00Z")))
	require.Equal(t, state.StatusReady, b.status("sp-fin-01"), "it was patched after that")
	m := b.must("resp-1", "intake", handed("o.jsonl", nucleiLine("CVE-2025-53770", "fin.example", "2025-07-22T15:30:00Z")))
	require.Contains(t, plain(m), "▼ 1 regressed: sp-fin-01 (was ready)")
	require.Equal(t, state.StatusExposed, b.status("sp-fin-01"))
}

func TestADryRunSaysWhatWouldChangeAndRecordsNothing(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 16:00")
	seq, err := b.store.AuditSeq(t.Context())
	require.NoError(t, err)
	report := handed("2025-07-22-compromised_website-example-asn.csv",
		"timestamp,severity,ip,port,hostname,tag,url,http_host,detected_since\n2025-07-22 10:00:00,critical,192.0.2.1,443,,webshell,https://fin.example/x.aspx,fin.example,2025-07-20\n")
	m := b.must("resp-1", "intake --dry-run", report)
	require.Contains(t, plain(m), "Report of shadowserver: 1 server would change; nothing was recorded")
	require.Contains(t, plain(m), "To be recorded: 1 report of what a rule has seen.")
	require.Contains(t, plain(m), "✖ 1 with a new sign of an attacker: sp-fin-01 (was unknown)")
	require.Empty(t, lines(m))
	after, err := b.store.AuditSeq(t.Context())
	require.NoError(t, err)
	require.Equal(t, seq, after)
	require.Equal(t, state.StatusUnknown, b.status("sp-fin-01"))

	b.must("resp-1", "intake", report)
	require.Equal(t, state.StatusSuspected, b.status("sp-fin-01"), "one report raises suspicion; it proves nothing")
}

func TestATableIsReadByItsMapping(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 16:00")
	table := handed("findings.csv", "Server;Result;Seen;Build\nSP-FIN-01;vulnerable;2025-07-22 12:00;\nsp-fin-02;;2025-07-22 12:00;16.0.10417.20027\nsp-hr-01;fixed;2025-07-22 12:00;\n")
	require.Contains(t, b.no("resp-1", "intake", table), "the format was not recognised")
	require.Contains(t, b.no("resp-1", "intake --map name=Server", table), "--map cannot be read: the mapping must say which column is the finding")
	require.Contains(t, b.no("resp-1", "intake --map name=Host,finding=Result,time=Seen", table), `there is no column "Host" for name: the table has server, result, seen, build`)
	require.Contains(t, b.no("resp-1", "intake --zone CET9 --map name=Server,finding=Result,time=Seen", table), `zone cannot be "CET9". Write UTC, +02:00 or Europe/Berlin.`)
	require.Contains(t, b.no("resp-1", "intake --zone Local --map name=Server,finding=Result,time=Seen", table), "zone cannot be")
	require.Contains(t, plain(b.must("resp-1", "intake --dry-run --map name=Server,finding=Result,time=Seen", table)), "line 2, column 22: the time \"2025-07-22 12:00\" has no zone")
	require.Contains(t, plain(b.must("resp-1", "intake --dry-run --map name=Server,finding=Result,time=Seen", table)), "Say which zone is meant, like --zone UTC.")
	elsewhere := b.must("resp-1", "intake", handed("o.jsonl", nucleiLine("CVE-2025-53770", "else.example.org", "2025-07-22T14:00:00Z")))
	require.Contains(t, plain(elsewhere), "Nothing of it is about the inventory. Compare names and addresses with server list.")

	m := b.must("resp-1", `intake --zone +02:00 --map "name=Server, finding=Result, time=Seen, build=Build"`, table)
	require.Contains(t, plain(m), "Recorded: 1 build, 1 question.")
	require.Contains(t, plain(m), "? csv/finding: a row of a table, of which it is not known how it was found")
	require.Equal(t, state.StatusExposed, b.status("sp-fin-02"), "the build is below the fix line")
	require.Equal(t, state.StatusUnknown, b.status("sp-hr-01"), "fixed proves nothing")
	require.Contains(t, b.no("resp-1", "intake --format nucli x"), "format cannot be")
}

func TestAReportThatCannotBeReadChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 16:00")
	seq, err := b.store.AuditSeq(t.Context())
	require.NoError(t, err)
	for _, c := range []struct{ text, want string }{
		{nucleiLine("CVE-2025-53770", "fin.example", "2025-07-22T14:00:00Z") + `{"template-id":"CVE-20`, "The report cannot be read: line 2: the file ends in the middle of what begins here: hand in all of it. Nothing was recorded."},
		{"", "the file is empty"},
		{"<!DOCTYPE nmaprun [<!ENTITY a 'b'>]><nmaprun>&a;</nmaprun>", "a definition of the document's own"},
		{strings.Repeat("\x00", 1000), "a zero byte"},
	} {
		require.Contains(t, b.no("resp-1", "intake", handed("x", c.text)), c.want)
	}
	require.Contains(t, b.no("resp-1", "intake"), "intake needs REPORT")
	require.Contains(t, b.no("view-1", "intake", handed("x", "x")), "may not")
	after, err := b.store.AuditSeq(t.Context())
	require.NoError(t, err)
	require.Equal(t, seq, after)
}

func TestManyRefusedRowsAreShownInPartAndHandedOverInAFile(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 16:00")
	text := nucleiLine("CVE-2025-53770", "fin.example", "2025-07-22T14:00:00Z") + strings.Repeat(nucleiLine("x", "fin.example", "<b>@everyone</b>"), 45)
	m := b.must("resp-1", "intake", handed("x", text))
	require.Contains(t, plain(m), "45 rows refused:\nline 2: \"·b··everyone·/b·\" is not a time")
	require.Contains(t, plain(m), "line 9: \"·b··everyone·/b·\" is not a time like 2025-07-22T10:00:00Z\nand 37 more\n")
	i := len(m.Parts) - 1
	for ; i >= 0; i-- {
		if a, ok := m.Parts[i].(chat.Attachment); ok {
			require.Equal(t, 45, bytes.Count(a.Data, []byte("line")))
			break
		}
	}
	require.GreaterOrEqual(t, i, 0)
}

func TestAnAnswerFromWhatIsSaidToBeDisconnectedIsNotLost(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 12:01")
	b.must("resp-1", "evidence add", handed("e.json", `{"schema":"allclear/evidence/1","farm":"sp-hr-01","observed":"2025-07-22T12:00:00Z","servers":{"sp-hr-01":{"contained":"yes"}}}`))
	require.Equal(t, state.StatusContained, b.status("sp-hr-01"))
	banner := `{"ip_str":"192.0.2.7","port":443,"timestamp":"2025-07-22T14:00:00","http":{"host":"%s"},"data":"HTTP/1.1 200 OK\r\n\r\n"}` + "\n"
	b.now = at("2025-07-22 16:00")
	m := b.must("resp-1", "intake", handed("s.json", fmt.Sprintf(banner, "hr.example")+fmt.Sprintf(banner, "fin.example")))
	require.Contains(t, plain(m), "Recorded: 1 answer from what is said to be disconnected.")
	require.NotEqual(t, state.StatusContained, b.status("sp-hr-01"))
	row, err := b.store.Row(t.Context(), boardID, "sp-fin-01")
	require.NoError(t, err)
	require.True(t, row.LastLook.IsZero(), "what others saw is no look of ours")
}

func TestWhatOthersReadBeforeOurOwnLookIsHistory(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 16:00")
	b.change([]string{"sp-hr-01"}, func(tx *state.Tx) error {
		return tx.Record("sp-hr-01", state.Evidence{Subject: state.Subject{Server: "sp-hr-01"}, Kind: state.KindBuild, Value: "16.0.10417", Source: state.SourceProbe, Tool: "header", Observed: at("2025-07-22 15:00")})
	})
	banner := `{"ip_str":"192.0.2.7","port":443,"timestamp":"2025-07-%s:00","http":{"host":"hr.example"},"data":"HTTP/1.1 200 OK\r\nMicrosoftSharePointTeamServices: 16.0.0.10416\r\n\r\n"}`
	m := b.must("resp-1", "intake", handed("s.json", fmt.Sprintf(banner, "01T10:00")))
	require.Contains(t, plain(m), "1 read before our own last look")
	require.Equal(t, state.StatusUnknown, b.status("sp-hr-01"))
	b.must("resp-1", "intake", handed("s.json", fmt.Sprintf(banner, "22T15:30")))
	require.Equal(t, state.StatusExposed, b.status("sp-hr-01"))
}

func TestEveryFormatIsTakenInAsItsMakerWritesIt(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"compromised_website.csv": "with a new sign of an attacker: sp-fin-01", "shodan_banners.jsonl": "newly exposed: sp-fin-01", "nuclei.jsonl": "newly exposed: sp-fin-01",
		"nmap.xml": "newly exposed: sp-fin-01", "nessus.nessus": "newly exposed: sp-fin-01", "scan_http_vulnerable.csv": "1 question, from which nothing is concluded: sp-fin-01",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBoard(t, 2)
			b.now = at("2025-09-22 16:00")
			b.change([]string{"fin"}, func(tx *state.Tx) error {
				return tx.PutServer(state.Server{Name: "sp-fin-01", Farm: "fin", Owner: "alice", URL: "https://fin.example.com/", Addresses: []string{"192.0.2.11"}})
			})
			data, err := os.ReadFile(filepath.Join("..", "checks", "intake", "testdata", name))
			require.NoError(t, err)
			m := b.must("resp-1", "intake", chat.File{Name: name, Data: data})
			require.Contains(t, plain(m), want)
			f, err := b.store.Farm(t.Context(), boardID, "fin")
			require.NoError(t, err)
			for _, secret := range []string{"hunter2", "topsecret", "secret.token", "c2NhbjpodW50ZXIy"} {
				require.NotContains(t, fmt.Sprint(f, m), secret)
			}
		})
	}
}

func TestAnAmbiguousReportIsAQuestionToEachFarm(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 16:00")
	b.change([]string{"fin", "sp-hr-01"}, func(tx *state.Tx) error {
		if err := tx.PutServer(state.Server{Name: "sp-fin-01", Farm: "fin", URL: "https://fin.example/", Addresses: []string{"192.0.2.9"}}); err != nil {
			return err
		}
		return tx.PutServer(state.Server{Name: "sp-hr-01", URL: "https://hr.example/", Addresses: []string{"192.0.2.9"}})
	})
	m := b.must("resp-1", "intake", handed("s.json", `{"ip_str":"192.0.2.9","port":443,"timestamp":"2025-07-22T14:00:00","data":"x","vulns":{"CVE-2025-53770":{"verified":true}}}`))
	require.Contains(t, plain(m), "1 that may be of several farms, or whose name and address contradict each other; a question to each farm: 192.0.2.9 port 443")
	require.Contains(t, plain(m), "? 2 questions, from which nothing is concluded: farm fin, farm sp-hr-01")
	require.Equal(t, state.StatusUnknown, b.status("sp-fin-01"))
	require.Equal(t, state.StatusUnknown, b.status("sp-hr-01"))
}

func TestALargeReportIsRecordedInBatchesOfFarms(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-22 16:00")
	const farms = 3*farmsAtOnce + 5
	var report strings.Builder
	for from := 0; from < farms; from += farmsAtOnce {
		var names []string
		for i := from; i < min(farms, from+farmsAtOnce); i++ {
			names = append(names, fmt.Sprintf("many-%d", i))
			report.WriteString(nucleiLine("CVE-2025-53770", fmt.Sprintf("many-%d.example", i), "2025-07-22T14:00:00Z"))
		}
		b.change(names, func(tx *state.Tx) error {
			for _, n := range names {
				if err := tx.PutServer(state.Server{Name: n, URL: "https://" + n + ".example/"}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	seq, err := b.store.AuditSeq(t.Context())
	require.NoError(t, err)
	m := b.must("resp-1", "intake", handed("o.jsonl", report.String()))
	require.Contains(t, plain(m), fmt.Sprintf("▲ %d newly exposed: ", farms))
	after, err := b.store.AuditSeq(t.Context())
	require.NoError(t, err)
	require.Equal(t, seq+4, after, "one entry a batch")
}
