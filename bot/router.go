package bot

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Options are what a Router needs. Commands, Store, People and Open are
// required; the zero value of everything else works.
type Options struct {
	Commands []Command
	Store    Inbox
	// People is the directory; it is asked for every request.
	People func(context.Context) (state.People, error)
	// Open lists the incidents that are open.
	Open func(context.Context) ([]string, error)
	// Names completes names of an incident for Suggest, bounded by limit; nil: there
	// are no suggestions of names.
	Names func(ctx context.Context, incident string, t chat.Type, prefix string, limit int) ([]string, error)
	// Known lists all incidents, closed ones too: a name that is one of them is never
	// taken for the beginning of another. nil: those that are open.
	Known func(context.Context) ([]string, error)
	// Bound tells which open incidents a place was bound to, and up to which marking:
	// what it was bound to is what a line there is about, and nothing that is answered
	// there goes above that. nil: places are not bound.
	Bound func(ctx context.Context, place state.Place) ([]Binding, error)
	// Community tells to which community a place belongs, and up to which marking it
	// may see; "" when it is the team's own. In a community only what is meant for
	// communities can be asked for, whoever asks. nil: there are none.
	Community func(ctx context.Context, place state.Place) (id string, ceiling state.TLP, err error)
	// Limit is the most that an identity may be, whoever it is linked to: a guest of a
	// workspace is a viewer. nil: lead.
	Limit func(ctx context.Context, link string) (state.Role, error)
	// Grants is the role that a platform's own groups give an identity, beside that
	// of the person whom it is linked to; nil: none. Viewer: none.
	Grants func(ctx context.Context, link string) (state.Role, error)
	// GrantsAsOf is how fresh that is: when the groups were last read; zero or nil: it
	// is not known, or there are none.
	GrantsAsOf func(link string) time.Time
	// Fetch reads a file that a platform keeps; nil: there is none that does.
	Fetch func(ctx context.Context, place state.Place, f chat.File) (chat.File, error)
	// Logger gets one line a request, never with the text of it.
	Logger *slog.Logger
	Now    func() time.Time
	// Posted is called after letters were stored: to wake the outbox.
	Posted func()
	// Done is called after each run, for metrics.
	Done func(command, outcome string, took time.Duration)

	Holder        string        // names this process among the replicas
	Workers       int           // commands at once, 8
	Queue         int           // requests that may wait before new ones are refused, 1000
	AcceptTimeout time.Duration // for all that happens before the acknowledgement, 1 s
	TimeLimit     time.Duration // of commands that are not Limited, 10 min
	Grace         time.Duration // for a command to notice that it must stop, 5 s
	Lease         time.Duration // 30 s
	Poll          time.Duration // how often leases of others are looked at, 1 s
	Drain         time.Duration // how long work goes on after the signal, 15 s
	SayEvery      time.Duration // between two messages that tell how far a request is, 5 s
	Attempts      int           // starts of one request before it is given up, 20: each restart of the process takes one
	// ScheduleRole is what a slot of the schedule may do: responder when zero.
	ScheduleRole state.Role
}

func (o *Options) defaults() {
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Posted == nil {
		o.Posted = func() {}
	}
	if o.Done == nil {
		o.Done = func(string, string, time.Duration) {}
	}
	host, _ := os.Hostname()
	o.Holder = cmp.Or(o.Holder, fmt.Sprintf("%s-%d-%.6s", host, os.Getpid(), rand.Text()))
	o.Workers = cmp.Or(o.Workers, 8)
	o.Queue = cmp.Or(o.Queue, 1000)
	o.AcceptTimeout = cmp.Or(o.AcceptTimeout, time.Second)
	o.TimeLimit = cmp.Or(o.TimeLimit, 10*time.Minute)
	o.Grace = cmp.Or(o.Grace, 5*time.Second)
	o.Lease = cmp.Or(o.Lease, 30*time.Second)
	o.Poll = cmp.Or(o.Poll, time.Second)
	o.Drain = cmp.Or(o.Drain, 15*time.Second)
	o.SayEvery = cmp.Or(o.SayEvery, 5*time.Second)
	o.Attempts = cmp.Or(o.Attempts, 20)
	o.ScheduleRole = cmp.Or(o.ScheduleRole, state.RoleResponder)
}

// Router takes requests and works them off. Its methods may be called by
// several goroutines; Run is called once.
type Router struct {
	opt      Options
	specs    []chat.Spec
	commands map[string]Command // by path
	wake     chan struct{}
	backlog  atomic.Int64 // an upper bound of what waits, corrected when it looks full
	running  sync.WaitGroup
	trouble  atomic.Pointer[error] // why no lease can be had, nil when all is well
}

// New makes a router. It does no I/O. Two commands of the same path are a
// mistake of the programmer, and an error.
func New(o Options) (*Router, error) {
	if o.Store == nil || o.People == nil || o.Open == nil {
		return nil, errors.New("a router needs a store, the people and the open incidents")
	}
	o.defaults()
	r := &Router{opt: o, commands: map[string]Command{}, wake: make(chan struct{}, 1)}
	for _, c := range o.Commands {
		spec := withIncident(c.Spec())
		if _, taken := r.commands[spec.Path]; taken {
			return nil, fmt.Errorf("two commands are called %q", spec.Path)
		}
		r.commands[spec.Path] = c
		r.specs = append(r.specs, spec)
	}
	return r, nil
}

// Specs are the commands as they are understood: with --incident where a
// command is about one.
func (r *Router) Specs() []chat.Spec { return slices.Clone(r.specs) }

// Ready is why no work can be taken at the moment, or nil.
func (r *Router) Ready() error {
	if p := r.trouble.Load(); p != nil {
		return *p
	}
	return nil
}

// entry is a request as it waits in the inbox.
type entry struct {
	Request  chat.Request `json:"request"`
	Incident string       `json:"incident,omitempty"`
}

// Handle takes a request: it is understood, allowed, written to the inbox and
// only then acknowledged, within AcceptTimeout. A request that is refused is
// answered in the Ack, privately. An error means that it was not taken though
// nothing is wrong with it; the Ack then says so to the person.
func (r *Router) Handle(ctx context.Context, req chat.Request) (Ack, error) {
	ctx, cancel := context.WithTimeout(ctx, r.opt.AcceptTimeout)
	defer cancel()
	ack := Ack{Private: true, Reference: chat.Reference(req.ID)}
	spec, err := r.take(ctx, req, &ack)
	if err == nil {
		ack.Private = spec.Private || req.Private
		return ack, nil
	}
	say, known := refusal(err, ack.Reference)
	ack.Message, _ = say.Withhold(req.Place.Ceiling)
	log := r.logger(ack.Reference, req, spec.Path).With("outcome", outcomeOf(err))
	if known {
		log.Info("request refused")
		return ack, nil
	}
	log.Warn("request not taken", "error", err)
	return ack, fmt.Errorf("take request %s: %w", ack.Reference, err)
}

func (r *Router) take(ctx context.Context, req chat.Request, ack *Ack) (chat.Spec, error) {
	if req.ID == "" {
		return chat.Spec{}, errors.New("a request without an id")
	}
	spec, call, err := r.understand(ctx, req)
	if err != nil {
		return spec, err
	}
	return spec, r.accept(ctx, entry{call.Request, call.Incident}, ack)
}

// accept is the one write before the acknowledgement.
func (r *Router) accept(ctx context.Context, e entry, ack *Ack) error {
	if r.full(ctx) {
		return errBusy
	}
	payload, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write down a request: %w", err)
	}
	fresh, err := r.opt.Store.Accept(ctx, e.Request.ID, payload, r.opt.Now())
	if err != nil {
		return notTaken{err}
	}
	ack.Accepted, ack.Duplicate = true, !fresh
	if fresh {
		r.backlog.Add(1)
		r.Wake()
	}
	return nil
}

// full reports whether too much waits. The own count only grows too large, for
// others take requests as well, so the store is asked before anybody is refused.
func (r *Router) full(ctx context.Context) bool {
	if r.backlog.Load() < int64(r.opt.Queue) {
		return false
	}
	n, _, err := r.opt.Store.Waiting(ctx)
	if err != nil {
		return false // the write that follows will say so
	}
	r.backlog.Store(int64(n))
	return n >= r.opt.Queue
}

// Wake makes Run look for work now.
func (r *Router) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *Router) logger(ref string, req chat.Request, path string) *slog.Logger {
	return r.opt.Logger.With("reference", ref, "platform", req.Place.Platform, "actor", req.Actor.Link, "command", path, "trigger", string(req.Trigger))
}
