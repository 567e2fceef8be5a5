package redisstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/allclear-bot/allclear/state"
)

// What callers branch on, besides the errors of package state.
var (
	// ErrFull says that too many requests wait already.
	ErrFull = errors.New("too many requests are waiting")
	// ErrTooBig says that a change is too much for one step: divide it.
	ErrTooBig = state.ErrTooBig
	// ErrNotEmpty says that an import would overwrite something.
	ErrNotEmpty = errors.New("the store is not empty")
)

// away are the error replies of a Redis that may answer later, or elsewhere.
var away = []string{"LOADING ", "READONLY ", "MASTERDOWN ", "CLUSTERDOWN ", "TRYAGAIN ", "OOM ", "MISCONF ", "NOREPLICAS ", "BUSY ", "UNKILLABLE ", "NOAUTH ", "WRONGPASS ", "NOPERM ", "MOVED ", "ERR max number of clients", "ERR embedded store"}

// Away reports whether an error means that the Redis may answer later, or elsewhere.
func Away(err error) bool { return isAway(err) }

func isAway(err error) bool {
	var reply redis.Error
	if errors.As(err, &reply) {
		for _, p := range away {
			if strings.HasPrefix(reply.Error(), p) {
				return true
			}
		}
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, redis.ErrClosed) || errors.Is(err, redis.ErrPoolTimeout) ||
		errors.Is(err, redis.ErrPoolExhausted) || errors.Is(err, errUnconfirmed) || errors.Is(err, context.DeadlineExceeded)
}

// translate makes an error of the client one of ours. ctx is the caller's.
func translate(ctx context.Context, op string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", op, context.Cause(ctx))
	case errors.Is(err, redis.Nil):
		return fmt.Errorf("%s: %w", op, state.ErrNotFound)
	case schemaError(err) != nil:
		return fmt.Errorf("%s: %w", op, schemaError(err))
	case isAway(err):
		return fmt.Errorf("%s: %w: %w", op, state.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", op, err)
}
