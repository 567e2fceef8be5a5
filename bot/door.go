package bot

import (
	"context"
	"sync"
)

// Door lets what a chat delivers in to the desk while the platform runs, so much of it
// at a time.
type Door struct {
	mu     sync.Mutex
	desk   Desk // nil: nobody is there
	inside sync.WaitGroup
	room   chan struct{}
}

// NewDoor is a closed one through which so many may be at the desk at the same time.
func NewDoor(most int) *Door { return &Door{room: make(chan struct{}, most)} }

// Open lets deliveries in.
func (d *Door) Open(desk Desk) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.desk = desk
}

// Shut lets nothing in any more, and waits for what is inside.
func (d *Door) Shut() {
	d.mu.Lock()
	d.desk = nil
	d.mu.Unlock()
	d.inside.Wait()
}

// IsOpen reports whether somebody is there.
func (d *Door) IsOpen() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.desk != nil
}

// Enter is the desk for one delivery: nil when nobody is there. full: there are too many
// at it, and this one is turned away. leave is called when it is done, whatever came of it.
func (d *Door) Enter() (desk Desk, full bool, leave func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.desk == nil {
		return nil, false, func() {}
	}
	d.inside.Add(1)
	select {
	case d.room <- struct{}{}:
		return d.desk, false, func() { <-d.room; d.inside.Done() }
	default:
		return d.desk, true, d.inside.Done
	}
}

// Together runs the parts of a platform until the context ends or one of them returns an
// error, and waits for all.
func Together(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, len(parts))
	for _, part := range parts {
		go func() { errs <- part(ctx) }() // waited for below
	}
	var first error
	for range parts {
		if err := <-errs; err != nil && first == nil {
			first = err
			cancel()
		}
	}
	return first
}
