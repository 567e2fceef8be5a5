package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/state"
)

// spoken is what a person types, with what is handed in.
type spoken struct {
	who, line string
	files     []chat.File
}

// together has lines typed unheard by as many as there are hands, while the clock
// of the story stands. It ends when all are answered and what they caused is said.
func (s *stage) together(ctx context.Context, all []spoken) error {
	if len(all) == 0 {
		return nil
	}
	s.pass(90 * time.Second)
	return s.atOnce(ctx, len(all), func(ctx context.Context, i int) error {
		_, err := s.typed(ctx, all[i].who, all[i].line, all[i].files)
		return err
	})
}

// atOnce does work for each number below n, unheard, as many at a time as there
// are hands. The first error ends it.
func (s *stage) atOnce(ctx context.Context, n int, work func(ctx context.Context, i int) error) error {
	defer s.silence(s.silence(true))
	together, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(s.hands(), n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && together.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := work(together, i); err != nil {
					stop(err)
				}
			}
		})
	}
	wg.Wait()
	if err := context.Cause(together); err != nil {
		return err
	}
	if s.elsewhere != nil {
		return nil
	}
	return s.settle(ctx)
}

// hands is how many persons type at the same moment: as many as the machine has time
// for, and one where answers are waited for in another way than here.
func (s *stage) hands() int {
	if s.elsewhere != nil {
		return 1
	}
	return min(max(2, runtime.GOMAXPROCS(0)), 8)
}

// say has a person type a line, and waits for the answer and for all that it caused.
func (s *stage) say(ctx context.Context, who, line string, files ...chat.File) (chat.Message, error) {
	s.pass(90 * time.Second)
	m, err := s.typed(ctx, who, line, files)
	if err != nil || s.elsewhere != nil {
		return m, err
	}
	return m, s.settle(ctx)
}

// typed is a line and its answer. It goes the way of every request: router, inbox,
// lease, outbox. Several persons may type at once.
func (s *stage) typed(ctx context.Context, who, line string, files []chat.File) (chat.Message, error) {
	answer := make(chan chat.Message, 1)
	s.mu.Lock()
	s.lines++
	id, quiet := fmt.Sprintf("demo-%04d", s.lines), s.quiet
	if s.elsewhere == nil {
		s.answers[chat.AnswerKey(id)] = answer
	}
	s.mu.Unlock()
	if s.elsewhere != nil {
		return s.elsewhere(ctx, who, line, files)
	}
	defer s.heard(id)
	if !quiet {
		fmt.Fprintf(s.out, "\n%s %s%s\n", s.paint.bold(who+" ▸"), line, attached(files))
	}
	ack, err := s.hand(ctx, chat.Request{
		ID: id, Trigger: chat.TriggerLine, Actor: chat.Actor{Link: console.Link(who)}, Place: s.console.Place(),
		Text: line, Files: files, At: s.clock.Now(),
	})
	switch {
	case err != nil:
		return chat.Message{}, err
	case !ack.Accepted:
		if !quiet {
			_, err = s.console.Post(ctx, s.console.Place(), ack.Message, id)
		}
		return ack.Message, err
	}
	select {
	case m := <-answer:
		return m, nil
	case <-ctx.Done():
		return chat.Message{}, ctx.Err()
	}
}

// hand gives a request to the router, and once more when a busy machine had no time
// to take it: so would a person, who is told to try again.
func (s *stage) hand(ctx context.Context, r chat.Request) (ack bot.Ack, err error) {
	for try := range 20 {
		if ack, err = s.app.router.Handle(ctx, r); err == nil || ctx.Err() != nil {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(try+1) * 100 * time.Millisecond):
		}
	}
	return ack, err
}

// heard forgets a line that was answered.
func (s *stage) heard(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.answers, chat.AnswerKey(id))
}

func attached(files []chat.File) string {
	if len(files) == 0 {
		return ""
	}
	return fmt.Sprintf("  (with %s, %d bytes)", files[0].Name, len(files[0].Data))
}

// settle waits until all that the last requests caused is said: for as long as it
// gets less.
func (s *stage) settle(ctx context.Context) error {
	left := -1
	for idle := 0; idle < 400; idle++ {
		n, _, err := s.app.store.QueueSize(ctx)
		if err != nil || n == 0 {
			return err
		}
		if n == left {
			s.clock.Skip(state.CoalesceWindow) // what may be joined waits that long
		} else {
			left, idle = n, 0
		}
		s.app.outbox.Wake()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return fmt.Errorf("%d letters stay in the outbox", left)
}

// hush keeps answers back while f runs.
func (s *stage) hush(f func() error) error {
	was := s.silence(true)
	defer s.silence(was)
	return f()
}

// silence keeps answers back or shows them, and says how it was before.
func (s *stage) silence(quiet bool) (was bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, s.quiet = s.quiet, quiet
	return was
}
