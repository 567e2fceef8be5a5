package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chart"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/discord"
	"github.com/allclear-bot/allclear/bot/discord/discordfake"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
	"github.com/allclear-bot/allclear/state/statetest"
)

// discordPlay is the story, played in a Discord by several replicas of one process.
type discordPlay struct {
	t       *testing.T
	fake    *discordfake.Test
	stage   *stage
	apps    []*app
	guests  []guest // the platforms of the replicas
	said    int
	log     *logBook
	answers chan chat.Message
}

// guest is the platform of one replica, and how it is stopped.
type guest struct {
	*discord.Platform
	leave func()
}

// heard is a poster that says when an answer was shown.
type heard struct {
	*discord.Platform
	answers chan chat.Message
}

func (h heard) Post(ctx context.Context, place state.Place, m chat.Message, key string) (string, error) {
	id, err := h.Platform.Post(ctx, place, m, key)
	return id, h.shown(m, key, err)
}

func (h heard) Edit(ctx context.Context, place state.Place, id string, m chat.Message, key string) error {
	return h.shown(m, key, h.Platform.Edit(ctx, place, id, m, key))
}

func (h heard) shown(m chat.Message, key string, err error) error {
	if err == nil && strings.HasPrefix(key, chat.AnswerKey("")) {
		h.answers <- m
	}
	return err
}

// newDiscordPlay opens the house: a Discord with the cast in it, a real Redis, the
// make-believe fleet, and so many replicas.
func newDiscordPlay(t *testing.T, replicas int, overHTTP bool) *discordPlay {
	t.Helper()
	p := &discordPlay{t: t, log: &logBook{}, answers: make(chan chat.Message, 100)}
	people := cast()
	guild := discordfake.Guild{Name: "team", Owner: "owner", Members: []discordfake.Member{{Name: "owner"}}, Channels: []discordfake.Channel{{Name: storyChannel}}}
	for _, who := range people {
		guild.Members = append(guild.Members, discordfake.Member{Name: string(who.ID)})
	}
	p.fake = discordfake.New(t, discordfake.Options{Guilds: []discordfake.Guild{guild}, Limits: discordfake.Limits{Off: true}, Patience: time.Minute, Logs: p.log.String})
	for i, who := range people {
		people[i].Links = []string{discord.Link(p.fake.User(string(who.ID)).ID())}
	}
	fl, err := fleet.New(fleet.Options{Servers: 60, Seed: 1, Epoch: storyStart(), HangFor: 20 * time.Second})
	require.NoError(t, err)
	require.NoError(t, fl.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, fl.Close()) })
	p.stage = &stage{fleet: fl, clock: newStoryClock(storyStart()), out: io.Discard, telling: true, elsewhere: p.say}
	redis := statetest.Redis(t)
	var front mount
	for n := range replicas {
		p.apps = append(p.apps, p.replica(n, redis.Addr, people, overHTTP, &front))
	}
	p.stage.app = p.apps[0]
	if overHTTP {
		server := httptest.NewServer(&front)
		t.Cleanup(server.Close)
		require.NoError(t, p.fake.SetEndpoint(t.Context(), server.URL+"/discord/interactions"))
	}
	require.Eventually(t, func() bool { return len(p.fake.Commands("")) > 0 }, time.Minute, 10*time.Millisecond, "the commands are registered")
	return p
}

func (p *discordPlay) replica(n int, redis string, people state.People, overHTTP bool, m *mount) *app {
	t := p.t
	log := slog.New(slog.NewJSONHandler(p.log, nil)).With("replica", n)
	guild, err := p.fake.GuildID("")
	require.NoError(t, err)
	o := discord.Options{
		Token: p.fake.Token(), Client: p.fake.Client(), Dialer: p.fake.Dialer(), Logger: log, Guilds: map[string]discord.Guild{guild: {Team: true}},
		Mention: config{People: people}.mention(discord.Name),
	}
	if overHTTP {
		o.PublicKey = p.fake.PublicKey()
	}
	client, err := redisstore.Dial("redis://"+redis, redisstore.DialOptions{})
	require.NoError(t, err)
	store := redisstore.New(client, redisstore.Options{Lanes: 4})
	require.NoError(t, store.Init(t.Context()))
	o.Sole = &bot.Sole{Store: store, Name: gatewayName, Logger: log}
	d, err := discord.New(o)
	require.NoError(t, err)
	m.add(d.Handler())
	poster := heard{d, p.answers}
	a, err := newApp(appOptions{
		Store: store, People: people, Posters: map[string]chat.Poster{discord.Name: poster}, Chats: map[string]platform{discord.Name: poster},
		Log: log, Now: p.stage.clock.Now, Communities: communities{guilds: o.Guilds}, Cadence: 2 * time.Hour, Window: -1, CardEvery: -1, SayEvery: time.Millisecond, Theme: chart.Light,
		Scan: checks.Options{PerServer: 3 * time.Second, Connect: time.Second, Answer: 2 * time.Second},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	listening, leave := context.WithCancel(ctx)
	p.guests = append(p.guests, guest{d, leave})
	var running sync.WaitGroup
	for _, part := range []func(context.Context) error{
		a.outbox.Run, a.router.Run, func(context.Context) error { return d.Run(listening, a.router) },
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

// say has a person of the story run the command of a line, with its options and files, and
// waits until the answer is shown.
func (p *discordPlay) say(ctx context.Context, who, line string, files []chat.File) (chat.Message, error) {
	if p.said++; p.said == turnAt {
		p.handOver()
	}
	x, err := p.run(who, line, files)
	if err != nil {
		return chat.Message{}, err
	}
	select {
	case m := <-p.answers:
		return m, p.settle(ctx)
	case <-time.After(time.Minute):
		return chat.Message{}, fmt.Errorf("%s: %q was never answered: %+v", who, line, x.Outcome())
	}
}

// turnAt is the line before which the replica that is connected to the gateway stops.
const turnAt = 10

// handOver stops listening in the replica that is connected, and waits until another is.
func (p *discordPlay) handOver() {
	t := p.t
	for i, g := range p.guests {
		switch other := p.guests[1-i]; {
		case g.Standby() == "" && other.Standby() != "":
			require.NoError(t, g.Ready())
			require.NoError(t, other.Ready(), "who waits for its turn is ready")
			require.Contains(t, other.Standby(), "standby, the gateway is held by ")
			g.leave()
			require.Eventually(t, func() bool { return other.Standby() == "" && other.Ready() == nil }, time.Minute, 10*time.Millisecond, "it takes over")
			return
		}
	}
}

// run fills the options of a command in, as a person does.
func (p *discordPlay) run(who, line string, files []chat.File) (*discordfake.Asked, error) {
	spec, words, err := chat.Find(p.apps[0].router.Specs(), line)
	if err != nil {
		return nil, err
	}
	values, err := chat.Parse(spec, words, files)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", line, err)
	}
	var given []discordfake.Value
	for _, a := range append(append([]chat.Arg{}, spec.Args...), spec.Flags...) {
		switch {
		case a.Type == chat.Upload && len(files) > 0:
			given = append(given, discordfake.WithFile(a.Name, files[0].Name, "text/plain", files[0].Data))
		case !values.Has(a.Name):
		case a.Type == chat.Upload:
			given = append(given, discordfake.With(a.Name+"-text", values.String(a.Name)))
		case a.Type == chat.Switch:
			given = append(given, discordfake.With(a.Name, "true"))
		default:
			given = append(given, discordfake.With(a.Name, values.String(a.Name)))
		}
	}
	var tried []error
	for _, path := range []string{"/allclear " + spec.Path, "/allclear " + strings.ReplaceAll(spec.Path, " ", "-"), "/allclear-" + spec.Path} {
		x, err := p.fake.Run(who, storyChannel, path, given...)
		if err == nil {
			return x, nil
		}
		tried = append(tried, err)
	}
	return nil, fmt.Errorf("%s: %q: %w", who, line, errors.Join(tried...))
}

// settle waits until all that the last request caused is said, and keeps the pinned board
// right meanwhile.
func (p *discordPlay) settle(ctx context.Context) error {
	if err := p.apps[0].boardOnce(ctx); err != nil {
		return err
	}
	return p.stage.settled(ctx, p.apps)
}

func TestTheWholeStoryIsPlayedInDiscordByTwoReplicas(t *testing.T) {
	t.Parallel()
	for name, overHTTP := range map[string]bool{"over the gateway": false, "over HTTP": true} {
		t.Run(name, func(t *testing.T) {
			if overHTTP {
				slow(t, "the same story is played over the gateway")
			} else {
				t.Parallel()
			}
			p := newDiscordPlay(t, 2, overHTTP)
			require.NoError(t, p.stage.play(t.Context()))
			p.ended()
			if !overHTTP {
				require.Equal(t, []int{2, 1}, []int{p.fake.Identifies(), p.fake.Together()}, "two replicas were connected to the gateway, one at a time")
			}
		})
	}
}

// ended checks what people see in the end, and that nothing went wrong on the way.
func (p *discordPlay) ended() {
	t := p.t
	inc, err := p.stage.app.store.Incident(t.Context(), incidentName)
	require.NoError(t, err)
	require.NotNil(t, inc.Clear)
	require.Equal(t, "ALL CLEAR", inc.Clear.Words())
	p.fake.In(storyChannel).Sees("ALL CLEAR: toolshell")
	pinned := 0
	for _, m := range p.fake.Messages(storyChannel) {
		if m.Pinned {
			pinned++
			require.Contains(t, m.Text, "ALL CLEAR")
			require.Greater(t, m.Edits, 10, "and edited in place")
		}
	}
	require.Equal(t, 1, pinned, "one card is pinned")
	report, err := p.stage.app.store.Verify(t.Context())
	require.NoError(t, err)
	require.Empty(t, report.Problems)
	for line := range strings.Lines(p.log.String()) {
		require.NotContains(t, line, `"level":"ERROR"`)
		require.NotContains(t, line, "installed over lunch", "a log never holds what people wrote")
	}
}
