package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chart"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/embedded"
	"github.com/allclear-bot/allclear/state/redisstore"
)

const demoHelp = `Watch a whole response on a make-believe fleet: real HTTP servers on loopback, the
real store and the real rules. It needs nothing but this program.

Nothing in it is said because the story wants it: every answer comes from the
store and the rules. On a terminal it leaves a prompt in the end, at which you can
type as any of the persons ("as lead-1: status"). The clock is the story's.

Everything is in memory but the pictures. Ctrl-C ends it, and nothing is kept.

Exit status: 0 only if ALL CLEAR was reached, 130 if it was stopped before.`

type demoOptions struct {
	playbook string
	servers  int
	seed     uint64
	dir      string
	prompt   bool
	log      string
}

func newDemo(sys system) *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use: "demo", Short: "Watch a whole response on a make-believe fleet; needs nothing", Long: demoHelp, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runDemo(c.Context(), o, sys) },
	}
	f := cmd.Flags()
	f.StringVar(&o.playbook, "playbook", "toolshell", "the campaign: "+strings.Join(demoCampaigns(), ", "))
	f.IntVar(&o.servers, "servers", 60, "size of the fleet: 30 to 100000 for toolshell, 10 to 2000 for the others")
	f.Uint64Var(&o.seed, "seed", 1, "the same seed makes the same fleet")
	f.StringVar(&o.dir, "save", "", "where pictures are written (default: a temporary directory)")
	f.BoolVar(&o.prompt, "prompt", true, "leave a prompt in the end, on a terminal")
	f.StringVar(&o.log, "log", "", "write the log to this file")
	return cmd
}

// storyStart is the morning on which the updates of 8 July were still believed to
// be the fix.
func storyStart() time.Time { return time.Date(2025, 7, 20, 6, 0, 0, 0, time.UTC) }

func runDemo(ctx context.Context, o demoOptions, sys system) error {
	if !slices.Contains(demoCampaigns(), o.playbook) {
		return usage{fmt.Errorf("--playbook %.40q: there is a story for %s%s", o.playbook, strings.Join(demoCampaigns(), ", "), didYouMean(o.playbook, demoCampaigns()))}
	}
	least, most := 30, 100_000
	if o.playbook != incidentName {
		least, most = 10, 2000
	}
	if o.servers < least || o.servers > most {
		return usage{fmt.Errorf("--servers %d: the story needs %d to %d", o.servers, least, most)}
	}
	pictures, err := openAlbum(o.dir)
	if err != nil {
		return err
	}
	o.dir = pictures.dir
	err = playDemo(ctx, o, sys)
	if err != nil && ctx.Err() != nil {
		pictures.drop()
		return stopped(o, sys)
	}
	if kept := pictures.close(); kept != "" {
		fmt.Fprintf(sys.Out, "\n%s\n", painter(sys.colour(sys.Out)).dim("   "+kept))
	}
	return err
}

// exitStopped is what a shell shows for a program that Ctrl-C ended.
const exitStopped = 130

// stopped says that the demo ended before its end, because somebody wanted it to.
func stopped(o demoOptions, sys system) error {
	if _, tty := sys.Terminal(sys.Err); tty {
		fmt.Fprintln(sys.Err) // behind what the terminal shows for Ctrl-C
	}
	kept := ""
	if o.log != "" {
		kept = " but the log, " + console.Clean(o.log)
	}
	fmt.Fprintf(sys.Err, "Stopped; nothing is kept%s.\n", kept)
	return outcome{exitStopped}
}

// playDemo plays the story on a stage of its own, and leaves a prompt on a terminal.
func playDemo(ctx context.Context, o demoOptions, sys system) error {
	log, closeLog, err := demoLog(o.log)
	if err != nil {
		return err
	}
	defer closeLog()
	s, group, err := newStage(ctx, o, sys, log)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- group.Run(running) }()
	begun := time.Now()
	err = s.play(ctx)
	if err == nil {
		err = s.verdict(ctx, begun)
	}
	if _, tty := sys.Terminal(sys.In); err == nil && tty && o.prompt {
		err = s.prompt(ctx)
	}
	stop()
	if ctx.Err() != nil {
		return errors.Join(err, s.abandon(ended))
	}
	return errors.Join(err, <-ended)
}

// lastMoment is how long what runs may take to end when nothing of it will be kept.
const lastMoment = time.Second

// abandon does not wait until what runs is finished: whatever it looks at goes away.
func (s *stage) abandon(ended <-chan error) error {
	s.silence(true)
	err := s.world().Close()
	select {
	case e := <-ended:
		return errors.Join(err, e)
	case <-time.After(lastMoment):
		return err
	}
}

func demoLog(path string) (*slog.Logger, func(), error) {
	if path == "" {
		return slog.New(slog.DiscardHandler), func() {}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open the log: %w", err)
	}
	return slog.New(slog.NewJSONHandler(f, nil)), func() { _ = f.Close() }, nil
}

// newStage builds the real parts around a make-believe fleet.
func newStage(ctx context.Context, o demoOptions, sys system, log *slog.Logger) (*stage, *bot.Group, error) {
	s := &stage{out: sys.Out, paint: painter(sys.colour(sys.Out)), answers: map[string]chan chat.Message{}, telling: true}
	if err := s.found(o); err != nil {
		return nil, nil, err
	}
	fl := s.world()
	if err := fl.Start(ctx); err != nil {
		return nil, nil, fmt.Errorf("start the make-believe fleet: %w", err)
	}
	engine, err := embedded.OpenMemory(embedded.Options{Logger: log})
	if err != nil {
		return nil, nil, errors.Join(err, fl.Close())
	}
	client := engine.Client()
	width, tty := sys.Terminal(sys.Out)
	width = min(cmp.Or(width, 100), 110)
	roles := []string{lead, second, responder, finance, hr}
	s.console = console.New(sys.In, sys.Out, console.Options{
		User: lead, Roles: roles, Width: width,
		Colour: sys.colour(sys.Out), TTY: tty, Files: true, SaveDir: o.dir, Now: s.clock.Now, Session: "story",
	})
	s.ask = func() *console.Platform {
		return console.New(sys.In, sys.Out, console.Options{
			User: lead, Roles: roles, Width: width, Colour: sys.colour(sys.Out), TTY: tty,
			Files: true, SaveDir: o.dir, Now: s.clock.Now, Session: "typed", Prompt: "▸ ",
		})
	}
	store := redisstore.New(client, redisstore.Options{})
	group := bot.NewGroup(log, 25*time.Second)
	group.Cleanup("fleet", func(context.Context) error { return fl.Close() })
	group.Cleanup("engine", func(context.Context) error { return engine.Close() })
	group.Cleanup("client", func(context.Context) error { return client.Close() })
	if err := store.Init(ctx); err != nil {
		return nil, nil, errors.Join(err, group.Close())
	}
	s.app, err = newApp(appOptions{
		Store: store, People: cast(), Posters: map[string]chat.Poster{console.Name: s}, Log: log, Now: s.clock.Now,
		Cadence: 2 * time.Hour, Window: -1, CardEvery: -1, SayEvery: time.Millisecond, Theme: chart.Light,
		Scan: checks.Options{PerServer: 3 * time.Second, Connect: time.Second, Answer: 2 * time.Second},
	})
	if err != nil {
		return nil, nil, errors.Join(err, group.Close())
	}
	group.Add("outbox", s.app.outbox.Run)
	group.Add("router", s.app.router.Run)
	return s, group, nil
}

// demoCampaigns are the campaigns that there is a story for.
func demoCampaigns() []string { return append([]string{incidentName}, fleet.Campaigns()...) }

// found makes the make-believe fleet of the story, and its clock.
func (s *stage) found(o demoOptions) (err error) {
	opts := fleet.Options{Servers: o.servers, Seed: o.seed, HangFor: 20 * time.Second, Kept: 512}
	if o.playbook != incidentName {
		s.estate, err = fleet.NewEstate(o.playbook, opts)
		if err == nil {
			s.began = s.estate.Epoch()
		}
	} else {
		s.began, opts.Epoch = storyStart(), storyStart()
		s.fleet, err = fleet.New(opts)
	}
	s.clock = newStoryClock(s.began)
	return err
}

// verdict says how it ended; only ALL CLEAR is success.
func (s *stage) verdict(ctx context.Context, begun time.Time) error {
	inc, err := s.app.store.Incident(ctx, s.incident())
	if err != nil {
		return err
	}
	asked := s.world().Asked()
	fmt.Fprintf(s.out, "\n%s\n", s.paint.dim(fmt.Sprintf(
		"   %d lines typed, %.0f hours of story in %s; the fleet got %d requests, %d of them writes, %d for a forbidden path.",
		s.lines, s.clock.Now().Sub(s.began).Hours(), time.Since(begun).Round(100*time.Millisecond), asked.Requests, asked.Writes, asked.Forbidden)))
	if inc.Clear == nil || inc.Clear.Exceptions > 0 {
		return fmt.Errorf("the story ended without ALL CLEAR: %w", s.openOnes(ctx))
	}
	if err := s.honest(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "\n%s\n", s.paint.bold("   "+inc.Clear.Words()))
	return err
}

func (s *stage) openOnes(ctx context.Context) error {
	rows, total, err := s.app.store.List(ctx, s.incident(), state.Filter{}, 0, 3)
	if err != nil {
		return err
	}
	var names []string
	for _, r := range rows {
		names = append(names, fmt.Sprintf("%s is %s", r.Name, r.Status))
	}
	return fmt.Errorf("of %d servers, first %v", total, names)
}

// prompt lets the reader type. It ends at the end of the input.
func (s *stage) prompt(ctx context.Context) error {
	s.mu.Lock()
	s.telling, s.console = false, s.ask()
	s.mu.Unlock()
	s.scene("Your turn")
	s.tell(`Type commands, like: help, status, server show %s, as %s: proposals. Ctrl-D ends it.`, s.world().Inventory()[0].Name, second)
	fmt.Fprintln(s.out)
	err := s.console.Run(ctx, s.app.router)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
