package discordfake

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// The opcodes of the gateway.
// https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway
const (
	opDispatch  = 0
	opHeartbeat = 1
	opIdentify  = 2
	opPresence  = 3
	opVoice     = 4
	opResume    = 6
	opReconnect = 7
	opMembers   = 8
	opInvalid   = 9
	opHello     = 10
	opAck       = 11
)

// maxSend is how large a payload to the gateway may be, in bytes.
const maxSend = 4096

// conn is a connection to the gateway. One goroutine reads, one writes.
type conn struct {
	f        *Fake
	ws       *websocket.Conn
	version  int
	wake     chan struct{}
	done     chan struct{}
	once     sync.Once
	session  *session  // under Fake.mu, like all below
	sent     int       // events of the session that were sent
	queue    []control // what goes out besides events
	sends    []time.Time
	compress bool
	zombie   bool
	beats    int
	last     *websocket.CloseError // how to close when the queue is empty
}

// payload is what comes in.
type payload struct {
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
}

func (f *Fake) serveGateway(w http.ResponseWriter, r *http.Request) {
	f.noteLeaks(r)
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	q := r.URL.Query()
	c := &conn{f: f, ws: ws, wake: make(chan struct{}, 1), done: make(chan struct{})}
	switch q.Get("v") {
	case "9":
		c.version = 9
	case "10", "":
		c.version = 10
	}
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		_ = ws.Close()
		return
	}
	f.conns[c] = true
	switch {
	case c.version == 0:
		c.closeWith(4012, "Invalid API version.")
	case q.Get("encoding") != "" && q.Get("encoding") != "json", q.Get("compress") != "":
		c.closeWith(4002, "The fake speaks JSON without transport compression.")
	default:
		c.say(opHello, map[string]any{"heartbeat_interval": f.opt.Heartbeat.Milliseconds()})
	}
	f.tasks.Add(2)
	f.mu.Unlock()
	defer f.tasks.Done()
	go func() {
		defer f.tasks.Done()
		c.write()
	}()
	c.poke()
	code := c.read()
	f.mu.Lock()
	f.leave(c, code)
	delete(f.conns, c)
	f.change()
	f.mu.Unlock()
	c.drop()
}

// control is a frame besides the events, and after how many of them it comes.
type control struct {
	frame any
	after int
}

// say sends a frame that is no event, behind the events that there are. The lock is
// held.
func (c *conn) say(op int, d any) {
	after := 0
	if c.session != nil {
		after = len(c.session.events)
	}
	c.queue = append(c.queue, control{map[string]any{"op": op, "d": d, "s": nil, "t": nil}, after})
	c.poke()
}

// poke tells the writer that there is something to send.
func (c *conn) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// drop cuts the connection off.
func (c *conn) drop() {
	c.once.Do(func() { close(c.done) })
	_ = c.ws.Close()
}

// closeWith closes the connection after what waits was sent.
func (c *conn) closeWith(code int, text string) {
	if c.last == nil {
		c.last = &websocket.CloseError{Code: code, Text: text}
	}
	c.poke()
}

// write sends what there is until the connection ends.
func (c *conn) write() {
	for {
		select {
		case <-c.done:
			return
		case <-c.wake:
		}
		frames, last := c.next()
		for _, fr := range frames {
			if c.send(fr) != nil {
				c.drop()
				return
			}
		}
		if last != nil {
			deadline := time.Now().Add(time.Second)
			_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(last.Code, last.Text), deadline)
			c.drop()
			return
		}
	}
}

// outgoing is a frame on its way.
type outgoing struct {
	frame    any
	compress bool
}

// next takes what is to be sent.
func (c *conn) next() ([]outgoing, *websocket.CloseError) {
	f := c.f
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []outgoing
	for _, ctl := range c.queue {
		out = append(c.events(out, ctl.after), outgoing{ctl.frame, false})
	}
	c.queue = nil
	if c.session != nil {
		out = c.events(out, len(c.session.events))
	}
	return out, c.last
}

// events appends the events up to a number that were not sent yet.
func (c *conn) events(out []outgoing, upTo int) []outgoing {
	s := c.session
	if s == nil || s.conn != c || c.zombie {
		return out
	}
	for ; c.sent < min(upTo, len(s.events)); c.sent++ {
		e := s.events[c.sent]
		out = append(out, outgoing{map[string]any{"op": opDispatch, "d": e.data, "s": c.sent + 1, "t": e.name}, c.compress})
		if e.of != nil {
			e.of.delivered = true
		}
	}
	return out
}

// send writes one frame; large ones are compressed when the client asked for it.
func (c *conn) send(o outgoing) error {
	raw, err := json.Marshal(o.frame)
	if err != nil {
		return err
	}
	_ = c.ws.SetWriteDeadline(time.Now().Add(10 * time.Second))
	if !o.compress || len(raw) < 1024 {
		return c.ws.WriteMessage(websocket.TextMessage, raw)
	}
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write(raw)
	_ = z.Close()
	return c.ws.WriteMessage(websocket.BinaryMessage, b.Bytes())
}

// read takes payloads until the connection ends, and returns the close code of the
// client, 0 when it gave none.
func (c *conn) read() int {
	c.beat()
	for {
		kind, raw, err := c.ws.ReadMessage()
		if err != nil {
			if e, ok := err.(*websocket.CloseError); ok && e.Code != websocket.CloseAbnormalClosure { //nolint:errorlint // gorilla returns it bare
				return e.Code
			}
			return 0
		}
		c.f.mu.Lock()
		if c.last == nil {
			c.take(kind, raw)
		}
		c.f.change()
		c.f.mu.Unlock()
	}
}

// beat gives the client two heartbeats of time.
func (c *conn) beat() { _ = c.ws.SetReadDeadline(time.Now().Add(2*c.f.opt.Heartbeat + 2*time.Second)) }

// take handles one payload. The lock is held.
func (c *conn) take(kind int, raw []byte) {
	var p payload
	if kind != websocket.TextMessage || len(raw) > maxSend || json.Unmarshal(raw, &p) != nil {
		c.closeWith(4002, "Error while decoding payload.")
		return
	}
	if c.flooded(p.Op) {
		return
	}
	switch p.Op {
	case opHeartbeat:
		c.beat()
		c.beats++
		if !c.f.silent && !c.zombie {
			c.say(opAck, nil)
		}
	case opIdentify:
		c.identify(p.D)
	case opResume:
		c.resume(p.D)
	case opPresence, opVoice, opMembers:
		if c.session == nil {
			c.closeWith(4003, "Not authenticated.")
		}
	default:
		c.closeWith(4001, "Unknown opcode.")
	}
}

// flooded counts sends. Heartbeats count unless a test makes them unnaturally fast.
func (c *conn) flooded(op int) bool {
	if op == opHeartbeat && c.f.opt.Heartbeat < time.Second {
		return false
	}
	limit, now := c.f.limiter.limits.Sends, c.f.now()
	if _, used := over(c.sends, limit, now); used {
		c.f.offend(Flooded, "%d sends within %s", limit.N+1, limit.Per)
		c.closeWith(4008, "Rate limited.")
		return true
	}
	c.sends = append(recent(c.sends, limit, now), now)
	return false
}

// authentic reports whether a token, with or without "Bot ", is the bot's.
func (c *conn) authentic(token string) bool {
	if strings.TrimPrefix(token, "Bot ") == c.f.app.Token && !c.f.lockedOut {
		return true
	}
	c.closeWith(4004, "Authentication failed.")
	return false
}
