package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// endless repeats a text for ever, behind a beginning, and counts what is read.
type endless struct {
	head, body string
	at, read   int64
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if e.at < int64(len(e.head)) {
			k := copy(p[n:], e.head[e.at:])
			n, e.at = n+k, e.at+int64(k)
			continue
		}
		k := copy(p[n:], e.body[(e.at-int64(len(e.head)))%int64(len(e.body)):])
		n, e.at = n+k, e.at+int64(k)
	}
	e.read += int64(n)
	return n, nil
}

// last is the error that a reading ends with, and how many findings it gave.
func last(ctx context.Context, r io.Reader, o Options) (findings int, err error) {
	for _, e := range Read(ctx, r, o) {
		var p *Problem
		if err = e; e == nil {
			findings++
		} else if errors.As(e, &p) {
			err = nil
		}
	}
	return findings, err
}

const (
	shadowHead = "timestamp,severity,ip,protocol,port,hostname,tag\n"
	nessusHead = `<NessusClientData_v2><Report name="x">`
)

func TestNoFileIsTooLargeToBeRefusedInConstantMemory(t *testing.T) {
	t.Parallel()
	m, err := ParseMapping("name=a,finding=b,time:=2025-07-22T10:00Z")
	require.NoError(t, err)
	for _, c := range []struct {
		name       string
		format     Format
		head, body string
		want       string
	}{
		{"zeroes", "", "", "\x00", "a zero byte"},
		{"zeroes called csv", FormatCSV, "", "\x00", "a zero byte"},
		{"zeroes called nmap", FormatNmap, "", "\x00", "a zero byte"},
		{"zeroes called nuclei", FormatNuclei, "", "\x00", "a zero byte"},
		{"zeroes in a table", FormatShadowserver, shadowHead, "\x00", "line 2, column 1: a zero byte"},
		{"a header that does not end", FormatShadowserver, "timestamp,ip,severity", "x", "a row is longer than 1048576 bytes"},
		{"columns without end", FormatShadowserver, "timestamp,ip,severity", ",x", "a row is longer than 1048576 bytes"},
		{"a cell that does not end", FormatShadowserver, shadowHead + "\"", "x", "line 2: a row is longer than 1048576 bytes"},
		{"a cell of many lines", FormatShadowserver, shadowHead + "\"", "x\n", "line 2: a row is longer than 1048576 bytes"},
		{"a table that does not end", FormatCSV, "a,b\n", "x,vulnerable\n", "the file is longer than"},
		{"a text that does not end", FormatNuclei, `{"template-id":"`, "x", "line 1: what begins here is longer than 4194304 bytes"},
		{"a text of many lines", FormatNuclei, `{"template-id":"`, "x\n", "line 1: this is not JSON: a text goes on after the end of its line"},
		{"nested objects", FormatNuclei, "", `{"a":`, "it is nested deeper than 64"},
		{"nested lists", FormatShodan, `{"data":`, `[`, "it is nested deeper than 64"},
		{"members without end", FormatShodan, `{"ip_str":"192.0.2.1"`, `,"a":1`, "what begins here is longer than"},
		{"space without end", FormatShodan, "", "     \n", "the file is longer than"},
		{"results without end", FormatNuclei, "", `{"template-id":"x","host":"a.example","timestamp":"2025-07-22T10:00:00Z"}` + "\n", "the file is longer than"},
		{"nested elements", FormatNmap, "<nmaprun>", "<host>", "it is nested deeper than 64"},
		{"an attribute that does not end", FormatNmap, `<nmaprun><host starttime="`, "x", "longer than allowed"},
		{"attributes without end", FormatNmap, `<nmaprun><host`, ` a="b"`, "longer than allowed"},
		{"a text in XML that does not end", FormatNessus, nessusHead, "x", "longer than allowed"},
		{"a comment that does not end", FormatNessus, nessusHead + "<!--", "x", "longer than allowed"},
		{"an item that does not end", FormatNessus, nessusHead + `<ReportHost name="192.0.2.1"><HostProperties><tag name="HOST_END_TIMESTAMP">1753178460</tag></HostProperties><ReportItem port="1">`, "<cve>CVE-2025-53770</cve>", "longer than allowed"},
		{"hosts without end", FormatNmap, "<nmaprun>", `<host endtime="1753178460"><address addr="192.0.2.1"/><ports><port portid="1"><state state="open"/></port></ports></host>` + "\n", "the file is longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := &endless{head: c.head, body: c.body}
			o := Options{Format: c.format, Map: m, Limits: Limits{Bytes: 5 << 20}}
			if c.format != FormatCSV {
				o.Map = nil
			}
			_, err := last(t.Context(), r, o)
			var bad *Unreadable
			require.ErrorAs(t, err, &bad)
			require.ErrorContains(t, err, c.want)
			if !strings.Contains(c.want, "the file is longer") {
				require.Less(t, r.read, int64(5<<20), "it was refused as soon as it could be")
			}
		})
	}
}

func TestTenGigabytesOfZeroesAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	r := &endless{body: strings.Repeat("\x00", 4096)}
	_, err := last(t.Context(), io.LimitReader(r, 10<<30), Options{})
	require.EqualError(t, err, "line 1, column 1: a zero byte: this is not text, or it is UTF-16 without its mark; save it as UTF-8")
	require.Less(t, r.read, int64(1<<20))
}

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	for format, head := range map[Format]string{FormatNuclei: "", FormatShadowserver: shadowHead, FormatNmap: "<nmaprun>"} {
		body := map[Format]string{
			FormatNuclei:       string(bytes.SplitAfter(sample(t, "nuclei.jsonl"), []byte("\n"))[0]),
			FormatShadowserver: "2025-07-22 10:00:00,critical,192.0.2.1,tcp,443,a.example,cve-2025-53770\n",
			FormatNmap:         `<host endtime="1753178460"><address addr="192.0.2.1"/><ports><port portid="1"><state state="open"/></port></ports></host>`,
		}[format]
		r, n, most := &endless{head: head, body: body}, 0, uint64(0)
		for range Read(t.Context(), r, Options{Format: format}) {
			if n++; n%4_000 == 0 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				if n == 4_000 {
					most = m.HeapAlloc + 2<<20
				}
				require.Less(t, m.HeapAlloc, most, "%s after %d rows", format, n)
			}
			if n == 12_000 {
				break
			}
		}
	}
}

func TestNothingInXMLIsExpandedOrFollowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ xml, want string }{
		{`<!DOCTYPE nmaprun [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><nmaprun>&b;</nmaprun>`, "a definition of the document's own"},
		{`<!DOCTYPE nmaprun [<!ENTITY x SYSTEM "file:///etc/passwd">]><nmaprun/>`, "a definition of the document's own"},
		{`<!DOCTYPE nmaprun SYSTEM "nmap.dtd"><nmaprun/>`, ""},
		{`<!ENTITY a "b"><nmaprun/>`, "a definition of the document's own"},
		{`<nmaprun><!DOCTYPE x></nmaprun>`, "a definition of the document's own"},
		{`<nmaprun>&nbsp;</nmaprun>`, "this is not XML: invalid character entity ·nbsp;"},
		{`<nmaprun>&lt;&#65;</nmaprun>`, ""},
		{`<nmaprun><host></nmaprun>`, "this is not XML: element ·host· closed by ·/nmaprun·"},
		{`<nmaprun><host>`, "the file ends early"},
		{`<nmaprun/><nmaprun/>`, "something follows the end of the document"},
		{`<nmaprun/>more`, "text stands outside of the document"},
		{`<other/>`, `the file is "other", not nmaprun`},
		{`<?xml version="1.0" encoding="ISO-8859-1"?><nmaprun/>`, `the file says that it is in "ISO-8859-1": save it as UTF-8`},
		{`<?xml version="0"?><nmaprun/>`, "this is not XML as it can be read: xml: unsupported version"},
		{`<!-- nothing -->`, "there is no element nmaprun"},
	} {
		n, err := last(t.Context(), strings.NewReader(c.xml), Options{Format: FormatNmap})
		require.Zero(t, n)
		if c.want == "" {
			require.NoError(t, err, c.xml)
			continue
		}
		require.ErrorContains(t, err, c.want, c.xml)
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"compromised_website.csv", "shodan_host.json", "nuclei.jsonl", "nmap.xml", "nessus.nessus"} {
		data := sample(t, name)
		want := told(t.Context(), data, options())
		require.Contains(t, want, "digest")
		for _, e := range []unicode.Endianness{unicode.LittleEndian, unicode.BigEndian} {
			wide, err := unicode.UTF16(e, unicode.UseBOM).NewEncoder().Bytes(data)
			require.NoError(t, err)
			o := options()
			o.Format, _ = Detect(data)
			require.Equal(t, want, told(t.Context(), wide, o), "%s in UTF-16", name)
			require.Equal(t, want, told(t.Context(), wide, options()), "%s in UTF-16 is recognised", name)
		}
		require.Equal(t, want, told(t.Context(), append([]byte("\xef\xbb\xbf"), data...), options()), "%s with a mark", name)
	}
	narrow, err := charmap.ISO8859_1.NewEncoder().String(shadowHead + "2025-07-22 10:00:00,critical,192.0.2.1,tcp,443,a.example,x\n2025-07-22 10:00:00,critical,192.0.2.1,tcp,443,a.example,Köln\n")
	require.NoError(t, err)
	require.Equal(t, "unreadable: line 3, column 59: the byte F6 is not UTF-8, it may be Latin-1: save the file as UTF-8\n", told(t.Context(), []byte(narrow), options()))
	require.Equal(t, "unreadable: line 1: the file is UTF-32: save it as UTF-8\n", told(t.Context(), []byte("\xff\xfe\x00\x00a\x00\x00\x00"), options()))
	require.Equal(t, "unreadable: the file is empty\n", told(t.Context(), nil, options()))
	// A rune may be cut by the end of what is read at once.
	long := shadowHead + strings.Repeat("2025-07-22 10:00:00,critical,192.0.2.1,tcp,443,a.example,ü€𝄞\n", 4000)
	n, err := last(t.Context(), strings.NewReader(long), options())
	require.NoError(t, err)
	require.Equal(t, 4000, n)
}

func TestATruncatedFileGivesNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"scan_http_vulnerable.csv", "shodan_host.json", "shodan_banners.jsonl", "nuclei.jsonl", "nmap.xml", "nessus.nessus"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := bytes.TrimRight(sample(t, name), "\n")
			format, err := Detect(data)
			require.NoError(t, err)
			lines := bytes.Count(data, []byte("\n"))
			for cut := len(data) - 1; cut > 0; cut -= 23 {
				given := 0
				o := options()
				o.Format = format
				_, err := Whole(t.Context(), bytes.NewReader(data[:cut]), o, func(Finding) error { given++; return nil })
				// A text of lines may end behind any of them, and behind any column of the last one.
				whole := data[cut] == '\n' || data[cut-1] == '\n' || strings.HasSuffix(name, ".csv") && bytes.Count(data[:cut], []byte("\n")) == lines
				if strings.HasSuffix(name, ".csv") && cut < bytes.IndexByte(data, '\n') {
					continue // of the header
				}
				if err == nil {
					require.True(t, whole, "cut at %d: %q", cut, data[max(0, cut-40):cut])
					continue
				}
				require.Zero(t, given, "cut at %d", cut)
			}
		})
	}
}

func TestRowsThatCannotBeAreRefusedAlone(t *testing.T) {
	t.Parallel()
	o := options()
	got := told(t.Context(), []byte(shadowHead+
		"2025-07-22 10:00:00,critical,192.0.2.1,tcp,443,a.example\n"+
		"2025-07-22 10:00:00,critical,192.0.2.1,tcp,443,a.example,x,y\n"+
		"2027-07-22 10:00:00,critical,192.0.2.1,tcp,443,a.example,x\n"+
		"1970-01-01 00:00:00,critical,192.0.2.1,tcp,443,a.example,x\n"+
		"yesterday,critical,192.0.2.1,tcp,443,a.example,x\n"+
		",critical,192.0.2.1,tcp,443,a.example,x\n"+
		"2025-07-22 10:00:00,critical,,tcp,443,,x\n"+
		"2025-07-22 10:00:00,critical,192.0.2.1,tcp,70000,,x\n"+
		"\n,,,,,,\n"), o)
	require.Equal(t, `refused line 2: the row has 6 columns, the header has 7
refused line 3: the row has 8 columns, the header has 7
refused line 4, column 1: it is dated in the future (2027-07-22 10:00)
refused line 5, column 1: it is dated 1970-01-01, which cannot be
refused line 6, column 1: "yesterday" is not a time like 2025-07-22T10:00:00Z
refused line 7, column 1: it has no time of observation
refused line 8, column 30: it names no place
refused line 9, column 44: port cannot be "70000"
`, got)
}

func TestTheWholeFileIsRefusedWhenItCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ data, want string }{
		{"hello world\n", `the format was not recognised (it begins with "hello world"); known are shadowserver, shodan, nuclei, nmap, nessus, csv, and csv needs a mapping of its columns`},
		{"<html>", "the format was not recognised"},
		{"\x1f\x8b\x08\x00", "the file is compressed: unpack it first"},
		{`{"a":1}`, "the format was not recognised"},
		{"timestamp,ip,severity,ip\n", `line 1, column 23: the column "ip" is there twice`},
		{shadowHead + "2025-07-22 10:00:00,\"critical,192.0.2.1,tcp,443,a,x\n", "line 2, column 53: a quote is not closed as it should be, or the file ends early"},
		{shadowHead + "2025-07-22 10:00:00,crit\"ical,192.0.2.1,tcp,443,a,x\n", "line 2, column 25: a quote stands where none can be"},
		{"timestamp,ip,severity" + strings.Repeat(",", 300) + "\n", "the table has 303 columns, more than 256"},
		{`{"template-id":"x"}` + "\n" + `{"template-id":"x",}` + "\n", "line 2, column 20: this is not JSON"},
		{`{"template-id":"x"} x`, "line 1, column 1: this is not JSON"},
		{`[{"template-id":"x"} {"template-id":"x"}]`, "a comma or the end of the list is missing"},
		{`[{"template-id":"x"},`, "line 1: the file ends in the middle of what begins here"},
		{`{"ip_str":"192.0.2.1" "data":[]}`, `'"' stands where ',' should`},
	} {
		_, err := last(t.Context(), strings.NewReader(c.data), Options{})
		var bad *Unreadable
		require.ErrorAs(t, err, &bad, c.data)
		require.ErrorContains(t, err, c.want)
	}
	_, err := last(t.Context(), strings.NewReader("x"), Options{Format: "xls"})
	require.ErrorContains(t, err, `"xls" is no format: known are`)
}

func TestWholeGivesNothingOfAFileThatChanges(t *testing.T) {
	t.Parallel()
	row := `{"template-id":"x","host":"a.example","timestamp":"2025-07-22T10:00:00Z"}` + "\n"
	r := &changing{first: []byte(row), second: []byte(row + row)}
	_, err := Whole(t.Context(), r, Options{}, func(Finding) error { return nil })
	require.ErrorIs(t, err, ErrChanged)

	tally, err := Whole(t.Context(), bytes.NewReader(sample(t, "nuclei.jsonl")), options(), func(Finding) error { return nil })
	require.NoError(t, err)
	require.Equal(t, 6, tally.Rows)
	require.Equal(t, 6, tally.Findings)
	require.Equal(t, 1, tally.Refused)
	require.Equal(t, []Problem{{Line: 6, Record: 6, What: `the time "2025-07-23T13:00:05" has no zone: say which is meant`}}, tally.Problems)
	require.Equal(t, FormatNuclei, tally.Format)

	full := errors.New("full")
	_, err = Whole(t.Context(), bytes.NewReader(sample(t, "nuclei.jsonl")), options(), func(Finding) error { return full })
	require.ErrorIs(t, err, full)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Whole(ctx, bytes.NewReader(sample(t, "nuclei.jsonl")), options(), func(Finding) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
}

// changing is another file each time that it is read from the beginning.
type changing struct {
	first, second []byte
	r             *bytes.Reader
	times         int
}

func (c *changing) Seek(int64, int) (int64, error) {
	if c.times++; c.times > 1 {
		c.r = bytes.NewReader(c.second)
	} else {
		c.r = bytes.NewReader(c.first)
	}
	return 0, nil
}
func (c *changing) Read(p []byte) (int, error) { return c.r.Read(p) }

// mark stands where secrets are.
const mark = "S3cr3tMark"

func TestNoSecretOfAReportIsKept(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"Authorization: Bearer " + mark + ".x.y", "authorization: Basic " + mark, "Proxy-Authorization: NTLM " + mark,
		"Set-Cookie: WSS=" + mark + "; path=/", "Cookie: a=1; FedAuth=" + mark, `validationKey="` + mark + `" decryptionKey='` + mark + `'`,
		"https://user:" + mark + "@fin.example.com/", "password=" + mark, "pwd: " + mark, "api_key=" + mark + "&x=1", "X-Auth-Token: " + mark,
		`{"access_token": "` + mark + `"}`, "client_secret : " + mark, "sessionid=" + mark, "-----BEGIN RSA PRIVATE KEY-----\n" + mark,
		"key=" + mark, "curl -H 'Authorization: Bearer " + mark + "' https://x.example", "Bearer " + mark + mark,
		strings.Repeat("0123456789ABCDEF", 3) + mark, "2DF3" + strings.Repeat("7A9", 20) + mark + "|HMACSHA256|" + strings.Repeat("AB12", 12) + mark + "|Auto|Framework45",
	} {
		require.NotContains(t, excerpt(line, maxExcerpt), mark, line)
		require.NotContains(t, excerpt(strings.Repeat("x ", 1190)+line, 4000), mark, "cut: %s", line)
		for _, data := range []string{
			shadowHead + "2025-07-22 10:00:00," + csvCell(line) + ",192.0.2.1,tcp,443," + csvCell(line) + "," + csvCell(line) + "\n",
			fmt.Sprintf(`{"template-id":%q,"info":{"name":%q},"matcher-name":%q,"host":"a.example","matched-at":"https://u:%s@a.example/?%s","extracted-results":[%q],"request":%q,"response":%q,"curl-command":%q,"error":%q,"timestamp":"2025-07-22T10:00:00Z"}`,
				line, line, line, mark, mark, line, line, line, line, line),
			fmt.Sprintf(`{"ip_str":"192.0.2.1","port":1,"timestamp":"2025-07-22T10:00:00","product":%q,"version":%q,"data":%q,"hostnames":[%q]}`, line, line, line, line),
			nessusHead + `<ReportHost name="192.0.2.1"><HostProperties><tag name="HOST_END_TIMESTAMP">1753178460</tag></HostProperties>` +
				fmt.Sprintf(`<ReportItem port="1" pluginID=%s pluginName=%s><plugin_output>%s</plugin_output></ReportItem></ReportHost></Report></NessusClientData_v2>`, xmlText(line), xmlText(line), strings.Trim(xmlText(line), `"`)),
			fmt.Sprintf(`<nmaprun><host endtime="1753178460"><address addr="192.0.2.1"/><ports><port portid="1"><state state="open"/><service product=%s/><script id=%s output=%s><elem key="title">%s</elem><elem key="state">VULNERABLE</elem></script></port></ports></host></nmaprun>`,
				xmlText(line), xmlText(line), xmlText(line), strings.Trim(xmlText(line), `"`)),
		} {
			all := told(t.Context(), []byte(data), options())
			require.NotContains(t, all, mark, "%s\n%s", line, data)
		}
	}
	for _, plain := range []string{"16.0.10417.20037", "CVE-2025-53770; at fin.example.com", "443/tcp open http", "https://fin.example.com/_layouts/15/spinstall0.aspx", "2025-07-22 10:00:00"} {
		require.Equal(t, plain, scrub(plain))
	}
}

func csvCell(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func xmlText(s string) string {
	return `"` + strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\n", "&#10;").Replace(s) + `"`
}

func TestTimesMeanWhatTheirMakersSay(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("", 2*3600)
	for _, c := range []struct{ text, want, why string }{
		{"2025-07-22T10:00:00Z", "2025-07-22T10:00:00Z", ""},
		{"2025-07-22T10:00:00.5+02:00", "2025-07-22T08:00:00.5Z", ""},
		{"2025-07-22 10:00:00 +0200", "2025-07-22T08:00:00Z", ""},
		{"2025-07-22 10:00:00 UTC", "2025-07-22T10:00:00Z", ""},
		{"Tue, 22 Jul 2025 10:00:00 GMT", "2025-07-22T10:00:00Z", ""},
		{"2025-07-22 10:00:00 EST", "", "is not a time"},
		{"22.07.2025 10:00", "", "is not a time"},
		{"07/22/2025", "", "is not a time"},
		{"2025-07-22 10:00", "2025-07-22T08:00:00Z", "has no zone"},
		{"2025-07-22", "2025-07-21T22:00:00Z", "has no zone"},
		{"Tue Jul 22 10:00:00 2025", "2025-07-22T08:00:00Z", "has no zone"},
		{"2025-07-22T10:00:00.123456", "2025-07-22T08:00:00.123456Z", "has no zone"},
	} {
		at, why := moment(c.text, nil)
		if c.why != "" {
			require.Contains(t, why, c.why, c.text)
			at, why = moment(c.text, berlin)
		}
		if c.want == "" {
			require.NotEmpty(t, why)
			continue
		}
		require.Empty(t, why)
		require.Equal(t, c.want, at.Format(time.RFC3339Nano), c.text)
	}
}
