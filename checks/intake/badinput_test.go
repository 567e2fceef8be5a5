package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// maker writes files of one format: a row about a host, seen at a time, with a build.
type maker struct {
	format     Format
	head, tail string
	row        func(host, at, build string) string
	at         string // a time as the maker writes it
	zoned      string // what is said of a time without a zone; "": the maker documents which it is
	badBuild   string // what is said of a build that is none; "": nothing is, and no build is read
	wide, deep string // a row of a million columns; one that is nested without end
	wideSays   string
}

func makers(t *testing.T) []maker {
	t.Helper()
	const million = 1_000_000
	header := func(build string) string { return "MicrosoftSharePointTeamServices: " + build }
	return []maker{
		{
			format: FormatShadowserver, head: "timestamp,severity,ip,protocol,port,hostname,tag,version,servername,url\n", at: "2025-07-22 10:00:00",
			row: func(host, at, build string) string {
				return fmt.Sprintf("%s,critical,,tcp,443,%s,cve-2025-53770,%s,,\n", at, host, build)
			},
			badBuild: "version cannot be", wide: strings.Repeat(",x", million) + "\n", wideSays: "longer than 1048576 bytes",
		},
		{
			format: FormatShodan, at: "2025-07-22T10:00:00", badBuild: "is not a build as header writes it",
			row: func(host, at, build string) string {
				return fmt.Sprintf(`{"ip_str":"203.0.113.99","port":443,"timestamp":%q,"hostnames":[%q],"http":{"host":%q},"data":"HTTP/1.1 401 Unauthorized\r\n%s\r\n\r\n","vulns":{"CVE-2025-53770":{"verified":true}}}`+"\n", at, host, host, header(build))
			},
			wide: `{"ip_str":"192.0.2.1"` + strings.Repeat(`,"abc":1`, million) + "}\n", wideSays: "longer than 4194304 bytes", deep: `{"data":` + strings.Repeat("[", million),
		},
		{
			format: FormatNuclei, at: "2025-07-22T10:00:00Z", zoned: "has no zone",
			row: func(host, at, build string) string {
				return fmt.Sprintf(`{"template-id":"CVE-2025-53770","info":{"severity":"critical"},"host":%q,"matched-at":"https://%s/","timestamp":%q,"matcher-status":true,"response":"HTTP/1.1 401 Unauthorized\r\n%s\r\n\r\n"}`+"\n", host, host, at, header(build))
			},
			wide: `{"template-id":"x"` + strings.Repeat(`,"abc":1`, million) + "}\n", wideSays: "longer than 4194304 bytes", deep: strings.Repeat(`{"a":`, million),
		},
		{
			format: FormatNmap, head: "<nmaprun scanner=\"nmap\">\n", tail: "</nmaprun>", at: "1753178460",
			row: func(host, at, build string) string {
				return fmt.Sprintf(`<host endtime="%s"><status state="up"/><address addr="203.0.113.99" addrtype="ipv4"/><hostnames><hostname name="%s" type="user"/></hostnames><ports><port protocol="tcp" portid="443"><state state="open"/><script id="http-headers" output="&#xa;  %s&#xa;"/></port></ports></host>`+"\n", at, host, header(build))
			},
			wide: `<host` + strings.Repeat(` a="b"`, million) + "/>", wideSays: "longer than allowed", deep: strings.Repeat("<host>", million),
		},
		{
			format: FormatNessus, head: nessusHead + "\n", tail: "</Report></NessusClientData_v2>", at: "1753178460",
			row: func(host, at, build string) string {
				return fmt.Sprintf(`<ReportHost name="%s"><HostProperties><tag name="HOST_END_TIMESTAMP">%s</tag></HostProperties><ReportItem port="445" severity="4" pluginID="900001" pluginName="x" pluginFamily="Windows : Microsoft Bulletins"><cve>CVE-2025-53770</cve><plugin_output>Remote version : %s</plugin_output><plugin_type>local</plugin_type></ReportItem></ReportHost>`+"\n", host, at, build)
			},
			wide: `<ReportHost` + strings.Repeat(` a="b"`, million) + "/>", wideSays: "longer than allowed", deep: strings.Repeat("<ReportHost>", million),
		},
		{
			format: FormatCSV, head: "Server,Result,Build,Seen\n", at: "2025-07-22T10:00:00Z", zoned: "has no zone", badBuild: "build cannot be",
			row:  func(host, at, build string) string { return fmt.Sprintf("%s,vulnerable,%s,%s\n", host, build, at) },
			wide: strings.Repeat(",x", million) + "\n", wideSays: "longer than 1048576 bytes",
		},
	}
}

func (m maker) options(t *testing.T) Options {
	t.Helper()
	o := options()
	o.Format = m.format
	if m.format == FormatCSV {
		mapping, err := ParseMapping("name=Server,finding=Result,build=Build,time=Seen")
		require.NoError(t, err)
		o.Map = mapping
	}
	return o
}

func (m maker) file(rows ...string) []byte { return []byte(m.head + strings.Join(rows, "") + m.tail) }

// whole reads a file as an import does: what comes of it, or why nothing does.
func (m maker) whole(t *testing.T, data []byte) (*Take, Tally, error) {
	t.Helper()
	take := NewTake(NewIndex(inventory()), rules(t))
	tally, err := Whole(t.Context(), bytes.NewReader(data), m.options(t), func(f Finding) error { take.Add(f); return nil })
	return take.Done(), tally, err
}

const (
	ours     = "fin.example.com"
	stranger = "www.example.net"
	fine     = "16.0.0.10416"
)

// build is one as the maker shows it: of Shadowserver's reports, only that about
// Exchange has any.
func (m maker) build() string {
	if m.format == FormatShadowserver {
		return "15.2.1118.15"
	}
	return fine
}

func TestBadInputOfEveryFormat(t *testing.T) {
	t.Parallel()
	for _, m := range makers(t) {
		t.Run(string(m.format), func(t *testing.T) {
			t.Parallel()
			good := m.row(ours, m.at, m.build())
			refused := func(name, want string, data []byte) {
				t.Helper()
				take, _, err := m.whole(t, data)
				var bad *Unreadable
				require.ErrorAs(t, err, &bad, name)
				require.ErrorContains(t, err, want, name)
				require.Empty(t, take.Farms, "%s: nothing half imported", name)
			}
			take, tally, err := m.whole(t, m.file(good, good))
			require.NoError(t, err)
			require.Zero(t, tally.Refused, "%v", tally.Problems)
			require.Equal(t, 2, tally.Rows)
			require.Positive(t, take.Repeated+take.OtherBuild+take.Seen, "the same row twice is one")
			_, once, err := m.whole(t, m.file(good))
			require.NoError(t, err)
			require.Equal(t, 2*once.Findings, tally.Findings)
			again, _, err := m.whole(t, m.file(good))
			require.NoError(t, err)
			require.Equal(t, len(again.Farms["fin"]), len(take.Farms["fin"]))

			foreign, _, err := m.whole(t, m.file(m.row(stranger, m.at, m.build())))
			require.NoError(t, err)
			require.Empty(t, foreign.Farms, "a host of somebody else")
			require.Equal(t, 1, foreign.Foreign.Count)

			whole := m.file(good, good)
			if cut := bytes.LastIndexAny(bytes.TrimRight(whole, "\n"), ",\"<") - 1; m.format != FormatShadowserver && m.format != FormatCSV {
				refused("cut off", "", whole[:cut])
			} else {
				refused("cut off", "the file ends in the middle of a row", bytes.TrimRight(whole[:len(whole)-len(good)/2], "\n"))
			}
			refused("Latin-1", "is not UTF-8", bytes.Replace(whole, []byte("fin."), []byte("f\xfcn."), 1))
			refused("UTF-16 without its mark", "a zero byte", append([]byte("a\x00b\x00"), whole...))
			refused("UTF-32", "UTF-32", append([]byte{0xff, 0xfe, 0, 0}, whole...))
			refused("a million columns", m.wideSays, append(m.file(good)[:len(m.head)+len(good)], m.wide...))
			if m.deep != "" {
				refused("nested without end", "nested deeper than 64", append(m.file(good)[:len(m.head)+len(good)], m.deep...))
			}
			if m.tail != "" {
				bomb := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>`
				refused("entities", "a definition of the document's own", append([]byte(bomb), whole...))
				refused("an entity that is not defined", "invalid character entity", bytes.Replace(whole, []byte("fin."), []byte("&b;."), 1))
			}
			zeroes := &endless{head: string(m.file(good)[:len(m.head)+len(good)]), body: strings.Repeat("\x00", 4096)}
			_, err = last(t.Context(), io.LimitReader(zeroes, 10<<30), m.options(t))
			require.ErrorContains(t, err, "a zero byte")
			require.Less(t, zeroes.read, int64(1<<20), "of ten gigabytes")

			m.refusedAlone(t, good)
		})
	}
}

// refusedAlone are rows that cannot be: they are told with their line, and the others are taken.
func (m maker) refusedAlone(t *testing.T, good string) {
	t.Helper()
	line := strings.Count(m.head, "\n") + 2
	told := func(row string) (problems []*Problem) {
		for _, err := range Read(t.Context(), bytes.NewReader(m.file(good, row, good)), m.options(t)) {
			var p *Problem
			require.True(t, err == nil || errors.As(err, &p), "%v", err)
			if p != nil {
				problems = append(problems, p)
			}
		}
		return problems
	}
	for _, c := range []struct{ row, want string }{
		{m.row(ours, "yesterday", m.build()), "time"},
		{m.row(ours, "", m.build()), "time"},
		{strings.ReplaceAll(m.row(ours, m.at, m.build()), m.at, strings.NewReplacer("2025", "2031", "1753178460", "1953178460").Replace(m.at)), "in the future"},
		{m.row(ours, strings.TrimSuffix(m.at, "Z"), m.build()), m.zoned},
		{m.row(ours, m.at, "newest"), m.badBuild},
	} {
		if c.want == "" {
			require.Empty(t, told(c.row), c.row)
			continue
		}
		problems := told(c.row)
		require.NotEmpty(t, problems, c.row)
		require.Contains(t, problems[0].What, c.want, c.row)
		require.Equal(t, line, problems[0].Line, c.row)
	}
	for f, err := range Read(t.Context(), bytes.NewReader(m.file(m.row(ours, m.at, "newest"))), m.options(t)) {
		require.True(t, err != nil || f.Says != SaysBuild, "no build is read from a word")
	}
}
