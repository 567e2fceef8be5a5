package slack

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// links counts the connections over which Slack reaches us.
type links struct {
	mu    sync.Mutex
	open  int
	since time.Time // when the last one was lost
	why   error     // no new one can be made
}

func (l *links) up() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
	l.why = nil
}

func (l *links) down(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open--; l.open == 0 {
		l.since = now
	}
}

func (l *links) trouble(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.why = err
}

func (l *links) ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.open > 0:
		return nil
	case l.why != nil:
		return fmt.Errorf("slack: not connected: %w", l.why)
	case l.since.IsZero():
		return errors.New("slack: not connected yet")
	}
	return fmt.Errorf("slack: not connected since %s", l.since.UTC().Format(time.RFC3339))
}

// Ready is why Slack does not reach us at the moment, or nil. Over HTTP it cannot be
// seen whether Slack does; there it is whether Slack knows us, and Run runs.
func (p *Platform) Ready() error {
	p.in.mu.Lock()
	runs := p.in.desk != nil
	p.in.mu.Unlock()
	switch {
	case p.me.Load() == nil:
		return errors.New("slack: it is not known yet who we are")
	case !runs:
		return errors.New("slack: it does not run")
	case p.opt.AppToken != "":
		return p.links.ready()
	}
	return nil
}

// tune are the waits of connections. Tests have less patience.
type tune struct {
	silence time.Duration // without a word or a ping the connection is dead
	hello   time.Duration // until a new connection says hello
	grace   time.Duration // for one that shall end, to end by itself
	first   time.Duration // before the second attempt; the first is made at once
	most    time.Duration // between two attempts
	crowd   time.Duration // when there are too many connections already
	steady  time.Duration // a connection that lived so long starts the count anew
}

// The silence is what Slack's own clients allow (slackapi/node-slack-sdk, socket-mode).
func patient() tune {
	return tune{
		silence: 30 * time.Second, hello: 10 * time.Second, grace: 30 * time.Second, first: 500 * time.Millisecond, most: 30 * time.Second,
		crowd: 10 * time.Second, steady: 10 * time.Second,
	}
}

// backoff is how long to wait before an attempt, with some chance in it, so that
// replicas do not all come at once.
func (t tune) backoff(attempt int) time.Duration {
	if attempt == 0 {
		return 0
	}
	d := t.most
	if attempt < 16 {
		d = min(t.most, t.first<<(attempt-1))
	}
	return d/2 + rand.N(d/2+1)
}
