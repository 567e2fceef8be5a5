package embedded

import (
	"container/heap"
	"strconv"
	"strings"
)

// lastDeadline is in 2190: what miniredis can count in nanoseconds since 1970, which is where a replay sets its clock.
const lastDeadline = 6_942_000_000_000

// deadline is when a key ends, in milliseconds since 1970. One that no longer agrees with Engine.deadlines is stale.
type deadline struct {
	at  int64
	key string
}

type deadlineHeap []deadline

func (h deadlineHeap) Len() int           { return len(h) }
func (h deadlineHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h deadlineHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *deadlineHeap) Push(x any)        { *h = append(*h, x.(deadline)) }

func (h *deadlineHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func (e *Engine) setDeadline(key string, at int64) {
	e.deadlines[key] = at
	heap.Push(&e.due, deadline{at, key})
	if len(e.due) > 64 && len(e.due) > 4*len(e.deadlines) {
		e.rebuildDue()
	}
	select {
	case e.timed <- struct{}{}:
	default:
	}
}

func (e *Engine) rebuildDue() {
	e.due = e.due[:0]
	for k, at := range e.deadlines {
		e.due = append(e.due, deadline{at, k})
	}
	heap.Init(&e.due)
}

// moveDeadline follows a key that was renamed or copied.
func (e *Engine) moveDeadline(from, to string, keep bool) {
	at, ok := e.deadlines[from]
	if !keep {
		delete(e.deadlines, from)
	}
	delete(e.deadlines, to)
	if ok {
		e.setDeadline(to, at)
	}
}

// expireDue removes the keys whose time has come, and journals that it did.
func (e *Engine) expireDue() {
	for len(e.due) > 0 && e.due[0].at <= e.now {
		d := heap.Pop(&e.due).(deadline)
		if e.deadlines[d.key] != d.at {
			continue
		}
		delete(e.deadlines, d.key)
		if e.timeless(nil, d.key) {
			continue
		}
		e.ask(nil, "DEL", d.key)
		delete(e.orders, d.key)
		e.record("DEL", d.key)
	}
	e.commit()
}

// timeless says that a key is gone or has lost its time to live by a command that is not tracked, like a plain SET.
func (e *Engine) timeless(ctx any, key string) bool {
	return strings.HasPrefix(e.ask(ctx, "PTTL", key), ":-")
}

// timeLeft answers TTL and its kin from the deadlines: what miniredis keeps does not move with the clock.
func (e *Engine) timeLeft(ctx any, cmd, key string) (int64, bool) {
	at, ok := e.deadlines[key]
	if !ok || !strings.HasSuffix(cmd, "TTL") && !strings.HasSuffix(cmd, "EXPIRETIME") || e.timeless(ctx, key) {
		return 0, false
	}
	switch cmd {
	case "TTL":
		return (max(0, at-e.now) + 500) / 1000, true
	case "PTTL":
		return max(0, at-e.now), true
	case "EXPIRETIME":
		return (at + 500) / 1000, true
	case "PEXPIRETIME":
		return at, true
	}
	return 0, false
}

// badExpiry refuses the times that neither engine can agree on: in the past, or beyond lastDeadline.
func (e *Engine) badExpiry(cmd string, a []string) string {
	at, ok := e.expiryOf(cmd, a)
	if !ok {
		return ""
	}
	past := at <= e.now && !strings.HasSuffix(cmd, "EXPIREAT") && !strings.HasSuffix(cmd, "EXPIRE")
	if at > lastDeadline || past {
		return "ERR invalid expire time in '" + strings.ToLower(cmd) + "' command"
	}
	return ""
}

// expiryOf is the absolute time that a command sets, in milliseconds.
func (e *Engine) expiryOf(cmd string, a []string) (int64, bool) {
	switch cmd {
	case "EXPIRE", "SETEX":
		return e.absolute("EX", a, 1)
	case "PEXPIRE", "PSETEX":
		return e.absolute("PX", a, 1)
	case "EXPIREAT":
		return e.absolute("EXAT", a, 1)
	case "PEXPIREAT":
		return e.absolute("PXAT", a, 1)
	case "SET":
		if i := expiryOption(a, 2); i > 0 {
			return e.absolute(strings.ToUpper(a[i]), a, i+1)
		}
	case "GETEX":
		if i := expiryOption(a, 1); i > 0 {
			return e.absolute(strings.ToUpper(a[i]), a, i+1)
		}
	}
	return 0, false
}

// expiryOption is the index of EX, PX, EXAT or PXAT in a, from index from on, or 0.
func expiryOption(a []string, from int) int {
	for i := from; i < len(a); i++ {
		switch strings.ToUpper(a[i]) {
		case "EX", "PX", "EXAT", "PXAT":
			return i
		}
	}
	return 0
}

func (e *Engine) absolute(unit string, a []string, i int) (int64, bool) {
	if i >= len(a) {
		return 0, false
	}
	n, err := strconv.ParseInt(a[i], 10, 64)
	if err != nil {
		return 0, false
	}
	n = max(min(n, 2*lastDeadline), -lastDeadline)
	switch unit {
	case "EX":
		return e.now + n*1000, true
	case "PX":
		return e.now + n, true
	case "EXAT":
		return n * 1000, true
	}
	return n, true
}
