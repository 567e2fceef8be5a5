package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// DialOptions are what a URL does not say. The zero value works.
type DialOptions struct {
	// TLS replaces the settings that rediss:// brings.
	TLS *tls.Config
	// PoolSize is how many connections there may be. 0 is the client's own choice.
	PoolSize int
	// Timeout bounds dialling and each wait for a reply. 0 is 3 seconds.
	Timeout time.Duration
}

// Dial makes a client from a redis:// or rediss:// URL. It connects at first use. No error of it shows the URL, for there
// may be a password in it. The client does not repeat commands: the store does, and knows what can be repeated.
func Dial(url string, o DialOptions) (redis.UniversalClient, error) {
	opts, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("the URL of the Redis is not valid: want redis://user:password@host:port/database, or rediss:// for TLS")
	}
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	if o.TLS != nil {
		if opts.TLSConfig == nil {
			return nil, fmt.Errorf("TLS settings are given, but the URL of the Redis begins with redis://: want rediss://")
		}
		opts.TLSConfig = o.TLS
	}
	if o.PoolSize > 0 {
		opts.PoolSize = o.PoolSize
	}
	opts.DialTimeout, opts.ReadTimeout, opts.WriteTimeout = o.Timeout, o.Timeout, o.Timeout
	opts.ContextTimeoutEnabled = true
	opts.MaxRetries = -1
	opts.DialerRetries = 1
	opts.DisableIdentity = true
	opts.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(opts), nil
}

// ClientLog makes what the Redis client itself has to say, about connections that it could not make, go to a logger
// instead of standard error. It is for the whole process: the client knows no other way.
func ClientLog(l *slog.Logger) { redis.SetLogger(clientLog{l}) }

type clientLog struct{ l *slog.Logger }

func (c clientLog) Printf(ctx context.Context, format string, v ...any) {
	c.l.DebugContext(ctx, "redis client", "says", fmt.Sprintf(format, v...))
}
