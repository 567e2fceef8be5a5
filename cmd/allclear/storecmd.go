package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisstore"
)

// servers counts the servers of all open incidents.
func (a *app) servers(ctx context.Context) (int, error) {
	ids, err := a.open(ctx)
	n := 0
	for _, id := range ids {
		c, e := a.store.Counts(ctx, id, state.Filter{})
		err = errors.Join(err, e)
		n += c.Total()
	}
	return n, err
}

// withOldStore is withStore for what only reads: the store must be there.
func withOldStore(ctx context.Context, s storeFlags, sys system, shared bool, f func(*opened) error) error {
	c, err := s.load(sys)
	if err != nil {
		return err
	}
	if err := mustExist(c); err != nil {
		return err
	}
	return withStore(ctx, s, sys, shared, f)
}

// withStore runs f on the store that flags and environment name.
func withStore(ctx context.Context, s storeFlags, sys system, shared bool, f func(*opened) error) error {
	c, err := s.load(sys)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(sys.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	o, err := openStore(ctx, c, shared, log)
	if err != nil {
		return err
	}
	return errors.Join(f(o), o.Close())
}

func newExport(sys system) *cobra.Command {
	var s storeFlags
	var pipe bool
	cmd := &cobra.Command{
		Use: "export [FILE]", Short: "Write the whole store as lines of JSON, or for redis-cli --pipe",
		Long: `Write the whole store: lines of JSON with their hash in the last one, which
"allclear import" reads, or with --redis-pipe what redis-cli --pipe reads, to move
an embedded store to a Redis. Nobody should write to the store meanwhile.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withOldStore(c.Context(), s, sys, !pipe, func(o *opened) error {
				return writeTo(args, sys.Out, func(w io.Writer) error { return export(c.Context(), o, pipe, w) })
			})
		},
	}
	s.add(cmd)
	cmd.Flags().BoolVar(&pipe, "redis-pipe", false, "write Redis commands instead (embedded store, while serve does not run)")
	return cmd
}

func export(ctx context.Context, o *opened, pipe bool, w io.Writer) error {
	if !pipe {
		return o.Export(ctx, w)
	}
	if o.engine == nil {
		return usage{errors.New("--redis-pipe is for an embedded store that no process serves")}
	}
	return o.engine.WriteRESP(ctx, w)
}

// writeTo writes to a file, whole or not at all, or to standard output.
func writeTo(args []string, out io.Writer, write func(io.Writer) error) error {
	if len(args) == 0 || args[0] == "-" {
		b := bufio.NewWriterSize(out, 1<<16)
		return errors.Join(write(b), b.Flush())
	}
	f, err := os.CreateTemp(filepath.Dir(args[0]), ".allclear-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", args[0], err)
	}
	b := bufio.NewWriterSize(f, 1<<16)
	if err := cmp.Or(write(b), b.Flush(), f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", args[0], err), os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), args[0])
}

// openFile opens a file to be read; a directory is none.
func openFile(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	if st, err := f.Stat(); err == nil && st.IsDir() {
		return nil, errors.Join(fmt.Errorf("%s is a directory", name), f.Close())
	}
	return f, nil
}

func newImport(sys system) *cobra.Command {
	var s storeFlags
	var force bool
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Read an export into an empty store; checked whole before anything is written",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), s, sys, false, func(o *opened) error {
				in := sys.In
				if args[0] != "-" {
					f, err := openFile(args[0])
					if err != nil {
						return fmt.Errorf("import: %w", err)
					}
					defer f.Close()
					in = f
				}
				if err := o.Import(c.Context(), in, force); err != nil {
					return importProblem(err)
				}
				_, err := fmt.Fprintln(sys.Out, "Imported. Check it with: allclear audit verify")
				return err
			})
		},
	}
	s.add(cmd)
	cmd.Flags().BoolVar(&force, "force", false, "replace what the store holds")
	return cmd
}

// importProblem says what to do about an export that was not taken. The store's
// errors say already that it is an import.
func importProblem(err error) error {
	if errors.Is(err, redisstore.ErrNotEmpty) {
		return fmt.Errorf("%w; nothing was changed. Import into another --data, or replace what it holds with --force", err)
	}
	return err
}
