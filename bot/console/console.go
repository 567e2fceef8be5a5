package console

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Platform is a terminal. It implements bot.Platform.
type Platform struct {
	opt Options
	in  io.Reader

	mu      sync.Mutex // what is printed, and the fields below
	out     io.Writer
	printed map[string]*printed // by message id
	keys    map[string]string   // key -> message id
	order   []string            // of message ids, to forget the oldest
	last    *printed            // what is printed over, when nothing came after it
	count   int
	left    bool                     // nobody is asked for a line any more
	waiting map[string]chan struct{} // requests without an answer
}

var _ bot.Platform = (*Platform)(nil)

// New makes a console. It reads and prints nothing before Run and Post.
func New(in io.Reader, out io.Writer, o Options) *Platform {
	o.defaults()
	return &Platform{opt: o, in: in, out: out, printed: map[string]*printed{}, keys: map[string]string{}, waiting: map[string]chan struct{}{}}
}

// Place is the terminal as a place.
func (p *Platform) Place() state.Place {
	return state.Place{Platform: Name, Channel: p.opt.Channel, Ceiling: p.opt.Ceiling}
}

// Link is the identity of a user of a console.
func Link(user string) string { return Name + ":" + user }

// Run reads lines until the input ends or somebody types quit, and then, in a pipe,
// until all that was accepted is answered; or until the context ends. A terminal
// that cannot be interrupted may swallow one more line after that.
func (p *Platform) Run(ctx context.Context, desk bot.Desk) error {
	ctx, cancel := context.WithCancel(ctx)
	lines, ended := make(chan string), make(chan error, 1)
	go func() { ended <- read(ctx, p.in, lines) }()
	err := p.converse(ctx, desk, lines, ended)
	p.leave()
	cancel()
	if interrupt(p.in) {
		<-ended
	}
	return err
}

func (p *Platform) converse(ctx context.Context, desk bot.Desk, lines <-chan string, ended chan error) error {
	for n := 1; ; n++ {
		p.prompt()
		select {
		case <-ctx.Done():
			return nil
		case l := <-lines:
			if leaves(l) {
				p.settled(ctx)
				return nil
			}
			p.take(ctx, desk, fmt.Sprintf("%s-%s-%d", Name, p.opt.Session, n), l)
		case err := <-ended:
			ended <- err // for Run
			p.settled(ctx)
			if errors.Is(err, io.EOF) || ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("read the terminal: %w", err)
		}
	}
}

// take makes a request of a line and shows what is said at once.
func (p *Platform) take(ctx context.Context, desk bot.Desk, id, line string) {
	user, text, err := p.speaker(strings.TrimSpace(line))
	p.typed(user, text)
	if err != nil {
		p.say(user, chat.Say(chat.P(err.Error())).With(chat.ToneWarn))
		return
	}
	if text == "" {
		return
	}
	req := chat.Request{ID: id, Trigger: chat.TriggerLine, Actor: chat.Actor{Link: Link(user), Name: user}, Place: p.Place(), At: p.opt.Now()}
	if req.Text, req.Files, err = p.files(text); err != nil {
		p.say(user, chat.Say(chat.P(err.Error())).With(chat.ToneWarn))
		return
	}
	answered := p.expect(id)
	ack, _ := desk.Handle(ctx, req) // the message says what went wrong; the log has it
	if len(ack.Message.Parts) > 0 {
		p.say(user, ack.Message)
	}
	if !ack.Accepted {
		p.answered(id)
		return
	}
	if p.opt.InOrder {
		wait(ctx, answered)
	}
}

// speaker is who says a line: "as lead-1: scan" when there are several to choose from.
func (p *Platform) speaker(line string) (user, text string, err error) {
	rest, ok := strings.CutPrefix(line, "as ")
	name, text, cut := strings.Cut(rest, ":")
	if len(p.opt.Roles) == 0 || !ok || !cut {
		return p.opt.User, line, nil
	}
	name = strings.TrimSpace(name)
	if !slices.Contains(p.opt.Roles, name) {
		return p.opt.User, line, fmt.Errorf("nobody here is %q; there are: %s", name, strings.Join(p.opt.Roles, ", "))
	}
	return name, strings.TrimSpace(text), nil
}

func (p *Platform) expect(id string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := make(chan struct{})
	p.waiting[id] = c
	return c
}

func (p *Platform) answered(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answeredLocked(id)
}

func (p *Platform) answeredLocked(id string) {
	if c, ok := p.waiting[id]; ok {
		close(c)
		delete(p.waiting, id)
	}
}

// leaves reports whether somebody who types this wants to go.
func leaves(line string) bool {
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "quit", "exit":
		return true
	}
	return false
}

// settled waits until everything is answered. Who leaves a terminal is not kept:
// the process says what it still does.
func (p *Platform) settled(ctx context.Context) {
	for ctx.Err() == nil && !p.opt.TTY {
		var next chan struct{}
		p.mu.Lock()
		for _, c := range p.waiting {
			next = c
		}
		p.mu.Unlock()
		if next == nil {
			return
		}
		wait(ctx, next)
	}
}

func wait(ctx context.Context, c <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-c:
	}
}

// read sends lines until the input ends. What is longer than a line may be is cut
// there, one byte too long, so that whoever parses it says so.
func read(ctx context.Context, in io.Reader, lines chan<- string) error {
	r := bufio.NewReader(in)
	for {
		line, err := readLine(r)
		if err != nil && len(line) == 0 {
			return err
		}
		select {
		case lines <- line:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func readLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		line = append(line, piece[:min(len(piece), chat.MaxLine+1-min(len(line), chat.MaxLine+1))]...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return string(bytes.TrimRight(line, "\r\n")), err
	}
}

// interrupt makes a read that waits return, where that is possible.
func interrupt(in io.Reader) bool {
	if d, ok := in.(interface{ SetReadDeadline(time.Time) error }); ok {
		return d.SetReadDeadline(time.Now()) == nil
	}
	if c, ok := in.(io.Closer); ok {
		return c.Close() == nil
	}
	switch in.(type) {
	case *strings.Reader, *bytes.Reader, *bytes.Buffer:
		return true
	}
	return false
}
