package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// parcel is a group on its way out.
type parcel struct {
	group   group
	place   state.Place // of the letter
	at      state.Place // where the message goes: the place, or a thread in it
	poster  Poster
	card    string
	has     bool          // the card was shown before,
	shown   state.Receipt // here
	newest  state.Notice
	notices []state.Notice // that are heard there still
	message chat.Message
	hash    string
}

// deliver brings a group to its place. It changes nothing in the store.
func (o *Outbox) deliver(ctx context.Context, g group) verdict {
	p := &parcel{group: g, place: g.first().Place, at: g.first().Place, newest: g[g.lead()].Letter.Notice, card: g.first().Notice.Card}
	if r, ok, err := o.known(ctx, g.first().ID); err != nil {
		return o.failure(g, err, false)
	} else if ok && p.card == "" {
		return verdict{outcome: outFound, receipt: r}
	} else if ok {
		p.shown, p.has = r, true
	}
	if due := o.windowEnd(g); due.After(o.opt.Now()) {
		return verdict{outcome: outHeld, due: due, why: "waits for others to be told together"}
	}
	poster, ok := o.opt.Posters[p.place.Platform]
	if !ok {
		return o.failure(g, fmt.Errorf("no connection to the platform %q here", p.place.Platform), false)
	}
	p.poster = poster
	if v, done := o.lookAtCard(ctx, p); done {
		return v
	}
	if err := o.hear(ctx, p); err != nil {
		return o.failure(g, err, false)
	}
	if len(p.notices) == 0 {
		return verdict{outcome: outNothing, receipt: state.Receipt{Place: p.place, At: o.opt.Now()}}
	}
	if err := o.lower(ctx, p); err != nil {
		return o.failure(g, err, false)
	}
	if v, done := o.compose(ctx, p); done {
		return v
	}
	if v, done := o.enter(ctx, p); done {
		return v
	}
	if due, ok := o.pace(ctx, p.place); !ok {
		return verdict{outcome: outHeld, due: due, block: true, why: "the place gets no more messages at a time"}
	}
	return o.show(ctx, p)
}

// windowEnd is when a letter has waited long enough for others to join it. It is
// the same for all that are created within one window, so that they are due together.
func (o *Outbox) windowEnd(g group) time.Time {
	n := g.first().Notice
	if n.Coalesce == "" || n.Card != "" || n.Payload != nil {
		return time.Time{}
	}
	if o.opt.Window < 0 {
		return time.Time{}
	}
	return g.first().Created.Truncate(o.opt.Window).Add(o.opt.Window)
}

// lookAtCard finds the message that a card is, and whether it must be left alone.
func (o *Outbox) lookAtCard(ctx context.Context, p *parcel) (verdict, bool) {
	if p.card == "" {
		return verdict{}, false
	}
	err := o.once(ctx, func(ctx context.Context) error {
		r, ok, err := o.opt.Store.CardReceipt(ctx, p.card, p.place)
		if ok && !r.At.Before(p.shown.At) {
			p.shown, p.has = r, true
		}
		return err
	})
	switch due := p.shown.At.Add(o.opt.CardEvery); {
	case err != nil:
		return o.failure(p.group, err, false), true
	case !p.has:
		return verdict{}, false
	case !p.answers() && shownFor(p.shown.Hash).After(p.newest.At):
		return verdict{outcome: outSuperseded, receipt: p.shown}, true
	case !p.answers() && due.After(o.opt.Now()):
		return verdict{outcome: outHeld, due: due, why: "its card was edited just now"}, true
	}
	return verdict{}, false
}

// answers: somebody waits for this one, so it is neither held nor skipped.
func (p *parcel) answers() bool { return p.newest.Kind == chat.KindAnswer }

// compose makes the message as the place may see it.
func (o *Outbox) compose(ctx context.Context, p *parcel) (verdict, bool) {
	m, err := o.render(ctx, p)
	if err != nil {
		return o.failure(p.group, err, false), true
	}
	if len(m.Parts) == 0 {
		return verdict{outcome: outNothing, receipt: state.Receipt{Place: p.place, At: o.opt.Now()}}, true
	}
	m, red, empty := reduce(m, p.at)
	switch {
	case red && !p.answers():
		return verdict{outcome: outDead, why: "all of it is TLP:RED, which goes to no place"}, true
	case empty && !p.answers() && p.newest.Payload == nil && !p.has:
		return verdict{outcome: outNothing, receipt: state.Receipt{Place: p.place, At: o.opt.Now()}}, true
	}
	p.message = m
	if p.hash, err = hashOf(m, shownAs(p.newest)); err != nil {
		return o.failure(p.group, &Permanent{Err: err}, false), true
	}
	if p.has && sameContent(p.hash, p.shown.Hash) && !p.answers() {
		p.shown.Hash = p.hash
		return verdict{outcome: outUnchanged, receipt: p.shown}, true
	}
	return verdict{}, false
}

func (o *Outbox) render(ctx context.Context, p *parcel) (chat.Message, error) {
	if p.newest.Payload != nil {
		return finished(p.newest.Payload)
	}
	if o.opt.Render == nil {
		return chat.Message{}, &Permanent{Err: errors.New("nobody here can render it")}
	}
	ctx, cancel := context.WithTimeout(ctx, o.opt.Timeout)
	defer cancel()
	m, err := o.opt.Render(ctx, p.notices, p.at)
	if err != nil {
		return m, fmt.Errorf("render: %w", err)
	}
	return m, nil
}

// show edits the card, or finds what was posted before, or posts.
func (o *Outbox) show(ctx context.Context, p *parcel) verdict {
	if p.has {
		v, ok := o.edit(ctx, p, p.shown.MessageID)
		if ok {
			return v
		}
	}
	if p.group.left() {
		if v, done := o.find(ctx, p); done {
			return v
		}
	}
	ctx, cancel := context.WithTimeout(ctx, o.opt.Timeout)
	defer cancel()
	id, err := p.poster.Post(ctx, p.at, p.message, p.group.key())
	if errors.As(err, new(*Permanent)) && p.at.Thread != p.place.Thread && !p.newest.Quiet() {
		p.at.Thread, p.message.Broadcast = p.place.Thread, false // its thread is gone: say it in the channel
		id, err = p.poster.Post(ctx, p.at, p.message, p.group.key())
	}
	if err != nil {
		return o.failure(p.group, err, true)
	}
	o.pin(ctx, p, id)
	return verdict{outcome: outDelivered, receipt: o.receipt(p, id)}
}

// edit is false when the message can be edited no more, and must be posted anew.
func (o *Outbox) edit(ctx context.Context, p *parcel, id string) (verdict, bool) {
	ctx, cancel := context.WithTimeout(ctx, o.opt.Timeout)
	defer cancel()
	err := p.poster.Edit(ctx, p.at, id, p.message, p.group.key())
	if err == nil {
		return verdict{outcome: outEdited, receipt: o.receipt(p, id)}, true
	}
	if errors.As(err, new(*Permanent)) {
		return verdict{}, false
	}
	return o.failure(p.group, err, false), true
}

// find looks for a message that may have been posted before.
func (o *Outbox) find(ctx context.Context, p *parcel) (verdict, bool) {
	id, found, err := o.look(ctx, p)
	switch {
	case errors.Is(err, chat.ErrCannotLook) && p.place.Person != "":
		return verdict{outcome: outDead, why: "it may have been shown, nobody can look, and it is not shown twice"}, true
	case errors.Is(err, chat.ErrCannotLook):
		return verdict{}, false
	case err != nil:
		return o.failure(p.group, err, true), true
	case !found:
		return verdict{}, false
	case p.card != "":
		o.pin(ctx, p, id)
		return o.edit(ctx, p, id)
	}
	return verdict{outcome: outFound, receipt: o.receipt(p, id)}, true
}

func (o *Outbox) look(ctx context.Context, p *parcel) (id string, found bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.opt.Timeout)
	defer cancel()
	at := []state.Place{p.at}
	if p.at.Thread != p.place.Thread { // its thread may not have begun when it was tried
		at = append(at, p.place)
	}
	for _, key := range p.group.keys() {
		for _, place := range at {
			if id, found, err = p.poster.Find(ctx, place, key); found || err != nil {
				return id, found, err
			}
		}
	}
	return "", false, nil
}

func (o *Outbox) receipt(p *parcel, id string) state.Receipt {
	return state.Receipt{Place: p.place, MessageID: id, At: o.opt.Now(), Card: p.card, Hash: p.hash}
}

// stampLayout has a fixed width, and orders like the times that it writes.
const stampLayout = "2006-01-02T15:04:05.000000000Z"

// lastWord is what an answer is dated, whatever the clocks of the replicas say:
// behind all progress.
var lastWord = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// shownAs is the time by which the notices of a card are ordered.
func shownAs(n state.Notice) time.Time {
	if n.Kind == chat.KindAnswer {
		return lastWord
	}
	return n.At
}

// shownFor is the time of the notice that a hash was made for.
func shownFor(hash string) time.Time {
	if len(hash) < len(stampLayout) {
		return time.Time{}
	}
	t, _ := time.Parse(stampLayout, hash[:len(stampLayout)])
	return t
}
