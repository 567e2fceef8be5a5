package redisjobs

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/checks"
)

// Options of Jobs. The zero value works.
type Options struct {
	// Prefix begins every key of this package. Empty is "allclear:". It has no braces.
	Prefix string
	// Queue is what asynq calls the queue. Empty is "allclear-scans-1"; the number is that of the layout, so that
	// replicas of different versions leave each other's chunks alone. It has no braces.
	Queue string
	// Chunk is how many servers one replica looks at in one go, and Hands how many chunks at once: 64 and 4.
	Chunk, Hands int
	// Hold is how long a chunk stays with a replica that is silent: 10 seconds.
	Hold time.Duration
	// PerScan bounds a scan: 30 minutes.
	PerScan time.Duration
	// Logger is told of chunks that were left and of asynq's troubles. Nil discards.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Prefix = cmp.Or(o.Prefix, "allclear:")
	o.Queue = cmp.Or(o.Queue, "allclear-scans-1")
	o.Chunk = cmp.Or(max(o.Chunk, 0), 64)
	o.Hands = cmp.Or(max(o.Hands, 0), 4)
	o.Hold = cmp.Or(o.Hold, 10*time.Second)
	o.PerScan = cmp.Or(o.PerScan, 30*time.Minute)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Jobs runs scans together with all others that have the same Redis.
type Jobs struct {
	c      redis.UniversalClient
	o      Options
	runner *checks.Runner
	check  func(checks.Plan) checks.Check
	alone  *checks.Local
	queue  *asynq.Client

	mu      sync.Mutex
	running map[string]chan struct{} // closed when the scan shall end
}

var _ checks.Jobs = (*Jobs)(nil)

// New makes jobs over a client of a real Redis, which stays the caller's to close. It does no I/O. Scans that are
// shared need somebody who works: call Work, here or in another process.
func New(client redis.UniversalClient, runner *checks.Runner, check func(checks.Plan) checks.Check, o Options) *Jobs {
	return &Jobs{
		c: client, o: o.withDefaults(), runner: runner, check: check, alone: checks.NewLocal(runner, check),
		queue: asynq.NewClientFromRedisClient(client), running: map[string]chan struct{}{},
	}
}

// Run implements checks.Jobs. A scan that fits into one chunk is not shared.
func (j *Jobs) Run(ctx context.Context, id string, plan checks.Plan, targets []checks.Target, emit func(checks.Result)) (checks.Summary, error) {
	if len(targets) <= j.o.Chunk {
		return j.alone.Run(ctx, id, plan, targets, emit)
	}
	end, ok := j.enter(id)
	if !ok {
		return checks.Summary{}, fmt.Errorf("scan %s: %w", id, checks.ErrRunning)
	}
	defer j.leave(id)
	s, err := j.scan(id, plan, targets)
	if err != nil {
		return checks.Summary{}, err
	}
	return s.follow(ctx, end, emit)
}

// Cancel implements checks.Jobs.
func (j *Jobs) Cancel(id string) bool {
	if j.alone.Cancel(id) {
		return true
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	end, ok := j.running[id]
	if ok {
		select {
		case <-end:
		default:
			close(end)
		}
	}
	return ok
}

func (j *Jobs) enter(id string) (end chan struct{}, ok bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, taken := j.running[id]; taken {
		return nil, false
	}
	end = make(chan struct{})
	j.running[id] = end
	return end, true
}

func (j *Jobs) leave(id string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.running, id)
}
