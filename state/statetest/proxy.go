package statetest

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Proxy stands between a client and an engine. It lets commands through and can lose their replies: the command was
// executed, and the client is told nothing but that the connection is gone.
type Proxy struct {
	Addr string
	// Lost counts the replies that were lost.
	Lost atomic.Int64

	percent atomic.Int64
	next    atomic.Int64
	silent  atomic.Bool
	delay   atomic.Int64
	target  string
	mu      sync.Mutex
	open    map[net.Conn]struct{}
}

// NewProxy starts a proxy to an address; it ends with the test.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &Proxy{Addr: l.Addr().String(), target: target, open: map[net.Conn]struct{}{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.Delay(0)
		p.Cut()
		wg.Wait()
	})
	return p
}

// Lose makes this share of all replies get lost, in percent.
func (p *Proxy) Lose(percent int) { p.percent.Store(int64(percent)) }

// LoseNext makes the next n replies get lost.
func (p *Proxy) LoseNext(n int) { p.next.Store(int64(n)) }

// Silence makes the proxy keep all replies to itself, with the connection open.
func (p *Proxy) Silence(on bool) { p.silent.Store(on) }

// Delay makes each reply wait for up to so long.
func (p *Proxy) Delay(most time.Duration) { p.delay.Store(int64(most)) }

// Cut ends all connections that are open.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close()
	}
}

func (p *Proxy) serve(c net.Conn) {
	up, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = c.Close()
		return
	}
	p.mu.Lock()
	p.open[c], p.open[up] = struct{}{}, struct{}{}
	p.mu.Unlock()
	defer func() {
		_, _ = c.Close(), up.Close()
		p.mu.Lock()
		delete(p.open, c)
		delete(p.open, up)
		p.mu.Unlock()
	}()
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(up, c)
		_ = up.Close()
	})
	p.replies(c, up)
	_, _ = c.Close(), up.Close()
	wg.Wait()
}

// replies passes on what the engine says, until a reply is to be lost. What is read at once counts as one reply.
func (p *Proxy) replies(c io.Writer, up io.Reader) {
	buf := make([]byte, 64<<10)
	for {
		n, err := up.Read(buf)
		if err != nil {
			return
		}
		if p.silent.Load() {
			continue
		}
		if most := p.delay.Load(); most > 0 {
			time.Sleep(time.Duration(rand.Int64N(most)))
		}
		if p.lose() {
			p.Lost.Add(1)
			return
		}
		if _, err := c.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) lose() bool {
	for n := p.next.Load(); n > 0; n = p.next.Load() {
		if p.next.CompareAndSwap(n, n-1) {
			return true
		}
	}
	return rand.Int64N(100) < p.percent.Load()
}
