package discordfake_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	fake "github.com/allclear-bot/allclear/bot/discord/discordfake"
)

// naive answers every interaction without looking at the signature.
func naive(t *testing.T, answer func(w http.ResponseWriter, kind int)) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var i struct{ Type int }
		_ = json.NewDecoder(r.Body).Decode(&i)
		answer(w, i.Type)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func pong(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"type":1}`)
}

func TestAnAddressThatTakesBadSignaturesIsNotSet(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	address := naive(t, func(w http.ResponseWriter, _ int) { pong(w) })
	require.ErrorContains(t, r.d.SetEndpoint(t.Context(), address), "not with 401")
	r.d.Offends(fake.Forgeable)
	r.bad("interactions_endpoint_url", "could not be verified", "PATCH", "/applications/@me", object{"interactions_endpoint_url": address})
	require.ErrorContains(t, r.d.TestSignatures(t.Context()), "no address")
}

func TestAnAddressThatDoesNotAnswerPingIsNotSet(t *testing.T) {
	t.Parallel()
	d := fake.New(t, free)
	for _, answer := range []func(http.ResponseWriter, int){
		func(w http.ResponseWriter, _ int) { w.WriteHeader(500) },
		func(w http.ResponseWriter, _ int) { _, _ = io.WriteString(w, `{"type":1}`) }, // as text/plain
		func(w http.ResponseWriter, _ int) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"type":4}`)
		},
	} {
		require.ErrorContains(t, d.SetEndpoint(t.Context(), naive(t, answer)), "PONG")
	}
}

// signed is an address that tells bad signatures by their header only, enough for
// the first test, and answers interactions with f.
func signed(t *testing.T, d *fake.Test, f func(http.ResponseWriter, took)) string {
	t.Helper()
	var pings atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var i object
		_ = json.NewDecoder(r.Body).Decode(&i)
		switch {
		case i["type"] == 1.0 && pings.Add(1) == 1:
			pong(w)
		case i["type"] == 1.0:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			id, _ := i["id"].(string)
			token, _ := i["token"].(string)
			f(w, took{i, id, token})
		}
	}))
	t.Cleanup(s.Close)
	require.NoError(t, d.SetEndpoint(t.Context(), s.URL))
	return s.URL
}

func TestInteractionsOverHTTPAreAnsweredInlineOrLater(t *testing.T) {
	t.Parallel()
	r := newRaw(t, free)
	r.register(command("ping"))
	later := make(chan took, 1)
	answer := make(chan string, 4)
	signed(t, r.d, func(w http.ResponseWriter, i took) {
		text := <-answer
		if text == "" {
			later <- i
			w.WriteHeader(http.StatusAccepted)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	})
	answer <- `{"type":4,"data":{"content":"inline","flags":64}}`
	x := r.d.User("lead-1").Runs("responders", "/ping")
	x.GetsPrivately("inline")
	x.Within(3 * time.Second)

	answer <- ""
	y := r.d.User("lead-1").Runs("responders", "/ping")
	i := <-later
	r.call(204, "POST", i.callback(), object{"type": 5})
	r.call(200, "PATCH", "/webhooks/"+r.d.AppID()+"/"+i.token+"/messages/@original", say("later"))
	y.GetsPublicly("later")

	answer <- `{"type":4,"data":{"content":"` + strings.Repeat("x", 2001) + `"}}`
	z := r.d.User("lead-1").Runs("responders", "/ping")
	require.Eventually(t, func() bool { return len(r.d.Acks()) == 3 }, 5*time.Second, time.Millisecond)
	r.d.Advance(4 * time.Second)
	z.Fails()
	require.Contains(t, r.d.Offends(fake.Unanswered).Text, "BASE_TYPE_MAX_LENGTH")

	require.NoError(t, r.d.SetEndpoint(t.Context(), ""))
	s := dial(t, r.d).ready()
	r.d.User("lead-1").Runs("responders", "/ping")
	i2 := s.event("INTERACTION_CREATE")
	r.call(204, "POST", "/interactions/"+i2["id"].(string)+"/"+i2["token"].(string)+"/callback", object{"type": 4, "data": say("x")})
}

func TestAWholeProcessMeetsTheFakeThroughItsEnvironment(t *testing.T) {
	t.Parallel()
	d := fake.New(t, free)
	dir := t.TempDir()
	env, err := d.Environ(dir)
	require.NoError(t, err)
	vars := map[string]string{}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		vars[name] = value
	}
	pem, err := os.ReadFile(filepath.Clean(vars["SSL_CERT_FILE"]))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem))
	proxy, err := url.Parse(vars["HTTPS_PROXY"])
	require.NoError(t, err)
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	// What http.DefaultTransport and websocket.DefaultDialer do with these variables.
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: config}
	t.Cleanup(transport.CloseIdleConnections)
	r := &raw{t, d, &http.Client{Transport: transport}, d.Token()}
	require.Equal(t, "allclear", r.call(200, "GET", "/users/@me", nil).object["username"])
	dialer := websocket.Dialer{Proxy: http.ProxyURL(proxy), TLSClientConfig: config}
	ws, resp, err := dialer.DialContext(t.Context(), "wss://gateway.discord.gg/?v=10", nil)
	require.NoError(t, err)
	_ = resp.Body.Close()
	s := &socket{t: t, d: d, ws: ws}
	require.Equal(t, 10, s.next().Op)
	s.ready()
	_ = ws.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.org/", nil)
	require.NoError(t, err)
	resp, err = r.c.Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.Error(t, err, "the proxy leads to Discord only")
}

func TestAnotherProcessReachesTheFakeByItsAddress(t *testing.T) {
	t.Parallel()
	d := fake.New(t, free)
	r := &raw{t, d, fake.ClientTo(d.URL()), d.Token()}
	r.call(200, "GET", "/users/@me", nil)
	ws, resp, err := fake.DialerTo(d.URL()).DialContext(t.Context(), "wss://gateway.discord.gg/", nil)
	require.NoError(t, err)
	_ = resp.Body.Close()
	_ = ws.Close()
}
