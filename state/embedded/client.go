package embedded

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Dial gives a new connection in memory, for redis.Options.Dialer. The error is ErrClosed, or why the engine failed.
func (e *Engine) Dial(ctx context.Context) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	client, ours := net.Pipe()
	if err := e.attach(ours); err != nil {
		_ = client.Close()
		return nil, err
	}
	return client, nil
}

// attach serves a connection until it or the engine is closed.
func (e *Engine) attach(nc net.Conn) error {
	c := newConn(e, nc)
	e.connMu.Lock()
	defer e.connMu.Unlock()
	err := e.Err()
	if e.closing {
		err = ErrClosed
	}
	if err != nil {
		_ = nc.Close()
		return err
	}
	e.conns[c] = struct{}{}
	e.clients.Go(func() {
		c.serve()
		e.connMu.Lock()
		delete(e.conns, c)
		e.connMu.Unlock()
	})
	return nil
}

// Client is a client of the engine over Dial; the caller closes it. It does not retry: a connection in memory only breaks
// when the engine ends, and a lost reply is better reported than repeated.
func (e *Engine) Client() redis.UniversalClient {
	return redis.NewClient(&redis.Options{
		Addr:                     "embedded",
		Dialer:                   func(ctx context.Context, _, _ string) (net.Conn, error) { return e.Dial(ctx) },
		ContextTimeoutEnabled:    true,
		MaxRetries:               -1,
		DialerRetries:            1,
		PoolSize:                 64,
		ReadTimeout:              time.Minute,
		WriteTimeout:             time.Minute,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}

// Serve accepts RESP connections on l until ctx ends, and then closes l and them. It asks for no password: l must be the
// local socket, or a loopback address on a machine with one user.
func (e *Engine) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		mu   sync.Mutex
		open = map[net.Conn]struct{}{}
		wg   sync.WaitGroup
	)
	wg.Go(func() {
		select {
		case <-ctx.Done():
		case <-e.done:
		}
		_ = l.Close()
		mu.Lock()
		defer mu.Unlock()
		for nc := range open {
			_ = nc.Close()
		}
	})
	defer wg.Wait()
	defer cancel()
	for {
		nc, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = nc.Close()
			}
			return nil
		case err != nil && errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		mu.Lock()
		open[nc] = struct{}{}
		mu.Unlock()
		watched := &goneConn{Conn: nc, gone: func() { mu.Lock(); delete(open, nc); mu.Unlock() }}
		if e.attach(watched) != nil {
			return nil
		}
		if ctx.Err() != nil {
			_ = nc.Close()
		}
	}
}

// goneConn tells its listener that it was closed.
type goneConn struct {
	net.Conn
	once sync.Once
	gone func()
}

func (c *goneConn) Close() error {
	defer c.once.Do(c.gone)
	return c.Conn.Close()
}
