package discord

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/discord/discordfake"
	"github.com/allclear-bot/allclear/state"
)

// desk takes requests and answers them at once.
type desk struct {
	specs   []chat.Spec
	suggest func(q bot.Question) ([]string, error)

	mu       sync.Mutex
	requests []chat.Request
}

func (d *desk) Handle(_ context.Context, req chat.Request) (bot.Ack, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	spec, words, err := chat.Find(d.specs, req.Text)
	if err == nil {
		_, err = chat.Parse(spec, words, req.Files)
	}
	if err != nil {
		return bot.Ack{Private: true, Message: problem(err)}, nil
	}
	d.requests = append(d.requests, req)
	return bot.Ack{Accepted: true, Private: spec.Private}, nil
}

func (d *desk) Specs() []chat.Spec { return d.specs }

func (d *desk) Suggest(_ context.Context, q bot.Question) ([]string, error) { return d.suggest(q) }

// last is the newest request.
func (d *desk) last(t *testing.T) chat.Request {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	require.NotEmpty(t, d.requests)
	return d.requests[len(d.requests)-1]
}

func (d *desk) lines() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for _, r := range d.requests {
		out = append(out, r.Text)
	}
	return strings.Join(out, "\n")
}

func someSpecs() []chat.Spec {
	return []chat.Spec{
		{Path: "scan", Summary: "Look at servers", Args: []chat.Arg{{Name: "server", Type: chat.Server, Optional: true}}, Flags: []chat.Arg{{Name: "group", Type: chat.Group}, {Name: "cancel", Type: chat.Switch}, {Name: "incident", Type: chat.Incident}}},
		{Path: "scan show", Summary: "Show a scan", Private: true, Args: []chat.Arg{{Name: "scan", Optional: true}}},
		{Path: "server show", Summary: "Show a server", Private: true, Args: []chat.Arg{{Name: "server", Type: chat.Server}}},
		{Path: "server list", Summary: "List", Flags: []chat.Arg{{Name: "status", Choices: []string{"exposed", "unknown"}}, {Name: "limit", Type: chat.Number}}},
		{Path: "except", Summary: "Accept a risk", Args: []chat.Arg{{Name: "server", Type: chat.Server}}, Flags: []chat.Arg{{Name: "for", Type: chat.Duration}, {Name: "reason"}, {Name: "kind", Choices: []string{"a", "b"}}, {Name: "all", Type: chat.Switch}}},
		{Path: "claim", Summary: "Work on it", Args: []chat.Arg{{Name: "server", Type: chat.Server}, {Name: "step", Type: chat.Step, Optional: true}, {Name: "note", Optional: true, Rest: true}}},
		{Path: "intake", Summary: "Take a report", Args: []chat.Arg{{Name: "report", Type: chat.Upload, Rest: true}}, Flags: []chat.Arg{{Name: "dry-run", Type: chat.Switch}}},
		{Path: "advisories", Summary: "List advisories", Community: true, Private: true},
	}
}

// attended runs a stage with a desk.
func attended(t *testing.T, fake discordfake.Options, change func(*Options)) (*stage, *desk) {
	t.Helper()
	if fake.Limits.Routes == nil {
		fake.Limits.Off = true
	}
	st := newStage(t, false, fake, change)
	d := &desk{specs: someSpecs(), suggest: func(bot.Question) ([]string, error) { return nil, nil }}
	st.runs(t, d)
	return st, d
}

// here is the channel of a stage.
func (st *stage) here() state.Place {
	return state.Place{Platform: Name, Workspace: st.guild, Channel: st.In("responders").ID(), Threads: true, Ceiling: state.TLPAmberStrict}
}

// asked waits for the request behind something that a person did, and answers it.
func (st *stage) answers(t *testing.T, d *desk, x *discordfake.Exchange, text string) chat.Request {
	t.Helper()
	x.Thinks()
	req := d.last(t)
	place := req.Place
	if x.Outcome().Private {
		place.Person = req.Actor.Link
	}
	_, err := st.p.Post(t.Context(), place, chat.Say(chat.P(text)), "answer "+req.ID)
	require.NoError(t, err)
	x.Gets(text)
	return req
}

func soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 10*time.Second, time.Millisecond, what)
}

// epochTime is a time for what does not depend on it.
var epochTime = time.Unix(0, 0)
