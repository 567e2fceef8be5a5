package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// Holder is a store in which a name has one holder at a time.
type Holder interface {
	// Hold takes or renews a name. The epoch grows with each change of holder. A time
	// to live of zero gives it back. now is zero: the store's own clock counts, so that
	// the clocks of the replicas may differ.
	Hold(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (epoch int64, ok bool, err error)
}

// Sole runs a part of the process in one replica at a time: a connection of which
// there may be one. Store and Name are required, the zero value of the rest works.
type Sole struct {
	Store  Holder
	Name   string
	Holder string        // names this process among the replicas
	Lease  time.Duration // 6 s: so long after a replica dies, another takes over
	Logger *slog.Logger
}

// errNotHeld is why a part is told to stop.
var errNotHeld = errors.New("another replica may hold it")

// Run waits until the name is ours, calls do, and again when it was lost, until the
// context ends or do fails by itself. The context of do ends before another replica
// can hold the name: when it was not renewed for two thirds of the lease, by the
// clock of this machine. do must return soon after; its epoch is larger than that of
// every holder before, for whatever it writes to refuse older ones.
func (s Sole) Run(ctx context.Context, do func(ctx context.Context, epoch int64) error) error {
	s.defaults()
	poll := time.NewTicker(s.Lease / 3)
	defer poll.Stop()
	for {
		asked := time.Now()
		epoch, ok, err := s.hold(ctx, s.Lease)
		if err != nil && ctx.Err() == nil {
			s.Logger.Debug("what one replica holds cannot be asked for", "name", s.Name, "error", err)
		}
		if err == nil && ok {
			s.Logger.Info("held by this replica", "name", s.Name, "epoch", epoch)
			if err := s.while(ctx, asked, epoch, do); err != nil || ctx.Err() != nil {
				return err
			}
			s.Logger.Warn("not held by this replica any more", "name", s.Name, "epoch", epoch)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-poll.C:
		}
	}
}

func (s *Sole) defaults() {
	if s.Holder == "" {
		host, _ := os.Hostname()
		s.Holder = fmt.Sprintf("%s-%d-%.6s", host, os.Getpid(), rand.Text())
	}
	if s.Lease <= 0 {
		s.Lease = 6 * time.Second
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
}

func (s Sole) hold(ctx context.Context, ttl time.Duration) (int64, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Lease/3)
	defer cancel()
	return s.Store.Hold(ctx, s.Name, s.Holder, time.Time{}, ttl)
}

// while runs do as long as the name is ours, and gives it back. The error is that of
// do, unless it was told to stop.
func (s Sole) while(ctx context.Context, since time.Time, epoch int64, do func(context.Context, int64) error) error {
	held, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	done := make(chan error, 1)
	go func() { done <- do(held, epoch) }() // waited for below
	renew := time.NewTicker(s.Lease / 6)
	defer renew.Stop()
	end := time.NewTimer(time.Until(since.Add(s.Lease * 2 / 3)))
	defer end.Stop()
	for {
		select {
		case err := <-done:
			back, cancel := detached(ctx, s.Lease/3)
			defer cancel()
			_, _, _ = s.hold(back, 0)
			if errors.Is(context.Cause(held), errNotHeld) || ctx.Err() != nil {
				return nil
			}
			return err
		case <-end.C:
			lose(errNotHeld)
		case <-renew.C:
			asked := time.Now()
			switch got, ok, err := s.hold(ctx, s.Lease); {
			case err != nil: // it may come back in time
			case !ok || got != epoch:
				lose(errNotHeld)
			case held.Err() == nil:
				end.Reset(time.Until(asked.Add(s.Lease * 2 / 3)))
			}
		}
	}
}
