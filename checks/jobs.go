package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ErrRunning: a scan with this id is running already.
var ErrRunning = errors.New("already running")

// Jobs runs scans by id, so that others can cancel them.
type Jobs interface {
	// Run looks at the targets as Runner.Run does, and returns when that is done.
	// An id that is running is refused with ErrRunning.
	Run(ctx context.Context, id string, check Check, targets []Target, emit func(Result)) (Summary, error)
	// Cancel ends a running scan early; its Run returns what it has. It reports
	// whether there was one.
	Cancel(id string) bool
}

// Local runs scans in this process.
type Local struct {
	runner  *Runner
	mu      sync.Mutex
	running map[string]context.CancelFunc
}

var _ Jobs = (*Local)(nil)

// NewLocal makes jobs that share a runner.
func NewLocal(r *Runner) *Local {
	return &Local{runner: r, running: map[string]context.CancelFunc{}}
}

// Run implements Jobs.
func (l *Local) Run(ctx context.Context, id string, check Check, targets []Target, emit func(Result)) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !l.enter(id, cancel) {
		return Summary{}, fmt.Errorf("scan %s: %w", id, ErrRunning)
	}
	defer l.leave(id)
	return l.runner.Run(ctx, check, targets, emit), nil
}

// Cancel implements Jobs.
func (l *Local) Cancel(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	cancel, ok := l.running[id]
	if ok {
		cancel()
	}
	return ok
}

// Running returns the ids of the scans that are running, sorted.
func (l *Local) Running() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := make([]string, 0, len(l.running))
	for id := range l.running {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (l *Local) enter(id string, cancel context.CancelFunc) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.running[id]; ok {
		return false
	}
	l.running[id] = cancel
	return true
}

func (l *Local) leave(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.running, id)
}
