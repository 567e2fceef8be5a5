package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// storeTimeout bounds each call to the store behind the acknowledgement.
const storeTimeout = 5 * time.Second

// Run works off the inbox until the context ends; then it takes nothing more,
// lets the work go on for the drain time, stops it, and returns. Requests that
// are not done by then are resumed by whoever leases them next. The error names
// commands that do not stop.
func (r *Router) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	slots := make(chan struct{}, r.opt.Workers)
	for r.slot(ctx, slots) {
		job, ok, err := r.lease(work)
		r.tell(err)
		if !ok {
			<-slots
			r.pause(ctx)
			continue
		}
		r.running.Go(func() {
			defer func() { <-slots }()
			r.work(work, job)
		})
	}
	return r.drain(stop, slots)
}

// slot waits for a free worker. It is false when the intake ended.
func (r *Router) slot(ctx context.Context, slots chan<- struct{}) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *Router) lease(ctx context.Context) (state.Job, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	job, ok, err := r.opt.Store.Lease(ctx, r.opt.Holder, r.opt.Now(), r.opt.Lease)
	if err != nil || !ok {
		return job, false, err
	}
	if job.Attempt == 1 { // otherwise it was taken off before
		r.backlog.Add(-1)
	}
	return job, true, nil
}

// tell remembers whether the store can be worked with, and logs the change only.
func (r *Router) tell(err error) {
	was := r.trouble.Load()
	switch {
	case err != nil && was == nil:
		r.opt.Logger.Error("no work can be taken from the inbox", "error", err)
	case err == nil && was != nil:
		r.opt.Logger.Info("work can be taken from the inbox again")
	}
	if err == nil {
		r.trouble.Store(nil)
		return
	}
	err = fmt.Errorf("take work from the inbox: %w", err)
	r.trouble.Store(&err)
}

func (r *Router) pause(ctx context.Context) {
	t := time.NewTimer(r.opt.Poll)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-r.wake:
	case <-t.C:
	}
}

// drain waits for what runs: first patiently, then with a cancelled context.
func (r *Router) drain(stop context.CancelFunc, slots chan struct{}) error {
	done := make(chan struct{})
	go func() { // ends with the last worker
		r.running.Wait()
		close(done)
	}()
	if n := len(slots); n > 0 {
		r.opt.Logger.Info("waiting for work to end", "running", n, "most", r.opt.Drain)
	}
	if within(done, r.opt.Drain) {
		return nil
	}
	stop()
	if within(done, 2*r.opt.Grace) {
		return nil
	}
	return fmt.Errorf("%d commands do not stop", len(slots))
}

func within(done <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// finish ends a request with its letters. It tries until the store takes them or
// the lease cannot be ours any more; whoever has it then does it again.
func (r *Router) finish(ctx context.Context, job state.Job, letters []state.Letter, until time.Time) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 3*time.Second) {
		err := r.finishOnce(ctx, job, letters)
		if err == nil || errors.Is(err, state.ErrLeaseLost) {
			return err
		}
		if renewed := r.renew(ctx, job); renewed == nil {
			until = r.opt.Now().Add(r.opt.Lease)
		} else if errors.Is(renewed, state.ErrLeaseLost) {
			return renewed
		}
		if !r.opt.Now().Add(wait).Before(until) || ctx.Err() != nil {
			return err
		}
		within(ctx.Done(), wait)
	}
}

func (r *Router) finishOnce(ctx context.Context, job state.Job, letters []state.Letter) error {
	ctx, cancel := detached(ctx, storeTimeout)
	defer cancel()
	return r.opt.Store.Finish(ctx, job.ID, r.opt.Holder, job.Attempt, letters, r.opt.Now())
}

func (r *Router) renew(ctx context.Context, job state.Job) error {
	return r.hold(ctx, job, r.opt.Lease)
}

func (r *Router) hold(ctx context.Context, job state.Job, ttl time.Duration) error {
	ctx, cancel := detached(ctx, min(storeTimeout, r.opt.Lease/3))
	defer cancel()
	return r.opt.Store.Renew(ctx, job.ID, r.opt.Holder, job.Attempt, r.opt.Now(), ttl)
}

// mostRuns is how often a request is started for which the store was away.
const mostRuns = 5

// leave gives a request back whose command found the store away: what it wrote may
// have been kept though no reply came. It is run again, and the store knows by its
// id what was done already. When even this cannot be written, its lease ends by itself.
func (r *Router) leave(ctx context.Context, job state.Job) {
	_ = r.hold(ctx, job, min(time.Duration(job.Attempt)*5*time.Second, r.opt.Lease))
}
