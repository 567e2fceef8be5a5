package slackfake

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Slack is a workspace with one app installed, behind real sockets.
type Slack struct {
	opt   Options
	clock *Clock
	t     testing.TB // nil outside tests

	server   *http.Server
	url      string
	stop     context.CancelFunc
	ctx      context.Context
	work     sync.WaitGroup
	methods  map[string]method
	closing  sync.Once
	closeErr error

	mu      sync.Mutex
	changed chan struct{}
	closed  bool

	users    []*User
	channels []*conversation
	groups   []*Group
	tokens   map[string]*token

	lastTS     int64
	ephemerals []*message
	scheduled  []*scheduled
	files      map[string]*file
	uploads    map[string]*file
	views      map[string]*view
	homes      map[string]*view
	modals     map[string][]*view // by user, the first below
	triggers   map[string]*trigger
	responses  map[string]*responseURL
	dedupe     map[string]*posted
	assistants map[string]object
	offers     map[string][]any // by action id, what the last search found

	conns      []*conn
	tickets    map[string]bool
	deliveries []*Delivery
	rotate     int
	events     []time.Time
	// unsubscribed: Slack ended the subscriptions, for too much failed.
	unsubscribed bool

	calls      []*Call
	faults     map[string][]ordered
	buckets    map[string]*bucket
	backoff    map[string]backoff
	complaints []Complaint
	allowed    map[Kind]bool
	skew       time.Duration
}

// New starts a Slack for one test. It closes with the test, and fails it for what
// Slack would have punished in silence.
func New(t testing.TB, o Options) *Slack {
	t.Helper()
	s, err := start(o, t)
	if err != nil {
		t.Fatalf("start the fake Slack: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Start starts a Slack for a process that is no test. Close says what it noticed.
func Start(o Options) (*Slack, error) { return start(o, nil) }

func start(o Options, t testing.TB) (*Slack, error) {
	o = o.filled()
	addr := o.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &Slack{
		opt: o, clock: o.Clock, t: t, url: "http://" + l.Addr().String(), changed: make(chan struct{}),
		tokens: map[string]*token{}, files: map[string]*file{}, uploads: map[string]*file{}, views: map[string]*view{},
		homes: map[string]*view{}, modals: map[string][]*view{}, triggers: map[string]*trigger{}, responses: map[string]*responseURL{},
		dedupe: map[string]*posted{}, assistants: map[string]object{}, offers: map[string][]any{}, tickets: map[string]bool{}, faults: map[string][]ordered{},
		buckets: map[string]*bucket{}, backoff: map[string]backoff{}, allowed: map[Kind]bool{},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.methods = s.table()
	s.furnish()
	s.server = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return s.ctx }}
	s.work.Go(func() { _ = s.server.Serve(l) })
	return s, nil
}

// furnish puts people and channels into the workspace.
func (s *Slack) furnish() {
	s.users = append(s.users, &User{ID: BotUser, Name: "allclear", RealName: "allclear", Bot: true})
	for _, u := range s.opt.Users {
		s.users = append(s.users, &u)
	}
	for _, c := range s.opt.Channels {
		s.channels = append(s.channels, &conversation{Channel: c})
	}
	for _, g := range s.opt.Groups {
		s.groups = append(s.groups, &g)
	}
	s.tokens[s.opt.BotToken] = &token{kind: "bot", scopes: s.opt.Scopes}
	s.tokens[s.opt.AppToken] = &token{kind: "app", scopes: []string{"connections:write"}}
}

func (s *Slack) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveAPI)
	mux.HandleFunc("/link/", s.serveSocket)
	mux.HandleFunc("POST /upload/v1/{id}", s.serveUpload)
	mux.HandleFunc("GET /files-pri/{id}/{name}", s.serveDownload)
	mux.HandleFunc("GET /signin", s.serveSignIn)
	mux.HandleFunc("POST /response/{id}", s.serveResponse)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.complain(Malformed, "%s %s: there is no such address", r.Method, r.URL.Path)
		http.NotFound(w, r)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.begin() {
			http.Error(w, "closed", http.StatusServiceUnavailable)
			return
		}
		defer s.work.Done()
		mux.ServeHTTP(w, r)
	})
}

// begin reports whether the fake is open, and if so counts work that Close waits for.
func (s *Slack) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.work.Add(1)
	}
	return !s.closed
}

// URL is where the fake is, without a slash at the end.
func (s *Slack) URL() string { return s.url }

// APIURL is the base of the Web API: slack.OptionAPIURL(s.APIURL()).
func (s *Slack) APIURL() string { return s.url + "/api/" }

// BotToken is the xoxb- token of the app.
func (s *Slack) BotToken() string { return s.opt.BotToken }

// AppToken is the xapp- token of the app.
func (s *Slack) AppToken() string { return s.opt.AppToken }

// Clock is the fake's time.
func (s *Slack) Clock() *Clock { return s.clock }

// Close ends connections and waits for what is under way. It reports the
// complaints: to the test, or as its error.
func (s *Slack) Close() error {
	s.closing.Do(func() {
		s.mu.Lock()
		s.closed = true
		conns := append([]*conn(nil), s.conns...)
		s.wake()
		s.mu.Unlock()
		s.stop()
		for _, c := range conns {
			c.drop()
		}
		_ = s.server.Close()
		s.work.Wait()
		s.closeErr = s.report()
	})
	return s.closeErr
}

// report tells the test what was not right and was not told before.
func (s *Slack) report() error {
	var texts []string
	for _, c := range s.Complaints() {
		if c.told {
			continue
		}
		texts = append(texts, c.String())
		if s.t != nil {
			s.t.Errorf("slackfake: %s", c)
		}
	}
	if s.t != nil || len(texts) == 0 {
		return nil
	}
	return errors.New(strings.Join(texts, "\n"))
}

// wake tells all who wait that something changed. The lock is held.
func (s *Slack) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// do changes something under the lock, and wakes who waits.
func (s *Slack) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.wake()
}

// after does something when d has passed, unless the fake was closed.
func (s *Slack) after(d time.Duration, f func()) (stop func()) {
	return s.clock.after(d, func() { s.unlessClosed(f) })
}

// soon does something after a real delay.
func (s *Slack) soon(d time.Duration, f func()) {
	time.AfterFunc(d, func() { s.unlessClosed(f) })
}

func (s *Slack) unlessClosed(f func()) {
	if s.begin() {
		defer s.work.Done()
		f()
	}
}
