package embedded

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Compact rewrites the journal as the commands that make the present state. Nothing else runs meanwhile. An error before
// the new file is in place leaves the old one in use; one after that fails the engine.
func (e *Engine) Compact(ctx context.Context) error {
	if e.journal == nil {
		return nil
	}
	e.fileMu.Lock()
	defer e.fileMu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.usable(); err != nil {
		return err
	}
	began, before := time.Now(), e.journal.end
	if err := e.rewrite(ctx); err != nil {
		return fmt.Errorf("compact journal: %w", err)
	}
	e.options.Logger.Info("journal compacted", "before", before, "after", e.journal.end, "took", time.Since(began))
	return nil
}

func (e *Engine) usable() error {
	if err := e.Err(); err != nil {
		return err
	}
	select {
	case <-e.done:
		return ErrClosed
	default:
		return nil
	}
}

func (e *Engine) rewrite(ctx context.Context) error {
	var end int64
	err := writeJournal(e.dir, e.options.wrap, func(j *journal) error {
		if err := e.writeState(ctx, j); err != nil {
			return err
		}
		end = j.end
		return nil
	})
	if err != nil {
		return err
	}
	// Windows renames neither from nor onto an open file, so the old one is closed first; from here on an error is fatal.
	path := filepath.Join(e.dir, journalName)
	_ = e.journal.close()
	err = os.Rename(filepath.Join(e.dir, tempName), path)
	if err == nil {
		err = syncDir(e.dir)
	}
	if err != nil {
		e.fail(err)
		return err
	}
	j, _, err := openJournal(path, e.options.wrap)
	if err != nil {
		e.fail(err)
		return err
	}
	j.end, j.reserved, j.base = end, end, end
	*e.journal = *j // the pointer itself is read without a lock
	e.pending = e.pending[:0]
	e.markSynced(e.appended.Load())
	return nil
}

// writeState writes the state in frames of about a megabyte, and a note behind the last.
func (e *Engine) writeState(ctx context.Context, j *journal) error {
	const step = 1 << 20
	var buf []byte
	write := func(least int) error {
		if len(buf) < least {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		err := j.appendUnsynced(buf)
		buf = buf[:0]
		return err
	}
	err := e.state(func(args ...string) error {
		buf = appendCommand(buf, args...)
		return write(step)
	})
	if err == nil {
		err = write(1)
	}
	if err != nil {
		return err
	}
	return j.append(appendCommand(nil, "ECHO", noteWhole))
}

// appendUnsynced is for a file that nobody relies on yet.
func (j *journal) appendUnsynced(payload []byte) error {
	if len(payload) > maxFrame {
		return fmt.Errorf("one value of %d bytes is more than a record can hold", len(payload))
	}
	j.buf = appendFrame(j.buf[:0], j.end, payload)
	if _, err := j.f.WriteAt(j.buf, j.end); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	j.end += int64(len(j.buf))
	return nil
}

func (e *Engine) compactIfBig() {
	e.fileMu.Lock()
	j := e.journal
	big := j.end >= e.options.CompactBytes && j.end >= 2*j.base
	e.fileMu.Unlock()
	if !big {
		return
	}
	if err := e.Compact(context.Background()); err != nil && e.Err() == nil {
		e.options.Logger.Warn("journal not compacted; it grows on", "error", err)
		e.fileMu.Lock()
		e.journal.base = e.journal.end
		e.fileMu.Unlock()
	}
}
