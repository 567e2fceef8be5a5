package redisstore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Import writes an export into the store. It looks at all of it first, its hash included, and writes nothing if anything
// is wrong. A store that holds something is refused (ErrNotEmpty), or with force emptied first. Nobody else may
// use the store meanwhile; changes are refused until the import is complete, also if it was interrupted.
func (s *Store) Import(ctx context.Context, r io.Reader, force bool) error {
	f, err := os.CreateTemp("", "allclear-import-*")
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}()
	if err := validate(io.TeeReader(r, f)); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return s.replace(ctx, f, force)
}

// replace puts a validated export in the place of what is there.
func (s *Store) replace(ctx context.Context, r io.Reader, force bool) error {
	old, err := s.known(ctx)
	if err != nil {
		return err
	}
	if !force {
		if err := s.mustBeEmpty(ctx, old); err != nil {
			return err
		}
	}
	_, err = call(ctx, s, "import", func(ctx context.Context, _ int) (int64, error) {
		return s.c.HSet(ctx, s.k.meta(), "schema", importing).Result()
	})
	if err != nil {
		return err
	}
	defer s.startAnew()
	if err := s.erase(ctx, old); err != nil {
		return err
	}
	var meta value
	in := bufio.NewReader(r)
	b := batch{s: s}
	for {
		raw, err := in.ReadBytes('\n')
		if err != nil || bytes.HasPrefix(raw, []byte(`{"keys":`)) {
			break
		}
		v, err := parseLine(raw)
		if err != nil {
			return fmt.Errorf("import: %w", err)
		}
		if v.key == "meta" {
			meta = v
			continue
		}
		if err := b.add(ctx, v); err != nil {
			return err
		}
	}
	if err := b.flush(ctx); err != nil {
		return err
	}
	_, err = call(ctx, s, "import", func(ctx context.Context, _ int) (bool, error) {
		p := s.c.TxPipeline()
		p.Del(ctx, s.k.meta())
		p.HSet(ctx, s.k.meta(), meta.hash)
		return true, execute(ctx, p)
	})
	return err
}

// mustBeEmpty tolerates what Init makes, and lanes that nobody has written into.
func (s *Store) mustBeEmpty(ctx context.Context, keys []held) error {
	for page := range slices.Chunk(keys, 64) {
		values, err := s.values(ctx, page)
		if err != nil {
			return err
		}
		for _, v := range values {
			if v.key != s.k.meta() && !strings.HasPrefix(v.key, s.k.of("lane:")) {
				return fmt.Errorf("import: %w", ErrNotEmpty)
			}
		}
	}
	return nil
}

func (s *Store) erase(ctx context.Context, keys []held) error {
	for page := range slices.Chunk(keys, 64) {
		_, err := call(ctx, s, "import", func(ctx context.Context, _ int) (bool, error) {
			p := s.c.Pipeline()
			for _, k := range page {
				if k.key != s.k.meta() {
					p.Del(ctx, k.key)
				}
			}
			return true, execute(ctx, p)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// startAnew forgets everything that is remembered of the store.
func (s *Store) startAnew() {
	s.mu.Lock()
	clear(s.cache)
	s.mu.Unlock()
	for range cap(s.lanes) {
		l := <-s.lanes
		l.known = false
		defer func() { s.lanes <- l }()
	}
}

// batch writes values in exchanges of a good size.
type batch struct {
	s     *Store
	cmds  [][]any
	bytes int
}

func (b *batch) add(ctx context.Context, v value) error {
	name, args := v.command()
	key := b.s.k.of(v.key)
	for part := range slices.Chunk(args, 1000) {
		b.cmds = append(b.cmds, append([]any{name, key}, part...))
		for _, a := range part {
			b.bytes += len(a.(string))
		}
		if b.bytes > 1<<20 || len(b.cmds) > 1000 {
			if err := b.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// command is the one that writes the value; its arguments may be sent in parts of an even number.
func (v value) command() (name string, args []any) {
	switch v.kind {
	case typeHash:
		for f, x := range v.hash {
			args = append(args, f, x)
		}
		return "HSET", args
	case typeZset:
		for _, z := range v.zset {
			args = append(args, z[1], z[0])
		}
		return "ZADD", args
	}
	for _, x := range v.list {
		args = append(args, x)
	}
	return map[string]string{typeSet: "SADD", typeList: "RPUSH", typeString: "SET"}[v.kind], args
}

// flush sends what was collected. It is not repeated: to push to a list twice is not the same as once.
func (b *batch) flush(ctx context.Context) error {
	if len(b.cmds) == 0 {
		return nil
	}
	cmds := b.cmds
	b.cmds, b.bytes = nil, 0
	_, err := call(ctx, b.s, "import", func(ctx context.Context, try int) (bool, error) {
		if try > 0 {
			return false, errors.New("the connection was lost: import again, with force")
		}
		p := b.s.c.Pipeline()
		for _, c := range cmds {
			p.Do(ctx, c...)
		}
		return true, execute(ctx, p)
	})
	return err
}
