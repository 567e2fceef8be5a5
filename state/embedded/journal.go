package embedded

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// formatVersion is what the first record carries. A journal of a higher one is refused.
const formatVersion = 1

// Notes are records without effect: an ECHO, so that a journal without its frames is still a stream of Redis commands.
const (
	noteFormat  = "allclear-journal"
	noteWhole   = "allclear-journal-compacted" // everything before it was synced at once
	noteClosed  = "allclear-journal-closed"
	journalName = "journal"
	tempName    = "journal.tmp"
)

// file is what a journal needs of a file; tests put faults in between.
type file interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// diskFile syncs data and the size, but not the times, where the system can.
type diskFile struct{ *os.File }

func (f diskFile) Sync() error { return syncData(f.File) }

// journal is an open journal file, written at its end only.
type journal struct {
	f        file
	disk     *os.File // to take space in advance
	end      int64    // behind the last whole frame
	reserved int64    // size up to which space was taken
	base     int64    // size that the last compaction left
	buf      []byte
}

func openJournal(path string, wrap func(file) file) (*journal, int64, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return &journal{f: wrap(diskFile{f}), disk: f}, st.Size(), nil
}

// append writes one frame and syncs it. After an error the state of the file is unknown: the engine must fail.
func (j *journal) append(payload []byte) error {
	if len(payload) > maxFrame {
		return fmt.Errorf("one transaction of %d bytes is more than a record can hold", len(payload))
	}
	j.buf = appendFrame(j.buf[:0], j.end, payload)
	j.reserve(int64(len(j.buf)))
	if _, err := j.f.WriteAt(j.buf, j.end); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := j.f.Sync(); err != nil {
		return fmt.Errorf("sync journal: %w", err)
	}
	j.end += int64(len(j.buf))
	if cap(j.buf) > 4<<20 {
		j.buf = nil
	}
	return nil
}

// reserve takes space in advance, which makes a sync cheaper: the size of the file does not change with it. An error
// means nothing; the write says what is wrong.
func (j *journal) reserve(n int64) {
	const step = 4 << 20
	if j.disk == nil || j.end+n <= j.reserved {
		return
	}
	size := max(step, n)
	if preallocate(j.disk, j.end, size) == nil {
		j.reserved = j.end + size
	}
}

func (j *journal) close() error {
	if j.reserved > j.end {
		_ = j.f.Truncate(j.end)
	}
	return j.f.Close()
}

// kick starts a sync if anything waits for one.
func (e *Engine) kick() {
	if e.journal == nil || e.appended.Load() == e.synced.Load() {
		return
	}
	select {
	case e.kicked <- struct{}{}:
	default:
	}
}

// syncLoop owns the journal while the engine is open: all transactions that arrive during one sync share the next.
func (e *Engine) syncLoop() {
	for {
		select {
		case <-e.done:
			return
		case <-e.kicked:
		}
		if e.flush() != nil {
			return
		}
		e.compactIfBig()
	}
}

// flush makes everything appended so far durable.
func (e *Engine) flush() error {
	e.fileMu.Lock()
	defer e.fileMu.Unlock()
	if err := e.Err(); err != nil {
		return err
	}
	e.mu.Lock()
	batch, upTo := e.pending, e.appended.Load()
	e.pending = e.spare[:0]
	e.spare = nil
	e.mu.Unlock()
	if len(batch) > 0 {
		if err := e.journal.append(batch); err != nil {
			e.fail(err)
			return err
		}
	}
	if cap(batch) <= 4<<20 {
		e.mu.Lock()
		e.spare = batch
		e.mu.Unlock()
	}
	e.markSynced(upTo)
	return nil
}

func (e *Engine) markSynced(upTo uint64) {
	e.syncMu.Lock()
	e.synced.Store(upTo)
	e.syncCond.Broadcast()
	e.syncMu.Unlock()
}

// awaitSync waits until that many transactions are on disk; false if the engine has failed and they may never be.
func (e *Engine) awaitSync(upTo uint64) bool {
	if e.Err() != nil {
		return false
	}
	if e.journal == nil || e.synced.Load() >= upTo {
		return true
	}
	e.kick()
	e.syncMu.Lock()
	defer e.syncMu.Unlock()
	for e.synced.Load() < upTo {
		if e.Err() != nil {
			return false
		}
		e.syncCond.Wait()
	}
	return e.Err() == nil
}

// closeJournal writes what waits and a last note: damage to the record before that note is then no torn tail.
func (e *Engine) closeJournal() error {
	err := e.flush()
	e.fileMu.Lock()
	defer e.fileMu.Unlock()
	if err == nil {
		err = e.journal.append(appendCommand(nil, "ECHO", noteClosed))
	}
	return errors.Join(err, e.journal.close())
}

// writeJournal makes a journal at path in one step: a temporary file, synced, renamed, and the directory synced.
func writeJournal(dir string, wrap func(file) file, fill func(*journal) error) (err error) {
	temp := filepath.Join(dir, tempName)
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp)
		}
	}()
	j := &journal{f: wrap(diskFile{f})}
	err = j.append(appendCommand(nil, "ECHO", fmt.Sprintf("%s %d", noteFormat, formatVersion)))
	if err == nil {
		err = fill(j)
	}
	return errors.Join(err, j.f.Close())
}
