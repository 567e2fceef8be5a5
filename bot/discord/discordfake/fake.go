package discordfake

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Fake is a Discord on a loopback port. All its methods may be called by several
// goroutines.
type Fake struct {
	opt    Options
	server *http.Server
	addr   string
	base   func() time.Time
	routes []*route
	ended  context.Context //nolint:containedctx // the life of the server: handlers and writers end with it
	end    context.CancelFunc
	tasks  sync.WaitGroup
	secure *authority

	mu       sync.Mutex
	changed  chan struct{}
	ahead    time.Duration
	lastID   uint64
	app      App
	users    map[string]*user
	guilds   map[string]*guild
	channels map[string]*channel
	order    []string // channels by age
	deleted  map[string]bool
	commands []*command
	files    map[string]*attachment // by path
	hooks    map[string]*webhook    // by token

	interactions map[string]*interaction // by token
	asked        []*interaction
	endpoint     string
	lockedOut    bool // the token was reset

	sessions   []*session
	conns      map[*conn]bool
	identifies []time.Time
	readies    int
	together   int  // sessions of one shard that were connected at once, at most
	silent     bool // heartbeats are not acknowledged

	limiter  limiter
	faults   []*planned
	calls    []Call
	acks     []Ack
	offences []Offence
	allowed  map[Rule]bool
	closed   bool
	report   error
}

// Start starts a Discord. Close it.
func Start(opt Options) (*Fake, error) {
	f := &Fake{
		opt: opt, base: opt.Now, routes: routes(), changed: make(chan struct{}),
		users: map[string]*user{}, guilds: map[string]*guild{}, channels: map[string]*channel{},
		deleted: map[string]bool{}, files: map[string]*attachment{}, hooks: map[string]*webhook{},
		interactions: map[string]*interaction{}, conns: map[*conn]bool{}, allowed: map[Rule]bool{},
	}
	if f.base == nil {
		f.base = time.Now
	}
	if f.opt.Heartbeat == 0 {
		f.opt.Heartbeat = 41250 * time.Millisecond
	}
	if f.opt.Patience == 0 {
		f.opt.Patience = 10 * time.Second
	}
	f.limiter = newLimiter(opt.Limits)
	if err := f.makeApp(); err != nil {
		return nil, err
	}
	if err := f.makeWorld(); err != nil {
		return nil, fmt.Errorf("make the world of the fake: %w", err)
	}
	f.ended, f.end = context.WithCancel(context.Background())
	var listen net.ListenConfig
	l, err := listen.Listen(f.ended, "tcp", "127.0.0.1:0")
	if err != nil {
		f.end()
		return nil, fmt.Errorf("listen: %w", err)
	}
	f.addr = l.Addr().String()
	f.server = &http.Server{Handler: http.HandlerFunc(f.serve), ReadHeaderTimeout: time.Minute}
	f.goTask(func() { _ = f.server.Serve(l) })
	return f, nil
}

// goTask runs something that Close waits for.
func (f *Fake) goTask(run func()) {
	f.tasks.Add(1)
	go func() {
		defer f.tasks.Done()
		run()
	}()
}

func (f *Fake) makeApp() error {
	f.app = f.opt.App
	if f.app.ID == "" {
		f.app.ID = f.snowflake()
	}
	if !isSnowflake(f.app.ID) {
		return fmt.Errorf("the id of the application, %q, is no snowflake", f.app.ID)
	}
	if f.app.Name == "" {
		f.app.Name = "allclear"
	}
	if f.app.Token == "" {
		f.app.Token = base64.RawURLEncoding.EncodeToString([]byte(f.app.ID)) + ".fake." + secret(20)
	}
	if len(f.app.Key) == 0 {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return fmt.Errorf("make the key of the application: %w", err)
		}
		f.app.Key = key
	}
	f.users[f.app.ID] = &user{id: f.app.ID, name: f.app.Name, bot: true}
	return nil
}

// secret is random text that can stand in an address.
func secret(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Token is the bot's token, without the word "Bot".
func (f *Fake) Token() string { return f.app.Token }

// AppID is the id of the application and of its bot user.
func (f *Fake) AppID() string { return f.app.ID }

// PublicKey is what interactions over HTTP are verified with, in hexadecimal as
// Discord shows it.
func (f *Fake) PublicKey() string {
	public, _ := f.app.Key.Public().(ed25519.PublicKey)
	return hex.EncodeToString(public)
}

// URL is where the fake listens: http://127.0.0.1:port. Another process reaches it
// with ClientTo and DialerTo, or through Environ.
func (f *Fake) URL() string { return "http://" + f.addr }

// Close ends the fake and returns what Discord would have punished, as one error;
// see Offences. A second call returns the same.
func (f *Fake) Close() error {
	f.mu.Lock()
	if f.closed {
		defer f.mu.Unlock()
		return f.report
	}
	f.closed = true
	f.mu.Unlock()
	f.lastLook()
	f.end()
	for _, c := range f.liveConns() {
		c.drop()
	}
	_ = f.server.Close()
	if f.secure != nil {
		f.secure.close()
	}
	f.tasks.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []error
	for _, o := range f.standing() {
		all = append(all, o)
	}
	f.report = errors.Join(all...)
	return f.report
}

func (f *Fake) liveConns() []*conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []*conn
	for c := range f.conns {
		out = append(out, c)
	}
	return out
}
