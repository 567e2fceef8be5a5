package embedded

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

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
