package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/allclear-bot/allclear/state/embedded"
)

// How a full disk is looked at: whether so many bytes can be written, and how often.
const (
	roomBytes = 1 << 20
	roomEvery = 5 * time.Second
)

// outlive returns why the embedded store can no longer work, when the process is to
// end: at once, or when a full disk has room again. Until then everybody who asks for
// something is told that it is not done, and the process is not ready.
func outlive(ctx context.Context, e *embedded.Engine, dir string) error {
	select {
	case <-ctx.Done():
		return nil
	case <-e.Failed():
	}
	err := fmt.Errorf("the embedded store has failed, and nothing more is acknowledged: %w", e.Err())
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	tick := time.NewTicker(roomEvery)
	defer tick.Stop()
	for ctx.Err() == nil && !hasRoom(dir) {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("the disk was full, and has room again: start this again: %w", err)
}

// hasRoom reports whether a directory takes what a store writes in a while.
func hasRoom(dir string) bool {
	f, err := os.CreateTemp(dir, "room-*.tmp")
	if err != nil {
		return false
	}
	_, err = f.Write(make([]byte, roomBytes))
	err = errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	return err == nil
}
