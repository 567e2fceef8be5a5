package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// ward is a store whose state a test sets, and the second channel.
type ward struct {
	mu        sync.Mutex
	away      error
	requests  int
	letters   int
	oldest    time.Time
	heads     []state.IncidentHead
	inc       state.Incident
	scans     []state.Scan
	cursors   map[string]state.Cursor
	audit     []state.AuditEntry
	unready   error
	said      []string
	deaf      error
	readAudit int
}

func (w *ward) do(f func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.away == nil && f != nil {
		f()
	}
	return w.away
}

func (w *ward) Waiting(context.Context) (n int, oldest time.Time, err error) {
	err = w.do(func() { n, oldest = w.requests, w.oldest })
	return n, oldest, err
}

func (w *ward) QueueSize(context.Context) (n int, oldest time.Time, err error) {
	err = w.do(func() { n, oldest = w.letters, w.oldest })
	return n, oldest, err
}

func (w *ward) Incidents(context.Context) (out []state.IncidentHead, err error) {
	err = w.do(func() { out = w.heads })
	return out, err
}

func (w *ward) Incident(context.Context, string) (out state.Incident, err error) {
	err = w.do(func() { out = w.inc })
	return out, err
}

func (w *ward) LastScans(_ context.Context, _ string, limit int) (out []state.Scan, err error) {
	err = w.do(func() { out = w.scans[:min(limit, len(w.scans))] })
	return out, err
}

func (w *ward) Cursors(_ context.Context, jobs []string) (out []state.Cursor, err error) {
	err = w.do(func() {
		for _, j := range jobs {
			out = append(out, w.cursors[j])
		}
	})
	return out, err
}

func (w *ward) Fire(_ context.Context, f state.Firing) (fired bool, err error) {
	err = w.do(func() {
		if fired = w.cursors[f.Job] == f.Was; fired {
			w.cursors[f.Job] = f.Is
		}
	})
	return fired, err
}

func (w *ward) AuditSeq(context.Context) (n int64, err error) {
	err = w.do(func() { n = int64(len(w.audit)) })
	return n, err
}

func (w *ward) Audit(_ context.Context, from int64, limit int) (out []state.AuditEntry, err error) {
	err = w.do(func() {
		out = w.audit[from-1 : min(int(from)-1+limit, len(w.audit))]
		w.readAudit += len(out)
	})
	return out, err
}

func (w *ward) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *ward) say(_ context.Context, text string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deaf == nil {
		w.said = append(w.said, strings.TrimPrefix(text, "allclear: "))
	}
	return w.deaf
}

// heard is what the second channel took since it was asked last.
func (w *ward) heard() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.said
	w.said = nil
	return out
}

func newWard() *ward {
	return &ward{cursors: map[string]state.Cursor{}, heads: []state.IncidentHead{{ID: "ts-1", Opened: time.Now()}}}
}

// replica is one process that watches a ward.
func (w *ward) replica() *deadman {
	look := &watcher{store: w, now: time.Now, scanAge: defaultScanAge, ready: func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.unready
	}}
	return newDeadman(look, w, w.say, time.Now, slog.New(slog.DiscardHandler))
}

// watching runs replicas in a bubble while a story is told.
func watching(t *testing.T, replicas int, story func(t *testing.T, w *ward, rest func(time.Duration))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWard()
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		for range replicas {
			d := w.replica()
			running.Go(func() { _ = d.Run(ctx) })
		}
		story(t, w, func(d time.Duration) { time.Sleep(d); synctest.Wait() })
		cancel()
		running.Wait()
	})
}

func TestEachCauseIsToldOnceAndAgainWhenItIsOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breaks, mends func(w *ward)
		wrong, over   string
		after         time.Duration
	}{
		"requests wait": {
			func(w *ward) { w.requests, w.oldest = 3, time.Now() }, func(w *ward) { w.requests = 0 },
			"3 requests are not started", "over: what waited is being worked off.", requestAge,
		},
		"a scan dies": {
			func(w *ward) { w.scans = []state.Scan{{Selection: "all", Started: time.Now()}} }, func(w *ward) { w.scans[0].Ended = time.Now() },
			"a scan has ended without a word", "over: scans are fresh again.", 10 * time.Minute,
		},
		"nobody scans": {
			func(w *ward) {
				w.scans = []state.Scan{{Selection: "all", Started: time.Now(), Ended: time.Now(), Complete: true}}
			},
			func(w *ward) { w.scans[0].Started = time.Now() },
			"no complete scan of all servers of an open incident since", "over: scans are fresh again.", defaultScanAge,
		},
		"nobody scans all, and many scan one": {
			func(w *ward) {
				for range 40 {
					w.scans = append(w.scans, state.Scan{Selection: "server a", Started: time.Now(), Ended: time.Now(), Complete: true})
				}
				w.scans = append(w.scans, state.Scan{Selection: "all", Started: time.Now(), Ended: time.Now(), Complete: true})
			},
			func(w *ward) { w.scans[40].Started = time.Now() },
			"no complete scan of all servers of an open incident since", "over: scans are fresh again.", defaultScanAge,
		},
		"nobody ever scanned all": {
			func(w *ward) { w.heads = []state.IncidentHead{{ID: "ts-1", Opened: time.Now()}} },
			func(w *ward) {
				w.scans = []state.Scan{{Selection: "all", Started: time.Now(), Ended: time.Now(), Complete: true}}
			},
			"no complete scan of all servers of an open incident is known", "over: scans are fresh again.", defaultScanAge,
		},
		"a platform is away": {
			func(w *ward) { w.letters, w.oldest, w.unready = 2, time.Now(), errors.New("no") }, func(w *ward) { w.unready = nil },
			"a platform cannot be reached since", "over: messages are delivered again.", letterAge,
		},
		"the schedule stands still": {
			func(w *ward) {
				w.inc.Jobs = []state.Scheduled{{Name: "digest", Edition: 7}}
				w.cursors["ts-1/digest"] = state.Cursor{Next: time.Now(), Edition: 7}
			},
			func(w *ward) { w.cursors["ts-1/digest"] = state.Cursor{Next: time.Now().Add(time.Hour), Edition: 7} },
			"a job of the schedule was due at", "over: the schedule is on time again.", slotLate,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			watching(t, 3, func(t *testing.T, w *ward, rest func(time.Duration)) {
				rest(time.Hour)
				require.Empty(t, w.heard(), "all is well")
				w.set(func() { c.breaks(w) })
				rest(c.after / 2)
				require.Empty(t, w.heard(), "that is not long")
				rest(c.after/2 + 2*time.Minute)
				heard := w.heard()
				require.Len(t, heard, 1, "three replicas say it once")
				require.Contains(t, heard[0], c.wrong)
				rest(10 * time.Minute)
				require.Empty(t, w.heard(), "and not again")
				w.set(func() { c.mends(w) })
				rest(2 * time.Minute)
				require.Equal(t, []string{c.over}, w.heard())
			})
		})
	}
}

func TestTheOutboxGrows(t *testing.T) {
	t.Parallel()
	watching(t, 2, func(t *testing.T, w *ward, rest func(time.Duration)) {
		for n := range 40 {
			w.set(func() { w.letters, w.oldest = 10*n, time.Now() })
			rest(time.Minute)
		}
		heard := w.heard()
		require.Len(t, heard, 1)
		require.Regexp(t, `^the outbox grows: \d+ messages wait, \d+ did a quarter of an hour ago\.$`, heard[0])
		for range 20 { // much, and not more
			rest(time.Minute)
		}
		require.Equal(t, []string{"over: what waited is being worked off."}, w.heard())
		w.set(func() { w.letters = 0 })
		rest(time.Hour)
		require.Empty(t, w.heard())
	})
}

func TestALostStoreIsToldThoughNobodyCanBeAsked(t *testing.T) {
	t.Parallel()
	watching(t, 1, func(t *testing.T, w *ward, rest func(time.Duration)) {
		rest(time.Second)
		w.set(func() { w.away = errors.New("gone") })
		rest(deadmanEvery)
		w.set(func() { w.away = nil })
		rest(5 * time.Minute)
		require.Empty(t, w.heard(), "one look is no look")
		w.set(func() { w.away = errors.New("gone") })
		rest(30 * time.Minute)
		heard := w.heard()
		require.Len(t, heard, 1)
		require.Contains(t, heard[0], "the store does not answer since")
		w.set(func() { w.away = nil })
		rest(time.Minute)
		require.Equal(t, []string{"over: the store answers again."}, w.heard())
	})
}

func TestWhatTheSecondChannelDoesNotTakeIsSaidWhenItDoes(t *testing.T) {
	t.Parallel()
	watching(t, 1, func(t *testing.T, w *ward, rest func(time.Duration)) {
		w.set(func() { w.requests, w.oldest, w.deaf = 1, time.Now(), errors.New("down") })
		rest(time.Hour)
		w.set(func() { w.requests = 0 })
		rest(time.Hour)
		require.Empty(t, w.heard())
		w.set(func() { w.deaf = nil })
		rest(time.Minute)
		heard := w.heard()
		require.Len(t, heard, 2)
		require.Contains(t, heard[0], "1 request is not started")
		require.Equal(t, "over: what waited is being worked off.", heard[1])
	})
}

func TestWhatWasToldIsNotToldAgainAfterARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWard()
		w.requests, w.oldest = 1, time.Now().Add(-time.Hour)
		for range 3 {
			d := w.replica()
			for range 5 {
				d.once(t.Context())
			}
			require.True(t, d.is(causeQueue))
		}
		require.Len(t, w.heard(), 1)
		w.requests = 0
		d := w.replica()
		for range 5 {
			d.once(t.Context())
		}
		require.Equal(t, []string{"over: what waited is being worked off."}, w.heard(), "also by who did not tell it")
	})
}

const mark = "hooks-T0-SECRET-MARK"

// hook is an incoming webhook that answers with a status.
func hook(t *testing.T, status int) (url string, got func() string) {
	t.Helper()
	bodies := make(chan string, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- r.Method + " " + r.Header.Get("Content-Type") + " " + string(body)
		if status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/" + mark, func() string { return <-bodies }
}

func TestAWebhookIsPostedToAndItsURLIsNeverTold(t *testing.T) {
	t.Parallel()
	url, got := hook(t, http.StatusOK)
	for format, want := range map[string]string{
		"":            `POST application/json {"text":"allclear: \u003c!channel\u003e"}`,
		formatDiscord: `POST application/json {"allowed_mentions":{"parse":[]},"content":"allclear: \u003c!channel\u003e"}`,
	} {
		c := deadmanFile{Webhook: url, Format: format}.check(func(f string, args ...any) { require.Fail(t, fmt.Sprintf(f, args...)) })
		say, err := c.speaker(nil, time.Now)
		require.NoError(t, err)
		require.NoError(t, say(t.Context(), "allclear: <!channel>"))
		require.Equal(t, want, got())
	}
	for _, status := range []int{http.StatusFound, http.StatusNotFound, http.StatusInternalServerError} {
		url, _ := hook(t, status)
		say, err := deadmanConfig{Webhook: secret(url)}.speaker(nil, time.Now)
		require.NoError(t, err)
		require.EqualError(t, say(t.Context(), "x"), fmt.Sprintf("the webhook answered %d", status))
	}
	for _, bad := range []string{"http://127.0.0.1:1/" + mark, "http://127.0.0.1:0/%zz" + mark} {
		say, err := deadmanConfig{Webhook: secret(bad)}.speaker(nil, time.Now)
		require.NoError(t, err)
		err = say(t.Context(), "x")
		require.Error(t, err)
		require.NotContains(t, err.Error(), mark)
	}
}

func TestTheConfigurationOfTheSecondChannel(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   deadmanFile
		want string
	}{
		"not encrypted":       {deadmanFile{Webhook: "http://hooks.example.com/" + mark}, "webhook is no https:// URL"},
		"no URL":              {deadmanFile{Webhook: mark}, "webhook is no https:// URL"},
		"an unknown format":   {deadmanFile{Webhook: "https://a.example/" + mark, Format: "teams"}, `format "teams"`},
		"a place without":     {deadmanFile{Place: "slack"}, `place "slack": want PLATFORM:WORKSPACE:CHANNEL`},
		"too often":           {deadmanFile{Scans: "5m"}, `scans "5m": want a duration from 1h to 30d`},
		"all of it":           {deadmanFile{Webhook: "https://discord.com/api/webhooks/1/" + mark, Place: "slack:T1:C1", Scans: "2d"}, ""},
		"nothing is fine too": {deadmanFile{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wrong []string
			conf := c.in.check(func(f string, args ...any) { wrong = append(wrong, fmt.Sprintf(f, args...)) })
			require.NotContains(t, fmt.Sprint(wrong)+fmt.Sprintf("%+v", conf), mark)
			if c.want == "" {
				require.Empty(t, wrong)
				return
			}
			require.Len(t, wrong, 1)
			require.Contains(t, wrong[0], c.want)
		})
	}
	c := deadmanFile{Webhook: "https://discord.com/api/webhooks/1/x"}.check(func(string, ...any) {})
	require.Equal(t, formatDiscord, c.Format)
	_, err := deadmanConfig{Place: state.Place{Platform: "carrier pigeon"}}.speaker(nil, time.Now)
	require.ErrorContains(t, err, `the platform "carrier pigeon" is not configured`)
}

// wall is a platform that keeps what was posted.
type wall struct{ posts []chat.Message }

func (w *wall) Post(_ context.Context, _ state.Place, m chat.Message, _ string) (string, error) {
	w.posts = append(w.posts, m)
	return "1", nil
}
func (*wall) Edit(context.Context, state.Place, string, chat.Message, string) error { return nil }

func (*wall) Find(context.Context, state.Place, string) (string, bool, error) { return "", false, nil }

func TestAPlaceOfAnotherPlatformHearsItWhateverItMaySee(t *testing.T) {
	t.Parallel()
	w := &wall{}
	say, err := deadmanFile{Place: "other:G1:C1"}.check(func(string, ...any) {}).speaker(map[string]chat.Poster{"other": w}, time.Now)
	require.NoError(t, err)
	require.NoError(t, say(t.Context(), "allclear: the store does not answer"))
	m, withheld := w.posts[0].Withhold(state.TLPClear)
	require.Zero(t, withheld)
	require.Equal(t, "allclear: the store does not answer", m.Parts[0].(chat.Para).Text.Plain())
}

func TestTheGaugesMove(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 7, 22, 15, 0, 0, 0, time.UTC)
	w := newWard()
	d := w.replica()
	gauges := append(freshGauges(w, func() time.Time { return now }), d.stateGauges(nil)...)
	value := func(name string) string {
		for _, g := range gauges {
			if g.Name == name || g.Name+g.Labels["cause"] == name {
				if v, ok := g.Read(); ok {
					return fmt.Sprint(v)
				}
				return "unknown"
			}
		}
		return "no such gauge"
	}
	require.Equal(t, "1", value("allclear_store_up"))
	require.Equal(t, "unknown", value("allclear_scan_age_seconds"))
	require.Equal(t, "unknown", value("allclear_evidence_age_seconds"))
	require.Equal(t, "0", value("allclear_deadman"+causeQueue))

	w.scans = []state.Scan{{Selection: "all", Started: now.Add(-time.Minute), Ended: now, Complete: true}}
	w.audit = []state.AuditEntry{
		{Seq: 1, At: now.Add(-90 * time.Second), Events: []state.Event{{Type: "evidence"}}},
		{Seq: 2, At: now, Events: []state.Event{{Type: "claim"}}},
	}
	require.Equal(t, "60", value("allclear_scan_age_seconds"))
	require.Equal(t, "90", value("allclear_evidence_age_seconds"))
	w.audit = append(w.audit, state.AuditEntry{Seq: 3, At: now.Add(-time.Second), Events: []state.Event{{Type: "evidence"}}})
	require.Equal(t, "1", value("allclear_evidence_age_seconds"))
	require.Equal(t, 3, w.readAudit, "only what is new is read")
	w.heads = append(w.heads, state.IncidentHead{ID: "closed", Closed: now})
	require.Equal(t, "60", value("allclear_scan_age_seconds"))

	w.requests, w.oldest = 1, time.Now().Add(-time.Hour)
	d.once(t.Context())
	d.once(t.Context())
	require.Equal(t, "1", value("allclear_deadman"+causeQueue))
	w.away = errors.New("gone")
	d.once(t.Context())
	d.once(t.Context())
	require.Equal(t, "0", value("allclear_store_up"))
	require.Equal(t, "1", value("allclear_deadman"+causeStore))
	require.Equal(t, "unknown", value("allclear_scan_age_seconds"))
	w.away, w.audit = nil, nil
	require.Equal(t, "unknown", value("allclear_evidence_age_seconds"), "the store was replaced")
}
