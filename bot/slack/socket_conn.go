package slack

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// What a connection waits with, and for how long.
const (
	mostUnsent = 256 // acknowledgements; with more the connection is stuck
	writeTime  = 5 * time.Second
)

// conn is one connection to Slack. What comes over it is acknowledged over it.
type conn struct {
	p   *Platform
	ws  *websocket.Conn
	out chan []byte
	bye chan farewell // one, when it ends or will

	ending   sync.Once
	inFlight sync.WaitGroup
}

// run reads the connection until it ends, or the context does. What came until then
// is still handled and acknowledged.
func (c *conn) run(ctx context.Context) {
	writing := make(chan struct{})
	go func() { // waited for below
		defer close(writing)
		c.write()
	}()
	stop := context.AfterFunc(ctx, c.interrupt)
	err := c.read(ctx)
	stop()
	c.farewell(farewell{reason: "lost", err: err})
	c.inFlight.Wait()
	close(c.out)
	<-writing
	_ = c.ws.Close()
}

// interrupt makes a read that waits return.
func (c *conn) interrupt() { _ = c.ws.SetReadDeadline(time.Unix(1, 0)) }

// farewell says, once, that the connection is of no use any more.
func (c *conn) farewell(f farewell) {
	c.ending.Do(func() { c.bye <- f })
}

// read takes envelopes. Slack pings often; without a ping or an envelope the
// connection is dead, whatever TCP says.
func (c *conn) read(ctx context.Context) error {
	alive := func() {
		_ = c.ws.SetReadDeadline(time.Now().Add(c.p.tune.silence))
		if ctx.Err() != nil {
			c.interrupt()
		}
	}
	c.ws.SetPingHandler(func(data string) error {
		alive()
		_ = c.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTime))
		return nil
	})
	_ = c.ws.SetReadDeadline(time.Now().Add(c.p.tune.hello))
	greeted := false
	defer func() {
		if greeted {
			c.p.links.Down(c.p.opt.Now())
		}
	}()
	var late *time.Timer
	defer func() {
		if late != nil {
			late.Stop()
		}
	}()
	for ctx.Err() == nil {
		_, raw, err := c.ws.ReadMessage()
		if err != nil {
			return lost(ctx, err)
		}
		e, err := readEnvelope(raw)
		if err != nil {
			c.p.malformed("envelope", err)
			continue
		}
		switch {
		case e.Type == "hello":
			if !greeted {
				greeted = true
				c.p.links.Up()
				c.p.opt.Count("connected")
				c.p.opt.Logger.Info("slack: connected")
			}
		case e.Type == "disconnect":
			c.farewell(farewell{reason: e.Reason})
			if late == nil {
				late = time.AfterFunc(c.p.tune.grace, c.interrupt)
			}
			continue // it is not to live on because of what it says now
		case e.ID != "":
			c.take(ctx, e)
		}
		alive()
	}
	return nil
}

// lost is why a connection ended, without what Slack or anybody wrote into it.
func lost(ctx context.Context, err error) error {
	var closed *websocket.CloseError
	var slow interface{ Timeout() bool }
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.As(err, &closed):
		return errors.New("it was closed")
	case errors.As(err, &slow) && slow.Timeout():
		return errors.New("nothing was heard for too long")
	}
	return errors.New("it broke")
}

// take handles one envelope in its own time: the next is read meanwhile.
func (c *conn) take(ctx context.Context, e envelope) {
	now := c.p.opt.Now()
	d, known, err := e.read()
	if !known {
		c.p.malformed(e.Type, err) // it would not be better a second time
		c.acknowledge(e, nil)
		return
	}
	d.at = now
	c.inFlight.Go(func() {
		if t := c.p.serve(ctx, d); !t.refused {
			c.acknowledge(e, t.body)
		}
	})
}

// acknowledge tells Slack that an envelope was taken.
func (c *conn) acknowledge(e envelope, body any) {
	ack := struct {
		ID      string `json:"envelope_id"`
		Payload any    `json:"payload,omitempty"`
	}{ID: e.ID}
	if e.Accepts {
		ack.Payload = body
	}
	raw, err := json.Marshal(ack)
	if err != nil {
		return
	}
	select {
	case c.out <- raw:
	default:
		c.interrupt() // nobody reads at the other end
	}
}

// write sends acknowledgements until there are no more, and says goodbye.
func (c *conn) write() {
	broken := false
	for raw := range c.out {
		if broken {
			continue
		}
		_ = c.ws.SetWriteDeadline(time.Now().Add(writeTime))
		if c.ws.WriteMessage(websocket.TextMessage, raw) != nil {
			broken = true
			c.interrupt()
		}
	}
	if !broken {
		goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
		_ = c.ws.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(time.Second))
	}
}

// readEnvelope takes an envelope apart. Its payload is left as it is.
func readEnvelope(raw []byte) (envelope, error) {
	var e struct {
		envelope
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return envelope{}, shape(err)
	}
	e.envelope.Payload = e.Payload
	return e.envelope, nil
}
