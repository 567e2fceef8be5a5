package fleet

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// stats counts what was asked, so that a test can prove that nobody did harm.
type stats struct {
	requests, writes, forbidden, strangers atomic.Int64
}

// Asked is what the fleet was asked since it was made.
type Asked struct {
	Requests  int64
	Writes    int64 // neither GET nor HEAD
	Forbidden int64 // a path that looks like the attack
	Strangers int64 // a host that is not of the fleet
}

// Asked tells what was asked so far.
func (f *Fleet) Asked() Asked {
	return Asked{f.stats.requests.Load(), f.stats.writes.Load(), f.stats.forbidden.Load(), f.stats.strangers.Load()}
}

// handle is every server of the fleet.
func (f *Fleet) handle(w http.ResponseWriter, r *http.Request) {
	f.serving.gate.RLock()
	defer f.serving.gate.RUnlock()
	if f.serving.shut {
		return
	}
	f.stats.requests.Add(1)
	if f.serving.open.Load() > int64(f.opts.Kept) {
		w.Header().Set("Connection", "close")
	}
	h, ok := f.byHost[hostOf(r)]
	if !ok {
		f.stats.strangers.Add(1)
		http.Error(w, "no such server in the fleet", http.StatusMisdirectedRequest)
		return
	}
	f.count(r)
	if !pause(r.Context(), f.opts.Latency) {
		return
	}
	a := f.answer(h, r)
	switch a.manner {
	case hanging:
		pause(r.Context(), f.opts.HangFor)
		reset(w)
	case resetting:
		reset(w)
	case endless:
		// Errors only where there is no deadline to set; the client ends it too.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(f.opts.HangFor))
		a.write(w, r)
	default:
		a.write(w, r)
	}
}

// hostOf is the host of a request, without the port, in lower case.
func hostOf(r *http.Request) string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(host)
}

func (f *Fleet) count(r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		f.stats.writes.Add(1)
	}
	if looksLikeAttack(r.URL.Path) {
		f.stats.forbidden.Add(1)
	}
}

// looksLikeAttack tells whether asking for a path would leave a line in the log
// that hunters take for the attack.
func looksLikeAttack(path string) bool {
	return strings.Contains(strings.ToLower(path), "toolpane.aspx")
}

// pause waits, and tells whether it was left to wait.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// reset ends a connection as a server does that will not talk.
func reset(w http.ResponseWriter) {
	hj, ok := w.(http.Hijacker)
	if !ok {
		return
	}
	conn, _, err := hj.Hijack()
	if err != nil {
		return
	}
	raw := conn
	if t, ok := conn.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	if t, ok := raw.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // makes the close a reset
	}
	_ = raw.Close()
}
