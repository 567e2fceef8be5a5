package bottest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// rig is a platform with a real router behind it. Letters are delivered by the
// suite itself, as plainly as can be: it tests the platform, not the outbox.
type rig struct {
	Harness
	store   *Store
	release chan struct{}
	runs    atomic.Int32
	stop    func() error // stops the platform
}

// start runs the platform, the router and the delivery.
func start(t *testing.T, h Harness) *rig {
	t.Helper()
	r := &rig{Harness: h, store: &Store{}, release: make(chan struct{})}
	router, err := bot.New(bot.Options{
		Commands: r.commands(), Store: r.store, SayEvery: time.Millisecond, Poll: 10 * time.Millisecond, Drain: time.Second,
		People: func(context.Context) (state.People, error) {
			return state.People{{ID: "resp-1", Name: "Rob", Role: state.RoleResponder, Links: []string{h.Link}}}, nil
		},
		Open: func(context.Context) ([]string, error) { return nil, nil },
	})
	require.NoError(t, err)
	running(t, router.Run)
	running(t, r.deliver)
	r.stop = running(t, func(ctx context.Context) error { return h.Platform.Run(ctx, router) })
	return r
}

func (r *rig) commands() []bot.Command {
	private := Says("mine", func(chat.Call) chat.Message { return chat.Say(chat.P("for your eyes")) })
	private.What.Private = true
	lead := Says("clear", func(chat.Call) chat.Message { return chat.Say(chat.P("cleared")) })
	lead.What.Role = state.RoleLead
	block := Says("block", nil)
	block.Do = func(ctx context.Context, _ chat.Call) (chat.Message, error) {
		select {
		case <-r.release:
			return chat.Say(chat.P("unblocked")), nil
		case <-ctx.Done():
			return chat.Message{}, ctx.Err()
		}
	}
	return []bot.Command{
		private, lead, block,
		Says("hello", func(chat.Call) chat.Message { r.runs.Add(1); return chat.Say(chat.P("good morning")) }),
		Says("work", func(c chat.Call) chat.Message {
			c.Say("", chat.Say(chat.P("working on it")))
			return chat.Say(chat.P("work is done"))
		}),
	}
}

// deliver brings letters to the platform until the context ends.
func (r *rig) deliver(ctx context.Context) error {
	for ctx.Err() == nil {
		letters, err := r.store.Claim(ctx, "suite", time.Now(), time.Minute, 10)
		for _, c := range letters {
			if err := r.one(ctx, c); err != nil {
				_ = r.store.Later(ctx, c.Letter, c.Token, time.Now().Add(50*time.Millisecond), err.Error())
			}
		}
		if err != nil || len(letters) == 0 {
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	return nil
}

func (r *rig) one(ctx context.Context, c state.ClaimedLetter) error {
	var m chat.Message
	if err := json.Unmarshal(c.Letter.Notice.Payload, &m); err != nil {
		return err
	}
	m, _ = m.Withhold(c.Letter.Place.Ceiling)
	card, has, err := r.store.CardReceipt(ctx, c.Letter.Notice.Card, c.Letter.Place)
	id := card.MessageID
	if has && err == nil {
		err = r.Platform.Edit(ctx, c.Letter.Place, id, m, c.Letter.ID)
		has = !errors.As(err, new(*chat.Permanent))
	}
	if !has {
		id, err = r.Platform.Post(ctx, c.Letter.Place, m, c.Letter.ID)
	}
	if err != nil {
		return err
	}
	return r.store.Delivered(ctx, c.Letter, c.Token, state.Receipt{Place: c.Letter.Place, MessageID: id, At: time.Now(), Card: c.Letter.Notice.Card})
}

// with are the messages in which a text is shown.
func (r *rig) with(text string) []Shown {
	var out []Shown
	for _, s := range r.Shown() {
		if strings.Contains(s.Text, text) {
			out = append(out, s)
		}
	}
	return out
}

// await waits until a text is shown.
func (r *rig) await(t *testing.T, text string) Shown {
	t.Helper()
	eventually(t, "it shows "+text, func() bool { return len(r.with(text)) > 0 })
	return r.with(text)[0]
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, patience, 5*time.Millisecond, what)
}

// settle gives what must not come a chance to come.
func (r *rig) settle(t *testing.T) {
	t.Helper()
	eventually(t, "all is answered", func() bool { return len(r.store.Unfinished()) == 0 && len(r.store.Queue()) == 0 })
	<-time.After(50 * time.Millisecond)
}
