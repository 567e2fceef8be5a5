package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chart"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/discord"
	"github.com/allclear-bot/allclear/bot/slack"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

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

// play is a story that several replicas of one process play on one real Redis, with
// the make-believe fleet.
type play struct {
	t       *testing.T
	stage   *stage
	people  state.People
	apps    []*app
	log     *logBook
	redis   string
	answers chan chat.Message
	stuck   int // letters that cannot be delivered for now

	mu     sync.Mutex
	posted map[string]time.Time // when a platform had taken an answer, by its reference
}

// newPlay opens the house without replicas.
func newPlay(t *testing.T, people state.People) *play {
	t.Helper()
	fl, err := fleet.New(fleet.Options{Servers: 60, Seed: 1, Epoch: storyStart(), HangFor: 20 * time.Second})
	require.NoError(t, err)
	require.NoError(t, fl.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, fl.Close()) })
	return &play{
		t: t, log: &logBook{}, people: people, redis: statetest.Redis(t).Addr, answers: make(chan chat.Message, 100), posted: map[string]time.Time{},
		stage: &stage{fleet: fl, clock: newStoryClock(storyStart()), out: io.Discard, telling: true},
	}
}

// logOf is the log of the replica that is being made.
func (p *play) logOf() *slog.Logger {
	return slog.New(slog.NewJSONHandler(p.log, nil)).With("replica", len(p.apps))
}

// replica starts one more, with the platforms that it talks on, and returns what stops
// those.
func (p *play) replica(meet func(*redisstore.Store) map[string]platform, theirs communities) (leave func()) {
	t, n := p.t, len(p.apps)
	client, err := redisstore.Dial("redis://"+p.redis, redisstore.DialOptions{})
	require.NoError(t, err)
	store := redisstore.New(client, redisstore.Options{Lanes: 4})
	require.NoError(t, store.Init(t.Context()))
	chats, posters := meet(store), map[string]chat.Poster{}
	for name, c := range chats {
		posters[name] = c
	}
	a, err := newApp(appOptions{
		Store: store, People: p.people, Posters: posters, Chats: chats, Log: p.logOf(), Now: p.stage.clock.Now, Communities: theirs,
		Cadence: 2 * time.Hour, Window: -1, CardEvery: -1, SayEvery: time.Millisecond, Theme: chart.Light,
		Scan: checks.Options{PerServer: 3 * time.Second, Connect: time.Second, Answer: 2 * time.Second},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	listening, leave := context.WithCancel(ctx)
	parts := []func(context.Context) error{a.outbox.Run, a.router.Run}
	for _, c := range chats {
		parts = append(parts, func(context.Context) error { return c.Run(listening, a.router) })
	}
	var running sync.WaitGroup
	for _, part := range parts {
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
	p.apps = append(p.apps, a)
	p.stage.app = p.apps[0]
	return leave
}

// shown notes that an answer was shown.
func (p *play) shown(m chat.Message, key string, err error) error {
	if request, ok := strings.CutPrefix(key, chat.AnswerKey("")); err == nil && ok {
		request, _, _ = strings.Cut(request, " @ ")
		p.mu.Lock()
		p.posted[chat.Reference(request)] = time.Now()
		p.mu.Unlock()
		p.answers <- m
	}
	return err
}

// onSlack and onDiscord are platforms that tell when an answer was shown.
type (
	onSlack struct {
		*slack.Platform
		play *play
	}
	onDiscord struct {
		*discord.Platform
		play *play
	}
)

func (p onSlack) Post(ctx context.Context, place state.Place, m chat.Message, key string) (string, error) {
	id, err := p.Platform.Post(ctx, place, m, key)
	return id, p.play.shown(m, key, err)
}

func (p onSlack) Edit(ctx context.Context, place state.Place, id string, m chat.Message, key string) error {
	return p.play.shown(m, key, p.Platform.Edit(ctx, place, id, m, key))
}

func (p onDiscord) Post(ctx context.Context, place state.Place, m chat.Message, key string) (string, error) {
	id, err := p.Platform.Post(ctx, place, m, key)
	return id, p.play.shown(m, key, err)
}

func (p onDiscord) Edit(ctx context.Context, place state.Place, id string, m chat.Message, key string) error {
	return p.play.shown(m, key, p.Platform.Edit(ctx, place, id, m, key))
}

// answered waits until the answer to what somebody asked is shown, and all that it
// caused is said, and keeps the pinned boards right meanwhile.
func (p *play) answered(ctx context.Context, asked func() string) (chat.Message, error) {
	select {
	case m := <-p.answers:
		if err := p.apps[0].boardOnce(ctx); err != nil {
			return m, err
		}
		return m, p.stage.settled(ctx, p.apps, p.stuck)
	case <-time.After(time.Minute):
		return chat.Message{}, fmt.Errorf("never answered: %s", asked())
	}
}
