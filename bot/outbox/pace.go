package outbox

import (
	"context"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Pace is a token bucket: Burst messages at once, and one more each Every.
type Pace struct {
	Every time.Duration
	Burst int
}

// patience is how long a delivery waits for its pace before it is put back.
const patience = 2 * time.Second

// mostTraffic is how many places are remembered before idle ones are forgotten.
const mostTraffic = 1000

// traffic is what is remembered of a place, or of a lane of it.
type traffic struct {
	blocked time.Time // nothing goes there before
	full    time.Time // when the bucket is full again
	failing time.Time // since then nothing got there, zero: the last message did
	failed  time.Time // when something was tried in vain last
	worked  time.Time // when something got there last
}

func (o *Outbox) trafficOf(key string) *traffic {
	if t, ok := o.traffic[key]; ok {
		return t
	}
	if len(o.traffic) >= mostTraffic {
		now := o.opt.Now()
		for k, t := range o.traffic {
			if t.blocked.Before(now) && t.full.Before(now) && now.Sub(t.failed) > restless {
				delete(o.traffic, k)
			}
		}
	}
	t := &traffic{}
	o.traffic[key] = t
	return t
}

// block keeps a place, or one lane of it, free of messages until then, so that none
// overtakes the one that could not go.
func (o *Outbox) block(key string, until time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.trafficOf(key)
	if until.After(t.blocked) {
		t.blocked = until
	}
}

func (o *Outbox) blockedUntil(l state.Letter) (time.Time, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	until := o.trafficOf(l.Place.Key()).blocked
	if lane := o.trafficOf(l.Lane()).blocked; lane.After(until) {
		until = lane
	}
	return until, until.After(o.opt.Now())
}

// restless is how long a place that fails may go untried before it counts as not
// tried at all: more than any wait between two tries.
const restless = 2 * time.Hour

// failing notes that a message could not go, and returns for how long nothing of
// its lane went. A time in which nobody tried, here, does not count.
func (o *Outbox) failing(lane string) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	t, now := o.trafficOf(lane), o.opt.Now()
	if t.failing.IsZero() || now.Sub(t.failed) > restless {
		t.failing = now
	}
	t.failed = now
	return now.Sub(t.failing)
}

// elsewhere reports whether something else got to the place of a letter while its
// lane was failing.
func (o *Outbox) elsewhere(l state.Letter, failing time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.trafficOf(l.Place.Key()).worked.After(o.opt.Now().Add(-failing))
}

// works notes that a message got to a place.
func (o *Outbox) works(l state.Letter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.trafficOf(l.Lane()).failing = time.Time{}
	o.trafficOf(l.Place.Key()).worked = o.opt.Now()
}

// pace takes a token for the place and waits for it a little; it is false, with
// the time to come again, when that would take too long.
func (o *Outbox) pace(ctx context.Context, p state.Place) (time.Time, bool) {
	pace, ok := o.opt.Pace[p.Platform]
	if !ok || pace.Every <= 0 {
		return time.Time{}, true
	}
	now := o.opt.Now()
	o.mu.Lock()
	t := o.trafficOf(p.Key())
	full := t.full
	if full.Before(now) {
		full = now
	}
	wait := full.Add(pace.Every).Sub(now) - time.Duration(max(pace.Burst, 1))*pace.Every
	if wait <= patience {
		t.full = full.Add(pace.Every)
	}
	o.mu.Unlock()
	if wait > patience {
		return now.Add(wait), false
	}
	return now.Add(wait), wait <= 0 || sleep(ctx, wait)
}
