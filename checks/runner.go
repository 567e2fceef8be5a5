package checks

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// Runner looks at many servers within bounds. It may run several scans at once;
// each has the bounds to itself.
type Runner struct{ s *shared }

// NewRunner makes a runner. It does no I/O.
func NewRunner(o Options) *Runner { return &Runner{newShared(o)} }

// Run looks at every target and calls emit with each result as soon as it is
// there, from the calling goroutine. When ctx or the time for a scan ends it
// returns within moments; the summary says what was not looked at. No goroutine
// outlives it.
func (r *Runner) Run(ctx context.Context, check Check, targets []Target, emit func(Result)) Summary {
	began := r.s.Now()
	sum := Summary{Targets: len(targets), Started: began}
	ctx, cancel := limit(ctx, r.s.PerScan, "the scan")
	results := make(chan look)
	go r.feed(ctx, check, targets, results)
	defer func() { // emit may panic: the workers must end all the same
		cancel()
		for range results { //nolint:revive // drained
		}
	}()
	whole := true
	for l := range results {
		whole = whole && l.whole
		if l.counts {
			sum.Add(l.Result)
			emit(l.Result)
		}
	}
	sum.NotLooked = sum.Targets - sum.Looked
	sum.Complete = whole && sum.NotLooked == 0
	sum.Took = r.s.Now().Sub(began)
	return sum
}

// look is a result with what the scan must know of it.
type look struct {
	Result
	whole  bool // it was not cut off by the end of the scan
	counts bool // it found something out, or ran to its end
}

func (r *Runner) feed(ctx context.Context, check Check, targets []Target, results chan<- look) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range min(r.s.Concurrency, len(targets)) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(targets) {
					return
				}
				results <- r.look(ctx, check, targets[i])
			}
		})
	}
	wg.Wait()
	close(results)
}

func (r *Runner) look(scan context.Context, check Check, t Target) look {
	ctx, cancel := limit(scan, r.s.PerServer, "one server")
	defer cancel()
	client := r.s.client(t)
	defer client.close()
	res := r.guarded(ctx, check, t, client)
	res.Server, res.URL = t.Server.Name, cmp.Or(res.URL, publicURL(t.Server.URL))
	res.Requests, res.Took = client.requests, r.s.Now().Sub(client.started)
	if t.SpeaksForFarm() {
		res.Scope = state.ScopeFarm
	}
	if res.Judgement.Verdict == state.VerdictUnknown && res.Judgement.Reason == "" {
		res.Judgement.Reason = cmp.Or(res.Error, "the check gave no reason")
	}
	tidy(&res)
	whole := !over(scan)
	return look{Result: res, whole: whole, counts: whole || res.Reached}
}

// over reports whether a context has ended or is just ending: a socket whose
// deadline is that of the context may notice before the context does.
func over(ctx context.Context) bool {
	end, bounded := ctx.Deadline()
	return ctx.Err() != nil || bounded && !time.Now().Before(end)
}

// limit bounds a context and says, in its cause, what ran out.
func limit(ctx context.Context, d time.Duration, what string) (context.Context, context.CancelFunc) {
	why := fmt.Sprintf("the time for %s (%s) was used up", what, d)
	return context.WithTimeoutCause(ctx, d, &fault{why: why, err: context.DeadlineExceeded})
}

// guarded contains a panic of a check: it is that server's error.
func (r *Runner) guarded(ctx context.Context, check Check, t Target, c *Client) (res Result) {
	defer func() {
		if p := recover(); p != nil {
			r.s.Log.Error("check panicked", "server", t.Server.Name, "panic", Clean(fmt.Sprint(p), 200), "stack", string(debug.Stack()))
			res = Result{Error: "the check itself failed: " + Excerpt(fmt.Sprint(p), 100)}
		}
	}()
	return check.Look(ctx, t, c)
}

// tidy is the last line of defence: whatever a check returned, its texts are
// single lines without control characters.
func tidy(r *Result) {
	for _, s := range []*string{&r.URL, &r.Observed, &r.Basis, &r.Contradiction, &r.Doubt, &r.Error, &r.Judgement.Product, &r.Judgement.Reason, &r.Judgement.Settle} {
		*s = Clean(*s, 1000)
	}
	for i := range r.Notes {
		r.Notes[i] = Clean(r.Notes[i], 300)
	}
	for i := range r.Indicators {
		r.Indicators[i].URL = Clean(r.Indicators[i].URL, 1000)
	}
	for i := range r.Evidence {
		e := &r.Evidence[i]
		e.Value, e.Detail = Clean(e.Value, 200), Clean(e.Detail, 200)
	}
}

// publicURL is a URL of the inventory without the password that it may hold.
func publicURL(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return ""
	case u.User == nil:
		return raw
	}
	u.User = nil
	return u.String()
}
