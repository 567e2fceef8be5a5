package discord

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/discord/discordfake"
	"github.com/allclear-bot/allclear/state"
)

func TestMain(m *testing.M) { bottest.Main(m, "bot/discord") }

// stage is a fake Discord with a platform in front of it.
type stage struct {
	*discordfake.Test
	p      *Platform
	log    *bottest.Pages
	counts *bottest.Counts
	opt    Options
	guild  string
}

// impatient are the waits of tests.
func impatient() tune {
	return tune{
		hello: 10 * time.Second, identify: 20 * time.Millisecond, invalid: 5 * time.Millisecond,
		first: 10 * time.Millisecond, most: time.Second, steady: time.Hour,
	}
}

// newStage builds one that does not run. Over HTTP its fake delivers to Handler.
func newStage(t *testing.T, overHTTP bool, fake discordfake.Options, change func(*Options)) *stage {
	t.Helper()
	st := &stage{log: &bottest.Pages{}, counts: &bottest.Counts{}}
	fake.Logs = st.log.String
	st.Test = discordfake.New(t, fake)
	var err error
	st.guild, err = st.GuildID("")
	require.NoError(t, err)
	st.opt = Options{
		Token: st.Token(), Client: st.Client(), Dialer: st.Dialer(), Count: st.counts.Add,
		Logger: slog.New(slog.NewTextHandler(st.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Guilds: map[string]Guild{st.guild: {Team: true}},
	}
	if overHTTP {
		st.opt.PublicKey = st.PublicKey()
	}
	if change != nil {
		change(&st.opt)
	}
	st.p = st.platform(t, st.opt)
	if overHTTP {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { st.p.Handler().ServeHTTP(w, r) }))
		t.Cleanup(server.Close)
		require.NoError(t, st.SetEndpoint(t.Context(), server.URL+"/discord/interactions"))
	}
	return st
}

func (st *stage) platform(t *testing.T, o Options) *Platform {
	t.Helper()
	p, err := New(o)
	require.NoError(t, err)
	p.tune = impatient()
	return p
}

// runs runs the platform until the test ends.
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

// ready waits until people can use the commands.
func (st *stage) ready(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return st.p.Ready() == nil && len(st.Commands("")) > 0 }, 10*time.Second, time.Millisecond, "it is ready")
}

// shown are all messages as the suite wants them.
func (st *stage) shown() []bottest.Shown {
	var out []bottest.Shown
	for _, m := range st.Everything() {
		out = append(out, bottest.Shown{ID: m.ID, Text: m.Text, Private: m.For != "", Pings: m.Pings})
		for _, f := range m.Files { // what is too long for messages is read in a file, page by page
			for page := range slices.Chunk([]rune(string(f.Data)), maxShown) {
				out = append(out, bottest.Shown{ID: m.ID + f.Name, Text: string(page), Private: m.For != ""})
			}
		}
	}
	return out
}

// maxShown is how long one message may be, in characters.
const maxShown = 8000

func harness(t *testing.T, overHTTP bool) bottest.Harness {
	t.Helper()
	st := newStage(t, overHTTP, discordfake.Options{Limits: discordfake.Limits{Off: true}}, nil)
	person := st.User("responder")
	var last *discordfake.Asked
	h := bottest.Harness{
		Platform: st.p, Link: Link(person.ID()), Shown: st.shown, Logs: st.log.String,
		Place: state.Place{Platform: Name, Workspace: st.guild, Channel: st.In("responders").ID(), Threads: true, Ceiling: state.TLPAmberStrict},
		Type: func(t *testing.T, line string) {
			st.ready(t)
			asked, err := st.Fake.Run("responder", "responders", "/allclear do", discordfake.With("line", line))
			require.NoError(t, err)
			last = asked
		},
		Acked: func() int { return len(st.Acks()) }, AckWithin: 3 * time.Second,
		BadCredentials: func(t *testing.T) bot.Platform {
			o := st.opt
			o.Token = "not-a-token"
			return st.platform(t, o)
		},
		Token: st.Token(),
		Refuse: func(t *testing.T) {
			require.NoError(t, st.Fake.NextCalls("", 1000, discordfake.ServerError(http.StatusInternalServerError)))
		},
		LimitRunes: maxShown, Fence: "```", Redraws: true,
	}
	if overHTTP {
		return h
	}
	h.Again = func(*testing.T) { st.Again(last) }
	h.Cut = func(t *testing.T) {
		st.Cut()
		require.Eventually(t, func() bool { return st.Connected() > 0 && st.p.Ready() == nil }, 10*time.Second, time.Millisecond)
	}
	return h
}

func TestDiscordOverTheGatewayPassesTheSuiteOfPlatforms(t *testing.T) {
	t.Parallel()
	bottest.Run(t, func(t *testing.T) bottest.Harness { return harness(t, false) })
}

func TestDiscordOverHTTPPassesTheSuiteOfPlatforms(t *testing.T) {
	t.Parallel()
	bottest.Run(t, func(t *testing.T) bottest.Harness { return harness(t, true) })
}
