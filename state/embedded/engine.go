package embedded

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// Options of an engine. The zero value works.
type Options struct {
	// Logger is told of a torn tail, of compactions and of failures; never of keys or values. Nil discards.
	Logger *slog.Logger
	// Now is the clock of TIME and of expiry. Nil is time.Now.
	Now func() time.Time
	// CompactBytes is the size of the journal that starts a compaction. 0 is 64 MiB. It never starts below twice the size
	// that the last one left.
	CompactBytes int64

	wrap func(file) file // what tests put around the journal's file
}

// DefaultCompactBytes is the size of a journal that starts a compaction.
const DefaultCompactBytes = 64 << 20

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.CompactBytes <= 0 {
		o.CompactBytes = DefaultCompactBytes
	}
	if o.wrap == nil {
		o.wrap = func(f file) file { return f }
	}
	return o
}

// Engine is a Redis in this process. Its methods may be called from any goroutine.
type Engine struct {
	options  Options
	recovery Recovery
	lock     *dirLock
	dir      string

	// Lock order: fileMu, mu, the lock of miniredis, those of connections.
	fileMu  sync.Mutex
	journal *journal // nil: nothing is kept

	mu        sync.Mutex // around {dispatch + append}
	m         *miniredis.Miniredis
	srv       *server.Server
	top       *server.Peer // whose command runs; another peer in the hook is a script's
	captured  *capture
	asked     *capture
	now       int64 // of this command, in milliseconds
	replaying bool
	deadlines map[string]int64
	due       deadlineHeap
	orders    map[string]*order // of sorted sets that a range was asked of
	effects   []byte            // the transaction being built
	recorded  int
	pending   []byte // transactions waiting for the next sync
	spare     []byte

	appended atomic.Uint64 // transactions handed to the journal
	synced   atomic.Uint64 // of those, how many are on disk
	syncMu   sync.Mutex
	syncCond sync.Cond

	failed chan struct{}
	broken atomic.Bool // miniredis may be locked for ever
	err    atomic.Pointer[error]

	kicked chan struct{}
	timed  chan struct{}
	done   chan struct{}
	tasks  sync.WaitGroup

	connMu  sync.Mutex
	conns   map[*conn]struct{}
	clients sync.WaitGroup
	closing bool
	once    sync.Once
	endErr  error
}

func newEngine(o Options) (*Engine, error) {
	e := &Engine{
		options:   o.withDefaults(),
		m:         miniredis.NewMiniRedis(),
		captured:  newCapture(),
		asked:     newCapture(),
		deadlines: map[string]int64{},
		orders:    map[string]*order{},
		failed:    make(chan struct{}),
		kicked:    make(chan struct{}, 1),
		timed:     make(chan struct{}, 1),
		done:      make(chan struct{}),
		conns:     map[*conn]struct{}{},
	}
	e.syncCond.L = &e.syncMu
	// Dial is the only way to start miniredis without a listener.
	nc, err := e.m.Dial()
	if err != nil {
		return nil, fmt.Errorf("start miniredis: %w", err)
	}
	_ = nc.Close()
	e.srv = e.m.Server()
	e.srv.SetPreHook(e.hook)
	return e, nil
}

// OpenMemory starts an engine without a journal: for tests, and for a demo that keeps nothing.
func OpenMemory(o Options) (*Engine, error) {
	e, err := newEngine(o)
	if err != nil {
		return nil, err
	}
	e.start()
	return e, nil
}

func (e *Engine) start() {
	e.tasks.Go(e.expiryLoop)
	if e.journal != nil {
		e.tasks.Go(e.syncLoop)
	}
}

// expiryLoop wakes up once a second while any key has a time to live, so that keys end although nobody asks.
func (e *Engine) expiryLoop() {
	for {
		select {
		case <-e.done:
			return
		case <-e.timed:
		}
		for left := true; left; {
			t := time.NewTimer(time.Second)
			select {
			case <-e.done:
				t.Stop()
				return
			case <-t.C:
			}
			left = e.tick()
		}
	}
}

func (e *Engine) tick() (left bool) {
	e.mu.Lock()
	defer e.kick()
	defer e.mu.Unlock()
	if e.Err() != nil {
		return false
	}
	defer e.contain(nil, "expiry")
	e.setClock()
	e.expireDue()
	return len(e.due) > 0
}

// Failed is closed after the first write or sync that went wrong, or a panic. The engine then refuses every command and
// the process must end.
func (e *Engine) Failed() <-chan struct{} { return e.failed }

// Err is why the engine failed, or nil.
func (e *Engine) Err() error {
	if p := e.err.Load(); p != nil {
		return *p
	}
	return nil
}

func (e *Engine) fail(err error) {
	err = fmt.Errorf("embedded store failed, the process must end: %w", err)
	if !e.err.CompareAndSwap(nil, &err) {
		return
	}
	e.options.Logger.Error("embedded store failed", "error", err)
	close(e.failed)
	e.syncMu.Lock()
	e.syncCond.Broadcast()
	e.syncMu.Unlock()
}

// Recovery says what Open found.
func (e *Engine) Recovery() Recovery { return e.recovery }

// Close ends the connections, syncs and releases the directory. It may be called again, and gives the same answer.
func (e *Engine) Close() error {
	e.once.Do(func() { e.endErr = e.close() })
	return e.endErr
}

func (e *Engine) close() error {
	e.connMu.Lock()
	e.closing = true
	for c := range e.conns {
		_ = c.nc.Close()
	}
	e.connMu.Unlock()
	e.clients.Wait()
	close(e.done)
	e.tasks.Wait()
	var err error
	if e.journal != nil {
		err = e.closeJournal()
	}
	if !e.broken.Load() {
		e.m.Close()
	}
	if e.lock != nil {
		e.lock.release()
	}
	return err
}
