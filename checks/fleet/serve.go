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
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// maxKept is how many connections may wait for their client's next request, unless
// the options say otherwise.
// Above it they are closed after the answer: a scan of 8,000 hosts would leave
// as many open otherwise, and a process may have as few as 256 files.
const maxKept = 64

// Time limits of the listener. They are about clients, not about the fleet.
const (
	idleTimeout   = 5 * time.Second
	headerTimeout = 10 * time.Second
)

// serving is the half of a fleet or an estate that listens and answers.
type serving struct {
	what string // "fleet", for errors
	opts Options
	// find is what answers for a host; false: there is no such host.
	find func(host string) (respond func(*http.Request) answer, ok bool)
	// forbids reports whether nobody who means well asks for this.
	forbids func(*http.Request) bool

	life  sync.Mutex // guards what follows, to err
	srv   *http.Server
	pool  *x509.CertPool
	pem   []byte
	stop  context.CancelFunc
	ended chan struct{} // closed when Serve has returned
	err   error         // why; readable after ended

	gate sync.RWMutex // held by each request while it is answered
	shut bool         // guarded by gate

	bound atomic.Int64 // port
	open  atomic.Int64 // connections

	requests, writes, forbidden, strangers atomic.Int64
}

// Start listens and serves until Close. The context bounds only the start. It starts once.
func (v *serving) Start(ctx context.Context) error {
	v.life.Lock()
	defer v.life.Unlock()
	if v.ended != nil {
		return fmt.Errorf("this %s was started before", v.what)
	}
	var config *tls.Config
	if v.opts.TLS {
		a, err := newAuthority(v.opts.Epoch)
		if err != nil {
			return fmt.Errorf("make the %s's certificates: %w", v.what, err)
		}
		config, v.pool, v.pem = a.config, a.pool, a.pem
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp4", net.JoinHostPort(Address, strconv.Itoa(v.opts.Port)))
	if err != nil {
		return fmt.Errorf("start the %s: %w", v.what, err)
	}
	v.bound.Store(int64(l.Addr().(*net.TCPAddr).Port))
	if config != nil {
		l = tls.NewListener(l, config)
	}
	base, stop := context.WithCancel(context.Background())
	v.stop, v.ended = stop, make(chan struct{})
	v.srv = v.httpServer(base)
	go func() {
		defer close(v.ended)
		v.err = v.srv.Serve(l)
	}()
	return nil
}

func (v *serving) httpServer(base context.Context) *http.Server {
	return &http.Server{
		Handler:           http.HandlerFunc(v.handle),
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
}

// Close stops serving and waits for what was started. It may be called again.
func (v *serving) Close() error {
	v.life.Lock()
	defer v.life.Unlock()
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
		return fmt.Errorf("close the %s: %w", v.what, err)
	}
	return nil
}

// Run starts, and serves until the context ends, Close is called or serving fails.
func (v *serving) Run(ctx context.Context) error {
	if err := v.Start(ctx); err != nil {
		return err
	}
	return v.wait(ctx)
}

func (v *serving) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return v.Close()
	case <-v.ended:
		if errors.Is(v.err, http.ErrServerClosed) { // somebody called Close
			return v.Close()
		}
		return errors.Join(fmt.Errorf("serve the %s: %w", v.what, v.err), v.Close())
	}
}

// ListenAndServe makes a fleet and serves it until the context ends: all that a
// process of its own needs. It calls ready once, when the URLs work.
func ListenAndServe(ctx context.Context, opts Options, ready func(*Fleet)) error {
	f, err := New(opts)
	if err != nil {
		return err
	}
	if err := f.Start(ctx); err != nil {
		return err
	}
	if ready != nil {
		ready(f)
	}
	return f.wait(ctx)
}

// CertPool has the authority that signed the certificate; nil without TLS or before Start.
func (v *serving) CertPool() *x509.CertPool {
	v.life.Lock()
	defer v.life.Unlock()
	return v.pool
}

// CertPEM is the authority's certificate for a file; nil without TLS or before Start.
func (v *serving) CertPEM() []byte {
	v.life.Lock()
	defer v.life.Unlock()
	return v.pem
}

// port is what is listened on, or will be when the options say so; 0: any.
func (v *serving) port() int {
	if p := v.bound.Load(); p != 0 {
		return int(p)
	}
	return v.opts.Port
}

// url is the address of a name.
func (v *serving) url(name string) string {
	host := hostName(name)
	if port := v.port(); port != 0 {
		host = net.JoinHostPort(host, strconv.Itoa(port))
	}
	if v.opts.TLS {
		return "https://" + host + "/"
	}
	return "http://" + host + "/"
}

// Connections is how many are open now.
func (v *serving) Connections() int64 { return v.open.Load() }
