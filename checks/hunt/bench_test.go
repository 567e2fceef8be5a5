package hunt_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks/hunt"
)

// makeLog writes lines as IIS does, with an attack now and then, until it has n bytes.
func makeLog(w io.Writer, n int64) (attacks int, err error) {
	rnd := rand.New(rand.NewPCG(1, 2))
	paths := []string{"/SitePages/Home.aspx", "/_layouts/15/start.aspx", "/sites/finance/Shared+Documents/Forms/AllItems.aspx", "/_api/web/lists", "/_vti_bin/client.svc/ProcessQuery", "/_layouts/15/init.js", "/style+library/en-us/themable/core+styles/controls15.css"}
	at := time.Date(2025, 7, 7, 0, 0, 0, 0, time.UTC)
	line := []byte(fields)
	for written := int64(0); written < n; line = line[:0] {
		at = at.Add(time.Duration(rnd.IntN(300)) * time.Millisecond)
		if rnd.IntN(40_000) == 0 {
			attacks++
			line = append(line, exploit(at.Format(time.DateTime), fmt.Sprintf("198.51.100.%d", rnd.IntN(20)), 401)...)
		}
		line = at.AppendFormat(line, time.DateTime)
		line = append(line, " 10.0.0.5 GET "...)
		line = append(line, paths[rnd.IntN(len(paths))]...)
		line = append(line, " id="...)
		line = strconv.AppendInt(line, rnd.Int64N(1<<40), 16)
		line = append(line, "&view=all 443 CONTOSO\\user"...)
		line = strconv.AppendInt(line, rnd.Int64N(4000), 10)
		line = append(line, " 10.1."...)
		line = strconv.AppendInt(line, rnd.Int64N(256), 10)
		line = append(line, '.')
		line = strconv.AppendInt(line, rnd.Int64N(256), 10)
		line = append(line, " Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64)+AppleWebKit/537.36+(KHTML,+like+Gecko)+Chrome/126.0.0.0+Safari/537.36 https://portal.example.com/sites/finance/SitePages/Home.aspx 200 0 0 "...)
		line = strconv.AppendInt(line, rnd.Int64N(900), 10)
		line = append(line, '\n')
		m, err := w.Write(line)
		if err != nil {
			return attacks, err
		}
		written += int64(m)
	}
	return attacks, nil
}

// BenchmarkRead reads 64 MB of lines. The ratio is against a bufio.Scanner over the same
// bytes that does nothing with a line; what the digest of the bytes costs is told apart.
func BenchmarkRead(b *testing.B) {
	var log bytes.Buffer
	_, err := makeLog(&log, 64<<20)
	require.NoError(b, err)
	p := toolshell(b)
	scan := func() {
		s := bufio.NewScanner(bytes.NewReader(log.Bytes()))
		s.Buffer(make([]byte, 256<<10), 1<<20)
		n := 0
		for s.Scan() {
			n += len(s.Bytes())
		}
		require.NoError(b, s.Err())
	}
	hunted := func() {
		h := hunt.New(hunt.Options{Playbook: p})
		_, err := h.Read(b.Context(), hunt.Origin{Server: "s"}, bytes.NewReader(log.Bytes()))
		require.NoError(b, err)
	}
	took := func(f func()) time.Duration {
		start := time.Now()
		f()
		return time.Since(start)
	}
	var bare, whole, digest time.Duration
	for b.Loop() {
		bare, whole = bare+took(scan), whole+took(hunted)
		digest += took(func() { sha256.Sum256(log.Bytes()) })
	}
	b.ReportMetric(float64(whole)/float64(bare), "x-bufio")
	b.ReportMetric(float64(whole-digest)/float64(bare), "x-bufio-without-sha256")
	b.ReportMetric(float64(log.Len())*float64(b.N)/1e6/whole.Seconds(), "hunt-MB/s")
}

// BenchmarkMemory reads a gigabyte that is made while it is read, and reports by how much
// the heap had grown at most. It is for: go test -bench Memory -benchtime 1x.
func BenchmarkMemory(b *testing.B) {
	p := toolshell(b)
	for b.Loop() {
		r, w := io.Pipe()
		go func() {
			buf := bufio.NewWriterSize(w, 1<<20)
			_, err := makeLog(buf, 1<<30)
			_ = w.CloseWithError(cmpErr(err, buf.Flush()))
		}()
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		h := hunt.New(hunt.Options{Playbook: p})
		most := uint64(0)
		in := watched{r, func() {
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapInuse-min(now.HeapInuse, before.HeapInuse))
		}, new(int64)}
		_, err := h.Read(b.Context(), hunt.Origin{Server: "s"}, in)
		require.NoError(b, err)
		b.ReportMetric(float64(most)/1e6, "MB-heap")
		b.ReportMetric(float64(h.Report("s", time.Time{}).Lines)/1e6, "Mlines")
	}
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

type watched struct {
	r    io.Reader
	look func()
	n    *int64
}

func (w watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if *w.n += int64(n); *w.n > 16<<20 {
		*w.n = 0
		w.look()
	}
	return n, err
}
