package bot

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// Links counts the connections over which a chat reaches us. The zero value has none.
type Links struct {
	mu    sync.Mutex
	open  int
	since time.Time // when the last one was lost
	why   error     // why it was, or why no new one can be made
}

// Up notes a connection.
func (l *Links) Up() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
	l.why = nil
}

// Down notes that one was lost.
func (l *Links) Down(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open--; l.open == 0 {
		l.since = now
	}
}

// Trouble notes why one was lost or cannot be made.
func (l *Links) Trouble(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.why = err
}

// Ready is nil while there is a connection, else since when there is none, and why.
func (l *Links) Ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	since := ""
	switch {
	case l.open > 0:
		return nil
	case !l.since.IsZero():
		since = " since " + l.since.UTC().Format(time.RFC3339)
	case l.why == nil:
		return errors.New("not connected yet")
	}
	if l.why == nil {
		return fmt.Errorf("not connected%s", since)
	}
	return fmt.Errorf("not connected%s: %w", since, l.why)
}
