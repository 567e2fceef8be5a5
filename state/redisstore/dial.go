package redisstore

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
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

const urlForms = "want redis://user:password@host:port/database, redis-sentinel://user:password@sentinel:26379,sentinel:26379/master-name/database " +
	"or redis-cluster://user:password@host:port,host:port; with rediss at the beginning for TLS"

// Dial makes a client from a URL: of one Redis (redis://), of one that Sentinels watch (redis-sentinel://, with the name of
// the master; ?sentinel_user= and ?sentinel_password= if the Sentinels want them) or of a Cluster (redis-cluster://); rediss
// instead of redis is TLS. It connects at first use. No error of it shows the URL, for there may be a password in it. The
// client does not repeat commands: the store does, and knows what can be repeated.
func Dial(raw string, o DialOptions) (redis.UniversalClient, error) {
	a, err := readURL(raw)
	if err != nil {
		return nil, err
	}
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	if o.TLS != nil {
		if a.tls == nil {
			return nil, fmt.Errorf("TLS settings are given, but the URL of the Redis begins with %s://: want %s://", a.scheme, strings.Replace(a.scheme, "redis", "rediss", 1))
		}
		a.tls = o.TLS
	}
	quiet := &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	switch a.kind {
	case "-sentinel":
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: a.master, SentinelAddrs: a.hosts, SentinelUsername: a.sentinelUser, SentinelPassword: a.sentinelPassword,
			Username: a.user, Password: a.password, DB: a.db, TLSConfig: a.tls, PoolSize: o.PoolSize, DialTimeout: o.Timeout,
			ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1,
			DisableIdentity: true,
		}), nil
	case "-cluster":
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: a.hosts, Username: a.user, Password: a.password, TLSConfig: a.tls, PoolSize: o.PoolSize, DialTimeout: o.Timeout,
			ReadTimeout: o.Timeout, WriteTimeout: o.Timeout, ContextTimeoutEnabled: true, MaxRetries: -1, DialerRetries: 1,
			DisableIdentity: true, MaintNotificationsConfig: quiet,
		}), nil
	}
	opts := a.single
	opts.TLSConfig = a.tls
	if o.PoolSize > 0 {
		opts.PoolSize = o.PoolSize
	}
	opts.DialTimeout, opts.ReadTimeout, opts.WriteTimeout = o.Timeout, o.Timeout, o.Timeout
	opts.ContextTimeoutEnabled = true
	opts.MaxRetries = -1
	opts.DialerRetries = 1
	opts.DisableIdentity = true
	opts.MaintNotificationsConfig = quiet
	return redis.NewClient(opts), nil
}

// address is what a URL says.
type address struct {
	scheme, kind                   string // kind: "", "-sentinel", "-cluster"
	single                         *redis.Options
	hosts                          []string
	user, password                 string
	sentinelUser, sentinelPassword string
	master                         string
	db                             int
	tls                            *tls.Config
}

var errURL = errors.New("the URL of the Redis is not valid: " + urlForms)

func readURL(raw string) (address, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	name, kind, split := strings.Cut(scheme, "-")
	if split {
		kind = "-" + kind
	}
	if !ok || name != "redis" && name != "rediss" || kind != "" && kind != "-sentinel" && kind != "-cluster" {
		return address{}, errURL
	}
	a := address{scheme: scheme, kind: kind}
	if kind == "" {
		var err error
		if a.single, err = redis.ParseURL(raw); err != nil {
			return address{}, errURL
		}
		a.tls = a.single.TLSConfig
		return a, nil
	}
	if name == "rediss" {
		a.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return a, a.read(rest)
}

// read reads what is behind the scheme: net/url knows only one host.
func (a *address) read(rest string) error {
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndex(rest[:end], "@")
	u, err := url.Parse("redis://" + rest[:at+1] + "hosts" + rest[end:])
	if err != nil {
		return errURL
	}
	a.user = u.User.Username()
	a.password, _ = u.User.Password()
	port := "6379"
	if a.kind == "-sentinel" {
		port = "26379"
	}
	for _, h := range strings.Split(rest[at+1:end], ",") {
		if !strings.Contains(h, ":") || strings.HasSuffix(h, "]") {
			h += ":" + port
		}
		if host, p, err := net.SplitHostPort(h); err != nil || host == "" || p == "" {
			return errURL
		}
		a.hosts = append(a.hosts, h)
	}
	q := u.Query()
	a.sentinelUser, a.sentinelPassword = q.Get("sentinel_user"), q.Get("sentinel_password")
	q.Del("sentinel_user")
	q.Del("sentinel_password")
	path := strings.Split(strings.Trim(u.Path, "/"), "/")
	if a.kind == "-sentinel" {
		a.master, path = path[0], path[1:]
		if a.master == "" {
			return errors.New("the URL of the Redis does not name the master: " + urlForms)
		}
	}
	if len(path) > 0 && path[0] != "" {
		if a.db, err = strconv.Atoi(path[0]); err != nil || a.kind == "-cluster" && a.db != 0 {
			return errURL
		}
		path = path[1:]
	}
	if len(path) > 1 || len(path) == 1 && path[0] != "" || len(q) > 0 {
		return errURL
	}
	return nil
}

// ClientLog makes what the Redis client itself has to say, about connections that it could not make, go to a logger
// instead of standard error. It is for the whole process: the client knows no other way.
func ClientLog(l *slog.Logger) { redis.SetLogger(clientLog{l}) }

type clientLog struct{ l *slog.Logger }

func (c clientLog) Printf(ctx context.Context, format string, v ...any) {
	c.l.DebugContext(ctx, "redis client", "says", fmt.Sprintf(format, v...))
}
