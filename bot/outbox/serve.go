package outbox

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// What may become of a letter.
const (
	outDelivered  = "delivered"
	outEdited     = "edited"
	outUnchanged  = "unchanged"  // the card says so already
	outSuperseded = "superseded" // the card says something newer
	outFound      = "found"      // it had arrived before a crash
	outNothing    = "nothing to say"
	outHeld       = "held"   // on purpose: coalescing, pace, cards
	outFailed     = "failed" // it is tried again
	outDead       = "dead"
	outLost       = "claim lost"
)

// Outcomes lists what Options.Count is called with.
func Outcomes() []string {
	return []string{outDelivered, outEdited, outUnchanged, outSuperseded, outFound, outNothing, outHeld, outFailed, outDead, outLost}
}

// unsure begins the reason of a letter that may have arrived already.
const unsure = "may have arrived: "

// group is what becomes one message: one letter, or several that coalesced.
type group []state.ClaimedLetter

func (g group) first() state.Letter { return g[0].Letter }

// lead is the letter that names the message on the platform: of a card the one
// that is shown, which is the last; of others the first.
func (g group) lead() int {
	lead := 0
	if g.first().Notice.Card == "" {
		return lead
	}
	for i, c := range g {
		if !shownAs(c.Letter.Notice).Before(shownAs(g[lead].Letter.Notice)) {
			lead = i
		}
	}
	return lead
}

// key names the message on the platform.
func (g group) key() string { return g[g.lead()].Letter.ID }

// mostLooks is how many letters of a card are looked for.
const mostLooks = 3

// keys are the names under which the message may have been posted before.
func (g group) keys() []string {
	keys := []string{g.key()}
	for _, c := range g {
		if g.first().Notice.Card != "" && left(c) && c.Letter.ID != keys[0] && len(keys) < mostLooks {
			keys = append(keys, c.Letter.ID)
		}
	}
	return keys
}

// left reports whether somebody claimed the letter and neither delivered it nor
// put it back, or put it back without knowing whether it had arrived. The reason
// with which it was put back last says after which claim that was.
func left(c state.ClaimedLetter) bool {
	return c.Claims > 1 && !strings.HasSuffix(c.Letter.Held, tryMark(c.Claims-1)) || strings.HasPrefix(c.Letter.Held, unsure)
}

// tryMark ends the reason of a letter that is put back.
func tryMark(claims int) string { return fmt.Sprintf(" (try %d)", claims) }

func (g group) left() bool { return slices.ContainsFunc(g, left) }

// groups splits the letters of a place into messages. What may have been posted
// before is kept apart from what certainly was not: the former is looked up, and
// the latter was not part of it.
func groups(letters []state.ClaimedLetter) []group {
	var out []group
	for _, c := range letters {
		if n := len(out); n > 0 && together(out[n-1][0], c) {
			out[n-1] = append(out[n-1], c)
			continue
		}
		out = append(out, group{c})
	}
	return out
}

func together(a, b state.ClaimedLetter) bool {
	x, y := a.Letter.Notice, b.Letter.Notice
	return x.Coalesce != "" && x.Coalesce == y.Coalesce && x.Card == y.Card && (x.Card != "" || left(a) == left(b) && x.Payload == nil && y.Payload == nil)
}

// serve delivers a batch in its order. When a letter cannot go, those behind it
// do not overtake it. New deliveries begin only while the intake lives; work ends
// what was begun.
func (o *Outbox) serve(intake, work context.Context, b batch) {
	gs := groups(b.letters)
	for i, g := range gs {
		until, blocked := o.blockedUntil(g.first())
		switch {
		case intake.Err() != nil:
			o.putBack(work, gs[i:], o.opt.Now(), "the outbox was stopped")
			return
		case blocked:
			o.putBack(work, gs[i:], until, "waits behind another message for the same place")
			return
		case o.opt.Now().Add(2 * o.opt.Timeout).After(b.until):
			o.putBack(work, gs[i:], o.opt.Now(), "the place is slow")
			return
		}
		o.settle(work, g, o.deliver(work, g))
	}
}

// verdict is what came of a group: delivered with a receipt, later, or dead.
type verdict struct {
	outcome string
	receipt state.Receipt
	due     time.Time // later
	why     string    // later or dead
	block   bool      // the whole place waits until due
	err     error     // for the log
}

// failure turns an error of a platform, the store or a renderer into what follows.
func (o *Outbox) failure(g group, err error, ambiguous bool) verdict {
	var again *RetryAfter
	var never *Permanent
	now := o.opt.Now()
	ambiguous = ambiguous && !errors.As(err, new(*chat.Refused))
	v := verdict{outcome: outFailed, why: short(err.Error()), block: true, err: err}
	switch {
	case errors.As(err, &never):
		return verdict{outcome: outDead, why: short(err.Error()), err: err}
	case errors.As(err, &again):
		v.due = now.Add(min(max(again.After, 100*time.Millisecond), time.Hour))
		v.why = "the platform wants us to slow down"
		ambiguous = false
	case o.stuck(g, o.failing(g.first().Lane())):
		return verdict{outcome: outDead, why: "given up after " + o.opt.GiveUpOne.String() + ", while other messages got there: " + short(err.Error()), err: err}
	case o.worn(g, o.failing(g.first().Lane())):
		return verdict{outcome: outDead, why: "given up after " + o.opt.GiveUp.String() + ": " + short(err.Error()), err: err}
	default:
		v.due = now.Add(backoff(o.failing(g.first().Lane())))
	}
	if ambiguous || g.left() {
		v.why = unsure + v.why
	}
	return v
}

// stuck reports whether a group is what is wrong, and not its place: it is tried
// again and again in vain while other messages get there. It must not silence what
// is behind it.
func (o *Outbox) stuck(g group, failing time.Duration) bool {
	return failing > o.opt.GiveUpOne && g[0].Claims >= leastTries && o.elsewhere(g.first(), failing)
}

// leastTries is how often a letter is tried at least before its age counts.
const leastTries = 10

// worn reports whether a group is given up: all of it is old, was tried often, and
// nothing else got to the place in all that time, though it was tried. While nobody
// serves, letters grow old but not worn.
func (o *Outbox) worn(g group, failing time.Duration) bool {
	now := o.opt.Now()
	return failing > o.opt.GiveUp && !slices.ContainsFunc(g, func(c state.ClaimedLetter) bool {
		return c.Claims < leastTries || now.Sub(c.Letter.Created) <= o.opt.GiveUp
	})
}

// backoff is how long a place that has failed for so long is left alone: about as
// long again.
func backoff(failing time.Duration) time.Duration {
	d := min(max(failing, time.Second), 5*time.Minute)
	return d + rand.N(d/5+1)
}

func short(s string) string {
	const most = 200 // bytes
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// settle notes in the store what came of a group.
func (o *Outbox) settle(ctx context.Context, g group, v verdict) {
	place := g.first().Place
	if v.block {
		o.block(g.first().Lane(), v.due)
		if errors.As(v.err, new(*RetryAfter)) {
			o.block(place.Key(), v.due)
		}
	}
	var err error
	if v.outcome == outDelivered || v.outcome == outEdited {
		o.works(g.first())
	}
	switch v.outcome {
	case outHeld, outFailed:
		err = o.later(ctx, g, v.due, v.why)
	case outDead:
		err = o.dead(ctx, g, v.why)
	default:
		err = o.delivered(ctx, g, v.receipt)
	}
	log := o.opt.Logger.With("reference", reference(g.first()), "kind", string(g.first().Notice.Kind), "platform", place.Platform,
		"letters", len(g), "claims", g[0].Claims, "outcome", v.outcome)
	for range g {
		o.opt.Count(v.outcome)
	}
	switch {
	case err != nil:
		log.Warn("what became of a letter could not be noted", "error", err)
	case v.outcome == outDead:
		log.Error("a letter was given up", "why", v.why)
	case v.outcome == outFailed:
		log.Warn("a letter is tried again", "error", v.err, "due", v.due)
	default:
		log.Info("letter", "why", v.why)
	}
}

// reference is what the log calls a letter: an answer is called like its request.
func reference(l state.Letter) string {
	if l.Notice.Kind == chat.KindAnswer {
		return chat.Reference(strings.TrimPrefix(l.Notice.Key, chat.AnswerKey("")))
	}
	return chat.Reference(l.ID)
}
