package web_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/web"
)

// serve runs a server on a free port and returns how to ask it.
func serve(t *testing.T, o web.Options) func(path string) (int, string) {
	t.Helper()
	o.Addr = "127.0.0.1:0"
	s, err := web.New(t.Context(), o)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	client := &http.Client{Timeout: 10 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	return func(path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr()+path, nil)
		require.NoError(t, err)
		resp, err := client.Do(req)
		require.NoError(t, err)
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(body)
	}
}

func TestReadinessFollowsThePartsAndDoesNotSayWhy(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	get := serve(t, web.Options{Version: "1.2", Parts: []web.Part{
		{Name: "store", Ready: func() error { return nil }, Note: func() string { return "" }},
		{Name: "slack", Note: func() string { return "standby" }, Ready: func() error {
			if down.Load() {
				return errors.New("dial wss://secret-host")
			}
			return nil
		}},
	}})
	status, body := get("/readyz")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "store: ready\nslack: ready (standby)\n", body)
	down.Store(true)
	status, body = get("/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "store: ready\nslack: not ready\n", body)
	status, body = get("/healthz")
	require.Equal(t, http.StatusOK, status, "it lives, whatever Slack does")
	require.Equal(t, "alive 1.2\n", body)
}

func TestAPlatformIsMountedAndNothingElseIsThere(t *testing.T) {
	t.Parallel()
	get := serve(t, web.Options{Mounts: map[string]http.Handler{
		"/slack/": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "at "+r.URL.Path) }),
	}})
	_, body := get("/slack/events")
	require.Equal(t, "at /slack/events", body)
	for _, path := range []string{"/", "/metrics", "/slackish", "/debug/pprof/"} {
		status, _ := get(path)
		require.Equal(t, http.StatusNotFound, status, path)
	}
}

func TestEveryMetricMovesAndHasNoLabelFromOutside(t *testing.T) {
	t.Parallel()
	var waiting atomic.Int64
	m := web.NewMetrics(web.Labels{
		Commands: []string{"scan"}, Outcomes: []string{"done"}, Letters: []string{"delivered"}, Platforms: []string{"slack"}, Events: []string{"connected"},
		Slots: []string{"fired", "missed"},
	}, web.Gauge{Name: "allclear_inbox_waiting", Help: "Requests that nobody took yet.", Read: func() (float64, bool) {
		return float64(waiting.Load()), waiting.Load() >= 0
	}}, web.Gauge{Name: "allclear_connected", Labels: map[string]string{"platform": "slack"}, Read: func() (float64, bool) { return 1, true }},
		web.Gauge{Name: "allclear_connected", Labels: map[string]string{"platform": "console"}, Read: func() (float64, bool) { return 0, true }})
	get := serve(t, web.Options{Metrics: m})
	m.Done("scan", "done", time.Second)
	m.Done("U0123", "T0123", time.Second)
	m.Letter("delivered")
	m.Letter("C0123")
	m.Handed("recorded")
	m.Handed("whatever a stranger sends")
	m.Event("slack", "connected")
	m.Event("slack", "somebody@example.com")
	m.Slots("fired", 2)
	m.Slots("G0123", 1)
	m.Slots("fired", -1)
	waiting.Store(3)
	_, body := get("/metrics")
	for _, line := range []string{
		`allclear_requests_total{command="scan",outcome="done"} 1`,
		`allclear_requests_total{command="other",outcome="other"} 1`,
		`allclear_request_seconds_count{command="scan"} 1`,
		`allclear_letters_total{outcome="delivered"} 1`,
		`allclear_letters_total{outcome="other"} 1`,
		`allclear_platform_events_total{event="connected",platform="slack"} 1`,
		`allclear_platform_events_total{event="other",platform="slack"} 1`,
		`allclear_evidence_documents_total{outcome="recorded"} 1`,
		`allclear_evidence_documents_total{outcome="other"} 1`,
		`allclear_inbox_waiting 3`,
		`allclear_slots_total{outcome="fired"} 2`,
		`allclear_slots_total{outcome="missed"} 0`,
		`allclear_slots_total{outcome="other"} 1`,
		`allclear_connected{platform="slack"} 1`,
		`allclear_connected{platform="console"} 0`,
	} {
		require.Contains(t, body, line+"\n")
	}
	for _, word := range []string{"U0123", "T0123", "C0123", "G0123", "example.com"} {
		require.NotContains(t, body, word)
	}
	waiting.Store(-1)
	_, body = get("/metrics")
	require.NotContains(t, body, "allclear_inbox_waiting ", "what is not known is not shown")
}

func TestATakenAddressIsAnErrorAtOnce(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, err = web.New(t.Context(), web.Options{Addr: l.Addr().String()})
	require.ErrorContains(t, err, "listen for HTTP")
}
