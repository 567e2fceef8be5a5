package hunt

import (
	"context"
	"runtime"
	"slices"
	"sync"
)

// Assigned is a log whose server is known.
type Assigned struct {
	Log
	Origin
}

// ReadAll reads logs, those of different servers side by side and those of one server
// in order. told hears of each file that was read, from one goroutine at a time; it may
// be nil. The error is the context's, or that there is too much.
func (h *Hunt) ReadAll(ctx context.Context, logs []Assigned, told func(File)) error {
	byServer := map[string][]Assigned{}
	var order []string
	for _, l := range logs {
		if byServer[l.Server] == nil {
			order = append(order, l.Server)
		}
		byServer[l.Server] = append(byServer[l.Server], l)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	work := make(chan string)
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range min(runtime.GOMAXPROCS(0), max(1, len(order))) {
		wg.Go(func() {
			for name := range work {
				for _, l := range byServer[name] {
					f, err := h.open(ctx, l)
					if err != nil {
						stop(err)
						break
					}
					mu.Lock()
					if told != nil {
						told(f)
					}
					mu.Unlock()
				}
			}
		})
	}
	slices.Sort(order)
	for _, name := range order {
		select {
		case work <- name:
		case <-ctx.Done():
		}
	}
	close(work)
	wg.Wait()
	return context.Cause(ctx)
}

func (h *Hunt) open(ctx context.Context, l Assigned) (File, error) {
	f, err := l.Open()
	if err != nil {
		return File{Name: l.Name, Server: l.Server, Problem: err.Error()}, h.Unread(l.Origin, err.Error())
	}
	defer f.Close()
	return h.Read(ctx, l.Origin, f)
}
