package fleet

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"time"
)

// Asked is what the fleet was asked since it was made.
type Asked struct {
	Requests  int64
	Writes    int64 // neither GET nor HEAD
	Forbidden int64 // it looks like the attack
	Strangers int64 // a host that is not of the fleet
}

// Asked tells what was asked so far, so that a test can prove that nobody did harm.
func (v *serving) Asked() Asked {
	return Asked{v.requests.Load(), v.writes.Load(), v.forbidden.Load(), v.strangers.Load()}
}

// handle is every server.
func (v *serving) handle(w http.ResponseWriter, r *http.Request) {
	v.gate.RLock()
	defer v.gate.RUnlock()
	if v.shut {
		return
	}
	v.requests.Add(1)
	if v.open.Load() > int64(v.opts.Kept) {
		w.Header().Set("Connection", "close")
	}
	respond, ok := v.find(hostOf(r))
	if !ok {
		v.strangers.Add(1)
		http.Error(w, "no such server in the "+v.what, http.StatusMisdirectedRequest)
		return
	}
	v.count(r)
	if !pause(r.Context(), v.opts.Latency) {
		return
	}
	a := respond(r)
	switch a.manner {
	case hanging:
		pause(r.Context(), v.opts.HangFor)
		reset(w)
	case resetting:
		reset(w)
	case endless:
		// Errors only where there is no deadline to set; the client ends it too.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(v.opts.HangFor))
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

func (v *serving) count(r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		v.writes.Add(1)
	}
	if v.forbids(r) {
		v.forbidden.Add(1)
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
