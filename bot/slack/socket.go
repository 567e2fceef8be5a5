package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/allclear-bot/allclear/bot"
)

// maxFrame is how large an envelope may be, in bytes.
const maxFrame = 8 << 20

// The reasons for which Slack ends a connection
// (docs.slack.dev/apis/events-api/using-socket-mode).
const (
	switchedOff = "link_disabled"
	tooMany     = "too_many_websockets"
)

// farewell is why a connection is of no use any more, or will not be.
type farewell struct {
	reason string
	err    error
}

// runSocket keeps a connection to Slack until the context ends. When Slack wants one
// to end, the next is opened first, and the old one is read until it ends.
func (p *Platform) runSocket(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var conns sync.WaitGroup
	defer conns.Wait()
	defer cancel()
	for attempt := 0; ctx.Err() == nil; attempt++ {
		bot.Pause(ctx, bot.Backoff(attempt, p.tune.first, p.tune.most))
		began := time.Now()
		c, err := p.connect(ctx)
		if hopeless(err) {
			return refusedToken("app", err)
		}
		if err != nil {
			p.unconnected(ctx, err)
			continue
		}
		conns.Go(func() { c.run(ctx) })
		var bye farewell
		select {
		case <-ctx.Done():
			return nil
		case bye = <-c.bye:
		}
		p.opt.Count("disconnected")
		p.opt.Logger.Info("slack: a connection ends", "reason", bye.reason, "error", bye.err)
		switch {
		case bye.reason == switchedOff:
			return errors.New("slack: Socket Mode is switched off for this app (" + switchedOff + ")")
		case bye.reason == tooMany:
			bot.Pause(ctx, p.tune.crowd)
		case time.Since(began) >= p.tune.steady:
			attempt = -1
		}
	}
	return nil
}

func (p *Platform) unconnected(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	err = hushed(err)
	p.links.Trouble(err)
	p.opt.Count("connection failed")
	p.opt.Logger.Warn("slack: no connection can be made", "error", err)
}

// connect opens a connection. Its address is as good as a password: no error has it.
func (p *Platform) connect(ctx context.Context) (*conn, error) {
	opening, cancel := context.WithTimeout(ctx, errandTime)
	defer cancel()
	_, address, err := p.api.StartSocketModeContext(opening)
	if err != nil {
		if wait := p.dir.limited(err); wait > 0 {
			bot.Pause(ctx, wait)
		}
		return nil, err
	}
	ws, resp, err := p.dialer().DialContext(opening, address, nil)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(maxFrame)
	return &conn{p: p, ws: ws, out: make(chan []byte, mostUnsent), bye: make(chan farewell, 1)}, nil
}

// dialer goes the way of the client that makes all other requests: through its proxy,
// with its certificates.
func (p *Platform) dialer() *websocket.Dialer {
	d := &websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: errandTime, WriteBufferSize: 32 << 10}
	if t, ok := p.opt.Client.Transport.(*http.Transport); ok {
		d.Proxy, d.NetDialContext = t.Proxy, t.DialContext
		if t.TLSClientConfig != nil {
			d.TLSClientConfig = t.TLSClientConfig.Clone()
		}
	}
	return d
}

// envelope is what comes over a connection.
type envelope struct {
	Type    string `json:"type"`
	ID      string `json:"envelope_id"`
	Payload []byte `json:"-"`
	Accepts bool   `json:"accepts_response_payload"`
	Retry   int    `json:"retry_attempt"`
	Reason  string `json:"reason"` // of a disconnect
}

// read makes a delivery of an envelope. Ok is false when it is none that we know.
func (e envelope) read() (d delivery, ok bool, err error) {
	switch e.Type {
	case "slash_commands":
		d, err = readSlash(e.Payload)
	case "interactive":
		d, err = readInteraction(e.Payload)
	case "events_api":
		d, err = readEvent(e.Payload)
	default:
		return d, false, fmt.Errorf("an envelope of the type %.40q", e.Type)
	}
	d.tried(e.Retry)
	return d, err == nil, err
}
