package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
)

// healthTimeout bounds the whole check.
const healthTimeout = 5 * time.Second

func newHealth(sys system) *cobra.Command {
	var s storeFlags
	cmd := &cobra.Command{
		Use: "health", Short: "Check that a running serve, and its store, answer; for supervisors",
		Long: "Check that a running serve, and its store, answer.\nExit status: 0 they do, 1 they do not.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := s.load(sys)
			if err != nil {
				return err
			}
			return health(c.Context(), conf, sys.Out)
		},
	}
	s.add(cmd)
	return cmd
}

// health reads once from the store of the process that runs.
func health(ctx context.Context, c config, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	o, err := running(ctx, c)
	if err != nil {
		return err
	}
	if o.engine == nil && c.Redis != "" {
		fmt.Fprintln(out, "the Redis answers; whether a serve runs on it cannot be told from here")
	}
	n, oldest, err := o.Waiting(ctx)
	if err = errors.Join(err, o.Close()); err != nil {
		return err
	}
	if n > 0 {
		_, err = fmt.Fprintf(out, "ok; %d requests wait, the oldest since %s\n", n, oldest.UTC().Format(time.RFC3339))
		return err
	}
	_, err = fmt.Fprintln(out, "ok")
	return err
}

// running is the store of a running serve: its Redis, or its socket. It never
// opens a directory itself.
func running(ctx context.Context, c config) (*opened, error) {
	if c.Redis != "" {
		return openStore(ctx, c, true, slog.New(slog.DiscardHandler))
	}
	dir, err := dataDir(c)
	if err != nil {
		return nil, err
	}
	return borrow(ctx, dir, errors.New("is allclear serving "+dir+"?"))
}
