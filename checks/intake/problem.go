package intake

import (
	"errors"
	"fmt"
	"strings"
)

// Problem is why one row was refused. Reading goes on after it.
type Problem struct {
	Line, Column int // from 1; 0: not known
	Record       int
	What         string
}

func (p *Problem) Error() string {
	var at []string
	for _, n := range []struct {
		what string
		n    int
	}{{"line", p.Line}, {"column", p.Column}} {
		if n.n > 0 {
			at = append(at, fmt.Sprintf("%s %d", n.what, n.n))
		}
	}
	if p.Line == 0 && p.Record > 0 {
		at = append(at, fmt.Sprintf("record %d", p.Record))
	}
	if len(at) == 0 {
		return p.What
	}
	return strings.Join(at, ", ") + ": " + p.What
}

// Unreadable is why a file cannot be read to its end as what it should be: nothing
// of it may be used.
type Unreadable struct {
	Problem
	Err error // what lies under it; may be nil
}

// Unwrap returns what lies under it.
func (u *Unreadable) Unwrap() error { return u.Err }

func unreadable(line, column int, format string, args ...any) error {
	return &Unreadable{Problem: Problem{Line: line, Column: column, What: fmt.Sprintf(format, args...)}}
}

// errStopped: who reads wants no more.
var errStopped = errors.New("stopped")
