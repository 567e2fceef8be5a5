package embedded

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2/server"
)

// Recovery is what Open found in the directory.
type Recovery struct {
	Records  int           // syncs that were replayed
	Commands int           // commands in them
	Bytes    int64         // size of the journal, without space taken in advance
	Closed   bool          // the last process closed it
	Torn     bool          // the last record was not whole: it was never acknowledged, and was cut off
	TornAt   int64         // where
	TornSize int64         // how many bytes were dropped
	Reason   string        // why it was not whole
	Took     time.Duration // of the replay
}

// Open locks dir, which it makes if need be, replays the journal and starts the engine. The error is ErrLocked, ErrNewer
// or a *CorruptError, or what the system says; the journal is unchanged then.
func Open(dir string, o Options) (*Engine, error) {
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("make store directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	e, err := newEngine(o)
	if err != nil {
		lock.release()
		return nil, err
	}
	e.dir, e.lock = dir, lock
	e.warnIfOpen()
	if err := e.load(); err != nil {
		if !e.broken.Load() {
			e.m.Close()
		}
		lock.release()
		return nil, err
	}
	e.start()
	e.kick()
	return e, nil
}

// makeDir makes a directory that a power cut does not take away again with all that was acknowledged in it.
func makeDir(dir string) error {
	if st, err := os.Stat(dir); err == nil && st.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	_ = syncDir(parent) // one that may be written but not read cannot be synced
	return nil
}

func (e *Engine) warnIfOpen() {
	st, err := os.Stat(e.dir)
	if err == nil && runtime.GOOS != "windows" && st.Mode().Perm()&0o077 != 0 {
		e.options.Logger.Warn("store directory is open to others", "dir", e.dir, "mode", st.Mode().Perm().String())
	}
}

func (e *Engine) load() error {
	path := filepath.Join(e.dir, journalName)
	_ = os.Remove(filepath.Join(e.dir, tempName))
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := e.create(path); err != nil {
			return fmt.Errorf("create journal: %w", err)
		}
	}
	j, size, err := openJournal(path, e.options.wrap)
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	if err := e.replay(j, path, size); err != nil {
		_ = j.f.Close()
		return err
	}
	e.journal = j
	e.setClock()
	e.expireDue()
	return nil
}

func (e *Engine) create(path string) error {
	if err := writeJournal(e.dir, e.options.wrap, func(*journal) error { return nil }); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(e.dir, tempName), path); err != nil {
		return err
	}
	return syncDir(e.dir)
}

func (e *Engine) replay(j *journal, path string, size int64) error {
	began := time.Now()
	e.replaying = true
	defer func() { e.replaying = false }()
	e.m.SetTime(time.Unix(0, 0))
	e.now = 0
	peer := newCapture().peer
	found, err := scanFrames(j.f, size, func(off int64, payload []byte) error {
		return e.replayFrame(peer, off, payload)
	})
	if err == nil && found.end == 0 {
		err = &CorruptError{Reason: "no journal header"}
	}
	var corrupt *CorruptError
	switch {
	case errors.As(err, &corrupt):
		corrupt.Path = path
		return corrupt
	case err != nil:
		return fmt.Errorf("journal %s: %w", path, err)
	}
	e.recovery.Took, e.recovery.Bytes = time.Since(began), found.end
	return e.cut(j, found, size)
}

// cut removes a torn tail before anything is written behind it.
func (e *Engine) cut(j *journal, found tail, size int64) error {
	j.end, j.reserved, j.base = found.end, found.end, found.end
	r := &e.recovery
	if found.dropped > 0 {
		r.Torn, r.TornAt, r.TornSize, r.Reason = true, found.end, found.dropped, found.reason
		e.options.Logger.Warn("journal ended in a record that was never acknowledged; it was cut off",
			"dir", e.dir, "offset", r.TornAt, "bytes", r.TornSize, "reason", r.Reason)
	}
	if size == found.end {
		return nil
	}
	if err := j.f.Truncate(found.end); err != nil {
		return fmt.Errorf("cut journal: %w", err)
	}
	if err := j.f.Sync(); err != nil {
		return fmt.Errorf("sync journal: %w", err)
	}
	return nil
}

func (e *Engine) replayFrame(peer *server.Peer, off int64, payload []byte) error {
	r := bufio.NewReader(bytes.NewReader(payload))
	for {
		args, err := readCommand(r)
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err == nil && len(args) == 0 {
			err = errProtocol
		}
		if err != nil {
			return &CorruptError{Offset: off, Reason: "record is no command: " + err.Error()}
		}
		if off == 0 {
			return checkFormat(args)
		}
		if err := e.replayCommand(peer, args); err != nil {
			return &CorruptError{Offset: off, Reason: err.Error()}
		}
	}
	if off == 0 {
		return &CorruptError{Reason: "no journal header"}
	}
	e.recovery.Records++
	return nil
}

func checkFormat(args []string) error {
	if len(args) != 2 || args[0] != "ECHO" || !strings.HasPrefix(args[1], noteFormat+" ") {
		return &CorruptError{Reason: "no journal header"}
	}
	v, err := strconv.Atoi(strings.TrimPrefix(args[1], noteFormat+" "))
	switch {
	case err != nil || v < 1:
		return &CorruptError{Reason: "no journal format"}
	case v > formatVersion:
		return fmt.Errorf("%w: %d, this program knows %d", ErrNewer, v, formatVersion)
	}
	return nil
}

// replayCommand runs one effect. A frame is whole or absent, so MULTI and EXEC have nothing to say here.
func (e *Engine) replayCommand(peer *server.Peer, args []string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			e.broken.Store(true)
			err = fmt.Errorf("panic in %s: %v", args[0], r)
		}
	}()
	e.recovery.Closed = false
	switch cmd := args[0]; {
	case cmd == "MULTI" || cmd == "EXEC":
	case cmd == "ECHO":
		e.recovery.Closed = args[len(args)-1] == noteClosed
	case kindOf(cmd) != write:
		return fmt.Errorf("record holds %q, which is no effect", cmd)
	default:
		e.recovery.Commands++
		reply := e.run(peer, args)
		if len(reply) > 0 && reply[0] == '-' {
			return fmt.Errorf("replay of %s: %s", cmd, bytes.TrimSpace(reply))
		}
		e.effect(cmd, args[1:], reply)
	}
	return nil
}
