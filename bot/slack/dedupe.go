package slack

import (
	"sync"
	"time"
)

// recent remembers what was seen, for a while and never more than so many things.
// Its methods may be called by several goroutines.
type recent[K comparable] struct {
	most int

	mu    sync.Mutex
	until map[K]time.Time
	order []K // as they came; the oldest is forgotten first
	head  int // of order: what is before it is gone
}

func newRecent[K comparable](most int) *recent[K] {
	return &recent[K]{most: most, until: map[K]time.Time{}}
}

// add notes that something was seen, and remembers it until then. It is false when
// it is remembered already.
func (r *recent[K]) add(k K, now, until time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, known := r.until[k]; known && at.After(now) {
		return false
	}
	r.sweep(now)
	if _, known := r.until[k]; !known {
		r.order = append(r.order, k)
	}
	r.until[k] = until
	return true
}

// forget makes that something was not seen.
func (r *recent[K]) forget(k K) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.until, k)
}

// sweep drops from the front what is over, and the oldest when there is no room.
// The lock is held.
func (r *recent[K]) sweep(now time.Time) {
	for r.head < len(r.order) && (len(r.order)-r.head >= r.most || !r.until[r.order[r.head]].After(now)) {
		delete(r.until, r.order[r.head])
		r.head++
	}
	if 2*r.head > len(r.order) {
		r.order, r.head = append(r.order[:0], r.order[r.head:]...), 0
	}
}
