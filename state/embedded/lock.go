package embedded

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gofrs/flock"
)

// dirLock is the right to write in a directory. The system drops it when the process ends, however it ends.
type dirLock struct {
	lock *flock.Flock
	pid  string
}

// lockDir takes the lock or says who has it. The process id is in a file of its own, because Windows lets nobody read a
// locked one.
func lockDir(dir string) (*dirLock, error) {
	l := &dirLock{
		lock: flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600)),
		pid:  filepath.Join(dir, "pid"),
	}
	switch ok, err := l.lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	case !ok:
		return nil, fmt.Errorf("%w: %s is owned by %s", ErrLocked, dir, l.owner())
	}
	if err := os.WriteFile(l.pid, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		_ = l.lock.Close()
		return nil, fmt.Errorf("write %s: %w", l.pid, err)
	}
	return l, nil
}

func (l *dirLock) owner() string {
	b, err := os.ReadFile(l.pid)
	pid, bad := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || bad != nil {
		return "another process"
	}
	return "process " + strconv.Itoa(pid)
}

func (l *dirLock) release() {
	_ = os.Remove(l.pid)
	_ = l.lock.Close()
}
