package intake

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/state"
)

// manyRows is a file of a format with so many rows, no two alike.
func manyRows(format Format, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		switch format {
		case FormatShadowserver:
			if i == 0 {
				b.WriteString(`"timestamp","severity","ip","protocol","port","hostname","tag","asn","geo","region","city","naics","hostname_source","sector","http","http_code","http_reason","content_type","connection","www_authenticate","set_cookie","server","content_length","transfer_encoding","http_date","version","build_date","detail","build_branch"` + "\n")
			}
			fmt.Fprintf(&b, `"2025-07-22 10:00:00","critical",%s,"tcp",443,"h%d.example.com","cve-2025-53770;sharepoint",64496,"DE","BERLIN","BERLIN",0,"ptr",,"HTTP/1.1",200,"OK","text/html",,"NTLM","SESSION=x","Microsoft-IIS/10.0",100,,"Tue, 22 Jul 2025 10:00:00 GMT",,,,`+"\n", ip, i)
		case FormatShodan:
			fmt.Fprintf(&b, `{"hash": %d, "ip_str": "%s", "port": 443, "transport": "tcp", "product": "Microsoft IIS httpd", "version": "10.0", "timestamp": "2025-07-22T07:21:33.444507", "hostnames": ["h%d.example.com"], "domains": ["example.com"], "location": {"city": "Berlin", "latitude": 52.5, "longitude": 13.4}, "http": {"host": "h%d.example.com", "status": 401, "html": "%s", "redirects": []}, "data": "HTTP/1.1 401 Unauthorized\r\nServer: Microsoft-IIS/10.0\r\nMicrosoftSharePointTeamServices: 16.0.0.10416\r\n\r\n", "vulns": {"CVE-2025-53770": {"verified": false, "cvss": 9.8, "summary": "x"}}}`+"\n", i, ip, i, i, strings.Repeat("<p>text</p>", 40))
		case FormatNuclei:
			fmt.Fprintf(&b, `{"template":"http/cves/2025/CVE-2025-53770.yaml","template-id":"CVE-2025-53770","info":{"name":"Microsoft SharePoint Server - Remote Code Execution (ToolShell)","author":["x"],"tags":["cve","kev"],"severity":"critical","classification":{"cve-id":["cve-2025-53770"],"cwe-id":["cwe-502"],"cvss-score":9.8}},"type":"http","host":"h%d.example.com","port":"443","scheme":"https","url":"https://h%d.example.com","matched-at":"https://h%d.example.com/_layouts/15/","request":"GET / HTTP/1.1\r\nHost: x\r\n","response":"%s","ip":"%s","timestamp":"2025-07-23T15:00:00.123456789+02:00","matcher-status":true}`+"\n", i, i, i, strings.Repeat("<p>text</p>", 40), ip)
		case FormatNmap:
			if i == 0 {
				b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><nmaprun scanner="nmap">` + "\n")
			}
			fmt.Fprintf(&b, `<host starttime="1753178400" endtime="1753178460"><status state="up" reason="syn-ack"/><address addr="%s" addrtype="ipv4"/><hostnames><hostname name="h%d.example.com" type="PTR"/></hostnames><ports><port protocol="tcp" portid="443"><state state="open" reason="syn-ack"/><service name="http" product="Microsoft IIS httpd" version="10.0" method="probed" conf="10"/><script id="http-headers" output="&#xa;  Server: Microsoft-IIS/10.0&#xa;  MicrosoftSharePointTeamServices: 16.0.0.10416&#xa;"/></port></ports></host>`+"\n", ip, i)
		case FormatNessus:
			if i == 0 {
				b.WriteString(nessusHead)
			}
			fmt.Fprintf(&b, `<ReportHost name="%s"><HostProperties><tag name="HOST_END_TIMESTAMP">1753178460</tag><tag name="host-fqdn">h%d.example.com</tag></HostProperties><ReportItem port="445" severity="4" pluginID="900001" pluginName="Security Updates (July 2025)" pluginFamily="Windows : Microsoft Bulletins"><cve>CVE-2025-53770</cve><description>%s</description><plugin_output>Remote version : 16.0.10417.20027</plugin_output><plugin_type>local</plugin_type></ReportItem></ReportHost>`+"\n", ip, i, strings.Repeat("missing security updates. ", 20))
		case FormatCSV:
			if i == 0 {
				b.WriteString("Server,IP,Result,Seen\n")
			}
			fmt.Fprintf(&b, "h%d.example.com,%s,vulnerable,2025-07-22T10:00:00Z\n", i, ip)
		}
	}
	switch format {
	case FormatNmap:
		b.WriteString("</nmaprun>")
	case FormatNessus:
		b.WriteString("</Report></NessusClientData_v2>")
	}
	return b.Bytes()
}

// decodeOnly reads a file with the same library and does nothing with it.
func decodeOnly(b *testing.B, format Format, data []byte) {
	switch format {
	case FormatShadowserver, FormatCSV:
		r := csv.NewReader(bytes.NewReader(data))
		r.ReuseRecord = true
		for {
			if _, err := r.Read(); errors.Is(err, io.EOF) {
				return
			}
		}
	case FormatNmap, FormatNessus:
		d := xml.NewDecoder(bytes.NewReader(data))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return
			}
		}
	default:
		d := json.NewDecoder(bytes.NewReader(data))
		for d.More() {
			var err error
			if format == FormatShodan {
				err = d.Decode(&banner{})
			} else {
				err = d.Decode(&result{})
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkIntake reads 100,000 rows of each format, and tells how long that takes
// as a multiple of decoding them only, and how much memory is in use on the way.
func BenchmarkIntake(b *testing.B) {
	m, err := ParseMapping("name=Server,address=IP,finding=Result,time=Seen")
	require.NoError(b, err)
	for _, format := range Formats() {
		for _, rows := range []int{10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", format, rows), func(b *testing.B) {
				data := manyRows(format, rows)
				o := options()
				o.Format = format
				if format == FormatCSV {
					o.Map = m
				}
				b.SetBytes(int64(len(data)))
				var reading, decoding time.Duration
				var heap uint64
				for b.Loop() {
					start := time.Now()
					decodeOnly(b, format, data)
					decoding += time.Since(start)
					start = time.Now()
					n := 0
					for _, err := range Read(b.Context(), bytes.NewReader(data), o) {
						if err != nil {
							b.Fatal(err)
						}
						n++
					}
					reading += time.Since(start)
					require.GreaterOrEqual(b, n, rows)
				}
				b.StopTimer()
				heap = heapWhile(b, data, o, rows/2)
				b.ReportMetric(float64(reading)/float64(decoding), "x-decode")
				b.ReportMetric(float64(heap)/(1<<20), "heap-MB")
			})
		}
	}
}

// heapWhile is how much more memory is in use in the middle of reading than before.
func heapWhile(b *testing.B, data []byte, o Options, rows int) uint64 {
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := 0
	for range Read(b.Context(), bytes.NewReader(data), o) {
		if n++; n == rows {
			runtime.GC()
			runtime.ReadMemStats(&during)
			break
		}
	}
	return during.HeapAlloc - min(before.HeapAlloc, during.HeapAlloc)
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			servers := make([]state.Server, n)
			for i := range servers {
				ip := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
				servers[i] = state.Server{Name: fmt.Sprint("sp-", i), Farm: fmt.Sprint("f-", i/4), URL: fmt.Sprintf("https://h%d.example.com", i), Addresses: []string{ip.String()}}
			}
			x := NewIndex(servers)
			w := Where{Names: []string{fmt.Sprintf("h%d.example.com", n-1)}, Port: 443}
			for b.Loop() {
				require.Equal(b, MatchServer, x.Find(w).Kind)
			}
		})
	}
}
