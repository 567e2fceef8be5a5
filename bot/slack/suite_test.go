package slack

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
)

func TestMain(m *testing.M) { bottest.Main(m, "bot/slack") }

// stage is a fake Slack with a platform in front of it.
type stage struct {
	*slackfake.Slack
	p      *Platform
	log    *bottest.Pages
	counts *bottest.Counts
	opt    Options
}

// impatient are the waits of tests.
func impatient() tune {
	t := patient()
	t.first, t.crowd, t.grace, t.steady = 10*time.Millisecond, 20*time.Millisecond, 5*time.Second, time.Hour
	return t
}

const secret = "8f742231b10e8888abcd99yyyzzz85a5"

// newStage builds one that does not run. Over HTTP its fake delivers to Handler.
func newStage(t *testing.T, overHTTP bool, fake slackfake.Options, change func(*Options)) *stage {
	t.Helper()
	st := &stage{log: &bottest.Pages{}, counts: &bottest.Counts{}}
	var app *Platform
	if overHTTP {
		server := httptest.NewUnstartedServer(nil)
		server.Start()
		t.Cleanup(server.Close)
		fake.HTTP = &slackfake.HTTP{
			Commands: server.URL + "/slack/commands", Interactivity: server.URL + "/slack/interactions", Events: server.URL + "/slack/events", SigningSecret: secret,
		}
		defer func() { server.Config.Handler = app.Handler() }()
	}
	if fake.Pace == nil {
		fake.Pace = slackfake.NoPace()
	}
	st.Slack = slackfake.New(t, fake)
	st.opt = Options{
		BotToken: st.BotToken(), API: st.APIURL(), Logger: slog.New(slog.NewTextHandler(st.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Count: st.counts.Add,
	}
	if overHTTP {
		st.opt.SigningSecret = secret
	} else {
		st.opt.AppToken = st.AppToken()
	}
	if change != nil {
		change(&st.opt)
	}
	st.p = st.platform(t, st.opt)
	app = st.p
	return st
}

func (st *stage) platform(t *testing.T, o Options) *Platform {
	t.Helper()
	p, err := New(o)
	require.NoError(t, err)
	p.tune = impatient()
	return p
}

// runs runs the platform for the time of a test, and waits until it is ready.
func (st *stage) runs(t *testing.T, desk bot.Desk) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- st.p.Run(ctx, desk) }()
	var once sync.Once
	var result error
	stop = func() error {
		once.Do(func() {
			cancel()
			result = <-done
		})
		return result
	}
	t.Cleanup(func() { require.NoError(t, stop()) })
	st.ready(t)
	return stop
}

func (st *stage) ready(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return st.p.Ready() == nil }, 10*time.Second, time.Millisecond, "it is ready: %v", st.p.Ready())
}

// shown are all messages as the suite wants them.
func (st *stage) shown() []bottest.Shown {
	var out []bottest.Shown
	for _, m := range st.All() {
		out = append(out, bottest.Shown{ID: m.TS, Text: m.Text, Private: m.Private, Pings: m.Pings})
		for _, f := range m.Files { // what is too long for messages is read in a file, page by page
			for page := range slices.Chunk([]rune(string(f.Data)), maxShown) {
				out = append(out, bottest.Shown{ID: m.TS + f.ID, Text: string(page), Private: m.Private})
			}
		}
	}
	return out
}

// maxShown is how long one message may be, in characters.
const maxShown = 13200

func harness(t *testing.T, overHTTP bool) bottest.Harness {
	t.Helper()
	st := newStage(t, overHTTP, slackfake.Options{}, nil)
	h := bottest.Harness{
		Platform: st.p, Link: Link(slackfake.TeamID, slackfake.Responder), Shown: st.shown, Logs: st.log.String,
		Place: state.Place{Platform: Name, Workspace: slackfake.TeamID, Channel: slackfake.Incident, Threads: true, Ceiling: state.TLPAmberStrict},
		Type: func(t *testing.T, line string) {
			st.ready(t)
			st.User("responder").Types("incident", "/allclear "+line)
		},
		Acked: func() int { return st.Acks() }, AckWithin: 3 * time.Second,
		BadCredentials: func(t *testing.T) bot.Platform {
			o := st.opt
			o.BotToken = "xoxb-000-not-a-token"
			return st.platform(t, o)
		},
		Token:      st.BotToken(),
		Refuse:     func(*testing.T) { st.NextCalls("*", -1, slackfake.Fault{Error: "internal_error"}) },
		LimitRunes: maxShown, Redraws: true,
	}
	if overHTTP {
		skew := time.Duration(0)
		h.Again = func(*testing.T) { // a redelivery is signed anew
			skew += time.Second
			st.SkewSignatures(skew)
			before := st.Acks()
			st.Again()
			st.Eventually("it is acknowledged again", func() bool { return st.Acks() > before })
		}
		return h
	}
	h.Again = func(*testing.T) { st.Again() }
	h.Cut = func(t *testing.T) {
		st.CutConnections()
		require.Eventually(t, func() bool { return st.Connections() > 0 }, 10*time.Second, time.Millisecond)
	}
	return h
}

func TestSlackOverSocketModePassesTheSuiteOfPlatforms(t *testing.T) {
	t.Parallel()
	bottest.Run(t, func(t *testing.T) bottest.Harness { return harness(t, false) })
}

func TestSlackOverHTTPPassesTheSuiteOfPlatforms(t *testing.T) {
	t.Parallel()
	bottest.Run(t, func(t *testing.T) bottest.Harness { return harness(t, true) })
}

// crowded fills the room at the desk.
func (st *stage) crowded() (leave func()) {
	var out []func()
	for range mostAtOnce {
		_, _, done := st.p.door.Enter()
		out = append(out, done)
	}
	return func() {
		for _, done := range out {
			done()
		}
	}
}
