package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/state"
)

// unsaved is said below a picture that is kept nowhere.
const unsaved = "(kept nowhere; with --save DIR pictures and files are written there)"

// banner is what somebody sees who has started the bot at a terminal: what runs,
// as whom, on which store, and what to type.
func banner(ctx context.Context, a *app, people state.People, where string) (string, error) {
	who := fmt.Sprintf("nobody linked you (%s) to a person: you may only look", consoleLink())
	if p, ok := people.ByLink(consoleLink()); ok {
		who = fmt.Sprintf("you are %s (%s)", cmp.Or(p.Name, string(p.ID)), p.Role)
	}
	ids, err := a.open(ctx)
	if err != nil {
		return "", err
	}
	open := "No incident is open. Open one: incident open NAME"
	switch {
	case len(ids) > 8:
		open = fmt.Sprintf("%d incidents are open.", len(ids))
	case len(ids) > 0:
		open = "Open: " + strings.Join(ids, ", ")
	}
	head := fmt.Sprintf("allclear %s · %s · store: %s", stamped(), who, where)
	return fmt.Sprintf("%s\n%s\n\"help\" lists the commands, \"quit\" ends this.\n", console.Clean(head), console.Clean(open)), nil
}

// redisAt is where a Redis is, without what it is opened with.
func redisAt(raw secret) string {
	_, rest, _ := strings.Cut(string(raw), "://")
	host, path, _ := strings.Cut(rest[strings.LastIndex(rest, "@")+1:], "/")
	path, _, _ = strings.Cut(path, "?")
	if host == "" {
		return "Redis"
	}
	return "Redis at " + strings.TrimSuffix(host+"/"+path, "/")
}

// patience is how long an end may take before anybody is told of it.
const patience = time.Second

// leaving tells a terminal, unless all has ended at once, that the process is
// going down, and what becomes of its work.
type leaving struct {
	signal context.Context //nolint:containedctx // only asked whether it has ended
	sys    system
	term   *console.Platform // nil: there is none
	level  *slog.LevelVar    // of the log
	timer  *time.Timer
}

func newLeaving(signal context.Context, sys system, term *console.Platform, level *slog.LevelVar) *leaving {
	l := &leaving{signal: signal, sys: sys, term: term, level: level}
	l.timer = time.AfterFunc(time.Hour, l.tell)
	l.timer.Stop()
	return l
}

// with ends the process when the console has, and has it told. The signal that
// comes then ends it at once.
func (l *leaving) with(err error) error {
	l.sys.letGo()
	if _, tty := l.sys.Terminal(l.sys.Out); tty {
		l.level.Set(slog.LevelError) // what is left unfinished is told below, in words for one person
		l.timer.Reset(patience)
	}
	if err == nil || errors.Is(err, context.Canceled) {
		return bot.ErrStop
	}
	return err
}

func (l *leaving) done() { l.timer.Stop() }

func (l *leaving) tell() {
	again := ""
	if l.signal.Err() != nil {
		again = " again"
	}
	_ = l.term.Tell("Stopping: finishing what runs (at most 15 s); press Ctrl-C" + again + " to stop at once. " +
		"What is not finished is resumed at the next start.")
}

// lastLetters bounds the delivery of the answers to what was finished while the
// process went down.
const lastLetters = 3 * time.Second

// deliver runs the outbox. When it is stopped the router has ended before it, and
// what was answered last goes out.
func (a *app) deliver(ctx context.Context) error {
	err := a.outbox.Run(ctx)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLetters)
	defer cancel()
	// What the outbox had claimed when it was stopped is due again a moment later.
	for range lastPasses {
		if _, e := a.outbox.Pass(last); e != nil {
			a.log.Warn("what was answered last is delivered at the next start", "error", e)
			break
		}
		select {
		case <-last.Done():
		case <-time.After(lastPause):
		}
	}
	return err
}

// How often, and how far apart, the outbox looks for the last answers.
const (
	lastPasses = 5
	lastPause  = 20 * time.Millisecond
)

// saveDir makes sure that pictures can be written where they shall be.
func saveDir(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	f, err := os.CreateTemp(dir, ".allclear-*")
	if err != nil {
		return fmt.Errorf("--save: nothing can be written there: %w", err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// lookEvery is how often the process looks whether its store is still what it was.
const lookEvery = 10 * time.Second

// watchStore says so, in the log and on the terminal if there is one, when a store
// has lost its record while the process ran: then "no incident is open" is no news
// to be believed.
func (a *app) watchStore(term *console.Platform) func(context.Context) error {
	var most int64
	look := func(ctx context.Context) error {
		n, err := a.store.AuditSeq(ctx)
		if err != nil || n >= most {
			most = max(n, most)
			return err
		}
		a.log.Error("the store has lost its record", "entries", n, "before", most)
		if term != nil {
			_, err = term.Post(ctx, term.Place(), lostStore(n, most), "")
		}
		most = n
		return err
	}
	return func(ctx context.Context) error { return a.every(ctx, lookEvery, "look at the store", look) }
}

func lostStore(now, before int64) chat.Message {
	what := fmt.Sprintf("The record of the store had %s, and has %s now.", entryCount(before), entryCount(now))
	if now == 0 {
		what = "The store is empty, and it was not before: that no incident is open is not to be believed."
	}
	return chat.Say(
		chat.P(what+" It was emptied, replaced, or restored from an older copy."),
		chat.P(chat.B("Next: "), "stop allclear, bring back the last copy (allclear import FILE, or the Redis's own), check it (allclear audit verify), and start again."),
	).With(chat.ToneBad)
}

// progress shows how far a command is on a terminal, in one place that is printed
// over, and nothing in a pipe.
type progress struct {
	out    io.Writer // nil: nowhere
	render console.Options
	lines  int
}

func newProgress(sys system) *progress {
	w, ok := sys.Terminal(sys.Err)
	if !ok {
		return &progress{}
	}
	return &progress{out: sys.Err, render: console.Options{Width: w, Colour: sys.colour(sys.Err)}}
}

// say shows a message in the place of the last one.
func (p *progress) say(_ string, m chat.Message) {
	if p.out == nil {
		return
	}
	var shown []chat.Part
	for _, part := range m.Parts {
		if _, ok := part.(chat.Buttons); !ok { // nothing can be pressed or typed meanwhile
			shown = append(shown, part)
		}
	}
	text := console.Render(chat.Say(shown...), p.render)
	p.clear()
	fmt.Fprint(p.out, text)
	p.lines = strings.Count(text, "\n")
}

func (p *progress) clear() {
	if p.lines > 0 {
		fmt.Fprintf(p.out, "\r\x1b[%dA\x1b[J", p.lines)
	}
	p.lines = 0
}
