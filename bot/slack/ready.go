package slack

import (
	"errors"
	"fmt"
	"time"
)

// Ready is why Slack does not reach us at the moment, or nil. Over HTTP it cannot be
// seen whether Slack does; there it is whether Slack knows us, and Run runs.
func (p *Platform) Ready() error {
	switch {
	case p.me.Load() == nil:
		return errors.New("slack: it is not known yet who we are")
	case !p.door.IsOpen():
		return errors.New("slack: it does not run")
	case p.opt.AppToken == "":
		return nil
	}
	if err := p.links.Ready(); err != nil {
		return fmt.Errorf("slack: %w", err)
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
