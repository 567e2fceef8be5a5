package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/commands"
	"github.com/allclear-bot/allclear/state"
)

// timepiece tells the time of the story, and can be put forward.
type timepiece interface {
	Now() time.Time
	Skip(d time.Duration)
}

// storyClock is the time of a story in one process: it goes on by itself between
// two skips.
type storyClock struct {
	mu   sync.Mutex
	base time.Time
	set  time.Time
}

func newStoryClock(start time.Time) *storyClock { return &storyClock{base: start, set: time.Now()} }

// Now is the moment of the story.
func (c *storyClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.base.Add(time.Since(c.set)).Round(0)
}

// Skip puts the clock forward.
func (c *storyClock) Skip(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.set = c.base.Add(time.Since(c.set)+d).Round(0), time.Now()
}

// stage is where the story of the demo is played: the real parts, a make-believe
// fleet, and persons who type.
type stage struct {
	app     *app
	fleet   *fleet.Fleet  // of the story of ToolShell
	estate  *fleet.Estate // of another campaign's
	clock   timepiece
	began   time.Time // of the story
	console *console.Platform
	ask     func() *console.Platform // the terminal, for the reader's turn
	out     io.Writer
	paint   painter
	haste   int  // divides the time that work takes: many farms work side by side
	telling bool // the story runs; nobody types yet
	quiet   bool // answers are kept back, for what would only repeat itself
	lines   int
	// elsewhere says a line on another platform than the console, and waits for the
	// answer; nil: on the console.
	elsewhere func(ctx context.Context, who, line string, files []chat.File) (chat.Message, error)

	mu      sync.Mutex
	answers map[string]chan chat.Message
}

// world is a make-believe fleet, whatever its product.
type world interface {
	Start(ctx context.Context) error
	Close() error
	Farms() []string
	Members(farm string) []string
	Inventory() fleet.Inventory
	WriteInventory(w io.Writer) error
	Collect(farm string, at time.Time) ([]state.Evidence, error)
	Asked() fleet.Asked
}

var _, _ world = (*fleet.Fleet)(nil), (*fleet.Estate)(nil)

func (s *stage) world() world {
	if s.estate != nil {
		return s.estate
	}
	return s.fleet
}

// incident is the one that the story is about.
func (s *stage) incident() string {
	if s.estate != nil {
		return s.estate.Campaign()
	}
	return incidentName
}

// painter colours the stage directions; the zero value does not.
type painter bool

func (p painter) dim(s string) string {
	if !p {
		return s
	}
	return "\x1b[2;3m" + s + "\x1b[0m"
}

func (p painter) bold(s string) string {
	if !p {
		return s
	}
	return "\x1b[1;36m" + s + "\x1b[0m"
}

// Post prints through the console, and tells who waits that an answer has come.
func (s *stage) Post(ctx context.Context, place state.Place, m chat.Message, key string) (string, error) {
	id := key
	if !s.isQuiet() {
		var err error
		if id, err = s.console.Post(ctx, place, s.script(m), key); err != nil {
			return id, err
		}
	}
	s.answered(key, m)
	return id, nil
}

// Edit prints through the console; an answer can be the last edit of its message.
func (s *stage) Edit(ctx context.Context, place state.Place, id string, m chat.Message, key string) error {
	if !s.isQuiet() {
		if err := s.console.Edit(ctx, place, id, s.script(m), key); err != nil {
			return err
		}
	}
	s.answered(key, m)
	return nil
}

func (s *stage) isQuiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.quiet
}

// answered tells whoever waits for the answer with this key.
func (s *stage) answered(key string, m chat.Message) {
	cause, _, _ := strings.Cut(key, " @ ") // a letter's key is its notice's and the place's
	s.mu.Lock()
	waiting := s.answers[cause]
	s.mu.Unlock()
	if waiting != nil {
		select {
		case waiting <- m:
		default: // told already
		}
	}
}

// script leaves the buttons out while the story runs: nobody could press them.
func (s *stage) script(m chat.Message) chat.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.telling {
		return m
	}
	out := m
	out.Parts = nil
	for _, p := range m.Parts {
		if _, ok := p.(chat.Buttons); !ok {
			out.Parts = append(out.Parts, p)
		}
	}
	return out
}

// Find looks in what the console printed.
func (s *stage) Find(ctx context.Context, place state.Place, key string) (string, bool, error) {
	return s.console.Find(ctx, place, key)
}

// pass lets time of the story go by.
func (s *stage) pass(d time.Duration) { s.clock.Skip(d / time.Duration(max(1, s.haste))) }

// scene prints a heading of the story.
func (s *stage) scene(title string) {
	fmt.Fprintf(s.out, "\n%s\n", s.paint.bold("── "+title+" "+strings.Repeat("─", max(2, 74-len([]rune(title))))))
}

// tell prints a stage direction: what happens outside the chat.
func (s *stage) tell(format string, args ...any) {
	for line := range strings.SplitSeq(wrap(fmt.Sprintf(format, args...), 92), "\n") {
		fmt.Fprintln(s.out, s.paint.dim("   "+line))
	}
}

func wrap(text string, width int) string {
	var b strings.Builder
	n := 0
	for _, w := range strings.Fields(text) {
		switch {
		case n == 0:
		case n+1+len(w) > width:
			b.WriteByte('\n')
			n = 0
		default:
			b.WriteByte(' ')
			n++
		}
		b.WriteString(w)
		n += len(w)
	}
	return b.String()
}

// show hands the evidence of a farm in, as its administrator would.
func (s *stage) show(ctx context.Context, who, farm string) error {
	doc, err := s.collect(farm)
	if err != nil {
		return err
	}
	_, err = s.say(ctx, who, "evidence add", chat.File{Name: farm + ".json", Data: doc})
	return err
}

// collect runs the make-believe collector of a farm.
func (s *stage) collect(farm string) ([]byte, error) {
	s.pass(10 * time.Minute)
	at := s.clock.Now()
	es, err := s.world().Collect(farm, at)
	if err != nil {
		return nil, err
	}
	var shown []state.Evidence
	for _, e := range es {
		if e.Kind != state.KindEviction { // for persons to attest
			shown = append(shown, e)
		}
	}
	return commands.EvidenceDocument(farm, at, "collector/1", shown)
}

// do runs steps of the fleet, each at a later moment of the story.
func (s *stage) do(steps ...func(at time.Time) error) error {
	for _, f := range steps {
		s.pass(4 * time.Minute)
		if err := f(s.clock.Now()); err != nil {
			return err
		}
	}
	return nil
}

// each makes a step of one for several servers.
func each(servers []string, f func(server string, at time.Time) error) func(time.Time) error {
	return func(at time.Time) error {
		for _, n := range servers {
			if err := f(n, at); err != nil {
				return err
			}
		}
		return nil
	}
}
