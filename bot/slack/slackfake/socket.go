package slackfake

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Limits of Socket Mode (docs.slack.dev/apis/events-api/using-socket-mode). That an
// acknowledgement of 20 KB is dropped in silence is known from its clients.
const (
	maxConns    = 10
	maxAckBytes = 20 * 1024
)

// conn is one connection of the app.
type conn struct {
	s      *Slack
	ws     *websocket.Conn
	out    chan frame
	gone   chan struct{}
	once   sync.Once
	closed bool // takes no more deliveries
	deaf   bool // its pings stopped
}

// frame is something to be written.
type frame struct {
	kind int
	data []byte
}

// openConnection is apps.connections.open.
func (s *Slack) openConnection(*call) (object, *refusal) {
	ticket := newSecret(16)
	s.tickets[ticket] = true
	return object{"url": "ws" + strings.TrimPrefix(s.url, "http") + "/link/?ticket=" + ticket + "&app_id=" + AppID}, nil
}

// serveSocket takes a connection with a ticket, once.
func (s *Slack) serveSocket(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	known := s.tickets[ticket]
	delete(s.tickets, ticket)
	s.mu.Unlock()
	if !known {
		http.Error(w, "the ticket is unknown or was used", http.StatusNotFound)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &conn{s: s, ws: ws, out: make(chan frame, 1024), gone: make(chan struct{})}
	if !s.begin() {
		_ = ws.Close()
		return
	}
	go func() { defer s.work.Done(); c.write() }()
	ws.SetPingHandler(func(data string) error {
		if c.isDeaf() {
			return nil
		}
		return ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
	})
	s.greet(c)
	c.read()
}

// greet says hello, or that there are too many.
func (s *Slack) greet(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.drop()
		return
	}
	if len(s.conns) >= maxConns {
		c.pushJSON(object{"type": "disconnect", "reason": "too_many_websockets", "debug_info": object{"host": "applink-fake"}})
		c.pushFrame(frame{kind: websocket.CloseMessage})
		return
	}
	s.conns = append(s.conns, c)
	c.pushJSON(object{
		"type": "hello", "num_connections": len(s.conns), "connection_info": object{"app_id": AppID},
		"debug_info": object{"host": "applink-fake", "build_number": 1, "approximate_connection_time": 18060},
	})
	s.wake()
}

// read takes acknowledgements until the connection ends.
func (c *conn) read() {
	defer c.leave()
	c.ws.SetReadLimit(1 << 20)
	for {
		_, raw, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		c.s.takeAck(raw)
	}
}

// takeAck reads an acknowledgement.
func (s *Slack) takeAck(raw []byte) {
	v, err := decode(raw)
	o := obj(v)
	if err != nil || o == nil || str(o["envelope_id"]) == "" {
		s.complain(Malformed, "a frame without envelope_id: %.200s", raw)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.findDelivery(str(o["envelope_id"]))
	if d == nil {
		s.complainLocked(StrangeAck, "envelope %s was never sent", str(o["envelope_id"]))
		return
	}
	reply := obj(o["payload"])
	if len(raw) >= maxAckBytes {
		s.complainLocked(StrangeAck, "%d bytes: Slack drops answers of 20 KB and more", len(raw))
		return
	}
	if o["payload"] != nil && !d.accepts && len(reply) > 0 {
		s.complainLocked(StrangeAck, "%s takes no answer", describe(d))
		reply = nil
	}
	s.acknowledged(d, reply)
}

// write is the only one that writes.
func (c *conn) write() {
	ping := time.NewTicker(c.s.opt.PingEvery)
	defer ping.Stop()
	defer func() { _ = c.ws.Close() }()
	_ = c.ws.WriteControl(websocket.PingMessage, []byte("Ping from applink-fake"), time.Now().Add(time.Second))
	for {
		select {
		case <-c.gone:
			return
		case <-ping.C:
			if !c.isDeaf() {
				_ = c.ws.WriteControl(websocket.PingMessage, []byte("Ping from applink-fake"), time.Now().Add(time.Second))
			}
		case f := <-c.out:
			if f.kind == websocket.CloseMessage {
				_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
				return
			}
			if c.ws.WriteMessage(f.kind, f.data) != nil {
				return
			}
		}
	}
}

func (c *conn) isDeaf() bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.deaf
}

func (c *conn) push(data []byte) { c.pushFrame(frame{websocket.TextMessage, data}) }

func (c *conn) pushFrame(f frame) {
	select {
	case c.out <- f:
	default: // nobody reads: it is lost, as it would be
	}
}

func (c *conn) pushJSON(o object) {
	raw, _ := json.Marshal(o)
	c.push(raw)
}

// drop cuts the connection as a network does.
func (c *conn) drop() {
	c.once.Do(func() { close(c.gone) })
	_ = c.ws.NetConn().Close()
}

func (c *conn) leave() {
	c.once.Do(func() { close(c.gone) })
	c.s.do(func() { c.s.conns = slices.DeleteFunc(c.s.conns, func(o *conn) bool { return o == c }) })
}

// choose picks any of the open connections, in turn. The lock is held.
func (s *Slack) choose() *conn {
	var open []*conn
	for _, c := range s.conns {
		if !c.closed {
			open = append(open, c)
		}
	}
	if len(open) == 0 {
		return nil
	}
	s.rotate++
	return open[s.rotate%len(open)]
}

// Connections counts the open connections.
func (s *Slack) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.conns {
		if !c.closed {
			n++
		}
	}
	return n
}

// each does something with every connection.
func (s *Slack) each(f func(*conn)) {
	s.mu.Lock()
	conns := slices.Clone(s.conns)
	s.mu.Unlock()
	for _, c := range conns {
		f(c)
	}
}

// CutConnections drops every TCP connection, without a word. When it returns the
// connections are not counted any more.
func (s *Slack) CutConnections() {
	s.each(func(c *conn) {
		s.do(func() { c.closed = true })
		c.drop()
	})
}

// The reasons of a disconnect.
const (
	DisconnectWarning  = "warning"
	DisconnectRefresh  = "refresh_requested"
	DisconnectDisabled = "link_disabled"
)

// Disconnect asks every connection to go. After a warning it is cut ten seconds
// later, else at once; in between it takes no more deliveries, for a client that
// was asked to refresh opens another connection first.
func (s *Slack) Disconnect(reason string) {
	wait := time.Duration(0)
	if reason == DisconnectWarning {
		wait = s.opt.WarnBefore
	}
	s.each(func(c *conn) {
		s.do(func() {
			c.closed = true
			c.pushJSON(object{"type": "disconnect", "reason": reason, "debug_info": object{"host": "applink-fake"}})
		})
		if wait == 0 {
			c.pushFrame(frame{kind: websocket.CloseMessage})
			return
		}
		s.after(wait, func() { c.pushFrame(frame{kind: websocket.CloseMessage}) })
	})
}

// StopPings leaves the connections open, pings no more and answers no pings.
func (s *Slack) StopPings() {
	s.each(func(c *conn) { s.do(func() { c.deaf = true }) })
}

// SendFrame writes something to every connection, however wrong it is.
func (s *Slack) SendFrame(raw string) {
	s.each(func(c *conn) { c.push([]byte(raw)) })
}

// SendBinary writes a binary frame to every connection.
func (s *Slack) SendBinary(raw []byte) {
	s.each(func(c *conn) { c.pushFrame(frame{websocket.BinaryMessage, raw}) })
}
