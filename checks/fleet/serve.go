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

// serving is the running half of a fleet.
type serving struct {
	mu       sync.Mutex
	listener net.Listener
	srv      *http.Server
	pool     *x509.CertPool
	pem      []byte
	stop     context.CancelFunc
	ended    chan struct{} // closed when Serve has returned
	err      error         // why; readable after ended

	gate sync.RWMutex // held by each request while it is answered
	shut bool         // guarded by gate

	bound atomic.Int64 // port
	open  atomic.Int64 // connections
}

// Start listens and serves until [Fleet.Close]. The context bounds only the
// start. A fleet starts once.
func (f *Fleet) Start(ctx context.Context) error {
	v := &f.serving
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ended != nil {
		return errors.New("this fleet was started before")
	}
	var config *tls.Config
	if f.opts.TLS {
		a, err := newAuthority(f.opts.Epoch)
		if err != nil {
			return fmt.Errorf("make the fleet's certificates: %w", err)
		}
		config, v.pool, v.pem = a.config, a.pool, a.pem
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp4", net.JoinHostPort(Address, strconv.Itoa(f.opts.Port)))
	if err != nil {
		return fmt.Errorf("start the fleet: %w", err)
	}
	v.bound.Store(int64(l.Addr().(*net.TCPAddr).Port))
	v.listener, v.ended = l, make(chan struct{})
	if config != nil {
		l = tls.NewListener(l, config)
	}
	base, stop := context.WithCancel(context.Background())
	v.stop = stop
	v.srv = f.httpServer(base)
	go func() {
		defer close(v.ended)
		v.err = v.srv.Serve(l)
	}()
	return nil
}

func (f *Fleet) httpServer(base context.Context) *http.Server {
	return &http.Server{
		Handler:           http.HandlerFunc(f.handle),
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          log.New(io.Discard, "", 0), // clients that hang up are the point
		ConnState: func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				f.serving.open.Add(1)
			case http.StateClosed, http.StateHijacked:
				f.serving.open.Add(-1)
			}
		},
	}
}

// Close stops serving and waits for what was started. It may be called again.
func (f *Fleet) Close() error {
	v := &f.serving
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
		return fmt.Errorf("close the fleet: %w", err)
	}
	return nil
}

// Run starts the fleet, serves until the context ends, [Fleet.Close]
// is called or serving fails.
func (f *Fleet) Run(ctx context.Context) error {
	if err := f.Start(ctx); err != nil {
		return err
	}
	return f.wait(ctx)
}

func (f *Fleet) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return f.Close()
	case <-f.serving.ended:
		if errors.Is(f.serving.err, http.ErrServerClosed) { // somebody called Close
			return f.Close()
		}
		return errors.Join(fmt.Errorf("serve the fleet: %w", f.serving.err), f.Close())
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

// CertPool has the authority that signed the fleet's certificate; nil without
// TLS or before [Fleet.Start].
func (f *Fleet) CertPool() *x509.CertPool {
	f.serving.mu.Lock()
	defer f.serving.mu.Unlock()
	return f.serving.pool
}

// CertPEM is the authority's certificate for a file; nil without TLS or before [Fleet.Start].
func (f *Fleet) CertPEM() []byte {
	f.serving.mu.Lock()
	defer f.serving.mu.Unlock()
	return f.serving.pem
}

// port is what the fleet listens on, or will when the options say so.
func (f *Fleet) port() int {
	if p := f.serving.bound.Load(); p != 0 {
		return int(p)
	}
	return f.opts.Port
}

// Connections is how many are open now.
func (f *Fleet) Connections() int64 { return f.serving.open.Load() }
