package redisjobs

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/checks"
)

const taskType = "scan"

// order is what a task says.
type order struct {
	Scan  string `json:"scan"`
	Chunk int    `json:"chunk"`
}

// Work looks at chunks of everybody's scans until the context ends. What it is at then is given back with what was seen.
func (j *Jobs) Work(ctx context.Context) error {
	for {
		srv := asynq.NewServerFromRedisClient(j.c, asynq.Config{
			Concurrency: j.o.Hands, Queues: map[string]int{j.o.Queue: 1}, TaskCheckInterval: 300 * time.Millisecond,
			DelayedTaskCheckInterval: 2 * time.Second, ShutdownTimeout: j.o.Hold,
			BaseContext:    func() context.Context { return ctx },
			RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return 2 * time.Second },
			Logger:         quiet{j.o.Logger}, LogLevel: asynq.InfoLevel,
		})
		err := srv.Start(asynq.HandlerFunc(j.handle))
		if err == nil {
			j.sweep(ctx)
			srv.Shutdown()
			return nil
		}
		j.o.Logger.Warn("scans: no parts can be taken yet", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// handle looks at one chunk, unless somebody does or did.
func (j *Jobs) handle(ctx context.Context, t *asynq.Task) error {
	var o order
	if err := json.Unmarshal(t.Payload(), &o); err != nil {
		return fmt.Errorf("read a part of a scan: %w: %w", err, asynq.SkipRetry)
	}
	h := &hand{Jobs: j, order: o, token: rand.Text()}
	left, ok, err := h.take(ctx)
	if err != nil || !ok {
		return err
	}
	plan, targets, err := h.read(ctx)
	if err != nil {
		_ = h.put(ctx, "free")
		return err
	}
	return h.look(ctx, left, plan, targets)
}

// hand is somebody who looks at a chunk.
type hand struct {
	*Jobs
	order order
	token string

	mu    sync.Mutex
	seen  []checks.Result // not written down yet
	batch []checks.Result // on its way
	puts  int             // batches
	since time.Time       // when the chunk was certainly ours
	ended bool
}

var errLost = errors.New("somebody else has this part of the scan")

// run runs the script. It answers what the script says first, and the rest.
func (h *hand) run(ctx context.Context, verb string, args ...any) (string, []string, error) {
	all := append([]any{verb, h.order.Chunk, h.token, h.o.Hold.Milliseconds(), kept.Milliseconds()}, args...)
	reply, err := chunkScript.Run(ctx, h.c, h.keys(h.order.Scan), all...).StringSlice()
	if err != nil || len(reply) == 0 {
		return "", nil, fmt.Errorf("hold a part of a scan: %w", err)
	}
	return reply[0], reply[1:], nil
}

func (h *hand) take(ctx context.Context) (left time.Duration, ok bool, err error) {
	h.since = time.Now()
	word, rest, err := h.run(ctx, "take")
	if err != nil || word != "ok" || len(rest) != 1 {
		return 0, false, err
	}
	return time.Duration(number(rest[0])) * time.Millisecond, true, nil
}

// read is what there is to ask, and of whom: those who were not seen before.
func (h *hand) read(ctx context.Context) (plan checks.Plan, targets []checks.Target, err error) {
	keys := h.keys(h.order.Scan)
	rawPlan, err1 := h.c.HGet(ctx, keys[0], "plan").Bytes()
	rawTodo, err2 := h.c.HGet(ctx, h.todo(h.order.Scan), strconv.Itoa(h.order.Chunk)).Bytes()
	if err := errors.Join(err1, err2); err != nil {
		return plan, nil, fmt.Errorf("read a part of a scan: %w", err)
	}
	var all []checks.Target
	if err := errors.Join(json.Unmarshal(rawPlan, &plan), json.Unmarshal(rawTodo, &all)); err != nil {
		return plan, nil, fmt.Errorf("read a part of a scan: %w", err)
	}
	names := make([]any, len(all))
	for i, t := range all {
		names[i] = t.Server.Name
	}
	before, err := h.c.SMIsMember(ctx, keys[2], names...).Result()
	if err != nil {
		return plan, nil, fmt.Errorf("read a part of a scan: %w", err)
	}
	for i, t := range all {
		if !before[i] {
			targets = append(targets, t)
		}
	}
	return plan, targets, nil
}

// look asks, and writes down what is seen every second, until all is, the scan ends or the chunk is somebody else's.
func (h *hand) look(ctx context.Context, left time.Duration, plan checks.Plan, targets []checks.Target) error {
	until := time.Now().Add(left)
	asking, stop := context.WithDeadline(ctx, until)
	defer stop()
	beating := make(chan struct{})
	go func() { // waited for below
		defer close(beating)
		h.beat(asking, stop)
	}()
	sum := h.runner.Run(asking, h.check(plan), targets, func(r checks.Result) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.seen = append(h.seen, r)
	})
	stop()
	<-beating
	switch {
	case sum.Complete:
		return h.last(ctx, "done")
	case h.ended || !time.Now().Before(until):
		return h.last(ctx, "cut")
	}
	return h.last(ctx, "free")
}

// last writes down how it ended, also when the process is being ended. After the hold it is not ours to say.
func (h *hand) last(ctx context.Context, verdict string) error {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), h.since.Add(h.o.Hold))
	defer cancel()
	err := again(ctx, h.flush)
	if err == nil && len(h.batch)+len(h.seen) > 0 { // the batch was an old one
		err = again(ctx, h.flush)
	}
	if err == nil {
		err = again(ctx, func(ctx context.Context) error { return h.put(ctx, verdict) })
	}
	if errors.Is(err, errLost) {
		return nil
	}
	return err
}

// beat holds the chunk and writes down what is seen.
func (h *hand) beat(ctx context.Context, stop context.CancelFunc) {
	tick := time.NewTicker(min(time.Second, h.o.Hold/4))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		try, cancel := context.WithTimeout(ctx, h.o.Hold/2)
		err := h.flush(try)
		cancel()
		if errors.Is(err, errLost) || h.ended || time.Since(h.since) > h.o.Hold*3/4 {
			stop()
			return
		}
	}
}

// flush writes down what was seen since. What was sent and not answered is sent again as it was: the script takes it once.
func (h *hand) flush(ctx context.Context) error {
	h.mu.Lock()
	if h.batch == nil {
		h.batch, h.seen = h.seen, nil
		h.puts++
	}
	h.mu.Unlock()
	if err := h.put(ctx, ""); err != nil {
		return err
	}
	h.batch = nil
	return nil
}

// put writes down the batch, and what becomes of the chunk.
func (h *hand) put(ctx context.Context, verdict string) error {
	args := []any{h.puts, verdict, ""}
	if len(h.batch) > 0 {
		raw, err := json.Marshal(h.batch)
		if err != nil {
			return fmt.Errorf("write down what was seen: %w", err)
		}
		args[2] = string(raw)
		for _, r := range h.batch {
			args = append(args, r.Server)
		}
	}
	at := time.Now()
	word, _, err := h.run(ctx, "put", args...)
	switch {
	case err != nil:
		return err
	case word == "done" && verdict != "": // our own word, of which we had no answer
	case word != "ok" && word != "ended":
		return errLost
	}
	h.since, h.ended = at, word == "ended"
	return nil
}

// sweepEvery is how often tasks are looked for that asynq has forgotten.
const sweepEvery = 15 * time.Second

// sweep gives tasks that are active without a lease one that is over, so that asynq finds them: it forgets them after
// some failovers (github.com/hibiken/asynq, issue 1144). It returns when the context ends.
func (j *Jobs) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	suspects := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		found, err := j.orphans(ctx)
		if err != nil {
			j.o.Logger.Debug("scans: orphans cannot be looked for", "error", err)
			continue
		}
		next := map[string]bool{}
		for _, id := range found {
			if suspects[id] {
				j.adopt(ctx, id)
			}
			next[id] = true
		}
		suspects = next
	}
}

// orphans are tasks that are active and have no lease.
func (j *Jobs) orphans(ctx context.Context) ([]string, error) {
	base := "asynq:{" + j.o.Queue + "}:"
	active, err := j.c.LRange(ctx, base+"active", 0, -1).Result()
	if err != nil || len(active) == 0 {
		return nil, err
	}
	leased, err := j.c.ZRange(ctx, base+"lease", 0, -1).Result()
	if err != nil {
		return nil, err
	}
	has := make(map[string]bool, len(leased))
	for _, id := range leased {
		has[id] = true
	}
	var out []string
	for _, id := range active {
		if !has[id] {
			out = append(out, id)
		}
	}
	return out, nil
}

func (j *Jobs) adopt(ctx context.Context, id string) {
	lease := "asynq:{" + j.o.Queue + "}:lease"
	_ = j.c.ZAddNX(ctx, lease, redis.Z{Score: float64(time.Now().Add(-time.Hour).Unix()), Member: id}).Err()
}

// quiet is asynq's log: what it says is told again, and only to those who look closely.
type quiet struct{ l *slog.Logger }

func (q quiet) Debug(args ...any) { q.l.Debug("asynq", "says", fmt.Sprint(args...)) }
func (q quiet) Info(args ...any)  { q.l.Debug("asynq", "says", fmt.Sprint(args...)) }
func (q quiet) Warn(args ...any)  { q.l.Debug("asynq", "says", fmt.Sprint(args...)) }
func (q quiet) Error(args ...any) { q.l.Debug("asynq", "says", fmt.Sprint(args...)) }
func (q quiet) Fatal(args ...any) { q.l.Error("asynq", "says", fmt.Sprint(args...)) }
