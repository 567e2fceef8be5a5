package discord

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// links counts the connections over which Discord reaches us.
type links struct {
	mu    sync.Mutex
	open  int
	since time.Time // when the last one was lost
	why   error     // why it was, or why no new one can be made
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
	case l.since.IsZero() && l.why == nil:
		return errors.New("discord: not connected yet")
	case l.since.IsZero():
		return fmt.Errorf("discord: not connected: %w", l.why)
	case l.why != nil:
		return fmt.Errorf("discord: not connected since %s: %w", l.since.UTC().Format(time.RFC3339), l.why)
	}
	return fmt.Errorf("discord: not connected since %s", l.since.UTC().Format(time.RFC3339))
}

// Ready is why Discord does not reach us at the moment, or nil: no connection, or a
// guild of the team's that we are not in any more. A replica in whose place another is
// connected is ready (see Standby). Over HTTP it cannot be seen whether
// Discord reaches us; there it is whether Discord knows us, and Run runs.
func (p *Platform) Ready() error {
	switch {
	case p.me.Load() == nil:
		return errors.New("discord: it is not known yet who we are")
	case !p.in.open():
		return errors.New("discord: it does not run")
	}
	if p.Standby() != "" {
		return nil
	}
	if !p.overHTTP() {
		if err := p.links.ready(); err != nil {
			return err
		}
	}
	return p.dir.missing()
}

// Standby says which replica is connected to the gateway in our place, or "".
func (p *Platform) Standby() string {
	if p.opt.Sole == nil || p.overHTTP() {
		return ""
	}
	by, ours := p.opt.Sole.Held()
	if ours || by == "" {
		return ""
	}
	return "standby, the gateway is held by " + by
}
