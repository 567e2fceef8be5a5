package slackfake

import (
	"slices"
	"sync"
	"time"
)

// Clock is the fake's time: it goes as fast as the real one, and can be moved on.
// The zero value works. It may be shared by several fakes.
type Clock struct {
	mu     sync.Mutex
	ahead  time.Duration
	frozen time.Time // when it stands still
	alarms []*alarm
}

type alarm struct {
	at   time.Time
	ring func()
	real *time.Timer
}

// Now is the fake's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	if !c.frozen.IsZero() {
		return c.frozen
	}
	return time.Now().Add(c.ahead)
}

// Freeze makes the time stand still but for Advance. What is to happen at once
// happens all the same.
func (c *Clock) Freeze() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen = c.now()
	for _, a := range c.alarms {
		if a.at.After(c.frozen) {
			a.real.Stop()
		}
	}
}

// Advance moves the time on. What becomes due is done before it returns, or in
// goroutines that it started.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	if c.frozen.IsZero() {
		c.ahead += d
	} else {
		c.frozen = c.frozen.Add(d)
	}
	now := c.now()
	var due []*alarm
	c.alarms = slices.DeleteFunc(c.alarms, func(a *alarm) bool {
		if a.at.After(now) {
			if c.frozen.IsZero() {
				a.real.Reset(a.at.Sub(now))
			}
			return false
		}
		a.real.Stop()
		due = append(due, a)
		return true
	})
	c.mu.Unlock()
	slices.SortStableFunc(due, func(a, b *alarm) int { return a.at.Compare(b.at) })
	for _, a := range due {
		a.ring()
	}
}

// after calls ring once, when d has passed on this clock, unless it is stopped.
func (c *Clock) after(d time.Duration, ring func()) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &alarm{at: c.now().Add(d), ring: ring}
	a.real = time.AfterFunc(max(d, 0), func() {
		if c.take(a) {
			ring()
		}
	})
	if d > 0 && !c.frozen.IsZero() {
		a.real.Stop()
	}
	c.alarms = append(c.alarms, a)
	return func() {
		if c.take(a) {
			a.real.Stop()
		}
	}
}

// take removes an alarm and reports whether it was still there.
func (c *Clock) take(a *alarm) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.alarms, a)
	if i < 0 {
		return false
	}
	c.alarms = slices.Delete(c.alarms, i, i+1)
	return true
}
