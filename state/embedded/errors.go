package embedded

import (
	"errors"
	"fmt"
)

// What callers branch on.
var (
	// ErrLocked says that another process owns the directory.
	ErrLocked = errors.New("embedded store is in use")
	// ErrNewer says that the journal was written by a newer version of this program.
	ErrNewer = errors.New("embedded store has a newer format")
	// ErrClosed says that the engine was closed.
	ErrClosed = errors.New("embedded store is closed")
)

// CorruptError says that a record before the tail of the journal is not as it was written. Nothing was changed; the
// answer is a backup.
type CorruptError struct {
	Path   string
	Offset int64
	Reason string
}

// Error names the place, so that an operator can look.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("journal %s is corrupt at offset %d: %s", e.Path, e.Offset, e.Reason)
}
