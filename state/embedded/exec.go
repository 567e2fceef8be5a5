package embedded

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"

	"github.com/alicebob/miniredis/v2/server"
)

// capture is a peer of miniredis whose reply is kept: to see what a write did before it is journalled.
type capture struct {
	peer *server.Peer
	buf  bytes.Buffer
}

func newCapture() *capture {
	c := &capture{}
	c.peer = server.NewPeer(bufio.NewWriter(&c.buf))
	return c
}

// do runs one command of a connection and queues its effects. Everything that changes the state goes through here or
// through the expiry, under the one lock.
func (e *Engine) do(c *conn, args []string) {
	e.awaitRoom()
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.Err(); err != nil {
		c.peer.WriteError("ERR " + err.Error())
		return
	}
	defer e.contain(c.peer, strings.ToUpper(args[0]))
	e.setClock()
	e.expireDue()
	c.run(args)
	e.commit()
}

// awaitRoom keeps what waits for a sync small, so that one frame never comes near its limit.
func (e *Engine) awaitRoom() {
	const room = 32 << 20
	e.mu.Lock()
	full, upTo := len(e.pending) > room, e.appended.Load()
	e.mu.Unlock()
	if full {
		e.kick()
		e.awaitSync(upTo)
	}
}

// contain turns a panic into the end of the engine: miniredis may hold its lock and half of a change may be made in
// memory, but nothing of it is in the journal and nobody was told.
func (e *Engine) contain(p *server.Peer, cmd string) {
	r := recover()
	if r == nil {
		return
	}
	e.broken.Store(true)
	e.effects, e.recorded = nil, 0
	e.fail(fmt.Errorf("panic in %s: %v", cmd, r))
	if p != nil {
		p.WriteError("ERR " + e.Err().Error())
	}
}

func (e *Engine) setClock() {
	now := e.options.Now()
	e.now = now.UnixMilli()
	e.m.SetTime(now)
}

// dispatch runs a command for a peer that is not a script.
func (e *Engine) dispatch(p *server.Peer, args []string) {
	cmd := strings.ToUpper(args[0])
	e.top = p
	defer func() { e.top = nil }()
	if !e.srv.IsRegisteredCommand(cmd) {
		e.srv.Dispatch(p, args)
		return
	}
	if kindOf(cmd) == refused {
		p.WriteError(notHere(cmd))
		return
	}
	if !e.answer(p, cmd, args) {
		e.srv.Dispatch(p, args)
	}
}

// answer handles what the engine itself must see: writes, the refused, times to live. It says whether it gave the reply.
func (e *Engine) answer(p *server.Peer, cmd string, args []string) bool {
	if msg := e.replayable(cmd, args[1:]); msg != "" {
		p.WriteError(msg)
		return true
	}
	if len(args) == 2 {
		if n, ok := e.timeLeft(p.Ctx, cmd, args[1]); ok {
			p.WriteInt(int(n))
			return true
		}
	}
	switch kindOf(cmd) {
	case write:
		e.write(p, cmd, args)
	case read:
		if !e.ranged(p, cmd, args[1:]) {
			p.WriteRaw(string(e.run(p, args)))
		}
	default:
		return false
	}
	return true
}

func (e *Engine) write(p *server.Peer, cmd string, args []string) {
	switch cmd {
	case "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT":
		if len(args) > 3 {
			e.refresh(p, args[1])
		}
	case "FLUSHALL", "FLUSHDB":
		e.touchAll(p)
	}
	reply := e.run(p, args)
	p.WriteRaw(string(reply))
	e.effect(cmd, args[1:], reply)
}

// refresh tells miniredis how long a key really has, for the options that compare.
func (e *Engine) refresh(p *server.Peer, key string) {
	if at, ok := e.timeLeft(p.Ctx, "PEXPIRETIME", key); ok {
		e.ask(p.Ctx, "PEXPIREAT", key, fmt.Sprint(at))
	}
}

// touchAll makes a flush visible to WATCH, which miniredis alone does not.
func (e *Engine) touchAll(p *server.Peer) {
	for _, k := range e.m.DB(0).Keys() {
		e.ask(p.Ctx, "DEL", k)
	}
}

// run gives a command to miniredis in the context of p and returns the reply. Of an error only the first line: XLEN of a
// wrong type, for one, gives a second reply, and all later ones on that connection would answer the wrong question.
func (e *Engine) run(p *server.Peer, args []string) []byte {
	q := e.captured
	if q.buf.Reset(); q.buf.Cap() > 1<<20 {
		q.buf = bytes.Buffer{}
	}
	q.peer.Ctx, q.peer.Resp3 = p.Ctx, p.Resp3
	e.srv.Dispatch(q.peer, args)
	q.peer.Flush()
	if p.Ctx == nil {
		p.Ctx = q.peer.Ctx
	}
	reply := q.buf.Bytes()
	if end := bytes.IndexByte(reply, '\n'); end > 0 && reply[0] == '-' {
		reply = reply[:end+1]
	}
	return reply
}

// ask runs a command of the engine's own, unseen by the journal, and returns the raw reply. Context is that of a script
// if one is running, because then miniredis is locked already.
func (e *Engine) ask(ctx any, args ...string) string {
	q := e.asked
	q.buf.Reset()
	q.peer.Ctx = ctx
	e.srv.Dispatch(q.peer, args)
	q.peer.Flush()
	return q.buf.String()
}

// hook sees every command before miniredis runs it. Those that do not come from the engine come from a script.
func (e *Engine) hook(p *server.Peer, cmd string, args ...string) bool {
	if p == e.top || p == e.captured.peer || p == e.asked.peer {
		return false
	}
	full := append([]string{cmd}, args...)
	switch k := kindOf(cmd); {
	case !e.srv.IsRegisteredCommand(cmd):
		return false
	case k == refused:
		p.WriteError(notHere(cmd))
		return true
	case k == session, k == script, cmd == "FLUSHALL", cmd == "FLUSHDB":
		p.WriteError("ERR This Redis command is not allowed from script")
		return true
	}
	return e.answer(p, cmd, full)
}
