package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// DefaultAddr is where HTTP listens when nothing is said: this machine only.
const DefaultAddr = "127.0.0.1:8080"

// Bounds of one request. Slack and Discord send less than a megabyte and wait three
// seconds; whoever is slower is nobody we know.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10 // bytes
	drain         = 5 * time.Second
)

// Part is a part of the process that may be unable to work.
type Part struct {
	Name string
	// Ready is why it cannot work at the moment, or nil.
	Ready func() error
	// Note is a word on how it is ready, "" for none; it names no host and no secret. It may be nil.
	Note func() string
}

// Options are what a Server shows. The zero value shows that it lives.
type Options struct {
	Addr string // DefaultAddr when empty
	// Parts decide readiness, in this order.
	Parts []Part
	// Mounts are the endpoints of platforms, by their path ("/slack/").
	Mounts map[string]http.Handler
	// Metrics is shown under /metrics when it is not nil.
	Metrics *Metrics
	// Version is shown with /healthz.
	Version string
	Logger  *slog.Logger
}

// Server is the HTTP side of a process.
type Server struct {
	opt      Options
	listener net.Listener
}

// New listens, so that a taken address is found before anything else is started.
// Run serves; a server that is never run is closed with Close.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.Addr == "" {
		o.Addr = DefaultAddr
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen for HTTP: %w", err)
	}
	return &Server{opt: o, listener: l}, nil
}

// Addr is where it listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close stops listening.
func (s *Server) Close() error { return s.listener.Close() }

// Run serves until the context ends, and lets requests that are running end.
func (s *Server) Run(ctx context.Context) error {
	srv := &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.opt.Logger.Handler(), slog.LevelDebug),
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(s.listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := srv.Shutdown(late)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	<-done
	return err
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthy)
	mux.HandleFunc("GET /readyz", s.ready)
	if s.opt.Metrics != nil {
		mux.Handle("GET /metrics", s.opt.Metrics.handler())
	}
	for path, h := range s.opt.Mounts {
		mux.Handle(path, h)
	}
	return mux
}

// healthy says that the process lives. Whether it can work is another question: a
// process that is restarted because Slack is down helps nobody.
func (s *Server) healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintln(w, "alive", s.opt.Version)
}

// ready says of each part whether it can work, and answers 503 unless all can. It
// does not say why: that is in the log, for errors may name hosts.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	status, lines := http.StatusOK, ""
	for _, p := range s.opt.Parts {
		word := "ready"
		if err := p.Ready(); err != nil {
			status, word = http.StatusServiceUnavailable, "not ready"
			s.opt.Logger.Debug("not ready", "part", p.Name, "error", err)
		} else if p.Note != nil && p.Note() != "" {
			word += " (" + p.Note() + ")"
		}
		lines += p.Name + ": " + word + "\n"
	}
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, lines)
}
