package embedded

import (
	"strings"

	"github.com/alicebob/miniredis/v2/server"
)

// maxQueue bounds the commands of one transaction.
const maxQueue = 256 << 20

// run handles one command of the connection, under the engine's lock. Transactions are queued here and not in miniredis:
// only so does the journal see plain commands and scripts of one transaction in their order.
func (c *conn) run(args []string) {
	switch cmd := strings.ToUpper(args[0]); cmd {
	case "MULTI", "EXEC", "DISCARD":
		c.transaction(cmd, args)
	default:
		if c.multi {
			c.enqueue(cmd, args)
			return
		}
		c.subscribed = c.subscribed || strings.HasSuffix(cmd, "SUBSCRIBE")
		c.e.dispatch(c.peer, args)
	}
}

func (c *conn) transaction(cmd string, args []string) {
	if msg := c.busySubscribing(); msg != "" {
		c.peer.WriteRaw(msg)
		return
	}
	switch {
	case len(args) != 1:
		c.dirty = c.dirty || c.multi
		c.peer.WriteError("ERR wrong number of arguments for '" + strings.ToLower(cmd) + "' command")
	case cmd == "MULTI" && c.multi:
		c.peer.WriteError("ERR MULTI calls can not be nested")
	case cmd == "MULTI":
		c.multi = true
		c.peer.WriteOK()
	case !c.multi:
		c.peer.WriteError("ERR " + cmd + " without MULTI")
	case cmd == "DISCARD":
		c.endMulti()
		c.e.run(c.peer, []string{"UNWATCH"})
		c.peer.WriteOK()
	default:
		c.exec()
	}
}

// busySubscribing is the error of a connection that listens to channels, or "".
func (c *conn) busySubscribing() string {
	if !c.subscribed {
		return ""
	}
	if reply := c.e.run(c.peer, []string{"ECHO", "x"}); reply[0] == '-' {
		return string(reply)
	}
	return ""
}

func (c *conn) endMulti() {
	c.multi, c.dirty, c.queue, c.queued = false, false, nil, 0
}

// enqueue finds what is wrong with a command now, as Redis does: one that cannot run makes EXEC refuse them all.
func (c *conn) enqueue(cmd string, args []string) {
	if msg := c.early(cmd, args); msg != "" {
		c.dirty = true
		c.peer.WriteRaw(msg)
		return
	}
	for _, a := range args {
		c.queued += len(a)
	}
	if c.queued > maxQueue {
		c.dirty = true
		c.peer.WriteError("ERR transaction too big")
		return
	}
	c.queue = append(c.queue, args)
	c.peer.WriteInline("QUEUED")
}

// early is the raw error for a command in a transaction, or "". Miniredis judges names and arguments when it queues, so a
// transaction of its own that is thrown away again serves as the judge. It is stricter than Redis, which judges only name
// and number and lets a wrong option fail alone in EXEC: here such a transaction changes nothing.
func (c *conn) early(cmd string, args []string) string {
	k := kindOf(cmd)
	switch registered := c.e.srv.IsRegisteredCommand(cmd); {
	case registered && k == refused:
		return "-" + notHere(cmd) + "\r\n"
	case k == session && cmd != "UNWATCH" && cmd != "SCRIPT" && cmd != "CLIENT" && cmd != "SELECT":
		return "-ERR " + cmd + " inside MULTI is not allowed\r\n"
	}
	if msg := c.e.replayable(cmd, args[1:]); msg != "" {
		return "-" + msg + "\r\n"
	}
	judge := newCapture()
	c.e.top = judge.peer
	defer func() { c.e.top = nil }()
	c.e.srv.Dispatch(judge.peer, []string{"MULTI"})
	judge.peer.Flush()
	judge.buf.Reset()
	c.e.srv.Dispatch(judge.peer, args)
	judge.peer.Flush()
	if reply := judge.buf.String(); strings.HasPrefix(reply, "-") {
		return reply
	}
	return ""
}

func (c *conn) exec() {
	queue, dirty := c.queue, c.dirty
	c.endMulti()
	if dirty {
		c.e.run(c.peer, []string{"UNWATCH"})
		c.peer.WriteError("EXECABORT Transaction discarded because of previous errors.")
		return
	}
	// An empty transaction of miniredis tells whether a watched key has changed, and ends the watch.
	c.e.run(c.peer, []string{"MULTI"})
	if reply := c.e.run(c.peer, []string{"EXEC"}); string(reply) != "*0\r\n" {
		c.peer.WriteRaw(string(reply))
		return
	}
	c.peer.Block(func(w *server.Writer) { w.WriteLen(len(queue)) })
	for _, args := range queue {
		c.e.dispatch(c.peer, args)
	}
}
