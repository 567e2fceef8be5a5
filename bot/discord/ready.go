package discord

import (
	"errors"
	"fmt"
)

// Ready is why Discord does not reach us at the moment, or nil: no connection, or a
// guild of the team's that we are not in any more. A replica in whose place another is
// connected is ready (see Standby). Over HTTP it cannot be seen whether
// Discord reaches us; there it is whether Discord knows us, and Run runs.
func (p *Platform) Ready() error {
	switch {
	case p.me.Load() == nil:
		return errors.New("discord: it is not known yet who we are")
	case !p.door.IsOpen():
		return errors.New("discord: it does not run")
	}
	if !p.overHTTP() {
		if p.Standby() != "" {
			return nil
		}
		if p.opt.Sole != nil {
			if by, _ := p.opt.Sole.Held(); by == "" {
				return errors.New("discord: the store does not say which replica is connected")
			}
		}
		if err := p.links.Ready(); err != nil {
			return fmt.Errorf("discord: %w", err)
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

// Note is a word on how it is ready: who is connected in our place, and how many of the
// channels that were to be written to since the start are gone. Which they are, doctor says.
func (p *Platform) Note() string {
	note := p.Standby()
	n := p.dir.lost()
	if n == 0 {
		return note
	}
	if note != "" {
		note += "; "
	}
	return note + fmt.Sprintf("channels that are gone: %d", n)
}
