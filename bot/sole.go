package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Holder is a store in which a name has one holder at a time.
type Holder interface {
	// Hold takes or renews a name, and says who holds it now. The epoch grows with each
	// change of holder. A time to live of zero gives it back. now is zero: the store's own
	// clock counts, so that the clocks of the replicas may differ.
	Hold(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (epoch int64, by string, err error)
}

// Sole runs a part of the process in one replica at a time: a connection of which
// there may be one. Store and Name are required, the zero value of the rest works.
type Sole struct {
	Store  Holder
	Name   string
	Holder string        // names this process among the replicas; six random characters
	Lease  time.Duration // 6 s: so long after a replica dies, another takes over
	Logger *slog.Logger

	mu sync.Mutex
	by string // who held it when it was asked last, "" when nobody said
}

// Held says who held the name when it was asked last, "" while the store does not say
// it, and whether that is this process.
func (s *Sole) Held() (by string, ours bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.by, s.by != "" && s.by == s.Holder
}

func (s *Sole) set(by string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.by = by
}

// errNotHeld is why a part is told to stop.
var errNotHeld = errors.New("another replica may hold it")

// Run waits until the name is ours, calls do, and again when it was lost, until the
// context ends or do fails by itself. The context of do ends before another replica
// can hold the name: when it was not renewed for two thirds of the lease, by the
// clock of this machine. do must return soon after; its epoch is larger than that of
// every holder before, for whatever it writes to refuse older ones.
func (s *Sole) Run(ctx context.Context, do func(ctx context.Context, epoch int64) error) error {
	s.defaults()
	defer s.set("")
	poll := time.NewTicker(s.Lease / 6)
	defer poll.Stop()
	for {
		asked := time.Now()
		was, _ := s.Held()
		epoch, ours, err := s.hold(ctx, s.Lease)
		switch by, _ := s.Held(); {
		case ours:
			s.Logger.Info("held by this replica", "name", s.Name, "holder", by, "epoch", epoch)
			if err := s.while(ctx, asked, epoch, do); err != nil || ctx.Err() != nil {
				return err
			}
			s.Logger.Warn("not held by this replica any more", "name", s.Name, "epoch", epoch)
		case err != nil && ctx.Err() == nil:
			s.set("")
			s.Logger.Debug("what one replica holds cannot be asked for", "name", s.Name, "error", err)
		case by != was:
			s.Logger.Info("held by another replica", "name", s.Name, "holder", by, "epoch", epoch)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-poll.C:
		}
	}
}

func (s *Sole) defaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Holder == "" {
		s.Holder = rand.Text()[:6]
	}
	if s.Lease <= 0 {
		s.Lease = 6 * time.Second
	}
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
}

// hold asks for the name, and notes who has it.
func (s *Sole) hold(ctx context.Context, ttl time.Duration) (epoch int64, ours bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Lease/3)
	defer cancel()
	epoch, by, err := s.Store.Hold(ctx, s.Name, s.Holder, time.Time{}, ttl)
	if err != nil {
		return 0, false, err
	}
	s.set(by)
	return epoch, by == s.Holder, nil
}

// while runs do as long as the name is ours, and gives it back. The error is that of
// do, unless it was told to stop.
func (s *Sole) while(ctx context.Context, since time.Time, epoch int64, do func(context.Context, int64) error) error {
	held, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	done := make(chan error, 1)
	go func() { done <- do(held, epoch) }() // waited for below
	renew := time.NewTicker(s.Lease / 6)
	defer renew.Stop()
	end := time.AfterFunc(time.Until(since.Add(s.Lease*2/3)), func() { // also while a store does not answer
		s.set("")
		lose(errNotHeld)
	})
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
