package embedded

import (
	"bufio"
	"errors"
	"net"
	"sync"

	"github.com/alicebob/miniredis/v2/server"
)

// maxUnread is how much a client may leave unread before it is cut off.
const maxUnread = 256 << 20

// conn is one client. Its reader runs commands and leaves the replies in out; its writer sends them once what they may
// have seen is synced. So a pipeline shares a sync, and a slow client holds up nobody.
type conn struct {
	e    *Engine
	nc   net.Conn
	in   *bufio.Reader
	peer *server.Peer

	mu    sync.Mutex
	wake  sync.Cond
	out   []byte
	need  uint64 // effects that must be synced before out may be sent
	busy  bool   // the reader is running commands: more of out is to come
	ended bool   // nothing more will be written

	// Only for the reader, under the engine's lock.
	multi, dirty, subscribed bool
	queue                    [][]string
	queued                   int
}

func newConn(e *Engine, nc net.Conn) *conn {
	c := &conn{e: e, nc: nc}
	c.wake.L = &c.mu
	c.in = bufio.NewReaderSize(source{c}, 16<<10)
	c.peer = server.NewPeer(bufio.NewWriter(c))
	return c
}

// serve returns when the client has gone or the connection was closed.
func (c *conn) serve() {
	var writer sync.WaitGroup
	writer.Go(c.send)
	c.receive()
	c.release()
	c.end()
	writer.Wait()
	_ = c.nc.Close()
	c.unsubscribe()
}

func (c *conn) receive() {
	for !c.peer.Closed() {
		args, err := readCommand(c.in)
		if errors.Is(err, errProtocol) {
			c.peer.WriteError("ERR " + err.Error())
			c.peer.Flush()
		}
		if err != nil {
			return
		}
		if len(args) == 0 {
			continue
		}
		c.e.do(c, args)
		c.peer.Flush()
	}
}

// source is where the reader gets its bytes. It is asked only when all that came before has been run, which is when the
// replies may go.
type source struct{ c *conn }

func (s source) Read(p []byte) (int, error) {
	s.c.release()
	n, err := s.c.nc.Read(p)
	s.c.mu.Lock()
	s.c.busy = true
	s.c.mu.Unlock()
	return n, err
}

func (c *conn) release() {
	c.mu.Lock()
	c.busy = false
	c.need = c.e.appended.Load()
	c.wake.Signal()
	c.mu.Unlock()
	c.e.kick()
}

// Write takes replies, and messages of channels that this client listens to: those come from goroutines of miniredis at
// any time, and must never wait, because the publisher holds its lock meanwhile.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ended:
	case len(c.out)+len(p) > maxUnread:
		c.out, c.ended = nil, true
		_ = c.nc.Close()
	default:
		c.out = append(c.out, p...)
		c.need = c.e.appended.Load()
	}
	if !c.busy {
		c.wake.Signal()
		c.e.kick()
	}
	return len(p), nil
}

func (c *conn) end() {
	c.mu.Lock()
	c.ended = true
	c.wake.Signal()
	c.mu.Unlock()
}

func (c *conn) send() {
	var spare []byte
	for {
		c.mu.Lock()
		for !c.ended && (c.busy || len(c.out) == 0) {
			c.wake.Wait()
		}
		if len(c.out) == 0 {
			c.mu.Unlock()
			return
		}
		replies, need := c.out, c.need
		c.out = spare[:0]
		c.mu.Unlock()

		if !c.e.awaitSync(need) {
			_, _ = c.nc.Write([]byte("-ERR " + c.e.Err().Error() + "\r\n"))
			_ = c.nc.Close()
			return
		}
		if _, err := c.nc.Write(replies); err != nil {
			_ = c.nc.Close()
			return
		}
		if spare = replies; cap(spare) > 1<<20 {
			spare = nil
		}
	}
}

// unsubscribe does what miniredis' own server does for a client that has gone: else its subscriptions stay for ever.
func (c *conn) unsubscribe() {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if !c.subscribed || c.e.broken.Load() {
		return
	}
	c.e.top = c.peer
	defer func() { c.e.top = nil }()
	c.e.srv.Dispatch(c.peer, []string{"UNSUBSCRIBE"})
	c.e.srv.Dispatch(c.peer, []string{"PUNSUBSCRIBE"})
}
