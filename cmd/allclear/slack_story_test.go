package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/slack"
	"github.com/allclear-bot/allclear/bot/slack/slackfake"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// storyChannel is where the story is told.
const storyChannel = "incident"

// slackPlay is the story, played in a Slack by several replicas of one process.
type slackPlay struct {
	*play
	fake *slackfake.Slack
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

// newSlackPlay opens the house: a Slack with the cast in it, a real Redis, the
// make-believe fleet, and so many replicas.
func newSlackPlay(t *testing.T, replicas int, overHTTP bool) *slackPlay {
	t.Helper()
	var mount mount
	o := slackfake.Options{Pace: slackfake.NoPace(), Patience: time.Minute}
	if overHTTP {
		o.HTTP = mount.listen(t)
	}
	p := &slackPlay{fake: slackfake.New(t, o)}
	people := cast()
	ids := map[state.PersonID]string{lead: slackfake.Lead1, second: slackfake.Lead2, responder: slackfake.Responder}
	for i, who := range people {
		id, there := ids[who.ID]
		if !there {
			id = p.fake.AddUser(slackfake.User{Name: string(who.ID)}).ID
		}
		people[i].Links = []string{slack.Link(slackfake.TeamID, id)}
	}
	p.play = newPlay(t, people)
	p.stage.elsewhere = p.say
	for range replicas {
		p.replica(func(*redisstore.Store) map[string]platform {
			sl := p.onSlack(p.fake, overHTTP)
			mount.add(sl.Handler())
			return map[string]platform{slack.Name: sl}
		}, communities{})
	}
	return p
}

// onSlack is a replica's connection to a Slack.
func (p *play) onSlack(fake *slackfake.Slack, overHTTP bool) onSlack {
	o := slack.Options{
		BotToken: fake.BotToken(), AppToken: fake.AppToken(), API: fake.APIURL(), Logger: p.logOf(),
		Mention: config{People: p.people}.mention(slack.Name),
	}
	if overHTTP {
		o.AppToken, o.SigningSecret = "", mountSecret
	}
	sl, err := slack.New(o)
	require.NoError(p.t, err)
	return onSlack{sl, p}
}

// say has a person of the story type a line into the channel, or hand a file in by
// mentioning the bot, and waits until the answer is shown.
func (p *slackPlay) say(ctx context.Context, who, line string, files []chat.File) (chat.Message, error) {
	return p.inSlack(ctx, p.fake, who, storyChannel, line, files)
}

// inSlack is say in any channel of a Slack.
func (p *play) inSlack(ctx context.Context, fake *slackfake.Slack, who, channel, line string, files []chat.File) (chat.Message, error) {
	person := fake.User(who)
	if len(files) > 0 {
		person.Uploads(channel, files[0].Name, files[0].Data, "@allclear "+line)
	} else if d := person.Types(channel, "/allclear "+line).Done(); d.Outcome != slackfake.OK {
		return chat.Message{}, fmt.Errorf("%s: %q was not acknowledged: %s %s", who, line, d.Outcome, d.Words)
	}
	return p.answered(ctx, func() string { return who + ": " + line + "\n" + fake.Scene() })
}

// settled waits until no more is left to be said than what cannot be for now. The replicas
// deliver in real time, and what then is left waits for a time of the story.
func (s *stage) settled(ctx context.Context, apps []*app, stuck int) error {
	for end, last, stood := time.Now().Add(2*time.Minute), -1, 0; time.Now().Before(end); stood++ {
		n, _, err := s.app.store.QueueSize(ctx)
		if err != nil || n <= stuck {
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
