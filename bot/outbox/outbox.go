package outbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// What platforms are, and how they say what went wrong.
type (
	// Poster is a platform as the outbox sees it.
	Poster = chat.Poster
	// RetryAfter says that nothing was posted, for we ask too often.
	RetryAfter = chat.RetryAfter
	// Permanent says that nothing was posted and never will be.
	Permanent = chat.Permanent
)

// Store keeps the letters. Every method ends with its context.
type Store interface {
	// Claim takes due letters, in order within a place; those of one place that
	// coalesce are claimed together. Claims counts every claim of a letter.
	Claim(ctx context.Context, holder string, now time.Time, ttl time.Duration, limit int) ([]state.ClaimedLetter, error)
	// Delivered ends a letter; state.ErrLeaseLost when the claim is no longer ours.
	Delivered(ctx context.Context, letter state.Letter, token string, r state.Receipt) error
	// Later puts a letter back, with the reason for people, which is Letter.Held
	// when it is claimed again. What is behind it in its place waits with it.
	Later(ctx context.Context, letter state.Letter, token string, due time.Time, held string) error
	// Dead gives a letter up, with the reason.
	Dead(ctx context.Context, letter state.Letter, token, why string) error
	// CardReceipt is the newest receipt of a card in a place.
	CardReceipt(ctx context.Context, card string, place state.Place) (state.Receipt, bool, error)
	// ReceiptOf is the receipt of a delivered letter; state.ErrNotFound.
	ReceiptOf(ctx context.Context, letterID string) (state.Receipt, error)
}

// Render makes one message of notices that coalesced, as it is true now. A message
// with no parts means that there is nothing to say any more.
type Render func(ctx context.Context, notices []state.Notice, place state.Place) (chat.Message, error)

// Heard are those of some notices for one place that it is to hear still, and the place
// as it may see them: how it is when they are said, not only how it was when they were stored.
type Heard func(ctx context.Context, notices []state.Notice, place state.Place) ([]state.Notice, state.Place, error)

// Options are what an Outbox needs. Store and Posters are required, and Render
// when there are notices without a payload; the zero value of the rest works.
type Options struct {
	Store   Store
	Posters map[string]Poster // by platform
	Render  Render
	Heard   Heard // nil: all are heard, as the place was
	Logger  *slog.Logger
	Now     func() time.Time
	// Count is called with one of Outcomes for each letter, for metrics.
	Count func(outcome string)
	// Pace limits how often a place is written to, by platform.
	Pace map[string]Pace

	Holder    string        // names this process among the replicas
	Places    int           // places served at once, 8
	Claim     time.Duration // how long a claim is held, 1 min
	Poll      time.Duration // 1 s
	Timeout   time.Duration // of one call to a platform, 15 s
	Window    time.Duration // how long a letter waits for others to coalesce with, 10 s; negative: not at all
	CardEvery time.Duration // between two edits of one card, 5 s; negative: nothing
	GiveUp    time.Duration // how long a letter is tried in vain until it is dead, 24 h
	GiveUpOne time.Duration // how long a letter may fail alone, while others get to its place, until it is dead, 30 min
	Grace     time.Duration // for deliveries that run when the outbox is stopped, 5 s
}

func (o *Options) defaults() {
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Count == nil {
		o.Count = func(string) {}
	}
	host, _ := os.Hostname()
	o.Holder = cmp.Or(o.Holder, fmt.Sprintf("%s-%d-%.6s", host, os.Getpid(), rand.Text()))
	o.Places = cmp.Or(o.Places, 8)
	o.Claim = cmp.Or(o.Claim, time.Minute)
	o.Poll = cmp.Or(o.Poll, time.Second)
	o.Timeout = cmp.Or(o.Timeout, 15*time.Second)
	o.Window = cmp.Or(o.Window, 10*time.Second)
	o.CardEvery = cmp.Or(o.CardEvery, 5*time.Second)
	o.GiveUp = cmp.Or(o.GiveUp, 24*time.Hour)
	o.GiveUpOne = cmp.Or(o.GiveUpOne, 30*time.Minute)
	o.Grace = cmp.Or(o.Grace, 5*time.Second)
}

// Outbox delivers what is in a store. Several may work on one store.
type Outbox struct {
	opt  Options
	wake chan struct{}

	mu      sync.Mutex
	traffic map[string]*traffic      // by place and by lane
	sent    map[string]state.Receipt // delivered, but not noted yet: the store was away
}

// New makes an outbox. It does no I/O.
func New(o Options) (*Outbox, error) {
	if o.Store == nil || o.Posters == nil {
		return nil, errors.New("an outbox needs a store and the platforms")
	}
	o.defaults()
	return &Outbox{opt: o, wake: make(chan struct{}, 1), traffic: map[string]*traffic{}, sent: map[string]state.Receipt{}}, nil
}

// Wake makes Run look for letters now.
func (o *Outbox) Wake() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Run delivers until the context ends. What is being delivered then may take
// Grace to end; what was not begun is put back.
func (o *Outbox) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	slots := make(chan struct{}, o.opt.Places)
	well := true
	for ctx.Err() == nil {
		batches, err := o.claim(work, cap(slots)) // what was claimed must reach us: it is put back when we stop
		if (err == nil) != well && ctx.Err() == nil {
			well = err == nil
			o.tell(err)
		}
		for _, b := range batches {
			slots <- struct{}{} // bounded: a delivery ends with its time-out
			running.Go(func() {
				o.serve(ctx, work, b)
				<-slots
				o.Wake()
			})
		}
		if len(batches) == 0 {
			o.pause(ctx)
		}
	}
	grace := time.AfterFunc(o.opt.Grace, stop)
	defer grace.Stop()
	running.Wait()
	return nil
}

func (o *Outbox) tell(err error) {
	if err != nil {
		o.opt.Logger.Error("no letters can be claimed", "error", err)
		return
	}
	o.opt.Logger.Info("letters can be claimed again")
}

func (o *Outbox) pause(ctx context.Context) {
	t := time.NewTimer(o.opt.Poll)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-o.wake:
	case <-t.C:
	}
}

// Pass delivers what is due now, once, and says how many letters it took: for
// commands that end, and for tests.
func (o *Outbox) Pass(ctx context.Context) (int, error) {
	batches, err := o.claim(ctx, o.opt.Places)
	if err != nil {
		return 0, err
	}
	n := 0
	var running sync.WaitGroup
	for _, b := range batches {
		n += len(b.letters)
		running.Go(func() { o.serve(ctx, context.WithoutCancel(ctx), b) })
	}
	running.Wait()
	return n, nil
}

// batch is what was claimed of one lane of a place, in order.
type batch struct {
	place   state.Place
	letters []state.ClaimedLetter
	until   time.Time // the claim is ours until then
}

// perPlace is how many letters are claimed for each place that can be served.
const perPlace = 8

func (o *Outbox) claim(ctx context.Context, places int) ([]batch, error) {
	now := o.opt.Now()
	letters, err := o.opt.Store.Claim(ctx, o.opt.Holder, now, o.opt.Claim, places*perPlace)
	if err != nil {
		return nil, fmt.Errorf("claim letters: %w", err)
	}
	var out []batch
	at := map[string]int{}
	for _, l := range letters {
		key := l.Letter.Lane()
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, batch{place: l.Letter.Place, until: now.Add(o.opt.Claim)})
		}
		out[i].letters = append(out[i].letters, l)
	}
	return out, nil
}
