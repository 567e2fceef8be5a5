package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/allclear-bot/allclear/checks"

	"github.com/stretchr/testify/require"
)

// whatIsReadIsInOrder reads data and checks what every finding promises.
func whatIsReadIsInOrder(t *testing.T, data []byte, o Options) (findings int, err error) {
	t.Helper()
	o.Limits = Limits{Bytes: 1 << 20, Record: 64 << 10}
	for f, e := range Read(t.Context(), bytes.NewReader(data), o) {
		var p *Problem
		if errors.As(e, &p) {
			require.NotEmpty(t, p.What)
			clean(t, p.What, 400)
			continue
		}
		if err = e; e != nil {
			break
		}
		findings++
		clean(t, f.Excerpt, maxExcerpt)
		clean(t, f.Source(), 4*maxRule)
		clean(t, f.Reason, 200)
		require.True(t, f.Where.known())
		require.LessOrEqual(t, len(f.Where.Names)+len(f.Where.Hints), 2*maxNames)
		require.Len(t, f.Digest, 64)
		require.LessOrEqual(t, len(f.CVEs), maxCVEs)
		for _, c := range f.CVEs {
			require.True(t, isCVE(c), c)
		}
		require.False(t, f.Observed.IsZero() || f.Observed.After(o.Now.Add(time.Hour)), "%s", f.Observed)
		require.Equal(t, f.Says == SaysBuild, !f.Build.IsZero())
		require.False(t, f.Shows && (f.Says == SaysClean || f.Says == SaysSeen || f.Says == SaysBuild))
	}
	given := 0
	_, whole := Whole(t.Context(), bytes.NewReader(data), o, func(Finding) error { given++; return nil })
	require.Equal(t, err == nil, whole == nil, "%v, %v", err, whole)
	if err != nil {
		require.Zero(t, given)
		var bad *Unreadable
		require.ErrorAs(t, err, &bad)
		return findings, err
	}
	require.Equal(t, findings, given)
	return findings, nil
}

func clean(t *testing.T, s string, most int) {
	t.Helper()
	require.True(t, utf8.ValidString(s))
	require.LessOrEqual(t, utf8.RuneCountInString(s), most)
	require.False(t, strings.ContainsFunc(s, unicode.IsControl), "%q", s)
}

func fuzzFormat(f *testing.F, format Format, m Mapping, samples ...string) {
	for _, name := range samples {
		f.Add(sample(f, name))
	}
	o := options()
	o.Format, o.Map, o.Zone = format, m, time.UTC
	f.Fuzz(func(t *testing.T, data []byte) { _, _ = whatIsReadIsInOrder(t, data, o) })
}

func FuzzShadowserverReports(f *testing.F) {
	fuzzFormat(f, FormatShadowserver, nil, "compromised_website.csv", "scan_http_vulnerable.csv", "scan_exchange.csv", "scan_badsecrets.csv", "event4_honeypot_http_scan.csv")
}

func FuzzShodanBanners(f *testing.F) {
	fuzzFormat(f, FormatShodan, nil, "shodan_banners.jsonl", "shodan_host.json")
}

func FuzzNmapOutput(f *testing.F) { fuzzFormat(f, FormatNmap, nil, "nmap.xml") }

func FuzzNessusReports(f *testing.F) { fuzzFormat(f, FormatNessus, nil, "nessus.nessus") }

func FuzzPlainTables(f *testing.F) {
	m, err := ParseMapping("name=Server,address=IP,finding=Ergebnis,build=Build,time=Gesehen")
	require.NoError(f, err)
	fuzzFormat(f, FormatCSV, m, "table.csv")
}

func FuzzNucleiResultsAreJSONOrRefused(f *testing.F) {
	f.Add(sample(f, "nuclei.jsonl"))
	for _, s := range []string{`[{"template-id":"x"}]`, `{}{}`, `[]`, `[1,"a",null,{"a":[{}]}]`, `[{},]`, "{\"a\":\"\\u00e9\\\"\"}\n\n{}", `"x" 1 true`, `{"a":{}`} {
		f.Add([]byte(s))
	}
	o := options()
	o.Format = FormatNuclei
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := whatIsReadIsInOrder(t, data, o)
		if err != nil || bytes.HasPrefix(data, []byte{0xff}) || bytes.HasPrefix(data, []byte{0xfe}) {
			return
		}
		d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
		for {
			var v any
			err := d.Decode(&v)
			if errors.Is(err, io.EOF) {
				return
			}
			require.NoError(t, err, "what is no JSON was read as if it were")
		}
	})
}

func FuzzRecordsOfOneJSONDocumentAreFound(f *testing.F) {
	f.Add(sample(f, "shodan_host.json"))
	f.Add([]byte(`{"data":[{"data":[1]},2],"x":{"data":[3]},"matches":[[]]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) || bytes.Count(data, []byte("{"))+bytes.Count(data, []byte("[")) > 60 || bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) {
			return
		}
		in := &reader{ctx: t.Context(), lim: Limits{}.filled()}
		src, err := openSource(t.Context(), bytes.NewReader(data), in.lim)
		require.NoError(t, err)
		require.NoError(t, in.eachRecord(src, []string{"data", "matches"}, func(raw []byte, _ int) error {
			require.True(t, json.Valid(raw), "%s", raw)
			return nil
		}))
	})
}

func FuzzDetectAndReadWhatItSays(f *testing.F) {
	for _, name := range []string{"compromised_website.csv", "shodan_banners.jsonl", "nuclei.jsonl", "nmap.xml", "nessus.nessus", "table.csv"} {
		f.Add(sample(f, name))
	}
	f.Fuzz(func(t *testing.T, data []byte) { _, _ = whatIsReadIsInOrder(t, data, options()) })
}

func FuzzMappings(f *testing.F) {
	for _, s := range []string{"name=a,finding=b,time=c", "name=a;build=b;time:=2025-07-22T10:00Z", "url=,", "=", "name:=x,finding:=vulnerable,time:=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMapping(s)
		if err != nil {
			require.Empty(t, m)
			clean(t, err.Error(), 600)
			return
		}
		require.NotEmpty(t, m)
	})
}

func FuzzNoSecretSurvives(f *testing.F) {
	f.Add("Authorization: Bearer ", "\r\nx: y")
	f.Add(`validationKey="`, `"`)
	f.Add("https://u:", "@h/")
	f.Add("token = ", " more")
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, name := range []string{"password=", "Authorization: ", "Cookie: a=", "api_key: "} {
			if n := len(before); n > 0 && (isName(before[n-1]) || strings.HasSuffix(before, `\`)) {
				before += " "
			}
			require.NotContains(t, scrub(before+name+mark+"\n"+after), mark, "%q", before+name)
		}
		require.LessOrEqual(t, utf8.RuneCountInString(excerpt(before+after, 50)), 50)
	})
}

func FuzzMoments(f *testing.F) {
	for _, s := range []string{"2025-07-22T10:00:00Z", "2025-07-22 10:00", "Tue Jul 22 10:00:00 2025", "x+-", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, why := moment(s, time.UTC)
		require.Equal(t, why == "", !at.IsZero() || why == "")
		clean(t, why, 200)
	})
}

// FuzzTame: what is taken at a glance for harmless is what the long way leaves as it is.
func FuzzTame(f *testing.F) {
	for _, s := range []string{
		"severity critical; tag cve-2025-53770;sharepoint; server Microsoft-IIS/10.0", "Authorization: Basic QUJDREVGR0g=", "bearer abcdefghijkl", "NTLM TlRMTVNTUAAB",
		"-----BEGIN PRIVATE KEY-----", strings.Repeat("a1b2", 12), "a  b", " a", "a ", "key=1", "x\x00", "\u00e4", "digest abcdefghijk", "https://u:p@h/",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if tame(s) {
			require.Equal(t, s, checks.Excerpt(scrub(s), len(s)))
		}
		if isHost(s) {
			require.Equal(t, s, strings.ToLower(s))
			require.Equal(t, s, hostName(s+"."))
		}
		if _, err := netip.ParseAddr(strings.Trim(strings.TrimSpace(s), "[]")); err == nil {
			require.True(t, mayBeAddress(s))
		}
	})
}
