package redisstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
)

// tries is how often one exchange is made when the connection breaks. Every exchange can be repeated.
const tries = 3

// call makes one exchange with the store and repeats it when the connection broke. f gets the number of the try, from 0;
// it runs in a goroutine of its own, because the client does not notice that a context was cancelled while it waits for a
// reply, so it must share nothing with its caller. What is left behind ends at the exchange's deadline.
func call[T any](ctx context.Context, s *Store, op string, f func(ctx context.Context, try int) (T, error)) (T, error) {
	var zero T
	bounded, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	for try := 0; ; try++ {
		v, err := await(bounded, try, f)
		if err == nil {
			return v, nil
		}
		if !isAway(err) || try+1 >= tries || !pause(bounded, try) {
			return zero, translate(ctx, op, err)
		}
		s.o.Logger.Debug("store: trying again", "op", op, "try", try+1)
	}
}

func await[T any](ctx context.Context, try int, f func(context.Context, int) (T, error)) (T, error) {
	type answer struct {
		v   T
		err error
	}
	done := make(chan answer, 1)
	if err := ctx.Err(); err != nil {
		var zero T
		return zero, err
	}
	go func() {
		v, err := f(ctx, try)
		done <- answer{v, err}
	}()
	select {
	case a := <-done:
		return a.v, a.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

// pause waits a little longer before each try, and reports whether there is time left.
func pause(ctx context.Context, try int) bool {
	most := 5 * time.Millisecond << min(try, 4)
	t := time.NewTimer(most/2 + rand.N(most/2))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// execute runs a pipeline; that something is not there is no error.
func execute(ctx context.Context, p redis.Pipeliner) error {
	cmds, err := p.Exec(ctx)
	for _, c := range cmds {
		if e := c.Err(); e != nil && !errors.Is(e, redis.Nil) {
			return e
		}
	}
	if errors.Is(err, redis.Nil) {
		return nil
	}
	return err
}
