package redisjobs

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/checks"
)

// follower reads what is seen of a scan, and keeps it going.
type follower struct {
	*scan
	sum  *checks.Summary
	mine map[string]bool // of the targets, those that were not told yet
	emit func(checks.Result)
	end  <-chan struct{}

	cursor  int64
	whole   bool
	moved   time.Time
	idle    int // how often nothing moved for long
	ending  time.Time
	watched time.Time
}

func (f *follower) run(ctx context.Context) error {
	if err := again(ctx, f.begin); err != nil {
		return err
	}
	if err := f.offerAll(ctx); err != nil {
		return err
	}
	f.moved, f.watched = time.Now(), time.Now()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		over, err := f.look(ctx)
		if over || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		case <-f.end:
			f.end = nil
			f.ending = time.Now()
			if err := again(ctx, func(ctx context.Context) error { return f.c.HSet(ctx, f.keys(f.name)[0], "end", 1).Err() }); err != nil {
				return err
			}
		}
	}
}

func (f *follower) offerAll(ctx context.Context) error {
	for chunk := range f.chunks {
		if err := again(ctx, func(ctx context.Context) error { return f.offer(ctx, chunk, "0") }); err != nil {
			return fmt.Errorf("offer a part of a scan: %w", err)
		}
	}
	return nil
}

// look tells what is new, and reports whether that was all there will be.
func (f *follower) look(ctx context.Context) (over bool, err error) {
	keys := f.keys(f.name)
	for {
		var run []any
		var entries []string
		err := again(ctx, func(ctx context.Context) error {
			p := f.c.Pipeline()
			r, out := p.HMGet(ctx, keys[0], "done", "cut", "deadline"), p.LRange(ctx, keys[3], f.cursor, f.cursor+page-1)
			_, err := p.Exec(ctx)
			run, entries = r.Val(), out.Val()
			return err
		})
		if err != nil {
			return false, fmt.Errorf("follow a scan: %w", err)
		}
		if err := f.tell(entries); err != nil {
			return false, err
		}
		if len(entries) == page {
			continue
		}
		done, cut := number(run[0]), number(run[1])
		f.whole = done == int64(f.chunks)
		if run[2] == nil {
			return true, nil // it was kept for too long, or the Redis has lost it
		}
		if done+cut >= int64(f.chunks) {
			return true, nil
		}
		return f.watch(ctx)
	}
}

func number(v any) int64 {
	text, _ := v.(string)
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// tell emits results, each server once.
func (f *follower) tell(entries []string) error {
	for _, e := range entries {
		var results []checks.Result
		if err := json.Unmarshal([]byte(e), &results); err != nil {
			return fmt.Errorf("read what a replica has seen: %w", err)
		}
		f.cursor++
		f.moved = time.Now()
		for _, r := range results {
			if f.mine[r.Server] {
				delete(f.mine, r.Server)
				f.sum.Add(r)
				f.emit(r)
			}
		}
	}
	return nil
}

// watch offers chunks again that were left, and waits for the last ones of a scan that is to end.
func (f *follower) watch(ctx context.Context) (over bool, err error) {
	every := watchEvery
	if !f.ending.IsZero() {
		every = lookEvery
	}
	if time.Since(f.watched) < every {
		return false, nil
	}
	f.watched = time.Now()
	var states map[string]string
	var now time.Time
	var deadline, end bool
	err = again(ctx, func(ctx context.Context) (err error) {
		if now, err = f.clock(ctx); err != nil {
			return err
		}
		p := f.c.Pipeline()
		all, run := p.HGetAll(ctx, f.keys(f.name)[1]), p.HMGet(ctx, f.keys(f.name)[0], "deadline", "end")
		if _, err = p.Exec(ctx); err == nil || err == redis.Nil {
			states, err = all.Val(), nil
			deadline, end = number(run.Val()[0]) <= now.UnixMilli(), run.Val()[1] != nil
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("watch a scan: %w", err)
	}
	held, left := f.count(states, now)
	if deadline || end {
		if f.ending.IsZero() {
			f.ending = time.Now()
		}
		over = held == 0 || time.Since(f.ending) > endGrace
		if over {
			f.whole = false
			_, err = f.lookOnce(ctx)
		}
		return over, err
	}
	return false, f.reoffer(ctx, left)
}

// lookOnce tells what came between the last look and the end.
func (f *follower) lookOnce(ctx context.Context) (bool, error) {
	var entries []string
	err := again(ctx, func(ctx context.Context) (err error) {
		entries, err = f.c.LRange(ctx, f.keys(f.name)[3], f.cursor, -1).Result()
		return err
	})
	if err != nil {
		return false, fmt.Errorf("follow a scan: %w", err)
	}
	return true, f.tell(entries)
}

// count is how many chunks are held, and which were left, with the try that is next.
func (f *follower) count(states map[string]string, now time.Time) (held int, left map[int]string) {
	left = map[int]string{}
	idle := time.Since(f.moved) > idleFor
	if idle {
		f.idle++
		f.moved = time.Now()
	}
	for chunk := range f.chunks {
		v, taken := states[strconv.Itoa(chunk)]
		if v == "done" || v == "cut" {
			continue
		}
		parts := strings.Fields(v)
		switch {
		case !taken && idle: // it waits, or was lost
			left[chunk] = "idle" + strconv.Itoa(f.idle)
		case len(parts) != 4:
		case number(parts[1]) > now.UnixMilli():
			held++
		case idle:
			left[chunk] = parts[2] + "-idle" + strconv.Itoa(f.idle)
		default:
			left[chunk] = parts[2]
		}
	}
	return held, left
}

func (f *follower) reoffer(ctx context.Context, left map[int]string) error {
	for chunk, try := range left {
		f.o.Logger.Debug("scan: a part was left and is offered again", "chunk", chunk, "try", try)
		if err := again(ctx, func(ctx context.Context) error { return f.offer(ctx, chunk, try) }); err != nil {
			return fmt.Errorf("offer a part of a scan again: %w", err)
		}
	}
	return nil
}
