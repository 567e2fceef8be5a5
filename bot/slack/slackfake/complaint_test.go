package slackfake_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/slack/slackfake"
)

// witness is a test that may fail without failing this one.
type witness struct {
	testing.TB
	mu      sync.Mutex
	said    []string
	cleanup []func()
}

func (w *witness) Helper() {}

func (w *witness) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, fmt.Sprintf(format, args...))
}

func (w *witness) Cleanup(f func()) { w.cleanup = append(w.cleanup, f) }

func (w *witness) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	panic(w)
}

func (w *witness) errors() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.said, "\n")
}

// fatal runs something that must end the test, and returns what it said.
func fatal(t *testing.T, w *witness, f func()) string {
	t.Helper()
	require.Panics(t, f)
	return w.errors()
}

func TestTheTestFailsForWhatSlackPunishes(t *testing.T) {
	t.Parallel()
	w := &witness{TB: t}
	s := slackfake.New(w, slackfake.Options{})
	_ = post(t, s, "chat.shout", nil)
	require.Contains(t, w.errors(), "unknown method: chat.shout", "at once")
	_ = post(t, s, "chat.update", object{"channel": slackfake.Incident, "ts": "1700000000.000001", "text": "x"})
	require.NotContains(t, w.errors(), "edit")
	w.cleanup[0]()
	require.Contains(t, w.errors(), "edit of what cannot be edited", "at the end")
	require.Equal(t, 1, strings.Count(w.errors(), "chat.shout"), "and only once")
}

func TestWhatIsAllowedIsNotComplainedOf(t *testing.T) {
	t.Parallel()
	w := &witness{TB: t}
	s := slackfake.New(w, slackfake.Options{})
	s.Allow(slackfake.Unknown, slackfake.StrangeEdit)
	_ = post(t, s, "chat.shout", nil)
	_ = post(t, s, "chat.update", object{"channel": slackfake.Incident, "ts": "1700000000.000001", "text": "x"})
	w.cleanup[0]()
	require.Empty(t, w.errors())
	require.NoError(t, s.Close())
}

func TestFailuresShowTheScene(t *testing.T) {
	t.Parallel()
	w := &witness{TB: t}
	s := slackfake.New(w, slackfake.Options{Patience: time.Millisecond})
	_ = say(t, s, slackfake.Incident, "what was said\ninstead")
	refused(t, "not_in_channel", post(t, s, "chat.postMessage", object{"channel": slackfake.General, "text": "x"}))
	said := fatal(t, w, func() { s.In("incident").Sees("ALL CLEAR") })
	require.Contains(t, said, `nobody sees "ALL CLEAR"`)
	require.Contains(t, said, "allclear: what was said ⏎ instead")
	require.Contains(t, said, "refused chat.postMessage: not_in_channel")
	for want, f := range map[string]func(){
		"is shown in":             func() { s.In("incident").Never("what was said") },
		`no channel "nowhere"`:    func() { s.In("nowhere") },
		`no user "nobody"`:        func() { s.User("nobody") },
		"the app is not":          func() { s.User("lead-1").Types("incident", "/allclear x") },
		"never came to be: 2 con": func() { s.AwaitConnections(2) },
		"nothing was said in":     func() { s.In("general").Last() },
		"sees no modal with":      func() { s.User("lead-1").SeesModal("x") },
	} {
		require.Contains(t, fatal(t, w, f), want)
	}
	w.cleanup[0]()
}

func TestSeveralFakesRunSideBySide(t *testing.T) {
	t.Parallel()
	a, b := slackfake.New(t, quiet()), slackfake.New(t, quiet())
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			s := []*slackfake.Slack{a, b}[i%2]
			_ = post(t, s, "chat.postMessage", object{"channel": slackfake.Incident, "text": fmt.Sprint(i)})
			_, _ = s.All(), s.Scene()
		})
	}
	wg.Wait()
	require.Len(t, a.Messages("incident"), 10)
	require.Len(t, b.All(), 10)
	refused(t, "invalid_auth", postAs(t, a, b.BotToken(), "auth.test", nil).body)
	require.NoError(t, a.Close())
	require.NoError(t, a.Close(), "twice is once")
}
