package redisstore

import (
	"context"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Over makes a client over connections that somebody else dials: the local
// socket of a process that owns an embedded store.
func Over(dial func(context.Context) (net.Conn, error)) redis.UniversalClient {
	return redis.NewClient(&redis.Options{
		Addr:                     "socket",
		Dialer:                   func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		ContextTimeoutEnabled:    true,
		MaxRetries:               -1,
		DialerRetries:            1,
		PoolSize:                 8,
		DialTimeout:              3 * time.Second,
		ReadTimeout:              time.Minute,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
}
