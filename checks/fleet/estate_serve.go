package fleet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// estateServing is the running half of an estate.
type estateServing struct {
	mu    sync.Mutex
	srv   *http.Server
	pool  *x509.CertPool
	pem   []byte
	stop  context.CancelFunc
	ended chan struct{} // closed when Serve has returned
	err   error         // why; readable after ended
	bound atomic.Int64  // port
	open  atomic.Int64  // connections

	gate sync.RWMutex // held by each request while it is answered
	shut bool         // guarded by gate
}

// Start listens and serves until [Estate.Close]. The context bounds only the start.
func (e *Estate) Start(ctx context.Context) error {
	v := &e.serving
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ended != nil {
		return errors.New("this estate was started before")
	}
	var config *tls.Config
	if e.opts.TLS {
		a, err := newAuthority(e.opts.Epoch)
		if err != nil {
			return fmt.Errorf("make the estate's certificates: %w", err)
		}
		config, v.pool, v.pem = a.config, a.pool, a.pem
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp4", net.JoinHostPort(Address, strconv.Itoa(e.opts.Port)))
	if err != nil {
		return fmt.Errorf("start the estate: %w", err)
	}
	v.bound.Store(int64(l.Addr().(*net.TCPAddr).Port))
	if config != nil {
		l = tls.NewListener(l, config)
	}
	base, stop := context.WithCancel(context.Background())
	v.stop, v.ended = stop, make(chan struct{})
	v.srv = &http.Server{
		Handler:           http.HandlerFunc(e.handle),
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up are the point
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				v.open.Add(1)
			case http.StateClosed, http.StateHijacked:
				v.open.Add(-1)
			}
		},
	}
	go func() {
		defer close(v.ended)
		v.err = v.srv.Serve(l)
	}()
	return nil
}

// Close stops serving and waits for what was started. It may be called again.
func (e *Estate) Close() error {
	v := &e.serving
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.srv == nil {
		return nil
	}
	v.stop() // wakes what hangs
	err := v.srv.Close()
	<-v.ended
	v.gate.Lock() // waits for the last answer
	v.shut = true
	v.gate.Unlock()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("close the estate: %w", err)
	}
	return nil
}

// Run starts the estate and serves until the context ends or serving fails.
func (e *Estate) Run(ctx context.Context) error {
	if err := e.Start(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return e.Close()
	case <-e.serving.ended:
		if errors.Is(e.serving.err, http.ErrServerClosed) { // somebody called Close
			return e.Close()
		}
		return errors.Join(fmt.Errorf("serve the estate: %w", e.serving.err), e.Close())
	}
}

// handle is every server of the estate.
func (e *Estate) handle(w http.ResponseWriter, r *http.Request) {
	e.serving.gate.RLock()
	defer e.serving.gate.RUnlock()
	if e.serving.shut {
		return
	}
	e.stats.requests.Add(1)
	if e.serving.open.Load() > maxKept {
		w.Header().Set("Connection", "close")
	}
	p, ok := e.byHost[hostOf(r)]
	if !ok {
		e.stats.strangers.Add(1)
		http.Error(w, "no such server in the estate", http.StatusMisdirectedRequest)
		return
	}
	e.count(r)
	if !pause(r.Context(), e.opts.Latency) {
		return
	}
	a := e.answer(p, r)
	switch a.manner {
	case hanging:
		pause(r.Context(), e.opts.HangFor)
		reset(w)
	case resetting:
		reset(w)
	case endless:
		// Errors only where there is no deadline to set; the client ends it too.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(e.opts.HangFor))
		a.write(w, r)
	default:
		a.write(w, r)
	}
}

func (e *Estate) count(r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		e.stats.writes.Add(1)
	}
	path := strings.ToLower(r.URL.Path)
	attack := slices.ContainsFunc(attacked(), func(s string) bool { return strings.Contains(path, s) })
	if attack || r.URL.RawQuery != "" && path != "/owa/auth/logon.aspx" {
		e.stats.forbidden.Add(1)
	}
}

// attacked is where the attacks of the campaigns knock. It is written down here once
// more, so that a test does not hold the scanner against its own list.
func attacked() []string {
	return []string{"toolpane.aspx", "_trust", "doauthentication.do", "/nf/", "autodiscover.json", "powershell"}
}

// Asked tells what was asked so far. Forbidden counts paths that look like an attack,
// and queries, except where Exchange itself sends who asks for its start page.
func (e *Estate) Asked() Asked {
	return Asked{e.stats.requests.Load(), e.stats.writes.Load(), e.stats.forbidden.Load(), e.stats.strangers.Load()}
}

// CertPool has the authority that signed the estate's certificate; nil without
// TLS or before Start.
func (e *Estate) CertPool() *x509.CertPool {
	e.serving.mu.Lock()
	defer e.serving.mu.Unlock()
	return e.serving.pool
}

// CertPEM is the authority's certificate for a file; nil without TLS or before Start.
func (e *Estate) CertPEM() []byte {
	e.serving.mu.Lock()
	defer e.serving.mu.Unlock()
	return e.serving.pem
}

func (e *Estate) url(name string) string {
	port := int(e.serving.bound.Load())
	if port == 0 {
		port = e.opts.Port
	}
	at := hostName(name)
	if port != 0 {
		at = net.JoinHostPort(at, strconv.Itoa(port))
	}
	if e.opts.TLS {
		return "https://" + at + "/"
	}
	return "http://" + at + "/"
}

// URL is the address under which a server answers for itself.
func (e *Estate) URL(server string) string {
	if _, ok := e.byName[server]; ok {
		return e.url(server)
	}
	return ""
}
