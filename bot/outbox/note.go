package outbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// noteTimeout bounds each call to the store about a letter.
const noteTimeout = 5 * time.Second

// delivered notes a receipt with each letter of a group, the leading one last: by
// its key the message is found, should we die in between.
func (o *Outbox) delivered(ctx context.Context, g group, r state.Receipt) error {
	o.remember(g, r)
	lead := g.lead()
	for _, c := range append(slices.Delete(slices.Clone(g), lead, lead+1), g[lead]) {
		err := o.insist(ctx, func(ctx context.Context) error {
			return o.opt.Store.Delivered(ctx, c.Letter, c.Token, r)
		})
		if err != nil {
			return err
		}
		o.forget(c.Letter.ID)
	}
	return nil
}

// insist tries a note a few times: a message that was shown and is not noted costs
// a look, or is shown twice.
func (o *Outbox) insist(ctx context.Context, note func(context.Context) error) error {
	var err error
	for wait := 100 * time.Millisecond; wait < 3*time.Second; wait *= 2 {
		err = o.once(ctx, note)
		if err == nil || errors.Is(err, state.ErrLeaseLost) {
			return err
		}
		if !sleep(ctx, wait) {
			return err
		}
	}
	return err
}

func (o *Outbox) once(ctx context.Context, note func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	return note(ctx)
}

func (o *Outbox) later(ctx context.Context, g group, due time.Time, why string) error {
	var errs []error
	for _, c := range g {
		errs = append(errs, o.once(ctx, func(ctx context.Context) error {
			return o.opt.Store.Later(ctx, c.Letter, c.Token, due, why+tryMark(c.Claims))
		}))
	}
	return errors.Join(errs...)
}

func (o *Outbox) dead(ctx context.Context, g group, why string) error {
	var errs []error
	for _, c := range g {
		errs = append(errs, o.insist(ctx, func(ctx context.Context) error {
			return o.opt.Store.Dead(ctx, c.Letter, c.Token, why)
		}))
	}
	return errors.Join(errs...)
}

// putBack returns letters that were not touched, in their order.
func (o *Outbox) putBack(ctx context.Context, gs []group, due time.Time, why string) {
	for _, g := range gs {
		due = due.Add(time.Millisecond)
		o.block(g.first().Lane(), due)
		held := why
		if g.left() {
			held = unsure + why
		}
		o.settle(ctx, g, verdict{outcome: outHeld, due: due, why: held})
	}
}

// most is how many receipts are remembered while the store is away.
const mostSent = 10_000

func (o *Outbox) remember(g group, r state.Receipt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range g {
		if len(o.sent) < mostSent {
			o.sent[c.Letter.ID] = r
		}
	}
}

func (o *Outbox) forget(letter string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.sent, letter)
}

// known is the receipt of a letter that was delivered already.
func (o *Outbox) known(ctx context.Context, letter string) (state.Receipt, bool, error) {
	o.mu.Lock()
	r, ok := o.sent[letter]
	o.mu.Unlock()
	if ok {
		return r, true, nil
	}
	err := o.once(ctx, func(ctx context.Context) (err error) {
		r, err = o.opt.Store.ReceiptOf(ctx, letter)
		return err
	})
	if errors.Is(err, state.ErrNotFound) {
		return r, false, nil
	}
	return r, err == nil, err
}

// sleep waits; it is false when the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
