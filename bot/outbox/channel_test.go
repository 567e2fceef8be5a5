package outbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/outbox"
	"github.com/allclear-bot/allclear/state"
)

// channel is a platform in memory.
type channel struct {
	mu       sync.Mutex
	messages []*message
	edits    int
	calls    []time.Time
	// before, when set, is asked before each call; after is asked when it is done.
	before, after func(method string, place state.Place) error
	blind         bool // nobody can look
}

type message struct {
	id, key, text string
	place         state.Place
	notify        []string
	all           string // everything that left
}

func (c *channel) call(ctx context.Context, method string, p state.Place, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	before, after := c.before, c.after
	c.mu.Unlock()
	if before != nil {
		if err := before(method, p); err != nil {
			return err
		}
	}
	c.mu.Lock()
	c.calls = append(c.calls, time.Now())
	err := f()
	c.mu.Unlock()
	if err == nil && after != nil {
		err = after(method, p)
	}
	return err
}

func (c *channel) Post(ctx context.Context, p state.Place, m chat.Message, key string) (id string, err error) {
	err = c.call(ctx, "Post", p, func() error {
		id = fmt.Sprintf("m%d", len(c.messages)+1)
		c.messages = append(c.messages, &message{id: id, key: key, place: p, text: text(m), notify: m.Notify, all: everything(m)})
		return nil
	})
	return id, err
}

func (c *channel) Edit(ctx context.Context, p state.Place, id string, m chat.Message, _ string) error {
	return c.call(ctx, "Edit", p, func() error {
		i := slices.IndexFunc(c.messages, func(x *message) bool { return x.id == id })
		if i < 0 {
			return &chat.Permanent{Err: fmt.Errorf("no message %q", id)}
		}
		c.edits++
		c.messages[i].text, c.messages[i].all = text(m), everything(m)
		return nil
	})
}

func (c *channel) Find(ctx context.Context, p state.Place, key string) (id string, found bool, err error) {
	if c.blind {
		return "", false, chat.ErrCannotLook
	}
	err = c.call(ctx, "Find", p, func() error {
		for _, m := range c.messages {
			if m.key == key && m.place.Key() == p.Key() {
				id, found = m.id, true
			}
		}
		return nil
	})
	return id, found, err
}

func (c *channel) fail(f func(method string, p state.Place) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.before = f
}

func (c *channel) lose(f func(method string, p state.Place) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.after = f
}

func (c *channel) texts() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, m := range c.messages {
		out = append(out, m.text)
	}
	return out
}

func text(m chat.Message) string {
	var out []string
	for _, p := range m.Parts {
		switch p := p.(type) {
		case chat.Para:
			out = append(out, p.Text.Plain())
		case chat.Note:
			out = append(out, p.Text.Plain())
		}
	}
	return strings.Join(out, "|")
}

func everything(m chat.Message) string {
	raw, err := json.Marshal(m)
	return fmt.Sprintf("%s %v %+v", raw, err, m)
}

// office is an outbox with all around it.
type office struct {
	*outbox.Outbox
	store  *bottest.Store
	ch     *channel
	log    *bytes.Buffer
	counts map[string]int
}

func newOffice(t *testing.T, o outbox.Options) *office {
	t.Helper()
	f := &office{store: &bottest.Store{}, ch: &channel{}, log: &bytes.Buffer{}}
	return f.open(t, o)
}

// open starts another process with the same store and channel.
func (f *office) open(t *testing.T, o outbox.Options) *office {
	t.Helper()
	next := &office{store: f.store, ch: f.ch, log: f.log, counts: map[string]int{}}
	var mu sync.Mutex
	o.Store, o.Logger = f.store, slog.New(slog.NewTextHandler(f.log, nil))
	if o.Posters == nil {
		o.Posters = map[string]outbox.Poster{"test": f.ch}
	}
	if o.Render == nil {
		o.Render = func(_ context.Context, notices []state.Notice, _ state.Place) (chat.Message, error) {
			var keys []string
			for _, n := range notices {
				keys = append(keys, n.Key)
			}
			return chat.Say(chat.P(strings.Join(keys, "+"))), nil
		}
	}
	o.Count = func(what string) {
		mu.Lock()
		defer mu.Unlock()
		next.counts[what]++
	}
	var err error
	next.Outbox, err = outbox.New(o)
	require.NoError(t, err)
	return next
}

var team = state.Place{Platform: "test", Channel: "team", Ceiling: state.TLPAmberStrict}

func (f *office) post(t *testing.T, notices ...state.Notice) {
	t.Helper()
	for _, n := range notices {
		if n.At.IsZero() {
			n.At = time.Now()
		}
		require.NoError(t, f.store.Post(t.Context(), n.Address([]state.Place{team})))
	}
}

// run delivers for so long.
func (f *office) run(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	require.NoError(t, f.Run(ctx))
}

func document(parts ...chat.Part) []byte {
	raw, err := json.Marshal(chat.Say(parts...))
	if err != nil {
		panic(err)
	}
	return raw
}

func answer(id, say string, at time.Time) state.Notice {
	key := chat.AnswerKey(id)
	return state.Notice{Key: key, Kind: chat.KindAnswer, Payload: document(chat.P(say)), Card: key, Coalesce: key, At: at}
}

func progress(id string, n int, at time.Time) state.Notice {
	a := answer(id, fmt.Sprintf("%d %%", n), at)
	a.Key, a.Kind = fmt.Sprintf("progress %s %d", id, n), "progress"
	return a
}
