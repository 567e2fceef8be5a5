package hunt_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/hunt"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

const fields = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\n"

// toolshell has the rules of the campaign, as if logs could settle it.
func toolshell(t testing.TB) playbook.Playbook {
	t.Helper()
	p, err := playbook.Builtin("toolshell")
	require.NoError(t, err)
	require.False(t, p.Logs.Settles, "files, modules, tasks and accounts are in no log")
	p.Logs.Settles = true
	return p
}

// line is one request at a time like "2025-07-18 18:04:05".
func line(at, method, stem, query, client, agent, referer string, status int) string {
	return fmt.Sprintf("%s 10.0.0.5 %s %s %s 443 - %s %s %s %d 0 0 15\n", at, method, stem, query, client, agent, referer, status)
}

func exploit(at, client string, status int) string {
	return line(at, "POST", "/_layouts/15/ToolPane.aspx", "DisplayMode=Edit&a=/ToolPane.aspx", client, "Mozilla/5.0+Firefox/120.0", "/_layouts/SignOut.aspx", status)
}

// usual is a request every half hour from one time to another.
func usual(from, to string) string {
	var b strings.Builder
	a, _ := time.Parse(time.DateOnly, from)
	z, _ := time.Parse(time.DateOnly, to)
	for ; !a.After(z); a = a.Add(30 * time.Minute) {
		b.WriteString(line(a.Format("2006-01-02 15:04:05"), "GET", "/SitePages/Home.aspx", "-", "10.0.3.4", "Mozilla/5.0", "-", 200))
	}
	return b.String()
}

func read(t testing.TB, logs ...string) hunt.Report {
	t.Helper()
	h := hunt.New(hunt.Options{Playbook: toolshell(t), Now: time.Date(2025, 8, 1, 0, 0, 0, 0, time.UTC)})
	for i, l := range logs {
		_, err := h.Read(t.Context(), hunt.Origin{Server: "w1", Site: "W3SVC1", Name: fmt.Sprintf("u_ex%d.log", i)}, strings.NewReader(l))
		require.NoError(t, err)
	}
	return h.Report("w1", time.Time{})
}

func gaps(r hunt.Report) []string {
	var out []string
	for _, g := range r.Gaps {
		out = append(out, g.From.Format("01-02 15:04")+" to "+g.To.Format("01-02 15:04")+" "+g.Why)
	}
	return out
}

func clean(r hunt.Report) []string {
	var out []string
	for _, g := range r.Clean {
		out = append(out, g.From.Format("01-02 15:04")+" to "+g.To.Format("01-02 15:04"))
	}
	return out
}

func values(r hunt.Report) []string {
	var out []string
	for _, t := range r.Traffic {
		out = append(out, t.Rule+" "+t.Value)
	}
	return out
}

func TestWholeLogsWithoutAnAttackAreACleanHunt(t *testing.T) {
	t.Parallel()
	r := read(t, fields+usual("2025-07-07", "2025-07-22"))
	require.Empty(t, gaps(r))
	require.Equal(t, []string{"07-07 00:00 to 07-22 00:00"}, clean(r))
	require.True(t, r.Proves)
	require.Equal(t, 29*time.Minute, r.Silence)
	require.Len(t, r.Evidence(), 1)
	e := r.Evidence()[0]
	require.Equal(t, state.KindHunt, e.Kind)
	require.Equal(t, "clean", e.Value)
	require.Equal(t, state.SourceHunt, e.Source)
	require.Equal(t, e.To, e.Observed)
	require.Contains(t, e.Detail, "logs only")
	require.NotEmpty(t, e.Digest)
}

func TestRequestsAreClassedByWhatTheyWereAndHowTheyWereAnswered(t *testing.T) {
	t.Parallel()
	const at, evil = "2025-07-18 18:04:05", "198.51.100.7"
	shell := func(path string, status int) string { return line(at, "GET", path, "-", evil, "curl/8", "-", status) }
	for name, c := range map[string]struct {
		log  string
		want []string
	}{
		"refused":               {exploit(at, evil, 403), []string{"toolpane-strict attempt"}},
		"answered":              {exploit(at, evil, 200), []string{"toolpane-strict answered"}},
		"redirected":            {exploit(at, evil, 302), []string{"toolpane-strict answered"}},
		"failed":                {exploit(at, evil, 500), []string{"toolpane-strict answered"}},
		"variant":               {line(at, "POST", "/_layouts/16/toolpane.aspx/lx", "DisplayMode=Edit&lx=/ToolPane.aspx", evil, "x", "/_layouts/./SignOut.aspx", 200), []string{"toolpane-general answered"}},
		"encoded path":          {line(at, "POST", "/_layouts/15/Tool%50ane%2easpx", "DisplayMode=Edit&a=/ToolPane.aspx", evil, "x", "/_layouts/SignOut.aspx", 200), []string{"toolpane-strict answered"}},
		"twice encoded":         {line(at, "POST", "/_layouts/15/tool%2570ane.aspx", "DisplayMode=Edit&a=%2FToolPane.aspx", evil, "x", "/_layouts/SignOut.aspx", 200), []string{"toolpane-strict answered"}},
		"backslashes":           {line(at, "POST", `/_layouts\15//toolpane.aspx`, "DisplayMode=Edit&a=/ToolPane.aspx", evil, "x", "/_layouts/SignOut.aspx", 200), []string{"toolpane-strict answered"}},
		"other order":           {line(at, "POST", "/_layouts/15/toolpane.aspx", "a=/ToolPane.aspx&DisplayMode=Edit", evil, "x", "/_layouts/SignOut.aspx", 200), []string{"toolpane-general answered"}},
		"without its parameter": {line(at, "POST", "/_layouts/15/ToolPane.aspx", "DisplayMode=Edit", evil, "x", "/_layouts/SignOut.aspx", 200), []string{"toolpane-bypass answered"}},
		"other referer":         {line(at, "POST", "/_layouts/15/toolpane.aspx", "DisplayMode=Edit&a=/ToolPane.aspx", evil, "x", "https://h/SitePages/Home.aspx", 200), nil},
		"GET":                   {line(at, "GET", "/_layouts/15/toolpane.aspx", "DisplayMode=Edit&a=/ToolPane.aspx", evil, "x", "/_layouts/SignOut.aspx", 200), nil},
		"shell":                 {shell("/_layouts/15/spinstall0.aspx", 200), []string{"spinstall-access shell"}},
		"shell, any case":       {shell("/_LAYOUTS/16/SPINSTALL0.ASPX", 200), []string{"spinstall-access shell"}},
		"shell, behind a login": {shell("/_layouts/15/spinstall0.aspx", 302), []string{"spinstall-access answered"}},
		"no shell there":        {shell("/_layouts/15/spinstall0.aspx", 404), []string{"spinstall-access attempt"}},
		"key dump":              {shell("/_layouts/15/debug_dev.js", 200), []string{"spinstall-access shell"}},
		"rare name":             {shell("/_layouts/15/info.js", 200), []string{"shell-rare odd"}},
		"rare name, refused":    {shell("/_layouts/15/info.js", 404), nil},
		"look-alike":            {shell("/sites/it/spinstaller-guide.aspx", 200), nil},
		"own scan":              {line(at, "GET", "/_layouts/15/spinstall0.aspx", "-", "10.9.9.9", "allclear/1.0+(+somebody)", "-", 404), nil},
		"who says to be our scan, and is answered": {line(at, "GET", "/_layouts/15/spinstall0.aspx", "-", evil, "allclear/1.0", "-", 200), []string{"spinstall-access shell"}},
		"stolen keys": {
			exploit(at, evil, 200) + line("2025-07-19 01:00:00", "POST", "/SitePages/Home.aspx", "-", evil, "x", "-", 200),
			[]string{"toolpane-strict answered", "keys-in-use keys"},
		},
		"a balancer's address is nobody's": {
			exploit(at, "10.0.0.1", 200) + line("2025-07-19 01:00:00", "POST", "/SitePages/Home.aspx", "-", "10.0.0.1", "x", "-", 200),
			[]string{"toolpane-strict answered"},
		},
		"a known address":                 {line(at, "GET", "/", "-", "96.9.125.147", "x", "-", 200), []string{"known-address contact"}},
		"a known address, long before":    {line("2024-01-01 01:00:00", "GET", "/", "-", "96.9.125.147", "x", "-", 200), nil},
		"a known address posts to a page": {line(at, "POST", "/a.aspx", "-", "96.9.125.147", "x", "-", 200), []string{"keys-in-use keys"}},
	} {
		r := read(t, fields+c.log)
		require.Equal(t, c.want, values(r), name)
	}
}

func TestWhatIsFoundEndsWhatIsClean(t *testing.T) {
	t.Parallel()
	r := read(t, fields+usual("2025-07-07", "2025-07-17")+exploit("2025-07-17 00:10:00", "198.51.100.7", 403)+usual("2025-07-17", "2025-07-18")+
		exploit("2025-07-18 00:10:00", "198.51.100.7", 200)+usual("2025-07-18", "2025-07-22"))
	require.Equal(t, []string{"07-07 00:00 to 07-18 00:10", "07-18 00:11 to 07-22 00:00"}, clean(r), "what was refused does not")
	require.True(t, r.Proves, "as far as it goes")
	require.Contains(t, r.Evidence()[2].Detail, "1 attempts refused")
}

func TestAnEvictionSettlesWhatWasBefore(t *testing.T) {
	t.Parallel()
	h := hunt.New(hunt.Options{Playbook: toolshell(t)})
	log := fields + usual("2025-07-07", "2025-07-18") + exploit("2025-07-18 00:10:00", "198.51.100.7", 200) + usual("2025-07-18", "2025-07-22")
	_, err := h.Read(t.Context(), hunt.Origin{Server: "w1"}, strings.NewReader(log))
	require.NoError(t, err)
	require.Len(t, h.Report("w1", time.Time{}).Clean, 2)
	require.Len(t, h.Report("w1", time.Date(2025, 7, 19, 0, 0, 0, 0, time.UTC)).Clean, 1)
	require.Len(t, h.Report("w1", time.Date(2025, 7, 18, 0, 0, 0, 0, time.UTC)).Clean, 2, "not what came after")
}

func TestWhatLogsCannotSpeakForIsAGap(t *testing.T) {
	t.Parallel()
	noReferer := strings.Replace(fields, "cs(Referer) ", "", 1)
	without := func(s string) string { return strings.ReplaceAll(s, " - 200 0", " 200 0") }
	for name, c := range map[string]struct {
		log         string
		gaps, clean []string
	}{
		"missing hours": {
			fields + usual("2025-07-07", "2025-07-10") + usual("2025-07-11", "2025-07-12"),
			[]string{"07-10 00:01 to 07-10 23:59 no line"},
			[]string{"07-07 00:00 to 07-10 00:01", "07-11 00:00 to 07-12 00:00"},
		},
		"begins late": {
			fields + usual("2025-07-08", "2025-07-09"),
			[]string{"07-07 00:00 to 07-07 23:59 the logs begin later"},
			[]string{"07-08 00:00 to 07-09 00:00"},
		},
		"no referer for a day": {
			fields + usual("2025-07-07", "2025-07-08") + noReferer + without(usual("2025-07-08", "2025-07-09")) + fields + usual("2025-07-09", "2025-07-10"),
			[]string{"07-08 00:00 to 07-09 00:00 the column cs(Referer) is not logged"},
			[]string{"07-07 00:00 to 07-08 00:00", "07-09 00:01 to 07-10 00:00"},
		},
		"never any referer": {
			noReferer + without(usual("2025-07-07", "2025-07-09")),
			[]string{"07-07 00:00 to 07-09 00:00 the column cs(Referer) is not logged"},
			nil,
		},
		"a line that was cut": {
			fields + usual("2025-07-07", "2025-07-08") + "2025-07-08 00:10:00 10.0.0.5 POST\n" + usual("2025-07-08", "2025-07-09"),
			[]string{"07-08 00:10 to 07-08 00:10 lines cannot be read"},
			[]string{"07-07 00:00 to 07-08 00:10", "07-08 00:11 to 07-09 00:00"},
		},
		"text with spaces, but no name of a rule": {
			fields + usual("2025-07-07", "2025-07-08") + "2025-07-08 00:10:00 10.0.0.5 GET /a.aspx q with spaces 443 - 10.1.1.1 x - 200 0 0 1 1\n" + usual("2025-07-08", "2025-07-09"),
			nil,
			[]string{"07-07 00:00 to 07-09 00:00"},
		},
		"text with spaces, and the name of a rule": {
			fields + usual("2025-07-07", "2025-07-08") + "2025-07-08 00:10:00 10.0.0.5 POST /_layouts/15/ToolPane.aspx q with spaces 443 - 10.1.1.1 x - 200 0 0 1 1\n" + usual("2025-07-08", "2025-07-09"),
			[]string{"07-08 00:10 to 07-08 00:10 lines cannot be read"},
			[]string{"07-07 00:00 to 07-08 00:10", "07-08 00:11 to 07-09 00:00"},
		},
		"nothing but other formats": {"what is\nthis\n", nil, nil},
		"a time that is yet to come": {
			fields + usual("2025-07-07", "2025-07-08") + line("2031-01-01 00:00:00", "GET", "/", "-", "10.0.0.1", "x", "-", 200) + usual("2025-07-08", "2025-07-09"),
			[]string{"07-08 00:00 to 07-08 00:00 lines cannot be read"},
			[]string{"07-07 00:00 to 07-08 00:00", "07-08 00:01 to 07-09 00:00"},
		},
		"a file that is being written": {
			fields + usual("2025-07-07", "2025-07-08") + "2025-07-08 00:20:00 10.0.0.5 GET /_layo",
			[]string{"07-08 00:20 to 07-08 00:20 lines cannot be read"},
			[]string{"07-07 00:00 to 07-08 00:00"},
		},
		"its beginning is missing": {
			usual("2025-07-07", "2025-07-08") + fields + usual("2025-07-08", "2025-07-09"),
			[]string{"07-07 00:00 to 07-07 23:59 the logs begin later", "07-07 00:00 to 07-08 00:00 lines cannot be read"},
			[]string{"07-08 00:01 to 07-09 00:00"},
		},
	} {
		r := read(t, c.log)
		require.Equal(t, c.gaps, gaps(r), name)
		require.Equal(t, c.clean, clean(r), name)
	}
}

func TestASiteThatIsSilentIsAGapThoughOthersSpeak(t *testing.T) {
	t.Parallel()
	h := hunt.New(hunt.Options{Playbook: toolshell(t)})
	for site, log := range map[string]string{"W3SVC1": usual("2025-07-07", "2025-07-22"), "W3SVC2": usual("2025-07-07", "2025-07-12") + usual("2025-07-15", "2025-07-22")} {
		_, err := h.Read(t.Context(), hunt.Origin{Server: "w1", Site: site}, strings.NewReader(fields+log))
		require.NoError(t, err)
	}
	require.Equal(t, []string{"07-12 00:01 to 07-14 23:59 no line of W3SVC2"}, gaps(h.Report("w1", time.Time{})))
}

func TestALogThatCannotBeReadKeepsAllFromBeingClean(t *testing.T) {
	t.Parallel()
	whole := fields + usual("2025-07-07", "2025-07-09")
	r := read(t, whole, "\xff\xfe#\x00F\x00")
	require.Empty(t, clean(r))
	require.Contains(t, gaps(r)[0], "UTF-16: save it as UTF-8")

	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(whole))
	require.NoError(t, z.Close())
	r = read(t, packed.String())
	require.Equal(t, []string{"07-07 00:00 to 07-09 00:00"}, clean(r))
	r = read(t, packed.String()[:packed.Len()/2], fields+usual("2025-07-09", "2025-07-12"))
	require.NotContains(t, strings.Join(clean(r), ""), "07-08 ")
	require.Contains(t, strings.Join(gaps(r), "\n"), "unexpected EOF")
	require.Equal(t, []string{"07-07 00:00 to 07-09 00:00"}, clean(read(t, "\xef\xbb\xbf"+whole)))
	require.Equal(t, []string{"07-07 00:00 to 07-09 00:00"}, clean(read(t, strings.ReplaceAll(whole, "\n", "\r\n"))))
}

func TestAFrontEndShowsAttacksAndCoversNothing(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for h := range 48 {
		fmt.Fprintf(&b, "203.0.113.9 - - [%02d/Jul/2025:%02d:10:00 +0200] \"GET / HTTP/1.1\" 200 5 \"-\" \"x\"\n", 7+h/24, h%24)
	}
	b.WriteString(`198.51.100.7 - - [18/Jul/2025:20:04:05 +0200] "POST /_layouts/15/ToolPane.aspx?DisplayMode=Edit&a=/ToolPane.aspx HTTP/1.1" 200 77 "/_layouts/SignOut.aspx" "Mozilla/5.0"` + "\n")
	b.WriteString(`198.51.100.7 - - [18/Jul/2025:20:04:09 +0200] "GET /_layouts/15/spinstall0.aspx HTTP/1.1" 200 160 "-" "Mozilla/5.0"` + "\n")
	b.WriteString(`198.51.100.7 - - [18/Jul/2025:20:04:09 +0200] "GET /_layouts/15/spinstall0.aspx HTTP/1.1" 200 160` + "\n")
	r := read(t, b.String())
	require.Equal(t, []string{"toolpane-strict answered", "spinstall-access answered", "spinstall-access answered"}, values(r), "never a proof: the front end may have answered itself")
	require.Equal(t, time.Date(2025, 7, 18, 18, 4, 5, 0, time.UTC), r.Traffic[0].First)
	require.Empty(t, clean(r))
	require.False(t, r.Proves)
}

func TestTheErrorLogOfHTTPSysIsReadAndCoversNothing(t *testing.T) {
	t.Parallel()
	r := read(t, "#Software: Microsoft HTTP API 2.0\n#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename\n"+
		"2025-07-18 18:04:05 198.51.100.7 50123 10.0.0.5 443 HTTP/1.1 GET /_layouts/15/spinstall0.aspx?a=b 503 - AppOffline SharePoint\n"+
		"2025-07-18 18:04:06 198.51.100.7 50123 10.0.0.5 443 HTTP/1.1 GET /_layouts/15/spinstall0.aspx 400 - BadRequest -\n")
	require.Equal(t, []string{"spinstall-access answered", "spinstall-access attempt"}, values(r))
	require.Empty(t, clean(r))
	require.Equal(t, hunt.FormatHTTPErr, r.Files[0].Format)
}

func TestTheClientBehindAProxyIsTheOneThatIsTold(t *testing.T) {
	t.Parallel()
	x := strings.Replace(fields, "time-taken", "time-taken X-Forwarded-For", 1)
	withX := func(l, forwarded string) string { return strings.TrimSuffix(l, "\n") + " " + forwarded + "\n" }
	r := read(t, x+withX(exploit("2025-07-18 18:04:05", "10.0.0.1", 200), "1.1.1.1,+198.51.100.7,+10.0.0.9")+
		withX(line("2025-07-19 01:00:00", "POST", "/a.aspx", "-", "10.0.0.1", "x", "-", 200), "198.51.100.7")+
		withX(line("2025-07-19 02:00:00", "POST", "/a.aspx", "-", "10.0.0.1", "x", "-", 200), "203.0.113.80"))
	require.Equal(t, []string{"toolpane-strict answered", "keys-in-use keys"}, values(r))
	require.Equal(t, []string{"198.51.100.7"}, r.Traffic[0].Sources)
	require.Equal(t, int64(1), r.Traffic[1].Count)
}

func TestALogWithoutTheRefererDoubtsAndDoesNotForget(t *testing.T) {
	t.Parallel()
	l := strings.Replace(fields, "cs(Referer) ", "", 1) +
		"2025-07-18 18:04:05 10.0.0.5 POST /_layouts/15/ToolPane.aspx DisplayMode=Edit&a=/ToolPane.aspx 443 - 198.51.100.7 x 200 0 0 15\n"
	r := read(t, l)
	require.Equal(t, []string{"toolpane-strict answered"}, values(r))
	require.Equal(t, "cs(Referer)", r.Traffic[0].Doubt)
}

func TestTrafficIsReadBackFromItsEvidence(t *testing.T) {
	t.Parallel()
	log := fields
	for i := range 25 {
		log += exploit(fmt.Sprintf("2025-07-18 18:%02d:05", i), fmt.Sprintf("198.51.100.%d", i), 200+i%2*201)
	}
	for _, tr := range read(t, log).Traffic {
		got, ok := hunt.ParseTraffic(tr.Evidence())
		require.True(t, ok)
		require.Equal(t, tr, got)
	}
	_, ok := hunt.ParseTraffic(state.Evidence{Kind: state.KindAttack, Tool: "hunt/x/1", Detail: "nonsense"})
	require.False(t, ok)
}

func TestMoreKindsOfRequestsThanAreKeptAreCountedAllTheSame(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(fields)
	for i := range 6000 {
		b.WriteString(exploit("2025-07-18 18:04:05", fmt.Sprintf("198.51.%d.%d", i/250, i%250), 403))
	}
	r := read(t, b.String())
	var n int64
	for _, tr := range r.Traffic {
		n += tr.Count
		require.LessOrEqual(t, len(tr.Sources), hunt.MaxSources)
	}
	require.Equal(t, int64(6000), n)
	require.Positive(t, r.Folded)
}

func TestLogsWithoutADateColumnGoByTheirDirective(t *testing.T) {
	t.Parallel()
	r := read(t, "#Date: 2025-07-18 22:00:00\n#Fields: time cs-method cs-uri-stem cs-uri-query c-ip cs(Referer) sc-status\n"+
		"23:59:58 POST /_layouts/15/toolpane.aspx DisplayMode=Edit&a=/ToolPane.aspx 198.51.100.7 /_layouts/SignOut.aspx 200\n"+
		"00:00:02 POST /_layouts/15/toolpane.aspx DisplayMode=Edit&a=/ToolPane.aspx 198.51.100.7 /_layouts/SignOut.aspx 200\n")
	require.Equal(t, "2025-07-18 23:59:58", r.Traffic[0].First.Format(time.DateTime))
	require.Equal(t, "2025-07-19 00:00:02", r.Traffic[0].Last.Format(time.DateTime))
}
