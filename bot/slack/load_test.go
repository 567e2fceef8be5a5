package slack

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

// office is a platform over HTTP with a router and a real Redis behind it.
type office struct {
	p    *Platform
	mu   sync.Mutex
	runs map[string]int // how often each line was run
}

func newOffice(t testing.TB) *office {
	t.Helper()
	redis := statetest.Redis(t)
	client, err := redisstore.Dial("redis://"+redis.Addr, redisstore.DialOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	store := redisstore.New(client, redisstore.Options{Lanes: 4})
	require.NoError(t, store.Init(t.Context()))
	o := &office{runs: map[string]int{}}
	note := bottest.Says("note", func(c chat.Call) chat.Message {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.runs[c.Values.String("what")]++
		return chat.Say(chat.P("noted"))
	})
	note.What.Args = []chat.Arg{{Name: "what"}}
	router, err := bot.New(bot.Options{
		Commands: []bot.Command{note}, Store: store,
		People: func(context.Context) (state.People, error) { return nil, nil },
		Open:   func(context.Context) ([]string, error) { return nil, nil },
	})
	require.NoError(t, err)
	fake := slackfake.New(t, slackfake.Options{Pace: slackfake.NoPace()})
	o.p, err = New(Options{BotToken: fake.BotToken(), API: fake.APIURL(), SigningSecret: secret})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var parts sync.WaitGroup
	parts.Go(func() { _ = router.Run(ctx) })
	parts.Go(func() { _ = o.p.Run(ctx, router) })
	t.Cleanup(func() { cancel(); parts.Wait() })
	require.Eventually(t, func() bool { return o.p.Ready() == nil }, 10*time.Second, time.Millisecond)
	return o
}

// times is how long a handler took, each time: from the request to its answer.
type times struct {
	mu  sync.Mutex
	all []time.Duration
}

func (m *times) around(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		h.ServeHTTP(w, r)
		took := time.Since(began)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.all = append(m.all, took)
	})
}

func (m *times) at(share float64) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	slices.Sort(m.all)
	return m.all[min(len(m.all)-1, int(share*float64(len(m.all))))]
}

// send sends so many commands, one each so often whether or not the last was
// answered, and returns the lines that were acknowledged with nothing to say.
func send(t testing.TB, url, name string, count int, every time.Duration) []string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var taken []string
	var all sync.WaitGroup
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := range count {
		<-tick.C
		all.Go(func() {
			what := fmt.Sprintf("%s-%d", name, i)
			body := typedForm("note "+what, what)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/slack/commands", strings.NewReader(body))
			if err != nil {
				return
			}
			req.Header = signed(secret, body, time.Now())
			req.Header.Set("Content-Type", formType)
			resp, err := client.Do(req)
			if err != nil {
				return
			}
			said, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err == nil && resp.StatusCode == http.StatusOK && len(said) == 0 {
				mu.Lock()
				defer mu.Unlock()
				taken = append(taken, what)
			}
		})
	}
	all.Wait()
	return taken
}

// settled waits until the lines were run, and checks that each was run once.
func (o *office) settled(t testing.TB, taken []string) {
	t.Helper()
	require.Eventually(t, func() bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		return !slices.ContainsFunc(taken, func(what string) bool { return o.runs[what] == 0 })
	}, time.Minute, 10*time.Millisecond, "all that was acknowledged is run")
	o.mu.Lock()
	defer o.mu.Unlock()
	for what, n := range o.runs {
		require.Equal(t, 1, n, what)
	}
}

// TestWhatIsAcknowledgedUnderLoadIsRunOnce says nothing of how fast it is.
func TestWhatIsAcknowledgedUnderLoadIsRunOnce(t *testing.T) {
	statetest.HaveRedis(t)
	o := newOffice(t)
	server := httptest.NewServer(o.p.Handler())
	t.Cleanup(server.Close)
	taken := send(t, server.URL, "load", 300, 3*time.Millisecond)
	require.NotEmpty(t, taken)
	o.settled(t, taken)
}

// BenchmarkAcknowledge measures from the request to its answer, at 200 commands a
// second for ten seconds, beside a handler that only looks at the signature.
func BenchmarkAcknowledge(b *testing.B) {
	statetest.HaveRedis(b)
	const rate, count = 200, 2000
	n := 0
	for b.Loop() {
		n++
		o := newOffice(b)
		bare, whole := &times{}, &times{}
		signature := httptest.NewServer(bare.around(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if _, _, err := verify(secret, r.Header, body, time.Now()); err != nil {
				w.WriteHeader(http.StatusUnauthorized)
			}
		})))
		require.Len(b, send(b, signature.URL, "bare", count, time.Second/rate), count)
		signature.Close()
		server := httptest.NewServer(whole.around(o.p.Handler()))
		taken := send(b, server.URL, fmt.Sprintf("run%d", n), count, time.Second/rate)
		require.Len(b, taken, count, "none is turned away or lost")
		server.Close()
		o.settled(b, taken)
		require.Less(b, whole.at(1), 3*time.Second, "Slack waits no longer")
		for share, unit := range map[float64]string{0.5: "p50-ms", 0.99: "p99-ms", 1: "max-ms"} {
			b.ReportMetric(float64(whole.at(share))/1e6, unit)
		}
		b.ReportMetric(float64(whole.at(0.5))/float64(bare.at(0.5)), "p50-ratio")
		b.ReportMetric(float64(whole.at(0.99))/float64(bare.at(0.99)), "p99-ratio")
		b.ReportMetric(0, "ns/op")
	}
}
