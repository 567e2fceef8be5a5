package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"
)

// ErrStop is returned by a part to end the whole group without an error.
var ErrStop = errors.New("the group is to stop")

// Group runs the parts of a process and takes them down again: last in, first
// out, each only after those above it have ended. Add what others rest on first:
// the store, then HTTP, the outbox, the router, and the platforms last.
//
// The zero value is not usable; see NewGroup. A Group is built and run by one
// goroutine.
type Group struct {
	log   *slog.Logger
	most  time.Duration
	stack []*layer
}

// layer is a part that runs, or a cleanup.
type layer struct {
	name    string
	run     func(context.Context) error // nil: a cleanup
	cleanup func(context.Context) error
	cancel  context.CancelFunc
	done    chan struct{}
	err     error // read after done
	told    bool  // the error was returned already
}

// NewGroup makes a group that takes at most so long to go down, all in all.
func NewGroup(log *slog.Logger, most time.Duration) *Group {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Group{log: log, most: most}
}

// Add adds a part. It runs from Run on until its context ends, and returns nil
// then. A part that returns nil earlier has done its work, and nothing ends; an
// error ends the group.
func (g *Group) Add(name string, run func(context.Context) error) {
	g.stack = append(g.stack, &layer{name: name, run: run, done: make(chan struct{})})
}

// Cleanup adds what must be done after everything that is added later has ended.
func (g *Group) Cleanup(name string, f func(context.Context) error) {
	g.stack = append(g.stack, &layer{name: name, cleanup: f, done: make(chan struct{})})
}

// Run starts the parts and waits until the context ends, a part returns an error,
// or every part has returned. It then takes everything down and returns the first
// error and those of the cleanups.
func (g *Group) Run(ctx context.Context) error {
	ended := make(chan *layer, len(g.stack))
	parts := 0
	for _, l := range g.stack {
		if l.run != nil {
			parts++
			l.start(ctx, ended)
		}
	}
	first := g.watch(ctx, parts, ended)
	if first != nil {
		g.log.Error("a part ended with an error", "error", first)
	}
	return errors.Join(first, g.Close())
}

func (g *Group) watch(ctx context.Context, parts int, ended <-chan *layer) error {
	for range parts {
		select {
		case <-ctx.Done():
			return nil
		case l := <-ended:
			l.told = true
			switch {
			case errors.Is(l.err, ErrStop):
				return nil
			case l.err != nil:
				return fmt.Errorf("%s: %w", l.name, l.err)
			}
			g.log.Debug("a part has done its work", "part", l.name)
		}
	}
	return nil
}

// start runs the part. Its context ends only when its turn has come to go down.
func (l *layer) start(ctx context.Context, ended chan<- *layer) {
	ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() { // Close waits for it
		defer func() { ended <- l }()
		defer close(l.done)
		defer func() {
			if p := recover(); p != nil {
				l.err = fmt.Errorf("it panicked: %v\n%s", p, debug.Stack())
			}
		}()
		l.err = l.run(ctx)
	}()
}

// Close takes down what was added, last in, first out. Run does it by itself; it
// is for when the construction of a process fails half way. It may be called twice.
func (g *Group) Close() error {
	end := time.Now().Add(g.most)
	var errs []error
	stack := g.stack
	g.stack = nil
	for _, l := range slices.Backward(stack) {
		if err := l.down(end); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", l.name, err))
		}
	}
	return errors.Join(errs...)
}

// leastDown is what a layer gets though those above it used up all the time: a
// store must be closed even when a platform hangs.
const leastDown = 500 * time.Millisecond

// down stops one layer within what is left of the time.
func (l *layer) down(end time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), max(leastDown, time.Until(end)))
	defer cancel()
	switch {
	case l.cleanup != nil:
		go func() { // it was given the context that bounds it
			defer close(l.done)
			l.err = l.cleanup(ctx)
		}()
	case l.cancel == nil:
		return nil // it never ran
	default:
		l.cancel()
	}
	select {
	case <-l.done:
	case <-ctx.Done():
		return errors.New("it does not end in time")
	}
	if l.told || l.run != nil && (errors.Is(l.err, context.Canceled) || errors.Is(l.err, ErrStop)) {
		return nil
	}
	return l.err
}
