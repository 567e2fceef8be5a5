package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// How long something waits for the head of its thread to be shown.
const (
	threadSoon  = time.Second
	threadLoud  = 15 * time.Second // then it is said in the channel
	threadQuiet = 24 * time.Hour   // it is never said in the channel
)

// hear finds what the place is to hear still, and takes the ceiling that it has by now.
func (o *Outbox) hear(ctx context.Context, p *parcel) (err error) {
	p.notices = []state.Notice{p.newest}
	if p.card == "" {
		p.notices = nil
		for _, c := range p.group {
			p.notices = append(p.notices, c.Letter.Notice)
		}
	}
	if o.opt.Heard == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.opt.Timeout)
	defer cancel()
	if p.notices, p.at, err = o.opt.Heard(ctx, p.notices, p.place); err != nil {
		return fmt.Errorf("who hears of it: %w", err)
	}
	p.at.Ceiling = state.Narrower(p.at.Ceiling, p.place.Ceiling)
	return nil
}

// lower takes the ceiling that the platform knows of, when that lets less through:
// a channel may have been shared since it was bound.
func (o *Outbox) lower(ctx context.Context, p *parcel) error {
	c, ok := p.poster.(chat.Ceiler)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.opt.Timeout)
	defer cancel()
	ceiling, err := c.Ceiling(ctx, p.place)
	if err != nil {
		return err
	}
	p.at.Ceiling = state.Narrower(p.at.Ceiling, ceiling)
	return nil
}

// enter finds the thread that a message belongs in. Notices of different threads
// that became one message are said in the channel.
func (o *Outbox) enter(ctx context.Context, p *parcel) (verdict, bool) {
	thread := p.group.thread()
	if thread == "" || !p.place.Threads {
		return verdict{}, false
	}
	var head state.Receipt
	var found bool
	err := o.once(ctx, func(ctx context.Context) (err error) {
		head, found, err = o.opt.Store.CardReceipt(ctx, thread, p.place)
		return err
	})
	now, quiet := o.opt.Now(), p.newest.Quiet()
	waited := now.Sub(p.group.first().Created)
	switch {
	case err != nil:
		return o.failure(p.group, err, false), true
	case found:
		p.at.Thread, p.message.Broadcast = head.MessageID, !quiet
	case quiet && waited > threadQuiet:
		return verdict{outcome: outDead, why: "its thread never began"}, true
	case quiet || waited < threadLoud:
		return verdict{outcome: outHeld, due: now.Add(threadSoon), why: "waits for its thread to begin"}, true
	}
	return verdict{}, false
}

// thread is the one that all letters of a group belong in, or "".
func (g group) thread() string {
	thread := g.first().Notice.Thread
	for _, c := range g {
		if c.Letter.Notice.Thread != thread {
			return ""
		}
	}
	return thread
}

// pin keeps a message at the top. That it cannot be is worth a line in the log and
// no more: the message itself was shown.
func (o *Outbox) pin(ctx context.Context, p *parcel, id string) {
	pinner, ok := p.poster.(chat.Pinner)
	if !ok || !p.newest.Pin {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.opt.Timeout)
	defer cancel()
	if err := pinner.Pin(ctx, p.at, id); err != nil {
		o.opt.Logger.Warn("a message could not be pinned", "platform", p.place.Platform, "reference", reference(p.group.first()), "error", err)
	}
}
