package slack

import (
	"context"
	"errors"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"
)

// How long what was looked up counts.
const (
	directoryTTL    = 5 * time.Minute  // it is as good as new, and then looked up again behind the scenes
	directoryStale  = 30 * time.Minute // it is not used any more
	directoryGlance = 24 * time.Hour   // it is used where nothing better is needed
	unknownTTL      = time.Minute      // that there is no such thing
	mostEntries     = 10_000
)

// cache keeps what Slack said of things, by their ids. Its methods may be called
// by several goroutines.
type cache[V any] struct {
	load func(ctx context.Context, id string) (V, error)
	// renew asks for something to be looked up again, soon.
	renew func(id string)
	now   func() time.Time

	mu      sync.Mutex
	entries map[string]entry[V]
	flights map[string]chan struct{} // closed when the look-up under way has ended
}

// entry is what is known of one thing: that it is so, or that Slack knows of no
// such thing.
type entry[V any] struct {
	value V
	err   error
	at    time.Time
	gone  bool // it was so until then
}

func newCache[V any](now func() time.Time, load func(context.Context, string) (V, error), renew func(string)) *cache[V] {
	return &cache[V]{load: load, renew: renew, now: now, entries: map[string]entry[V]{}, flights: map[string]chan struct{}{}}
}

// peek is what is known without asking anybody. What is old, or not known, is
// looked up behind the scenes.
func (c *cache[V]) peek(id string) (V, bool) {
	e, ok := c.known(id)
	if !ok {
		c.renew(id)
	}
	return e.value, ok && e.err == nil
}

// glance is what was known in the last day, without asking anybody.
func (c *cache[V]) glance(id string) (V, bool) {
	if v, ok := c.recall(id); ok {
		return v, true
	}
	return c.peek(id)
}

// recall is what was known in the last day. It asks nobody, and has nothing looked up.
func (c *cache[V]) recall(id string) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[id]
	return e.value, ok && !e.gone && e.err == nil && c.now().Sub(e.at) < directoryGlance
}

// get is what is known, or looked up by whoever asks first, until its context ends.
func (c *cache[V]) get(ctx context.Context, id string) (V, error) {
	return c.fresh(ctx, id, directoryStale)
}

// fresh is get for who needs to know what was so at most that long ago.
func (c *cache[V]) fresh(ctx context.Context, id string, most time.Duration) (V, error) {
	for {
		if e, ok := c.known(id); ok && c.now().Sub(e.at) < most {
			return e.value, e.err
		}
		flight, leads := c.board(id)
		if leads {
			defer c.land(id, flight)
			return c.fetch(ctx, id)
		}
		select {
		case <-flight:
		case <-ctx.Done():
			c.renew(id)
			return *new(V), ctx.Err()
		}
	}
}

// known is an entry that can be used still.
func (c *cache[V]) known(id string) (entry[V], bool) {
	c.mu.Lock()
	e, ok := c.entries[id]
	c.mu.Unlock()
	age := c.now().Sub(e.at)
	switch {
	case !ok, e.gone, age >= directoryStale, e.err != nil && age >= unknownTTL:
		return entry[V]{}, false
	case age >= directoryTTL:
		c.renew(id)
	}
	return e, true
}

// board joins the look-up that is under way, or leads a new one.
func (c *cache[V]) board(id string) (flight chan struct{}, leads bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.flights[id]; ok {
		return f, false
	}
	f := make(chan struct{})
	c.flights[id] = f
	return f, true
}

func (c *cache[V]) land(id string, flight chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.flights, id)
	close(flight)
}

// fetch looks something up and remembers it. What failed for a moment is tried
// again behind the scenes.
func (c *cache[V]) fetch(ctx context.Context, id string) (V, error) {
	began := c.now()
	v, err := c.load(ctx, id)
	switch {
	case err == nil, lasting(err):
		c.put(id, entry[V]{value: v, err: err, at: began})
	default:
		c.renew(id)
	}
	return v, err
}

// put remembers an entry, and forgets some other when there are too many.
func (c *cache[V]) put(id string, e entry[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.entries[id]; ok && old.at.After(e.at) {
		return // what was learned meanwhile is newer
	}
	c.entries[id] = e
	for other := range c.entries {
		if len(c.entries) <= mostEntries {
			return
		}
		if other != id {
			delete(c.entries, other)
		}
	}
}

// has reports whether something is remembered, however old.
func (c *cache[V]) has(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.entries[id]
	return ok
}

// drop forgets what is not so any more, also when it is being looked up just now.
func (c *cache[V]) drop(id string) { c.put(id, entry[V]{at: c.now(), gone: true}) }

// lasting reports whether Slack's answer will be the same in a moment: it knows of
// no such thing, or does not let us see it.
func lasting(err error) bool {
	var said slackgo.SlackErrorResponse
	if !errors.As(err, &said) {
		return false
	}
	switch said.Err {
	case "internal_error", "fatal_error", "service_unavailable", "ratelimited", "rate_limited", "request_timeout", "team_added_to_org":
		return false
	}
	return true
}
