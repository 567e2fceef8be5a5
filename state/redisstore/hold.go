package redisstore

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"time"
)

//go:embed hold.lua
var holdSource string

var holdScript = newScript(holdSource)

// Hold takes or renews a name of which there is one holder at a time, and says who that is now. The epoch grows with each
// change of holder. A time to live of zero gives it back. With a now of zero the clock of the Redis counts.
func (s *Store) Hold(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (epoch int64, by string, err error) {
	at := ""
	if !now.IsZero() {
		at = millis(now)
	}
	reply, err := call(ctx, s, "hold "+name, func(ctx context.Context, try int) ([]string, error) {
		return s.script(ctx, try, holdScript, []string{s.k.holds()}, name, holder, at, ttl.Milliseconds()).StringSlice()
	})
	if err != nil {
		return 0, "", err
	}
	if len(reply) != 2 {
		return 0, "", fmt.Errorf("hold %s: the store answered %d values", name, len(reply))
	}
	epoch, err = strconv.ParseInt(reply[0], 10, 64)
	return epoch, reply[1], err
}
