package redisstore

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed fence.lua
var fenceSource string

// newScript is a script that refuses, before it does anything, to write what another schema than ours is written in: a
// replica that was not updated yet stops when the schema moves.
func newScript(source string) *redis.Script { return redis.NewScript(fenceSource + source) }

// movedSchema begins the error of a script that was refused, before the schema that is there.
const movedSchema = "SCHEMA "

// errUnconfirmed says that no replica of the Redis has a change. Whether it stays is in doubt.
var errUnconfirmed = errors.New("no replica of the Redis has confirmed it")

// waitFor is how long a change waits for a replica, in milliseconds.
const waitFor = 1000

// script runs a script; try is that of call.
func (s *Store) script(ctx context.Context, try int, script *redis.Script, keys []string, args ...any) *redis.Cmd {
	keys = append(keys[:len(keys):len(keys)], s.k.meta())
	args = append(args[:len(args):len(args)], Schema)
	if !s.o.Strict {
		return script.Run(ctx, s.c, keys, args...)
	}
	node, err := s.node(ctx)
	if err != nil {
		return failed(ctx, err)
	}
	cmd := s.confirmed(ctx, node, try, func(p redis.Pipeliner) *redis.Cmd { return script.EvalSha(ctx, p, keys, args...) })
	if redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") {
		cmd = s.confirmed(ctx, node, try, func(p redis.Pipeliner) *redis.Cmd { return script.Eval(ctx, p, keys, args...) })
	}
	if cluster, ok := s.c.(*redis.ClusterClient); ok && cmd.Err() != nil && isAway(cmd.Err()) {
		cluster.ReloadState(ctx) // it may have moved
	}
	return cmd
}

func failed(ctx context.Context, err error) *redis.Cmd {
	cmd := redis.NewCmd(ctx)
	cmd.SetErr(err)
	return cmd
}

// pipeliner is one Redis, whose pipeline is one connection.
type pipeliner interface{ Pipeline() redis.Pipeliner }

// node is the Redis that has our keys. A Cluster's own pipeline would bring WAIT to any of its nodes.
func (s *Store) node(ctx context.Context) (pipeliner, error) {
	cluster, ok := s.c.(*redis.ClusterClient)
	if !ok {
		return s.c, nil
	}
	node, err := cluster.MasterForKey(ctx, s.k.meta())
	if err != nil {
		return nil, fmt.Errorf("find the node of the Cluster: %w", err)
	}
	return node, nil
}

// confirmed runs a script and waits for a replica to have what it wrote, on the connection that wrote it. A second try may
// find that the first has written all: then it writes something, for WAIT is about what its own connection wrote.
func (s *Store) confirmed(ctx context.Context, node pipeliner, try int, run func(redis.Pipeliner) *redis.Cmd) *redis.Cmd {
	p := node.Pipeline()
	cmd := run(p)
	if try > 0 {
		p.HSet(ctx, s.k.meta(), "waited", try)
	}
	wait := p.Do(ctx, "WAIT", 1, waitFor)
	_, _ = p.Exec(ctx)
	if err := cmd.Err(); err != nil {
		return cmd
	}
	n, err := wait.Int()
	switch {
	case err != nil:
		return failed(ctx, err)
	case n < 1:
		return failed(ctx, errUnconfirmed)
	}
	return cmd
}

// schemaError is why a script was refused, or nil when that was not because of the schema.
func schemaError(err error) error {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return nil
	}
	if _, found, ok := strings.Cut(reply.Error(), movedSchema); ok {
		if err := checkSchema(strings.TrimSpace(found)); err != nil {
			return err
		}
		return errors.New("the store was not prepared")
	}
	return nil
}
