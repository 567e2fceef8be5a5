package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisjobs"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// opened is a store that is ready, and how it was reached.
type opened struct {
	*redisstore.Store
	// engine is the embedded store that this process owns; nil when it is a Redis,
	// or another process owns the directory and lends its socket.
	engine *embedded.Engine
	// share makes the jobs that scan together with all that have the same Redis; nil
	// when the store is this machine's own.
	share func(*checks.Runner, func(checks.Plan) checks.Check) *redisjobs.Jobs
	close []io.Closer // last in, first out
	where string      // for people, without secrets
}

// Close gives everything back.
func (o *opened) Close() error {
	var errs []error
	for i := len(o.close) - 1; i >= 0; i-- {
		errs = append(errs, o.close[i].Close())
	}
	o.close = nil
	return errors.Join(errs...)
}

// openStore opens what the configuration names: a Redis, or the embedded store of
// a directory. When another process of this machine owns the directory and shared
// is true, its local socket is used.
func openStore(ctx context.Context, c config, shared bool, log *slog.Logger) (*opened, error) {
	o, err := connect(ctx, c, shared, log)
	if err != nil {
		return nil, err
	}
	if err := o.Init(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", o.where, err), o.Close())
	}
	return o, nil
}

func connect(ctx context.Context, c config, shared bool, log *slog.Logger) (*opened, error) {
	if c.Redis != "" {
		return connectRedis(c, log)
	}
	dir, err := dataDir(c)
	if err != nil {
		return nil, err
	}
	engine, err := embedded.Open(dir, embedded.Options{Logger: log})
	if errors.Is(err, embedded.ErrLocked) && shared {
		return borrow(ctx, dir, err)
	}
	if err != nil {
		return nil, unopened(dir, err)
	}
	client := engine.Client()
	o := &opened{Store: redisstore.New(client, redisstore.Options{Writer: "embedded"}), engine: engine, close: []io.Closer{engine, client}, where: dir}
	return o, nil
}

func connectRedis(c config, log *slog.Logger) (*opened, error) {
	var o redisstore.DialOptions
	if c.RedisCA != "" {
		pem, err := readAtMost(c.RedisCA, maxConfig)
		if err != nil {
			return nil, fmt.Errorf("read the certificates of the Redis: %w", err)
		}
		o.TLS = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
		if !o.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("there is no certificate in %s", c.RedisCA)
		}
	}
	client, err := redisstore.Dial(string(c.Redis), o)
	if err != nil {
		return nil, err
	}
	return &opened{
		Store: redisstore.New(client, redisstore.Options{Lanes: 4, Strict: c.Strict}), close: []io.Closer{client}, where: redisAt(c.Redis),
		share: func(r *checks.Runner, check func(checks.Plan) checks.Check) *redisjobs.Jobs {
			return redisjobs.New(client, r, check, redisjobs.Options{Logger: log})
		},
	}, nil
}

// borrow uses the socket of the process that owns the directory.
func borrow(ctx context.Context, dir string, locked error) (*opened, error) {
	probe, err := embedded.DialSocket(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("%w Its socket does not answer: %w", locked, err)
	}
	_ = probe.Close()
	client := redisstore.Over(func(ctx context.Context) (net.Conn, error) { return embedded.DialSocket(ctx, dir) })
	return &opened{Store: redisstore.New(client, redisstore.Options{}), close: []io.Closer{client}, where: "the process that serves " + dir}, nil
}

// mustExist refuses a directory in which no store is: whoever reads from it has
// mistyped it, and a new one would be called whole.
func mustExist(c config) error {
	if c.Redis != "" {
		return nil
	}
	dir, err := dataDir(c)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "journal")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no store in %s; see --data and ALLCLEAR_DATA", dir)
	}
	return nil
}

func dataDir(c config) (string, error) {
	if c.Data != "" {
		return c.Data, nil
	}
	dir, err := embedded.DefaultDir()
	if err != nil {
		return "", fmt.Errorf("where to keep the store: %w", err)
	}
	return dir, nil
}

// unopened says what to do about a directory that cannot be opened as a store.
func unopened(dir string, err error) error {
	err = fmt.Errorf("open the store in %s: %w", dir, err)
	switch {
	case errors.Is(err, embedded.ErrLocked):
		return fmt.Errorf("%w; \"allclear do LINE\" works beside it, or stop it first", err)
	case !errors.As(err, new(*embedded.CorruptError)):
		return err
	}
	return fmt.Errorf("%w. Nothing was changed: keep it as it is, bring the last export back into another directory "+
		"(allclear import --data NEW-DIRECTORY EXPORT-FILE), check it (allclear audit verify --data NEW-DIRECTORY) and serve from there", err)
}
