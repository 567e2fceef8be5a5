package bot

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// kindProgress is the kind of what is said before the answer.
const kindProgress state.NoticeKind = "progress"

// sayer posts what a command says before its answer. The card "" is the message
// that becomes the answer; a named card stands for itself.
type sayer struct {
	router *Router
	unit   *unit

	mu      sync.Mutex
	count   int
	last    time.Time
	stopped bool
}

// spoke reports whether anything was said before the answer.
func (s *sayer) spoke() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count > 0
}

func (s *sayer) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
}

// say stores a message for delivery. How far a request is, is told no more often
// than cards are edited: the rest would only hold up the answer. What cannot be
// stored is not said: the answer will tell.
func (s *sayer) say(ctx context.Context, card string, m chat.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, now := s.router, s.router.opt.Now()
	if s.stopped || ctx.Err() != nil || len(m.Parts) == 0 || card == "" && now.Sub(s.last) < r.opt.SayEvery {
		return
	}
	if card == "" {
		card, s.last = chat.AnswerKey(s.unit.job.ID), now
	}
	s.count++
	n := state.Notice{
		Key:  fmt.Sprintf("progress %s %d.%d", s.unit.job.ID, s.unit.job.Attempt, s.count),
		Kind: kindProgress, At: now, Card: card, Coalesce: card,
	}
	letters, err := s.unit.letters(n, m, s.unit.spec.Private)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, storeTimeout)
		defer cancel()
		err = r.opt.Store.Post(ctx, letters)
	}
	if err != nil {
		r.logger(s.unit.ref, s.unit.Request, s.unit.spec.Path).Warn("progress is not told", "error", err)
		return
	}
	r.opt.Posted()
}
