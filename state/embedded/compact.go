package embedded

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Compact rewrites the journal as the commands that make the present state. Nothing else runs meanwhile. An error before
// the new file is in place leaves the old one in use; one after that fails the engine.
func (e *Engine) Compact(ctx context.Context) error {
	if e.journal == nil {
		return nil
	}
	e.fileMu.Lock()
	defer e.fileMu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(); err != nil {
		return err
	}
	began, before := time.Now(), e.journal.end
	if err := e.rewrite(ctx); err != nil {
		return fmt.Errorf("compact journal: %w", err)
	}
	e.options.Logger.Info("journal compacted", "before", before, "after", e.journal.end, "took", time.Since(began))
	return nil
}

func (e *Engine) usable() error {
	if err := e.Err(); err != nil {
		return err
	}
	select {
	case <-e.done:
		return ErrClosed
	default:
		return nil
	}
}

func (e *Engine) rewrite(ctx context.Context) error {
	var end int64
	err := writeJournal(e.dir, e.options.wrap, func(j *journal) error {
		if err := e.writeState(ctx, j); err != nil {
			return err
		}
		end = j.end
		return nil
	})
	if err != nil {
		return err
	}
	// Windows renames neither from nor onto an open file, so the old one is closed first; from here on an error is fatal.
	path := filepath.Join(e.dir, journalName)
	_ = e.journal.close()
	err = os.Rename(filepath.Join(e.dir, tempName), path)
	if err == nil {
		err = syncDir(e.dir)
	}
	if err != nil {
		e.fail(err)
		return err
	}
	j, _, err := openJournal(path, e.options.wrap)
	if err != nil {
		e.fail(err)
		return err
	}
	j.end, j.reserved, j.base = end, end, end
	*e.journal = *j // the pointer itself is read without a lock
	e.pending = e.pending[:0]
	e.markSynced(e.appended.Load())
	return nil
}

// writeState writes the state in frames of about a megabyte, and a note behind the last.
func (e *Engine) writeState(ctx context.Context, j *journal) error {
	const step = 1 << 20
	var buf []byte
	write := func(least int) error {
		if len(buf) < least {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		err := j.appendUnsynced(buf)
		buf = buf[:0]
		return err
	}
	err := e.state(func(args ...string) error {
		buf = appendCommand(buf, args...)
		return write(step)
	})
	if err == nil {
		err = write(1)
	}
	if err != nil {
		return err
	}
	return j.append(appendCommand(nil, "ECHO", noteWhole))
}

// appendUnsynced is for a file that nobody relies on yet.
func (j *journal) appendUnsynced(payload []byte) error {
	if len(payload) > maxFrame {
		return fmt.Errorf("one value of %d bytes is more than a record can hold", len(payload))
	}
	j.buf = appendFrame(j.buf[:0], j.end, payload)
	if _, err := j.f.WriteAt(j.buf, j.end); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	j.end += int64(len(j.buf))
	return nil
}

func (e *Engine) compactIfBig() {
	e.fileMu.Lock()
	j := e.journal
	big := j.end >= e.options.CompactBytes && j.end >= 2*j.base
	e.fileMu.Unlock()
	if !big {
		return
	}
	if err := e.Compact(context.Background()); err != nil && e.Err() == nil {
		e.options.Logger.Warn("journal not compacted; it grows on", "error", err)
		e.fileMu.Lock()
		e.journal.base = e.journal.end
		e.fileMu.Unlock()
	}
}

// WriteRESP writes the whole state to w as plain commands, for redis-cli --pipe. It is one point in time, and all of it is
// on disk here.
func (e *Engine) WriteRESP(ctx context.Context, w io.Writer) error {
	e.mu.Lock()
	err := e.usable()
	var out []byte
	if err == nil {
		err = e.state(func(args ...string) error {
			out = appendCommand(out, args...)
			return ctx.Err()
		})
	}
	upTo := e.appended.Load()
	e.mu.Unlock()
	if err != nil {
		return err
	}
	if !e.awaitSync(upTo) {
		return e.Err()
	}
	_, err = w.Write(out)
	return err
}

// state gives the commands that make the state, key by key in order.
func (e *Engine) state(emit func(args ...string) error) error {
	db := e.m.DB(0)
	for _, key := range db.Keys() {
		if err := e.keyState(key, emit); err != nil {
			return err
		}
		at, ok := e.deadlines[key]
		if !ok || e.timeless(nil, key) {
			continue
		}
		if err := emit("PEXPIREAT", key, strconv.FormatInt(at, 10)); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) keyState(key string, emit func(args ...string) error) error {
	db := e.m.DB(0)
	switch t := db.Type(key); t {
	case "string":
		v, err := db.Get(key)
		if err != nil {
			return err
		}
		return emit("SET", key, v)
	case "hash":
		fields, err := db.HKeys(key)
		if err != nil {
			return err
		}
		pairs := make([]string, 0, 2*len(fields))
		for _, f := range fields {
			pairs = append(pairs, f, db.HGet(key, f))
		}
		return inChunks("HSET", key, pairs, emit)
	case "set":
		members, err := db.Members(key)
		if err != nil {
			return err
		}
		return inChunks("SADD", key, members, emit)
	case "list":
		items, err := db.List(key)
		if err != nil {
			return err
		}
		return inChunks("RPUSH", key, items, emit)
	case "zset":
		return e.zsetState(key, emit)
	case "stream":
		return e.streamState(key, emit)
	default:
		return fmt.Errorf("key of type %q cannot be written", t)
	}
}

func (e *Engine) zsetState(key string, emit func(args ...string) error) error {
	scores, err := e.m.DB(0).SortedSet(key)
	if err != nil {
		return err
	}
	members := make([]string, 0, len(scores))
	for m := range scores {
		members = append(members, m)
	}
	slices.Sort(members)
	pairs := make([]string, 0, 2*len(members))
	for _, m := range members {
		pairs = append(pairs, formatScore(scores[m]), m)
	}
	return inChunks("ZADD", key, pairs, emit)
}

func formatScore(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "+inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func (e *Engine) streamState(key string, emit func(args ...string) error) error {
	entries, err := e.m.DB(0).Stream(key)
	if err != nil {
		return err
	}
	for _, x := range entries {
		if err := emit(append([]string{"XADD", key, x.ID}, x.Values...)...); err != nil {
			return err
		}
	}
	if len(entries) > 0 {
		return nil
	}
	// A stream without entries is still a key.
	if err := emit("XADD", key, "0-1", "x", "x"); err != nil {
		return err
	}
	return emit("XDEL", key, "0-1")
}

// inChunks keeps commands small: a real Redis that reads them serves others meanwhile. The length is even, so pairs stay
// together.
func inChunks(cmd, key string, args []string, emit func(args ...string) error) error {
	const most = 1024
	for chunk := range slices.Chunk(args, most) {
		if err := emit(append([]string{cmd, key}, chunk...)...); err != nil {
			return err
		}
	}
	return nil
}
