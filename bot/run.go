package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// result is what came of one run. Orphan is set when the command did not stop in
// time: it is closed when it does.
type result struct {
	message chat.Message
	err     error
	stack   []byte
	orphan  <-chan result
}

// unit is one request being worked.
type unit struct {
	entry
	job   state.Job
	ref   string
	spec  chat.Spec
	until time.Time // the lease is ours until then
	say   *sayer
}

// work runs one request and stores its answer.
func (r *Router) work(ctx context.Context, job state.Job) {
	started := r.opt.Now()
	u := &unit{job: job, ref: chat.Reference(job.ID), until: started.Add(r.opt.Lease)}
	res := r.attempt(ctx, u)
	outcome := r.settle(ctx, u, &res)
	took := r.opt.Now().Sub(started)
	log := r.logger(u.ref, u.Request, u.spec.Path).With("outcome", outcome, "duration", took, "attempt", job.Attempt)
	r.report(log, outcome, res)
	r.opt.Done(u.spec.Path, outcome, took)
	if res.orphan != nil {
		<-res.orphan
		log.Warn("a command ended long after it was told to", "late", r.opt.Now().Sub(started))
	}
}

func (r *Router) report(log *slog.Logger, outcome string, res result) {
	if expected(outcome) {
		log.Info("request done")
		return
	}
	if res.stack != nil {
		log = log.With("stack", string(res.stack))
	}
	switch outcome {
	case outcomeHanded, outcomeLeaseLost:
		log.Warn("request left to another replica")
		return
	case outcomeAgain:
		log.Warn("request is run again", "error", res.err)
		return
	}
	log.Error("request failed", "error", res.err)
}

// attempt does all that leads to an answer.
func (r *Router) attempt(ctx context.Context, u *unit) result {
	if err := json.Unmarshal(u.job.Payload, &u.entry); err != nil {
		return result{err: fmt.Errorf("read a request from the inbox: %w", err)}
	}
	req := u.Request
	spec, words, err := chat.Find(specsIn(r.specs, req.Community), req.Text)
	if err != nil {
		return result{err: err}
	}
	u.spec = spec
	if u.job.Attempt > r.opt.Attempts {
		return result{err: errGivenUp}
	}
	u.say = &sayer{router: r, unit: u}
	defer u.say.stop()
	command := r.commands[spec.Path]
	return r.attend(ctx, u, r.limit(command), func(ctx context.Context) result {
		return guarded(func() (chat.Message, error) {
			call, err := r.call(ctx, u, words)
			if err != nil {
				return chat.Message{}, err
			}
			return command.Run(ctx, call)
		})
	})
}

// call is the request as its command gets it. Who asks is looked up again: a
// request may have waited long, and a role may have been taken away.
func (r *Router) call(ctx context.Context, u *unit, words []string) (chat.Call, error) {
	actor, err := r.actor(ctx, u.Request)
	if err != nil {
		return chat.Call{}, err
	}
	if actor.Role < u.spec.Role {
		return chat.Call{}, r.notAllowed(u.spec, actor)
	}
	req := u.Request
	req.Actor = actor
	files, err := r.fetch(ctx, req)
	if err != nil {
		return chat.Call{}, err
	}
	values, err := chat.Parse(u.spec, words, files)
	if err == nil {
		values, err = r.owners(ctx, u.spec, values)
	}
	say := func(card string, m chat.Message) { u.say.say(ctx, card, m) }
	return chat.Call{Request: req, Values: values, Incident: u.Incident, Say: say}, err
}

// fetch reads the files of a request that a platform keeps.
func (r *Router) fetch(ctx context.Context, req chat.Request) ([]chat.File, error) {
	var out []chat.File
	for _, f := range req.Files {
		if f.Ref != "" && f.Data == nil {
			if r.opt.Fetch == nil {
				return nil, &chat.Problem{What: fmt.Sprintf("The file %.60q cannot be read from here.", f.Name)}
			}
			got, err := r.opt.Fetch(ctx, req.Place, f)
			if err != nil {
				return nil, fmt.Errorf("read a file: %w", err)
			}
			f = got
		}
		out = append(out, f)
	}
	return out, nil
}

func (r *Router) limit(c Command) time.Duration {
	if l, ok := c.(Limited); ok && l.TimeLimit() > 0 {
		return l.TimeLimit()
	}
	return r.opt.TimeLimit
}

// guarded contains a panic to this one request.
func guarded(run func() (chat.Message, error)) (res result) {
	defer func() {
		if p := recover(); p != nil {
			res = result{err: fmt.Errorf("%w: %v", errPanic, p), stack: debug.Stack()}
		}
	}()
	m, err := run()
	return result{message: m, err: err}
}

// attend runs a command and renews its lease meanwhile. It returns when the
// command does, or a grace after the command was told to stop.
func (r *Router) attend(ctx context.Context, u *unit, limit time.Duration, run func(context.Context) result) result {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ctx, timeout := context.WithTimeoutCause(ctx, limit, errTimeout)
	defer timeout()
	done := make(chan result, 1)
	go func() { // work waits for it, also when it outlives the grace
		defer close(done)
		done <- run(ctx)
	}()
	renew := time.NewTicker(r.opt.Lease / 3)
	defer renew.Stop()
	stopped, grace := ctx.Done(), (<-chan time.Time)(nil)
	for {
		select {
		case res := <-done:
			return stoppedFor(ctx, res)
		case <-renew.C:
			if r.lost(ctx, u) {
				cancel(state.ErrLeaseLost)
			}
		case <-stopped:
			stopped, grace = nil, time.After(r.opt.Grace)
		case <-grace:
			return stoppedFor(ctx, result{err: ctx.Err(), orphan: done})
		}
	}
}

// stoppedFor gives the reason why a context ended instead of the fact. A command
// that succeeded nevertheless has succeeded, unless the lease was lost.
func stoppedFor(ctx context.Context, res result) result {
	cause := context.Cause(ctx)
	if errors.Is(cause, state.ErrLeaseLost) || res.err != nil && cause != nil && !errors.Is(res.err, errPanic) {
		res.err = cause
	}
	return res
}

// lost renews the lease and reports whether it cannot be ours any more.
func (r *Router) lost(ctx context.Context, u *unit) bool {
	err := r.renew(ctx, u.job)
	if err == nil {
		u.until = r.opt.Now().Add(r.opt.Lease)
		return false
	}
	return errors.Is(err, state.ErrLeaseLost) || !r.opt.Now().Add(r.opt.Lease/3).Before(u.until)
}

// shames reports whether an answer is only about what one person asked: a refusal,
// when nothing was said in public before that it must replace.
func (u *unit) shames(err error) bool {
	var problem *chat.Problem
	var no *state.Refusal
	return (errors.As(err, &problem) || errors.As(err, &no)) && (u.say == nil || !u.say.spoke())
}

// settle stores the answer and says what became of the request.
func (r *Router) settle(ctx context.Context, u *unit, res *result) string {
	switch {
	case errors.Is(res.err, state.ErrLeaseLost):
		return outcomeLeaseLost
	case ctx.Err() != nil && errors.Is(res.err, context.Canceled):
		return outcomeHanded
	case errors.Is(res.err, state.ErrUnavailable) && u.job.Attempt < min(r.opt.Attempts, mostRuns):
		r.leave(ctx, u.job)
		return outcomeAgain
	}
	m := res.message
	if res.err != nil {
		m = explain(res.err, u.ref)
	}
	letters, err := r.answer(u.entry, m, u.spec.Private || u.shames(res.err))
	if err != nil {
		res.err = err
		letters, _ = r.answer(u.entry, explain(err, u.ref), u.spec.Private)
	}
	outcome := outcomeOf(res.err)
	switch err := r.finish(ctx, u.job, letters, u.until); {
	case errors.Is(err, state.ErrLeaseLost):
		return outcomeLeaseLost
	case err != nil:
		res.err = fmt.Errorf("store the answer: %w", err)
		return outcomeAway
	}
	r.opt.Posted()
	return outcome
}
