package probe_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// bounds are short ones, for servers that only time ends.
func bounds() checks.Options {
	o := options()
	o.Connect, o.Answer, o.PerServer = 3*time.Second, 2500*time.Millisecond, 20*time.Second
	return o
}

// hostile is a server that means harm, and what must be said of it.
type hostile struct {
	talk    func(net.Conn) // what it does with a connection
	tls     bool           // behind a good handshake
	scheme  string         // of the URL; "" by tls
	reached bool
	verdict state.Verdict
	says    string // in the error or the reason
}

const nasty = "\x1b[2J\x1b]0;fixed\a<!channel> @everyone <script>alert(1)</script> =cmd|'/c calc'!A1 `*_~|| \u202e"

// request reads one request and returns its path, "" at the end.
func request(br *bufio.Reader) string {
	r, err := http.ReadRequest(br)
	if err != nil {
		return ""
	}
	return r.URL.Path
}

// says answers every request with the same bytes.
func says(answer string) func(net.Conn) {
	return func(c net.Conn) {
		br := bufio.NewReader(c)
		for request(br) != "" {
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	}
}

// floods answers one request with a beginning and then without end.
func floods(begin, more string) func(net.Conn) {
	return func(c net.Conn) {
		request(bufio.NewReader(c))
		_, err := io.WriteString(c, begin)
		for lots := strings.Repeat(more, 64); err == nil; {
			_, err = io.WriteString(c, lots)
		}
	}
}

func drips(s string) func(net.Conn) {
	return func(c net.Conn) {
		br := bufio.NewReader(c)
		for request(br) != "" {
			for i := range len(s) {
				if _, err := c.Write([]byte{s[i]}); err != nil {
					return
				}
				time.Sleep(150 * time.Millisecond)
			}
		}
	}
}

func waits(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func resets(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
}

func bomb() string {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = z.Write(make([]byte, 4<<20))
	_ = z.Close()
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", b.Len(), b.String())
}

const (
	old  = "HTTP/1.1 200 OK\r\nMicrosoftSharePointTeamServices: 16.0.0.5508\r\n"
	good = "HTTP/1.1 200 OK\r\nMicrosoftSharePointTeamServices: 16.0.0.5517\r\n"
)

func corpus() map[string]hostile {
	vulnerable, unknown := state.VerdictVulnerable, state.VerdictUnknown
	return map[string]hostile{
		"hangs":                {talk: waits, says: "no complete answer within 2.5s"},
		"hangs before TLS":     {talk: waits, scheme: "https", says: "TLS: no handshake within 3s"},
		"hangs after TLS":      {talk: waits, tls: true, says: "no complete answer within 2.5s"},
		"resets":               {talk: resets, says: "reset the connection"},
		"closes":               {talk: func(net.Conn) {}, says: "connection"},
		"closes before TLS":    {talk: func(net.Conn) {}, scheme: "https", says: "TLS: the server broke off the handshake"},
		"plain HTTP for TLS":   {talk: says("HTTP/1.1 400 Bad Request\r\n\r\n"), scheme: "https", says: ""},
		"plain HTTP first":     {talk: func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad\r\n\r\n"); waits(c) }, scheme: "https", says: "TLS: the server speaks plain HTTP on this port"},
		"garbage for TLS":      {talk: func(c net.Conn) { _, _ = io.WriteString(c, strings.Repeat(nasty, 9)); waits(c) }, scheme: "https", says: "TLS: what the server sent is not TLS"},
		"garbage":              {talk: floods(nasty, nasty), says: "is not HTTP"},
		"SSH":                  {talk: func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n"); waits(c) }, says: "is not HTTP"},
		"half a status":        {talk: floods("HT", "TP"), says: "is not HTTP"},
		"bad status":           {talk: says("HTTP/1.1 abc " + nasty + "\r\n\r\n"), says: "is not HTTP"},
		"bad length":           {talk: says("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), says: "is not HTTP"},
		"two lengths":          {talk: says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), says: "is not HTTP"},
		"bad header":           {talk: says("HTTP/1.1 200 OK\r\n" + nasty + "\r\n\r\n"), says: "is not HTTP"},
		"endless status":       {talk: floods("HTTP/1.1 200 ", "OK"), says: "flood of headers"},
		"endless header":       {talk: floods("HTTP/1.1 200 OK\r\nX: ", "aaaa"), says: "flood of headers"},
		"endless headers":      {talk: floods("HTTP/1.1 200 OK\r\n", "X: a\r\n"), says: "flood of headers"},
		"many headers":         {talk: says("HTTP/1.1 200 OK\r\n" + strings.Repeat("a: b\r\n", 1000) + "\r\n"), says: "flood of headers (1"},
		"endless interim":      {talk: floods("", "HTTP/1.1 100 Continue\r\n\r\n"), says: "interim answers"},
		"switches":             {talk: says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n" + nasty), reached: true, says: "shows no build"},
		"endless body":         {talk: floods(old+"\r\n", "more "), reached: true, verdict: vulnerable, says: "below the fix line"},
		"endless chunks":       {talk: floods(old+"Transfer-Encoding: chunked\r\n\r\n", "5\r\nmore \r\n"), reached: true, verdict: vulnerable, says: "below the fix line"},
		"endless chunk header": {talk: floods(old+"Transfer-Encoding: chunked\r\n\r\n", "0000"), reached: true, verdict: vulnerable, says: "below the fix line"},
		"endless and good":     {talk: floods(good+"\r\n", "more "), reached: true, verdict: unknown, says: "not every question was answered"},
		"huge length":          {talk: says(old + "Content-Length: 9223372036854775807\r\n\r\n"), reached: true, verdict: vulnerable, says: "below the fix line"},
		"bomb":                 {talk: says(bomb()), reached: true, says: "compressed although we asked for plain"},
		"bomb and good":        {talk: says(strings.Replace(bomb(), "HTTP/1.1 200 OK\r\n", good, 1)), reached: true, says: "not every question was answered"},
		"drips headers":        {talk: drips("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), says: "no complete answer within 2.5s"},
		"half an answer":       {talk: func(c net.Conn) { request(bufio.NewReader(c)); _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ") }, says: "closed the connection"},
		"loops":                {talk: says("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"), reached: true, says: "redirects in a loop"},
		"leads on and on": {talk: func(c net.Conn) {
			br := bufio.NewReader(c)
			for p := request(br); p != ""; p = request(br) {
				fmt.Fprintf(c, "HTTP/1.1 302 Found\r\nLocation: %sx\r\nContent-Length: 0\r\n\r\n", p)
			}
		}, reached: true, says: "more than 3 redirects"},
		"leads elsewhere":     {talk: says("HTTP/1.1 302 Found\r\nLocation: http://elsewhere.invalid/\r\nContent-Length: 0\r\n\r\n"), reached: true, says: "out of scope: a redirect to http elsewhere.invalid"},
		"leads to metadata":   {talk: says("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest/meta-data/\r\nContent-Length: 0\r\n\r\n"), reached: true, says: "out of scope"},
		"leads to the attack": {talk: says("HTTP/1.1 302 Found\r\nLocation: /_layouts/15/tool%50ane.aspx\r\nContent-Length: 0\r\n\r\n"), reached: true, says: "path is refused"},
		"leads into markup":   {talk: says("HTTP/1.1 302 Found\r\nLocation: <!channel> @everyone `x` =cmd|calc\u202e\r\nContent-Length: 0\r\n\r\n"), reached: true, says: ""},
		"markup everywhere":   {talk: says("HTTP/1.1 200 <!channel> *OK*\r\nMicrosoftSharePointTeamServices: 16.0.0.5517<!channel> =cmd\r\nContent-Length: 70\r\n\r\nvti_extenderversion:SR|<script> @everyone \x1b[2J                         "), reached: true, says: "is not a build"},
		"overflow":            {talk: says("HTTP/1.1 200 OK\r\nMicrosoftSharePointTeamServices: 99999999999999999999.4294967296.1." + strings.Repeat("9", 4000) + "\r\nContent-Length: 0\r\n\r\n"), reached: true, says: "is not a build"},
		"many values":         {talk: says("HTTP/1.1 200 OK\r\nMicrosoftSharePointTeamServices: " + strings.Repeat("16.0.0.5517,", 1000) + "\r\nContent-Length: 0\r\n\r\n"), reached: true, says: ""},
		"not TLS after TLS": {talk: func(c net.Conn) {
			_ = c.(*tls.Conn).Handshake()
			_, _ = io.WriteString(c.(*tls.Conn).NetConn(), nasty)
			waits(c)
		}, tls: true, says: ""},
	}
}

// stage starts a hostile server and returns its row of the inventory.
func stage(t *testing.T, name string, h hostile) state.Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	scheme := "http"
	if h.tls {
		scheme = "https"
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
	}
	if h.scheme != "" {
		scheme = h.scheme
	}
	listen(t, l, h.talk)
	return state.Server{Name: name, Farm: name, URL: scheme + "://" + l.Addr().String()}
}

// listen talks to every connection until the test ends, and waits for all.
func listen(t *testing.T, l net.Listener, talk func(net.Conn)) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() { defer c.Close(); talk(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	config, err := fleetTLS(job{})
	require.NoError(t, err)
	return config.Certificates[0]
}

// Not parallel: it measures time and memory.
func TestHostileServersHarmNobodyAndAreReportedForWhatTheyAre(t *testing.T) {
	all := corpus()
	var servers []state.Server
	for name, h := range all {
		servers = append(servers, stage(t, name, h))
	}
	decent := httptest.NewServer(box{header: []string{"16.0.0.5508"}})
	t.Cleanup(decent.Close)
	for i := range 100 {
		servers = append(servers, state.Server{Name: fmt.Sprintf("decent%d", i), Farm: "f", URL: decent.URL + fmt.Sprintf("/%d", i), Addresses: []string{"127.0.0.1"}})
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	results := scan(t, bounds(), plan(), servers...)
	runtime.ReadMemStats(&after)
	require.Less(t, time.Since(began), 40*time.Second)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<20), "something was read without end")

	for name, h := range all {
		r := results[name]
		said := r.Error + "; " + r.Judgement.Reason
		require.Equal(t, h.reached, r.Reached, "%s: %s", name, said)
		require.Contains(t, said, h.says, name)
		if name != "many values" { // a lie, but a well-formed one
			require.Equal(t, h.verdict, r.Judgement.Verdict, "%s: %s", name, said)
			require.Nil(t, r.Compromised, name)
		}
		if !h.reached {
			require.NotEmpty(t, r.Error, name)
		}
		requireHarmless(t, name, r)
	}
	for i := range 100 {
		r := results[fmt.Sprintf("decent%d", i)]
		require.Empty(t, r.Error)
		require.Equal(t, state.VerdictVulnerable, r.Judgement.Verdict)
	}
	var stacks bytes.Buffer
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&stacks, 2))
	require.NotContains(t, stacks.String(), "allclear/checks.(*", "a goroutine outlived the scan")
}

// requireHarmless looks at every text of a result.
func requireHarmless(t *testing.T, name string, r checks.Result) {
	t.Helper()
	b, err := json.Marshal(r)
	require.NoError(t, err)
	var v any
	require.NoError(t, json.Unmarshal(b, &v))
	walkTexts(v, func(s string) {
		bad := strings.ContainsFunc(s, func(r rune) bool { return r == '<' || r == '@' || !unicode.IsPrint(r) })
		if bad || len([]rune(s)) > 1000 {
			require.Fail(t, "harmful text", "%s: %q", name, s)
		}
	})
	for _, e := range r.Evidence {
		require.LessOrEqual(t, len([]rune(e.Detail)), 200)
	}
}

func walkTexts(v any, f func(string)) {
	switch v := v.(type) {
	case string:
		f(v)
	case []any:
		for _, x := range v {
			walkTexts(x, f)
		}
	case map[string]any:
		for _, x := range v {
			walkTexts(x, f)
		}
	}
}

func TestOldAndUntrustedTLSIsReadAndSaidSo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		config *tls.Config
		notes  []string
	}{
		"TLS 1.0":        {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, []string{"TLS: the server offers nothing newer than TLS 1.0", "certificate not trusted (self-signed), read all the same"}},
		"TLS 1.1":        {&tls.Config{MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11}, []string{"TLS: the server offers nothing newer than TLS 1.1", "certificate not trusted (self-signed), read all the same"}},
		"TLS 1.2, 3DES":  {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}}, []string{"certificate not trusted (self-signed), read all the same"}},
		"TLS 1.2, RSA":   {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_256_CBC_SHA}}, []string{"certificate not trusted (self-signed), read all the same"}},
		"TLS 1.3, P-384": {&tls.Config{MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.CurveP384}}, []string{"certificate not trusted (self-signed), read all the same"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(box{header: []string{"16.0.0.5508"}})
			s.TLS = tc.config
			s.StartTLS()
			t.Cleanup(s.Close)
			r := scan(t, options(), plan(), state.Server{Name: "sp01", Farm: "sp01", URL: s.URL})["sp01"]
			require.Empty(t, r.Error)
			require.Equal(t, state.VerdictVulnerable, r.Judgement.Verdict)
			require.Equal(t, tc.notes, r.Notes)
			require.Equal(t, strings.Join(tc.notes, "; "), r.Evidence[0].Detail)
			require.Contains(t, r.Line().Reason, tc.notes[0])
		})
	}
}

func TestATrustedCertificateNeedsNoNote(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(box{header: []string{"16.0.0.5508"}})
	t.Cleanup(s.Close)
	o := options()
	o.Roots = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	server := state.Server{Name: "sp01", Farm: "sp01", URL: strings.Replace(s.URL, "127.0.0.1", "example.com", 1), Addresses: []string{"127.0.0.1"}}
	require.Empty(t, scan(t, o, plan(), server)["sp01"].Notes)
	server.URL = strings.Replace(server.URL, "example.com", "other.test", 1)
	require.Equal(t, []string{"certificate not trusted (made out to another name), read all the same"}, scan(t, o, plan(), server)["sp01"].Notes)
	o.Now = func() time.Time { return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) }
	require.Contains(t, scan(t, o, plan(), server)["sp01"].Notes[0], "expired")
}

func TestAServerThatClosesEveryConnectionIsReadInFull(t *testing.T) {
	t.Parallel()
	h := hostile{talk: func(c net.Conn) {
		b := box{header: []string{"16.0.0.5517"}, service: "16.0.0.5517"}
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		b.ServeHTTP(w, r)
		resp := w.Result()
		resp.ContentLength = int64(w.Body.Len())
		_ = resp.Write(c) // and says nothing of closing
	}}
	r := scan(t, options(), plan(), stage(t, "sp01", h))["sp01"]
	require.Empty(t, r.Error)
	require.Equal(t, state.VerdictFixed, r.Judgement.Verdict, r.Judgement.Reason)
	require.NotNil(t, r.Compromised)
	require.False(t, *r.Compromised)
}

func TestABudgetOfRequestsIsKept(t *testing.T) {
	t.Parallel()
	o := options()
	o.Requests = 3
	r := scan(t, o, plan(), serve(t, "sp01", box{header: []string{"16.0.0.5517"}}))["sp01"]
	require.Equal(t, 3, r.Requests)
	require.Equal(t, state.VerdictFixed, r.Judgement.Verdict)
	require.Nil(t, r.Compromised)
	require.Contains(t, r.Doubt, "budget is spent: 3 requests were sent")
	o.Requests = 1
	r = scan(t, o, plan(), serve(t, "sp01", box{header: []string{"16.0.0.5517"}}))["sp01"]
	require.Equal(t, state.VerdictUnknown, r.Judgement.Verdict)
}

func TestNoCookieIsEverReturned(t *testing.T) {
	t.Parallel()
	s := serve(t, "sp01", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" || r.Header.Get("Authorization") != "" || r.Header.Get("Referer") != "" || r.ContentLength > 0 {
			t.Error("sent more than asked for", r.Header)
		}
		if r.Header.Get("Accept-Encoding") != "identity" {
			t.Error("asked for a compressed answer")
		}
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
	}))
	require.True(t, scan(t, options(), plan(), s)["sp01"].Reached)
}
