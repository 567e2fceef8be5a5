package bot

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pause waits. It is false when the context ended before.
func Pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Backoff is how long to wait before an attempt to connect, the first being 0: nothing,
// then twice as long each time from first to most, with some chance in it, so that
// replicas do not all come at once.
func Backoff(attempt int, first, most time.Duration) time.Duration {
	if attempt <= 0 {
		return 0
	}
	d := most
	if attempt < 16 {
		d = min(most, first<<(attempt-1))
	}
	return d/2 + rand.N(d/2+1)
}
