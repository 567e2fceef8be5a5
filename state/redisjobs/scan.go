package redisjobs

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state/redisstore"
)

//go:embed chunk.lua
var chunkSource string

var chunkScript = redis.NewScript(chunkSource)

// How often whoever follows a scan looks, and how long it waits for others to end.
const (
	lookEvery  = 200 * time.Millisecond
	watchEvery = 2 * time.Second
	endGrace   = 5 * time.Second
	idleFor    = 8 * time.Second // nothing was seen for so long: whatever nobody holds is offered again
	kept       = 90 * time.Minute
	page       = 64 // entries of what was seen
)

// scan is a scan as whoever asked for it sees it.
type scan struct {
	*Jobs
	name    string // of its keys
	plan    []byte
	targets []checks.Target
	chunks  int
}

// keys are run, states, seen and out, in the order of the script.
func (j *Jobs) keys(name string) []string {
	base := j.o.Prefix + "{scan:" + name + "}:"
	return []string{base + "run", base + "states", base + "seen", base + "out"}
}

func (j *Jobs) todo(name string) string { return j.o.Prefix + "{scan:" + name + "}:todo" }

// scan names a scan by its id and by what it asks: what another one saw is not told as its own.
func (j *Jobs) scan(id string, plan checks.Plan, targets []checks.Target) (*scan, error) {
	raw, err := json.Marshal(plan)
	if err != nil {
		return nil, fmt.Errorf("write down what scan %s asks: %w", id, err)
	}
	sum := sha256.Sum256(append([]byte(id+"\x00"), raw...))
	return &scan{Jobs: j, name: hex.EncodeToString(sum[:12]), plan: raw, targets: targets, chunks: (len(targets) + j.o.Chunk - 1) / j.o.Chunk}, nil
}

// follow begins the scan, or finds the one that was begun, and tells what is seen until all is.
func (s *scan) follow(ctx context.Context, end <-chan struct{}, emit func(checks.Result)) (checks.Summary, error) {
	began := time.Now()
	sum := checks.Summary{Targets: len(s.targets), Started: began}
	mine := make(map[string]bool, len(s.targets))
	for _, t := range s.targets {
		mine[t.Server.Name] = true
	}
	f := follower{scan: s, sum: &sum, mine: mine, emit: emit, end: end}
	err := f.run(ctx)
	sum.NotLooked = sum.Targets - sum.Looked
	sum.Complete = err == nil && f.whole && sum.NotLooked == 0
	sum.Took = time.Since(began)
	if ctx.Err() != nil {
		err = nil // as Runner.Run: the caller knows
	}
	return sum, err
}

// begin writes down what there is to do, once.
func (s *scan) begin(ctx context.Context) error {
	keys := s.keys(s.name)
	there, err := s.c.Exists(ctx, keys[0]).Result()
	if err != nil {
		return fmt.Errorf("begin a scan: %w", err)
	}
	if there == 0 {
		if err := s.write(ctx, keys); err != nil {
			return fmt.Errorf("begin a scan: %w", err)
		}
	}
	// Who takes a scan over may know of other servers than who began it: its parts are those that were written down.
	n, err := s.c.HLen(ctx, s.todo(s.name)).Result()
	if err != nil {
		return fmt.Errorf("begin a scan: %w", err)
	}
	if n > 0 {
		s.chunks = int(n)
	}
	return nil
}

func (s *scan) write(ctx context.Context, keys []string) error {
	n := 0
	for part := range slices.Chunk(s.targets, s.o.Chunk) {
		raw, err := json.Marshal(part)
		if err != nil {
			return err
		}
		if err := s.c.HSet(ctx, s.todo(s.name), strconv.Itoa(n), raw).Err(); err != nil {
			return err
		}
		n++
	}
	now, err := s.clock(ctx)
	if err != nil {
		return err
	}
	p := s.c.TxPipeline() // the run comes last: a scan that is there is whole
	p.Expire(ctx, s.todo(s.name), kept)
	p.HSetNX(ctx, keys[0], "plan", s.plan)
	p.HSetNX(ctx, keys[0], "deadline", now.Add(s.o.PerScan).UnixMilli())
	p.Expire(ctx, keys[0], kept)
	_, err = p.Exec(ctx)
	return err
}

// clock is the time of the Redis that keeps the scan.
func (s *scan) clock(ctx context.Context) (time.Time, error) {
	raw, err := s.c.Eval(ctx, "local t = redis.call('TIME') return t[1] .. ' ' .. t[2]", []string{s.todo(s.name)}).Text()
	if err != nil {
		return time.Time{}, err
	}
	var seconds, micros int64
	if _, err := fmt.Sscan(raw, &seconds, &micros); err != nil {
		return time.Time{}, fmt.Errorf("the time of the Redis: %w", err)
	}
	return time.Unix(seconds, micros*1000), nil
}

// offer brings a chunk to whoever has time, once for each number of tries.
func (s *scan) offer(ctx context.Context, chunk int, try string) error {
	raw, err := json.Marshal(order{Scan: s.name, Chunk: chunk})
	if err != nil {
		return err
	}
	_, err = s.queue.EnqueueContext(ctx, asynq.NewTask(taskType, raw), asynq.Queue(s.o.Queue), asynq.MaxRetry(20),
		asynq.Timeout(s.o.PerScan), asynq.TaskID(fmt.Sprintf("%s:%d:%s", s.name, chunk, try)))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}

// again does something until it works, the context ends, or it fails for a reason that does not pass.
func again(ctx context.Context, do func(context.Context) error) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := do(try)
		cancel()
		if err == nil || ctx.Err() != nil || !redisstore.Away(err) {
			return errors.Join(err, ctx.Err())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}
