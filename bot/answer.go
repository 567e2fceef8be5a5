package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// What may become of a run, for the log and the metrics.
const (
	outcomeDone      = "done"
	outcomeRefused   = "refused"   // the rules or the line did not allow it
	outcomeNotTaken  = "not taken" // the inbox could not be written
	outcomeAway      = "store away"
	outcomeConflict  = "conflict"
	outcomeNotFound  = "not found"
	outcomeTimeout   = "timed out"
	outcomePanic     = "panicked"
	outcomeFailed    = "failed"
	outcomeGivenUp   = "given up"
	outcomeLeaseLost = "lease lost"
	outcomeHanded    = "handed over"
	outcomeAgain     = "run again" // the store was away
)

// Outcomes lists what Options.Done is called with.
func Outcomes() []string {
	return []string{
		outcomeDone, outcomeRefused, outcomeNotTaken, outcomeAway, outcomeConflict, outcomeNotFound, outcomeTimeout,
		outcomePanic, outcomeFailed, outcomeGivenUp, outcomeLeaseLost, outcomeHanded, outcomeAgain,
	}
}

// atOnce is an error of the line itself: there is nothing in it that the person
// did not write, besides how commands are called.
type atOnce struct{ error }

func (e atOnce) Unwrap() error { return e.error }

// notTaken is why a request could not be written down.
type notTaken struct{ error }

func (e notTaken) Unwrap() error { return e.error }

var (
	errBusy    = errors.New("too many requests wait")
	errTimeout = errors.New("it took too long")
	errPanic   = errors.New("it panicked")
	errGivenUp = errors.New("it was started several times and never ended")
)

// refusal is what is said when a request is not taken. Known: the fault is not ours.
func refusal(err error, ref string) (m chat.Message, known bool) {
	switch {
	case errors.As(err, new(atOnce)):
		return public(explain(err, ref)), true
	case errors.As(err, new(*chat.Problem)):
		return explain(err, ref), true
	case errors.Is(err, errBusy):
		return warn("Not done: too many requests wait already.", "Nothing was changed. Try again in a minute."), false
	case errors.As(err, new(notTaken)):
		return warn("Not done: the request could not be written down.",
			"So far nothing was changed. Try again in a minute, unless an answer to this one comes: then it was taken after all. Reference "+ref), false
	case errors.Is(err, state.ErrUnavailable):
		return warn("Not done: the store does not answer.", "Nothing was changed. Try again in a minute. Reference "+ref), false
	}
	return explain(err, ref), false
}

// explain puts an error into words for the person who asked.
func explain(err error, ref string) chat.Message {
	var problem *chat.Problem
	var no *state.Refusal
	switch {
	case errors.As(err, &problem):
		m := chat.Say(paragraphs(problem.What)...).With(chat.ToneWarn)
		if problem.Try != "" {
			m.Add(chat.P(problem.Try))
		}
		if len(problem.Offer) > 0 {
			m.Add(chat.Row(problem.Offer...))
		}
		return m
	case errors.As(err, &no):
		m := chat.Say(chat.P(no.Why)).With(chat.ToneWarn)
		if no.Next != "" {
			m.Add(chat.P(no.Next))
		}
		return m
	case errors.Is(err, errTimeout):
		return warn("Stopped, because it took too long. Not all of it was done.", "What was done is kept. Ask for less at a time, or again. Reference "+ref)
	case errors.Is(err, errGivenUp):
		return warn("Given up: this was started several times and never came to an end.", "It is not known how much of it was done. Tell a lead the reference "+ref)
	case errors.Is(err, state.ErrUnavailable):
		return warn("It is not known whether it was done: the store did not answer.", "Look what is there before you repeat it. Reference "+ref)
	case errors.Is(err, state.ErrConflict):
		return warn("Not done: somebody else changed the same thing at the same moment.", "Look again, then repeat it. Reference "+ref)
	case errors.Is(err, state.ErrNewer):
		return warn("Not done: the store belongs to a newer allclear than this one.", "Update this replica. Reference "+ref)
	case errors.Is(err, state.ErrNotFound):
		return chat.Say(chat.P("Not done: ", chat.C(short(err.Error())), "."), chat.N("Check the name. Reference "+ref)).With(chat.ToneWarn)
	}
	return warn("Something went wrong here. It is not known whether all of it was done.", "Look before you repeat it. The log has the cause under the reference "+ref)
}

// paragraphs is a text of one or more lines: a problem may list several.
func paragraphs(text string) []chat.Part {
	var out []chat.Part
	for line := range strings.Lines(text) {
		out = append(out, chat.P(strings.TrimSuffix(line, "\n")))
	}
	return out
}

func outcomeOf(err error) string {
	switch {
	case err == nil:
		return outcomeDone
	case errors.As(err, new(*chat.Problem)), errors.As(err, new(*state.Refusal)):
		return outcomeRefused
	case errors.As(err, new(notTaken)), errors.Is(err, errBusy):
		return outcomeNotTaken
	case errors.Is(err, errTimeout):
		return outcomeTimeout
	case errors.Is(err, errPanic):
		return outcomePanic
	case errors.Is(err, errGivenUp):
		return outcomeGivenUp
	case errors.Is(err, state.ErrUnavailable):
		return outcomeAway
	case errors.Is(err, state.ErrConflict):
		return outcomeConflict
	case errors.Is(err, state.ErrNotFound):
		return outcomeNotFound
	}
	return outcomeFailed
}

// expected reports whether an outcome is part of daily life: its error quotes
// what the person wrote, which is never logged, and there is nothing to repair.
func expected(outcome string) bool {
	switch outcome {
	case outcomeDone, outcomeRefused, outcomeConflict, outcomeNotFound:
		return true
	}
	return false
}

// warn makes a message that tells nothing of any incident.
func warn(what, next string) chat.Message {
	return public(chat.Say(chat.P(what), chat.N(next)).With(chat.ToneWarn))
}

// public marks the text of a message as TLP:CLEAR.
func public(m chat.Message) chat.Message {
	everybody := chat.Mark{TLP: state.TLPClear}
	for i, p := range m.Parts {
		switch p := p.(type) {
		case chat.Para:
			p.Mark = everybody
			m.Parts[i] = p
		case chat.Note:
			p.Mark = everybody
			m.Parts[i] = p
		}
	}
	return m
}

func short(s string) string {
	const most = 200 // bytes; the rest of a chain of errors helps nobody
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// letters addresses a message to whoever made the request.
func (e entry) letters(n state.Notice, m chat.Message, private bool) ([]state.Letter, error) {
	place := e.Request.Place
	if place.Platform == "" {
		return nil, nil
	}
	if (private || e.Request.Private || m.Named) && e.Request.Trigger != chat.TriggerSchedule { // a slot is nobody
		place.Person, place.Named = e.Request.Actor.Link, m.Named
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write a message: %w", err)
	}
	if err := json.Unmarshal(raw, new(chat.Message)); err != nil {
		return nil, fmt.Errorf("a message that cannot be read again: %w", err)
	}
	n.Payload, n.Incident = raw, e.Incident
	return n.Address([]state.Place{place}), nil
}

// answer makes the letter that ends a request.
func (r *Router) answer(e entry, m chat.Message, private bool) ([]state.Letter, error) {
	if len(m.Parts) == 0 {
		if e.Request.Trigger == chat.TriggerSchedule {
			return nil, nil // nothing to say is fine when nobody asked
		}
		m.Add(chat.P("Done."))
	}
	key := chat.AnswerKey(e.Request.ID)
	return e.letters(state.Notice{Key: key, Kind: chat.KindAnswer, At: r.opt.Now(), Card: key, Coalesce: key}, m, private)
}

// detached is a context for what must be written though the work was stopped.
func detached(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), most)
}
