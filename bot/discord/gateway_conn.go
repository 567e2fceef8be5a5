package discord

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"github.com/allclear-bot/allclear/bot"
)

// The opcodes of the gateway (docs.discord.com/developers/topics/opcodes-and-status-codes#gateway).
const (
	opDispatch  = 0
	opHeartbeat = 1
	opIdentify  = 2
	opResume    = 6
	opReconnect = 7
	opInvalid   = 9
	opHello     = 10
	opAck       = 11
)

// writeTime bounds each write to the gateway.
const writeTime = 5 * time.Second

// resumeLater closes a connection whose session goes on.
const resumeLater = 4000

// conn is one connection to the gateway.
type conn struct {
	g     *gateway
	ws    *websocket.Conn
	token string

	mu    sync.Mutex // of writing
	seq   atomic.Int64
	acked atomic.Bool // the last heartbeat was
	dead  atomic.Bool // none was for too long
}

// run reads the connection until it ends, or the context does. What came until then is
// still handled.
func (c *conn) run(ctx context.Context) farewell {
	ctx, cancel := context.WithCancel(ctx)
	var beating, inFlight sync.WaitGroup
	stop := context.AfterFunc(ctx, c.interrupt)
	bye := c.read(ctx, &beating, &inFlight)
	stop()
	ended := ctx.Err() != nil
	cancel()
	beating.Wait()
	code := resumeLater
	if ended {
		code = websocket.CloseNormalClosure
	}
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
	_ = c.ws.Close()
	inFlight.Wait()
	return bye
}

// interrupt makes a read that waits return.
func (c *conn) interrupt() { _ = c.ws.SetReadDeadline(time.Unix(1, 0)) }

func (c *conn) write(op int, d any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.ws.SetWriteDeadline(time.Now().Add(writeTime))
	return c.ws.WriteJSON(struct {
		Op int `json:"op"`
		D  any `json:"d"`
	}{op, d})
}

func (c *conn) read(ctx context.Context, beating, inFlight *sync.WaitGroup) farewell {
	up := false
	defer func() {
		if up {
			c.g.p.links.Down(c.g.p.opt.Now())
		}
	}()
	c.seq.Store(c.g.seq)
	_ = c.ws.SetReadDeadline(time.Now().Add(c.g.p.tune.hello))
	greeted := false
	for {
		var f frame
		_, raw, err := c.ws.ReadMessage()
		switch {
		case ctx.Err() != nil:
			return farewell{err: context.Canceled}
		case c.dead.Load():
			return farewell{err: errors.New("heartbeats were not acknowledged")}
		case err != nil:
			return c.g.closed(err)
		case json.Unmarshal(raw, &f) != nil:
			c.g.p.malformed("frame", errors.New("it is not JSON"))
			continue
		}
		switch f.Op {
		case opHello:
			if greeted {
				continue
			}
			greeted = true
			if bye, ok := c.greet(ctx, f.Data, beating); !ok {
				return bye
			}
		case opHeartbeat:
			_ = c.beat()
		case opAck:
			c.acked.Store(true)
		case opReconnect:
			return farewell{err: errors.New("we are to come back")}
		case opInvalid:
			return c.invalid(ctx, f.Data)
		case opDispatch:
			if f.Seq != nil {
				c.g.seq = *f.Seq
				c.seq.Store(*f.Seq)
			}
			if f.Type == "READY" || f.Type == "RESUMED" {
				if !c.begun(f) {
					return farewell{err: errors.New("a session without a name")}
				}
				if !up {
					up = true
					c.g.p.links.Up()
					c.g.p.opt.Count("connected")
					c.g.p.opt.Logger.Info("discord: connected", "as", f.Type)
				}
			}
			c.g.p.happened(ctx, f, inFlight)
		}
	}
}

// greet answers HELLO: it begins to send heartbeats, and the session or a new one.
func (c *conn) greet(ctx context.Context, raw json.RawMessage, beating *sync.WaitGroup) (farewell, bool) {
	var hello struct {
		Interval int64 `json:"heartbeat_interval"`
	}
	if json.Unmarshal(raw, &hello) != nil || hello.Interval < 1 || hello.Interval > 600_000 {
		return farewell{err: errors.New("a hello that cannot be read")}, false
	}
	_ = c.ws.SetReadDeadline(time.Time{}) // heartbeats tell when it is dead
	if ctx.Err() != nil {
		c.interrupt()
	}
	c.acked.Store(true)
	beating.Go(func() { c.heartbeats(ctx, time.Duration(hello.Interval)*time.Millisecond) })
	var err error
	if c.g.session != "" {
		err = c.write(opResume, map[string]any{"token": c.token, "session_id": c.g.session, "seq": c.g.seq})
	} else {
		if !bot.Pause(ctx, c.g.p.tune.identify-time.Since(c.g.identified)) {
			return farewell{err: context.Canceled}, false
		}
		c.g.identified = time.Now()
		err = c.write(opIdentify, discordgo.Identify{
			Token: c.token, Intents: discordgo.IntentsGuilds,
			Properties: discordgo.IdentifyProperties{OS: runtime.GOOS, Browser: "allclear", Device: "allclear"},
		})
	}
	if err != nil {
		return farewell{err: errors.New("it broke")}, false
	}
	return farewell{}, true
}

// heartbeats tell Discord that we live, and us that it does: when one is not
// acknowledged until the next is due, the connection is dead, whatever TCP says.
func (c *conn) heartbeats(ctx context.Context, every time.Duration) {
	wait := rand.N(every)
	for bot.Pause(ctx, wait) {
		if !c.acked.Swap(false) {
			c.g.p.opt.Count("zombie")
			c.dead.Store(true)
			c.interrupt()
			return
		}
		if c.beat() != nil {
			c.interrupt()
			return
		}
		wait = every
	}
}

func (c *conn) beat() error {
	var seq any
	if n := c.seq.Load(); n > 0 {
		seq = n
	}
	return c.write(opHeartbeat, seq)
}

// invalid is that Discord does not go on with the session, or not now.
func (c *conn) invalid(ctx context.Context, raw json.RawMessage) farewell {
	var resumable bool
	if json.Unmarshal(raw, &resumable) != nil || !resumable {
		c.g.forget()
	}
	bot.Pause(ctx, c.g.p.tune.invalid+rand.N(c.g.p.tune.invalid+1))
	return farewell{err: errors.New("the session is invalid")}
}

// begun notes the session that was begun or resumed.
func (c *conn) begun(f frame) bool {
	if f.Type == "RESUMED" {
		return true
	}
	var ready struct {
		Session string `json:"session_id"`
		Resume  string `json:"resume_gateway_url"`
	}
	if json.Unmarshal(f.Data, &ready) != nil || ready.Session == "" {
		return false
	}
	c.g.session, c.g.resumeAt = ready.Session, ready.Resume
	return true
}
