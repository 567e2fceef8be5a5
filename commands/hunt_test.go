package commands

import (
	"archive/zip"
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/hunt"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

const iisFields = "#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) cs(Referer) sc-status\n"

// iisLog is a request every half hour between two days, with others in between.
func iisLog(from, to string, others ...string) string {
	var b strings.Builder
	b.WriteString(iisFields)
	for t := at(from + " 00:00"); !t.After(at(to + " 00:00")); t = t.Add(30 * time.Minute) {
		for _, o := range others {
			if when, err := time.Parse(time.DateTime, o[:19]); err == nil && when.After(t.Add(-30*time.Minute)) && !when.After(t) {
				b.WriteString(o + "\n")
			}
		}
		fmt.Fprintf(&b, "%s GET /SitePages/Home.aspx - 10.1.1.1 x - 200\n", t.Format(time.DateTime))
	}
	return b.String()
}

func toolPane(when string, status int) string {
	return fmt.Sprintf("%s POST /_layouts/15/ToolPane.aspx DisplayMode=Edit&a=/ToolPane.aspx 198.51.100.7 x /_layouts/SignOut.aspx %d", when, status)
}

func shellAsked(when string, status int) string {
	return fmt.Sprintf("%s GET /_layouts/15/spinstall0.aspx - 198.51.100.7 x - %d", when, status)
}

func zipped(t *testing.T, files map[string]string) chat.File {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return chat.File{Name: "logs.zip", Data: b.Bytes()}
}

const hrPatched = `evidence add {"schema":"allclear/evidence/1","farm":"sp-hr-01","observed":"2025-07-21T13:00:00Z","servers":{"sp-hr-01":{
  "package":{"build":"16.0.10417.20037","at":"2025-07-21T12:00:00Z"},"packageLanguage":{"build":"16.0.10417.20037","at":"2025-07-21T12:00:00Z"},"psconfig":{"state":"done","at":"2025-07-21T12:30:00Z"}}}}`

// step is the status of a step of a server.
func (b *board) step(server, step string) state.StepStatus {
	b.t.Helper()
	f, err := b.store.Farm(b.t.Context(), boardID, server)
	require.NoError(b.t, err)
	inc, err := b.store.Incident(b.t.Context(), boardID)
	require.NoError(b.t, err)
	a, _ := f.Assess(inc.Rules, b.now).Server(server)
	for _, st := range a.Steps {
		if st.Step == step {
			return st.Status
		}
	}
	return state.StepOpen
}

// settled is a board of a campaign that logs can settle.
func settled(t *testing.T) *board {
	b := newBoard(t, 2)
	load := b.parts.Load
	b.parts.Load = func(name string) (playbook.Playbook, error) {
		pb, err := load(name)
		pb.Logs.Settles = true
		return pb, err
	}
	return b
}

func TestLogsAreNotAllOfTheHuntOfToolShell(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-23 12:00")
	b.must("resp-1", hrPatched)
	m := b.must("resp-1", "hunt --server sp-hr-01", chat.File{Name: "a.log", Data: []byte(iisLog("2025-07-07", "2025-07-23"))})
	require.Equal(t, state.StepOpen, b.step("sp-hr-01", "hunt"), plain(m))
}

func TestAHuntRecordsWhatLogsShowAndWhatTheyCover(t *testing.T) {
	t.Parallel()
	b := settled(t)
	b.now = at("2025-07-23 12:00")
	m := b.must("resp-1", "hunt", zipped(t, map[string]string{
		"sp-fin-01/W3SVC1/u_ex2507.log": iisLog("2025-07-07", "2025-07-22", toolPane("2025-07-18 10:10:00", 200)),
		"SP-FIN-02/W3SVC1/u_ex2507.log": iisLog("2025-07-07", "2025-07-22", toolPane("2025-07-18 10:20:00", 401)),
		"sp-hr-01/W3SVC1/u_ex2507.log":  iisLog("2025-07-07", "2025-07-22", toolPane("2025-07-18 10:30:00", 200), shellAsked("2025-07-18 10:31:00", 200)),
		"sp-edge-01/u_ex2507.log":       iisLog("2025-07-10", "2025-07-22"),
		"else-01/u_ex2507.log":          iisLog("2025-07-10", "2025-07-11"),
		"sp-hr-01/notes.txt":            "hello",
	}))
	text := plain(m)
	for _, want := range []string{
		"Hunt in 5 logs of 4 servers: 2 servers changed",
		"✖ 1 server where a web shell answered: sp-hr-01\nsp-hr-01: web shell answered GET /_layouts/15/spinstall0.aspx (spinstall-access), answers 200 (1), from 198.51.100.7, 2025-07-18 10:31",
		"! 1 server with an attack that was not refused: sp-fin-01",
		"? 1 server of which the logs cannot tell all: sp-edge-01\nsp-edge-01: not seen 2025-07-07 00:00 to 2025-07-09 23:59 UTC, the logs begin later",
		"● 1 server with nothing found and nothing missing until the last line: sp-fin-02",
		"? logs of what is not in the inventory, of which nothing was recorded: else-01",
		"1 file not called like logs, left out: logs/sp-hr-01/notes.txt",
		"1 source, POST /_layouts/15/toolpane.aspx, and 1 more path, 3 of 4 servers touched, 2 answered, a web shell answered on 1",
	} {
		require.Contains(t, text, want)
	}
	require.Equal(t, chat.ToneBad, m.Tone)
	require.Equal(t, state.StatusCompromised, b.status("sp-hr-01"))
	require.Equal(t, state.StatusSuspected, b.status("sp-fin-01"))
	require.Equal(t, state.StatusUnknown, b.status("sp-fin-02"))
	require.Contains(t, plain(b.must("view-1", "hunt clusters")), "2 answered, and not patched: sp-hr-01, sp-fin-01")
	show := plain(b.must("view-1", "hunt show sp-fin-02"))
	require.Contains(t, show, "attempts refused POST /_layouts/15/toolpane.aspx (toolpane-strict), answers 401 (1), from 198.51.100.7")
	require.Contains(t, show, "clean 2025-07-07 00:00 to 2025-07-22 00:00 UTC (hunt hunt/logs)")
	require.Contains(t, show, "Step hunt is open: the hunt cannot cover the time until")

	again := plain(b.must("lead-1", "hunt --server sp-hr-01", chat.File{Name: "a.log", Data: []byte(iisLog("2025-07-07", "2025-07-22", toolPane("2025-07-18 10:30:00", 200), shellAsked("2025-07-18 10:31:00", 200)))}))
	require.Contains(t, again, "0 observations recorded")
}

func TestALogHuntProvesTheStepAndNeverClearsASuspicionAlone(t *testing.T) {
	t.Parallel()
	b := settled(t)
	b.now = at("2025-07-23 12:00")
	b.must("resp-1", hrPatched)
	b.must("resp-1", "hunt --server sp-hr-01", chat.File{Name: "a.log", Data: []byte(iisLog("2025-07-07", "2025-07-23"))})
	require.Equal(t, state.StepVerified, b.step("sp-hr-01", "hunt"))
	b.must("resp-1", "hunt --server sp-hr-01", chat.File{Name: "a.log", Data: []byte(iisLog("2025-07-07", "2025-07-23", toolPane("2025-07-18 10:30:00", 200)))})
	require.Equal(t, state.StatusSuspected, b.status("sp-hr-01"))
	b.must("resp-1", "hunt --server sp-hr-01", chat.File{Name: "a.log", Data: []byte(iisLog("2025-07-07", "2025-07-23"))})
	require.Equal(t, state.StatusSuspected, b.status("sp-hr-01"), "whoever hands in another log")
}

func TestLogsThatAreHandedInLaterAddTheirTimeToTheHunt(t *testing.T) {
	t.Parallel()
	b := settled(t)
	b.now = at("2025-07-23 12:00")
	b.must("resp-1", hrPatched)
	hand := func(from, to string) {
		b.must("resp-1", "hunt --server sp-hr-01", chat.File{Name: "a.log", Data: []byte(iisLog(from, to))})
	}
	hand("2025-07-10", "2025-07-23")
	require.Equal(t, state.StepOpen, b.step("sp-hr-01", "hunt"))
	hand("2025-07-07", "2025-07-11")
	require.Equal(t, state.StepVerified, b.step("sp-hr-01", "hunt"), "they overlap")

	b = settled(t)
	b.now = at("2025-07-23 12:00")
	b.must("resp-1", hrPatched)
	hand("2025-07-10", "2025-07-23")
	hand("2025-07-07", "2025-07-23")
	require.Equal(t, state.StepVerified, b.step("sp-hr-01", "hunt"), "all of them again, with the beginning")
}

func TestAnAttackThatCameAfterTheFixAsksForALookAndTheUseOfAShellDoesNot(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-23 12:00")
	b.must("resp-1", hrPatched)
	log := func(lines ...string) chat.File {
		return chat.File{Name: "a.log", Data: []byte(iisLog("2025-07-07", "2025-07-23", lines...))}
	}
	text := plain(b.must("resp-1", "hunt --server sp-hr-01", log(toolPane("2025-07-22 10:30:00", 200))))
	require.Contains(t, text, "? 1 server with an attack that was answered after the server was shown to be fixed: sp-hr-01")
	require.NotEqual(t, state.StatusSuspected, b.status("sp-hr-01"))
	b.must("resp-1", "hunt --server sp-hr-01", log(shellAsked("2025-07-22 11:30:00", 200)))
	require.Equal(t, state.StatusCompromised, b.status("sp-hr-01"))
}

func TestAnAttackThatWasTakenForHarmlessIsASignOnceTheLineMoves(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 1)
	b.now = at("2025-07-23 12:00")
	b.must("resp-1", strings.ReplaceAll(hrPatched, "16.0.10417.20037", "16.0.10417.20027"))
	b.must("resp-1", "hunt --server sp-hr-01", chat.File{Name: "a.log", Data: []byte(iisLog("2025-07-07", "2025-07-23", toolPane("2025-07-22 10:30:00", 200)))})
	require.NotEqual(t, state.StatusSuspected, b.status("sp-hr-01"))
	hash := regexp.MustCompile(`--apply ([0-9a-f]{16})`).FindStringSubmatch(plain(b.must("lead-1", "playbook revise toolshell")))
	require.NotNil(t, hash)
	text := plain(b.must("lead-1", "playbook revise toolshell --apply "+hash[1]))
	require.Contains(t, text, "sp-hr-01")
	require.Equal(t, state.StatusSuspected, b.status("sp-hr-01"), text)
	b.now = b.now.Add(2 * time.Hour)
	b.must("resp-1", strings.ReplaceAll(hrPatched, "2025-07-21T1", "2025-07-23T1"))
	require.Equal(t, state.StatusSuspected, b.status("sp-hr-01"), "a patch clears no suspicion")
}

func TestAnAttackThatAHuntFindsEndsASnooze(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.must("resp-1", "snooze sp-hr-01 6h waits for the window")
	b.now = b.now.Add(time.Hour)
	b.must("resp-1", "hunt --server sp-hr-01", chat.File{Name: "u_ex250720.log", Data: []byte(iisLog("2025-07-19", "2025-07-20", toolPane("2025-07-19 10:10:00", 200)))})
	row, err := b.store.Row(t.Context(), boardID, "sp-hr-01")
	require.NoError(t, err)
	require.Equal(t, state.StatusSuspected, row.Status)
	require.Equal(t, b.now, row.Attacked)
	why, _ := row.QuietNow(b.now, time.Hour)
	require.Empty(t, why, "it is reminded of again")
}

func TestOwnersHearOfNewAttacksOnServersThatHadSignsBefore(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-23 12:00")
	log := func(lines ...string) chat.File {
		return chat.File{Name: "a.log", Data: []byte(iisLog("2025-07-07", "2025-07-23", lines...))}
	}
	heard := func() int {
		n := 0
		for _, notice := range b.said() {
			if notice.Kind == state.NoticeCompromised {
				n++
			}
		}
		return n
	}
	b.must("resp-1", "hunt --server sp-hr-01", log(shellAsked("2025-07-18 11:30:00", 200)))
	require.Equal(t, 1, heard())
	b.must("resp-1", "hunt --server sp-hr-01", log(shellAsked("2025-07-18 11:30:00", 200)))
	require.Zero(t, heard(), "nothing new")
	b.must("resp-1", "hunt --server sp-hr-01", log(shellAsked("2025-07-18 11:30:00", 200), shellAsked("2025-07-22 11:30:00", 200)))
	require.Equal(t, 1, heard())
}

func TestBadLogsAreToldAndNothingIsConcluded(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-23 12:00")
	for name, c := range map[string]struct {
		line string
		file chat.File
		want string
	}{
		"nothing":       {"hunt", chat.File{}, "hunt needs LOGS"},
		"no log in zip": {"hunt", zipped(t, map[string]string{"a.txt": "x"}), "Of 1 file none is called like a log"},
		"broken zip":    {"hunt", chat.File{Name: "a.zip", Data: []byte("PK\x03\x04 nonsense")}, "cannot be opened"},
		"wrong server":  {"hunt --server sp-nowhere-01", chat.File{Name: "a.log", Data: []byte("x")}, "sp-nowhere-01"},
	} {
		var files []chat.File
		if c.file.Name != "" {
			files = append(files, c.file)
		}
		_, err := b.ask("resp-1", c.line, files...)
		require.ErrorContains(t, err, c.want, name)
	}
	text := plain(b.must("resp-1", "hunt --server sp-hr-01", chat.File{Name: "a.log", Data: []byte("\xff\xfe#\x00")}))
	require.Contains(t, text, "not read: a.log of sp-hr-01: the file is UTF-16: save it as UTF-8")
	require.Contains(t, text, "sp-hr-01: no log of its own")
	text = plain(b.must("resp-1", "hunt --dry-run --server sp-hr-01", chat.File{Name: "a.log", Data: []byte(iisLog("2025-07-07", "2025-07-23", shellAsked("2025-07-18 11:30:00", 200)))}))
	require.Contains(t, text, "nothing was recorded")
	require.Equal(t, state.StatusUnknown, b.status("sp-hr-01"))
}

func TestNoCellOfATableIsAFormula(t *testing.T) {
	t.Parallel()
	data, err := TrafficCSV([]hunt.Traffic{{Server: "s", Rule: "r", Agent: "=cmd()", Path: "@x", Method: "+1", Params: "-2"}})
	require.NoError(t, err)
	for _, formula := range []string{",=", ",@", ",+", ",-"} {
		require.NotContains(t, string(data), formula)
	}
}

func TestGapsAreToldOfServersWithAttacksTooAndKept(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	logs := zipped(t, map[string]string{"sp-fin-01/W3SVC1/u_ex.log": iisLog("2025-07-10", "2025-07-20", toolPane("2025-07-18 10:10:00", 200))})
	said := plain(b.must("resp-1", "hunt", logs))
	require.Contains(t, said, "! 1 server with an attack that was not refused: sp-fin-01")
	require.Contains(t, said, "sp-fin-01: not seen 2025-07-07 00:00 to 2025-07-09 23:59 UTC, the logs begin later")
	clean := zipped(t, map[string]string{"sp-fin-02/W3SVC1/u_ex.log": iisLog("2025-07-10", "2025-07-20")})
	b.must("resp-1", "hunt", clean)
	require.Contains(t, plain(b.must("view-1", "hunt show sp-fin-02")), "? Not covered by any hunt: 2025-07-07 00:00 to 2025-07-10 00:00 UTC")
}

func TestAHuntInWhichNothingCouldBeReadIsNotDone(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	for name, data := range map[string]string{"junk.log": "\x00\x01\x02 junk\n", "empty.log": "", "words.log": "hello\nworld\n"} {
		require.Contains(t, b.no("resp-1", "hunt", chat.File{Name: name, Data: []byte(data)}), "not read: "+name, name)
	}
	require.Contains(t, b.no("resp-1", "hunt", zipped(t, map[string]string{"else-01/W3SVC1/u_ex.log": iisLog("2025-07-10", "2025-07-12")})), "not in the inventory, of which nothing was recorded: else-01")
}

func TestAHarmlessAttackEndsNoSnooze(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 2)
	b.now = at("2025-07-23 12:00")
	b.must("resp-1", hrPatched)
	b.must("resp-1", "snooze sp-hr-01 6h waits for the window")
	b.now = b.now.Add(time.Hour)
	b.must("resp-1", "hunt --server sp-hr-01", chat.File{Name: "a.log", Data: []byte(iisLog("2025-07-07", "2025-07-23", toolPane("2025-07-22 10:30:00", 200)))})
	row, err := b.store.Row(t.Context(), boardID, "sp-hr-01")
	require.NoError(t, err)
	require.Zero(t, row.Attacked)
	why, _ := row.QuietNow(b.now, time.Hour)
	require.NotEmpty(t, why)
}
