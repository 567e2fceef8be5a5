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
	// Run asks the targets what the plan says, as Runner.Run does, and returns when
	// that is done. An id that is running is refused with ErrRunning. What was seen
	// under an id before this process began may be told again instead of asked again.
	Run(ctx context.Context, id string, plan Plan, targets []Target, emit func(Result)) (Summary, error)
	// Cancel ends a scan early that this process runs; its Run returns what it has.
	// It reports whether there was one.
	Cancel(id string) bool
}

// Local runs scans in this process.
type Local struct {
	runner  *Runner
	check   func(Plan) Check
	mu      sync.Mutex
	running map[string]context.CancelFunc
}

var _ Jobs = (*Local)(nil)

// NewLocal makes jobs that share a runner; check makes the check of a plan.
func NewLocal(r *Runner, check func(Plan) Check) *Local {
	return &Local{runner: r, check: check, running: map[string]context.CancelFunc{}}
}

// Run implements Jobs.
func (l *Local) Run(ctx context.Context, id string, plan Plan, targets []Target, emit func(Result)) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !l.enter(id, cancel) {
		return Summary{}, fmt.Errorf("scan %s: %w", id, ErrRunning)
	}
	defer l.leave(id)
	return l.runner.Run(ctx, l.check(plan), targets, emit), nil
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
