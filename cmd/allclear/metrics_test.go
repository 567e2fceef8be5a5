package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/web"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// weathercock is a platform that is connected, or waits for its turn, as a test wants it.
type weathercock struct {
	platform
	away error
	by   string
}

func (w *weathercock) Ready() error    { return w.away }
func (w *weathercock) Standby() string { return w.by }

func TestTheMetricsOfAProcessMove(t *testing.T) {
	t.Parallel()
	e, err := embedded.OpenMemory(embedded.Options{})
	require.NoError(t, err)
	client := e.Client()
	t.Cleanup(func() {
		require.NoError(t, client.Close())
		require.NoError(t, e.Close())
	})
	store := redisstore.New(client, redisstore.Options{Writer: "test"})
	require.NoError(t, store.Init(t.Context()))
	now := time.Date(2025, 7, 22, 12, 4, 0, 0, time.UTC)
	metrics := newMetrics(store)
	a, err := newApp(appOptions{Store: store, Posters: map[string]chat.Poster{}, Metrics: metrics, Now: func() time.Time { return now }})
	require.NoError(t, err)
	cock := &weathercock{}
	_, err = watchOver(deadmanConfig{}, a, outside{chats: map[string]platform{"discord": cock}}, metrics)
	require.NoError(t, err)
	value := scraped(t, metrics)

	require.Zero(t, value(`allclear_outbox_age_seconds`))
	require.NoError(t, store.Post(t.Context(), []state.Letter{{
		ID: "l1", Place: state.Place{Platform: "p", Channel: "c"}, Created: time.Now().Add(-10 * time.Minute), Due: now, Notice: state.Notice{Key: "l1"},
	}}))
	require.Equal(t, 1.0, value(`allclear_outbox_letters`))
	require.InDelta(t, 600, value(`allclear_outbox_age_seconds`), 120)

	pb, err := playbook.Load("toolshell")
	require.NoError(t, err)
	w := state.Work{Request: "open", Step: "open", By: "lead-1", At: now.Add(-time.Hour)}
	_, err = store.Update(t.Context(), w, "ts-1", nil, func(tx *state.Tx) error {
		return errors.Join(
			tx.OpenIncident(state.Incident{ID: "ts-1", Rules: pb.Rules(), Places: []state.Place{{Platform: "console", Channel: "ops"}}}),
			tx.Schedule(state.Scheduled{Name: "all", Spec: "every 15m", Line: "status", CatchUp: state.CatchUpAll}),
			tx.Schedule(state.Scheduled{Name: "fresh", Spec: "every 15m", Line: "status", CatchUp: state.CatchUpSkip, Late: time.Minute}),
		)
	})
	require.NoError(t, err)
	require.Zero(t, value(`allclear_slots_total\{outcome="fired"\}`))
	_, err = a.jobs.Pass(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4.0, value(`allclear_slots_total\{outcome="fired"\}`))
	require.Equal(t, 4.0, value(`allclear_slots_total\{outcome="missed"\}`))
	require.Equal(t, 4.0, value(`allclear_inbox_requests`))
	require.Positive(t, value(`allclear_inbox_age_seconds`))

	connected, standby := `allclear_connected\{platform="discord"\}`, `allclear_standby\{platform="discord"\}`
	require.Equal(t, []float64{1, 0}, []float64{value(connected), value(standby)})
	cock.by = "standby, the gateway is held by X"
	require.Equal(t, []float64{1, 1}, []float64{value(connected), value(standby)})
	cock.by, cock.away = "", errors.New("cut")
	require.Equal(t, []float64{0, 0}, []float64{value(connected), value(standby)})
}

// scraped asks for metrics over HTTP, as Prometheus does.
func scraped(t *testing.T, m *web.Metrics) func(pattern string) float64 {
	t.Helper()
	s, err := web.New(t.Context(), web.Options{Addr: "127.0.0.1:0", Metrics: m, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	client := &http.Client{Timeout: soon}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		cancel()
		require.NoError(t, <-done)
	})
	return func(pattern string) float64 {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr()+"/metrics", nil)
		require.NoError(t, err)
		resp, err := client.Do(req)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, errors.Join(err, resp.Body.Close()))
		found := regexp.MustCompile(`(?m)^` + pattern + ` (\S+)$`).FindSubmatch(body)
		require.NotNil(t, found, "%s is not in\n%s", pattern, body)
		v, err := strconv.ParseFloat(string(found[1]), 64)
		require.NoError(t, err)
		return v
	}
}
