package redisstore

import (
	"context"
	"fmt"
	"slices"
)

// locks keep the changes of this process to the same farm in a queue, so that they do not run into each other's
// revisions. They are a courtesy: what is correct is decided in the store.
type locks [128]chan struct{}

func (l *locks) init() {
	for i := range l {
		l[i] = make(chan struct{}, 1)
	}
}

// take waits for all of the names; the answer gives them back.
func (l *locks) take(ctx context.Context, names []string) (func(), error) {
	var stripes []int
	for _, n := range names {
		stripes = append(stripes, bucketOf(n)%len(l))
	}
	slices.Sort(stripes)
	stripes = slices.Compact(stripes)
	release := func(n int) {
		for _, i := range stripes[:n] {
			<-l[i]
		}
	}
	for n, i := range stripes {
		select {
		case l[i] <- struct{}{}:
		case <-ctx.Done():
			release(n)
			return nil, fmt.Errorf("wait for a farm: %w", context.Cause(ctx))
		}
	}
	return func() { release(len(stripes)) }, nil
}
