package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chart"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

// storyChannel is where the story is told.
const storyChannel = "incident"

// slackPlay is the story, played in a Slack by several replicas of one process.
type slackPlay struct {
	t       *testing.T
	fake    *slackfake.Slack
	stage   *stage
	apps    []*app
	log     *logBook
	answers chan chat.Message

	mu     sync.Mutex
	posted map[string]time.Time // when Slack had taken an answer, by its reference
}

// logBook keeps the log of all replicas.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// told is a poster that says when an answer was shown.
type told struct {
	platform
	play *slackPlay
}

func (p told) Post(ctx context.Context, place state.Place, m chat.Message, key string) (string, error) {
	id, err := p.platform.Post(ctx, place, m, key)
	return id, p.shown(m, key, err)
}

func (p told) Edit(ctx context.Context, place state.Place, id string, m chat.Message, key string) error {
	return p.shown(m, key, p.platform.Edit(ctx, place, id, m, key))
}

func (p told) shown(m chat.Message, key string, err error) error {
	if request, ok := strings.CutPrefix(key, chat.AnswerKey("")); err == nil && ok {
		request, _, _ = strings.Cut(request, " @ ")
		p.play.mu.Lock()
		p.play.posted[chat.Reference(request)] = time.Now()
		p.play.mu.Unlock()
		p.play.answers <- m
	}
	return err
}

// crashWindow tells for how long a message was in Slack and not yet noted in the
// store: the time in which a replica that dies leaves a message that must be looked
// for. Only where nobody can look, in what one person alone sees, is it lost or doubled.
func (p *slackPlay) crashWindow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var windows []time.Duration
	for line := range strings.Lines(p.log.String()) {
		var l struct {
			Msg, Reference string
			Time           time.Time
		}
		require.NoError(p.t, json.Unmarshal([]byte(line), &l))
		if at, ok := p.posted[l.Reference]; ok && l.Msg == "letter" && l.Time.After(at) {
			windows = append(windows, l.Time.Sub(at))
			delete(p.posted, l.Reference)
		}
	}
	require.NotEmpty(p.t, windows)
	slices.Sort(windows)
	p.t.Logf("crash window of %d answers, from Slack's reply to our note: median %s, longest %s", len(windows), windows[len(windows)/2], windows[len(windows)-1])
}

func (p told) Pin(ctx context.Context, place state.Place, id string) error {
	return p.platform.(chat.Pinner).Pin(ctx, place, id)
}

func (p told) Ceiling(ctx context.Context, place state.Place) (state.TLP, error) {
	return p.platform.(chat.Ceiler).Ceiling(ctx, place)
}

// newSlackPlay opens the house: a Slack with the cast in it, a real Redis, the
// make-believe fleet, and so many replicas.
func newSlackPlay(t *testing.T, replicas int, overHTTP bool) *slackPlay {
	t.Helper()
	p := &slackPlay{t: t, log: &logBook{}, answers: make(chan chat.Message, 100), posted: map[string]time.Time{}}
	var mount mount
	o := slackfake.Options{Pace: slackfake.NoPace(), Patience: time.Minute}
	if overHTTP {
		o.HTTP = mount.listen(t)
	}
	p.fake = slackfake.New(t, o)
	people := cast()
	ids := map[state.PersonID]string{lead: slackfake.Lead1, second: slackfake.Lead2, responder: slackfake.Responder}
	for i, who := range people {
		id, there := ids[who.ID]
		if !there {
			id = p.fake.AddUser(slackfake.User{Name: string(who.ID)}).ID
		}
		people[i].Links = []string{slack.Link(slackfake.TeamID, id)}
	}
	fl, err := fleet.New(fleet.Options{Servers: 60, Seed: 1, Epoch: storyStart(), HangFor: 20 * time.Second})
	require.NoError(t, err)
	require.NoError(t, fl.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, fl.Close()) })
	p.stage = &stage{fleet: fl, clock: newStoryClock(storyStart()), out: io.Discard, telling: true, elsewhere: p.say}
	redis := statetest.Redis(t)
	for n := range replicas {
		p.apps = append(p.apps, p.replica(n, redis.Addr, people, overHTTP, &mount))
	}
	p.stage.app = p.apps[0]
	return p
}

func (p *slackPlay) replica(n int, redis string, people state.People, overHTTP bool, m *mount) *app {
	t := p.t
	log := slog.New(slog.NewJSONHandler(p.log, nil)).With("replica", n)
	o := slack.Options{
		BotToken: p.fake.BotToken(), AppToken: p.fake.AppToken(), API: p.fake.APIURL(), Logger: log,
		Mention: config{People: people}.mention(slack.Name),
	}
	if overHTTP {
		o.AppToken, o.SigningSecret = "", mountSecret
	}
	sl, err := slack.New(o)
	require.NoError(t, err)
	m.add(sl.Handler())
	client, err := redisstore.Dial("redis://"+redis, redisstore.DialOptions{})
	require.NoError(t, err)
	store := redisstore.New(client, redisstore.Options{Lanes: 4})
	require.NoError(t, store.Init(t.Context()))
	poster := told{sl, p}
	a, err := newApp(appOptions{
		Store: store, People: people, Posters: map[string]chat.Poster{slack.Name: poster}, Chats: map[string]platform{slack.Name: poster},
		Log: log, Now: p.stage.clock.Now, Cadence: 2 * time.Hour, Window: -1, CardEvery: -1, SayEvery: time.Millisecond, Theme: chart.Light,
		Scan: checks.Options{PerServer: 3 * time.Second, Connect: time.Second, Answer: 2 * time.Second},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	for _, part := range []func(context.Context) error{
		a.outbox.Run, a.router.Run, func(ctx context.Context) error { return sl.Run(ctx, a.router) },
	} {
		running.Go(func() {
			if err := part(ctx); err != nil {
				t.Errorf("replica %d: %v", n, err)
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		running.Wait()
		_ = client.Close()
	})
	return a
}

// say has a person of the story type a line into the channel, or hand a file in by
// mentioning the bot, and waits until the answer is shown.
func (p *slackPlay) say(ctx context.Context, who, line string, files []chat.File) (chat.Message, error) {
	person := p.fake.User(who)
	if len(files) > 0 {
		person.Uploads(storyChannel, files[0].Name, files[0].Data, "@allclear "+line)
	} else if d := person.Types(storyChannel, "/allclear "+line).Done(); d.Outcome != slackfake.OK {
		return chat.Message{}, fmt.Errorf("%s: %q was not acknowledged: %s %s", who, line, d.Outcome, d.Words)
	}
	select {
	case m := <-p.answers:
		return m, p.settle(ctx)
	case <-time.After(time.Minute):
		return chat.Message{}, fmt.Errorf("%s: %q was never answered\n%s", who, line, p.fake.Scene())
	}
}

// settle waits until all that the last request caused is said, and keeps the
// pinned board right meanwhile.
func (p *slackPlay) settle(ctx context.Context) error {
	if err := p.apps[0].boardOnce(ctx); err != nil {
		return err
	}
	return p.stage.settled(ctx, p.apps)
}

// settled waits until nothing is left to be said. The replicas deliver in real time,
// and what then is left waits for a time of the story.
func (s *stage) settled(ctx context.Context, apps []*app) error {
	for end, last, stood := time.Now().Add(2*time.Minute), -1, 0; time.Now().Before(end); stood++ {
		n, _, err := s.app.store.QueueSize(ctx)
		if err != nil || n == 0 {
			return err
		}
		if n != last {
			last, stood = n, 0
		}
		if stood%10 == 0 { // what is left waits for a time, and not for a busy machine
			s.clock.Skip(state.CoalesceWindow)
		}
		for _, a := range apps {
			a.outbox.Wake()
		}
		time.Sleep(5 * time.Millisecond) // the replicas deliver in real time
	}
	return errors.New("letters stay in the outbox")
}

func TestTheWholeStoryIsPlayedInSlackByTwoReplicas(t *testing.T) {
	t.Parallel()
	for name, overHTTP := range map[string]bool{"over Socket Mode": false, "over HTTP": true} {
		t.Run(name, func(t *testing.T) {
			if overHTTP {
				slow(t, "the same story is played over Socket Mode")
			} else {
				t.Parallel()
			}
			p := newSlackPlay(t, 2, overHTTP)
			require.NoError(t, p.stage.play(t.Context()), "%s", tail(p.fake.Scene(), 4000))
			p.ended()
			p.record()
			p.crashWindow()
		})
	}
}

// ended checks what people see in the end, and that nothing went wrong on the way.
func (p *slackPlay) ended() {
	t := p.t
	inc, err := p.stage.app.store.Incident(t.Context(), incidentName)
	require.NoError(t, err)
	require.NotNil(t, inc.Clear)
	require.Equal(t, "ALL CLEAR", inc.Clear.Words())
	channel := p.fake.In(storyChannel)
	channel.Sees("ALL CLEAR: toolshell")
	pins := p.fake.Pins(storyChannel)
	require.Len(t, pins, 1, "one card is pinned")
	require.Contains(t, pins[0].Text, "ALL CLEAR")
	require.Greater(t, pins[0].Edits, 10, "and edited in place")
	report, err := p.stage.app.store.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Problems)
	for line := range strings.Lines(p.log.String()) {
		require.NotContains(t, line, `"level":"ERROR"`)
		require.NotContains(t, line, "installed over lunch", "a log never holds what people wrote")
		require.NotContains(t, line, p.fake.BotToken())
	}
}

// mountSecret signs what the fake sends over HTTP.
const mountSecret = "signing-secret-of-the-story"

// mount is a balancer in front of the replicas, which takes them in turn.
type mount struct {
	mu       sync.Mutex
	handlers []http.Handler
	next     int
}

func (m *mount) add(h http.Handler) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.handlers = append(m.handlers, h)
}

func (m *mount) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	h := m.handlers[m.next%len(m.handlers)]
	m.next++
	m.mu.Unlock()
	h.ServeHTTP(w, r)
}

func (m *mount) listen(t *testing.T) *slackfake.HTTP {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &http.Server{Handler: m, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	base := "http://" + l.Addr().String() + "/slack/"
	return &slackfake.HTTP{Commands: base + "commands", Interactivity: base + "interactions", Options: base + "interactions", Events: base + "events", SigningSecret: mountSecret}
}
