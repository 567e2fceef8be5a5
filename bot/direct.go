package bot

import (
	"context"
	"errors"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Do runs a request at once, without inbox and lease: for the command line, where
// whoever asked waits, and sees it when the process dies. It is understood and
// allowed like any other. ok is false when the message says why it was not done.
func (r *Router) Do(ctx context.Context, req chat.Request, say func(card string, m chat.Message)) (m chat.Message, ok bool) {
	ref := chat.Reference(req.ID)
	spec, call, err := r.understand(ctx, req)
	if err != nil {
		m, _ = refusal(err, ref)
		return m, false
	}
	call.Say = say
	ctx, cancel := context.WithTimeout(ctx, r.limit(r.commands[spec.Path]))
	defer cancel()
	res := guarded(func() (chat.Message, error) { return r.commands[spec.Path].Run(ctx, call) })
	log := r.logger(ref, req, spec.Path).With("outcome", outcomeOf(res.err))
	if res.err == nil {
		log.Info("request done")
		return res.message, true
	}
	if !expected(outcomeOf(res.err)) {
		log.Error("request failed", "error", res.err, "stack", string(res.stack))
	}
	var told *chat.Problem
	if errors.Is(res.err, state.ErrUnavailable) && !errors.As(res.err, &told) { // nobody tries it again
		return warn("Not done, or not all of it: the store does not answer.", "Look what is there when it is back, then ask again. Reference "+ref), false
	}
	return explain(res.err, ref), false
}

// understand is all that happens to a request before it is accepted.
func (r *Router) understand(ctx context.Context, req chat.Request) (chat.Spec, chat.Call, error) {
	actor, err := r.actor(ctx, req)
	if err != nil {
		return chat.Spec{}, chat.Call{}, notTaken{err}
	}
	req.Actor = actor
	specs, err := r.community(ctx, &req)
	if err != nil {
		return chat.Spec{}, chat.Call{}, err
	}
	spec, words, err := chat.Find(specs, req.Text)
	if err != nil {
		return spec, chat.Call{}, atOnce{err}
	}
	values, err := chat.Parse(spec, words, req.Files)
	if err != nil {
		return spec, chat.Call{}, atOnce{err}
	}
	if actor.Role < spec.Role {
		return spec, chat.Call{}, atOnce{r.notAllowed(spec, actor)}
	}
	if values, err = r.owners(ctx, spec, values); err != nil {
		return spec, chat.Call{}, err
	}
	bound, err := r.bound(ctx, &req)
	if err != nil {
		return spec, chat.Call{}, err
	}
	incident, err := r.incident(ctx, spec, values, req.Text, req.Trigger, bound)
	return spec, chat.Call{Request: req, Values: values, Incident: incident}, err
}
