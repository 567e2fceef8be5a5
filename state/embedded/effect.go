package embedded

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// effect journals what a write command did, given its reply: nothing for an error or a no-op, absolute times for relative
// ones, and what happened for what was asked where the two differ.
func (e *Engine) effect(cmd string, a []string, reply []byte) {
	failed := len(reply) == 0 || reply[0] == '-'
	e.follow(cmd, a, failed)
	if failed {
		return
	}
	none := bytes.Equal(reply, []byte(":0\r\n"))
	null := bytes.HasPrefix(reply, []byte("$-1")) || bytes.HasPrefix(reply, []byte("_"))
	switch cmd {
	case "DEL", "UNLINK", "SREM", "HDEL", "ZREM", "SADD", "SETNX", "MSETNX", "HSETNX", "PERSIST", "XDEL", "SMOVE",
		"LPUSHX", "RPUSHX", "LREM":
		if none {
			return
		}
	case "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT":
		e.expired(cmd, a, none)
		return
	case "SET":
		e.set(a, null)
		return
	case "SETEX", "PSETEX":
		at, _ := e.expiryOf(cmd, a)
		e.setDeadline(a[0], at)
		e.record("SET", a[0], a[2], "PXAT", strconv.FormatInt(at, 10))
		return
	case "GETEX":
		e.getex(a, null)
		return
	case "GETDEL":
		if !null {
			e.record("DEL", a[0])
		}
		return
	case "RENAME", "RENAMENX", "COPY":
		if none || a[0] == a[1] {
			return
		}
		e.moveDeadline(a[0], a[1], cmd == "COPY")
	case "XADD", "XTRIM":
		// Approximate trimming is exact here; a real Redis that reads this journal must do the same.
		if i := slices.Index(a, "~"); i > 0 && i < 4 {
			a = slices.Clone(a)
			a[i] = "="
		}
	case "FLUSHALL", "FLUSHDB":
		clear(e.deadlines)
		e.due = nil
	}
	e.record(append([]string{cmd}, a...)...)
}

func (e *Engine) expired(cmd string, a []string, none bool) {
	at, ok := e.expiryOf(cmd, a)
	if none || !ok {
		return
	}
	if at <= e.now {
		e.record("DEL", a[0])
		return
	}
	e.setDeadline(a[0], at)
	e.record("PEXPIREAT", a[0], strconv.FormatInt(at, 10))
}

func (e *Engine) set(a []string, null bool) {
	var nx, xx, get bool
	for _, o := range a[2:] {
		nx = nx || strings.EqualFold(o, "NX")
		xx = xx || strings.EqualFold(o, "XX")
		get = get || strings.EqualFold(o, "GET")
	}
	done := !null
	if get {
		done = !nx && !xx || nx && null || xx && !null
	}
	if !done {
		return
	}
	at, timed := e.expiryOf("SET", a)
	out := append([]string{"SET"}, a...)
	if timed {
		i := expiryOption(a, 2) + 1
		out[i], out[i+1] = "PXAT", strconv.FormatInt(at, 10)
		e.setDeadline(a[0], at)
	}
	e.record(out...)
}

func (e *Engine) getex(a []string, null bool) {
	switch at, timed := e.expiryOf("GETEX", a); {
	case null || len(a) < 2:
	case timed:
		e.setDeadline(a[0], at)
		e.record("PEXPIREAT", a[0], strconv.FormatInt(at, 10))
	default:
		e.record("PERSIST", a[0])
	}
}

// record adds a command to the transaction that is being built.
func (e *Engine) record(args ...string) {
	if e.replaying || e.journal == nil {
		return
	}
	e.effects = appendCommand(e.effects, args...)
	e.recorded++
}

// commit hands the transaction over to the next sync.
func (e *Engine) commit() {
	if e.recorded == 0 {
		return
	}
	if e.recorded > 1 {
		e.pending = appendCommand(e.pending, "MULTI")
	}
	e.pending = append(e.pending, e.effects...)
	if e.recorded > 1 {
		e.pending = appendCommand(e.pending, "EXEC")
	}
	e.effects, e.recorded = e.effects[:0], 0
	if cap(e.effects) > 1<<20 {
		e.effects = nil
	}
	e.appended.Add(1)
}
