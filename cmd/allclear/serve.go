package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state/embedded"
)

// shutdown bounds taking the process down: 25 seconds in all.
const shutdown = 25 * time.Second

// Sizes of the embedded store at which another one is better, in servers.
const (
	embeddedWarn = 20_000
	embeddedMost = 100_000
)

const serveHelp = `Run the bot. The console is its platform: type commands, get answers. "help" lists
them. In a pipe, lines are answered in order and the process ends with its input.

The store is a directory of this machine (--data), or a Redis (--redis, better in
the environment: ALLCLEAR_REDIS). While serve runs, the other commands that need
the store reach it through a local socket that only you can open.

People come from the configuration file (--config):

  people:
    - {id: lead-1, name: First lead, role: lead, links: ["console:uid-1000"]}

The number is the one that "id -u" prints (on Windows: the security identifier).
With nobody configured as lead, whoever runs this is the first one, alone; what
needs two persons then needs a second in the configuration.

"quit", Ctrl-D or Ctrl-C end it: what runs is finished for at most 15 s, and what
is not is resumed at the next start. A second Ctrl-C ends it at once.

Exit status: 0 ended as told, 1 failure, 2 wrong usage or configuration.`

type storeFlags struct {
	config, data, redis, save string
}

func (s *storeFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.config, "config", "", "configuration file (YAML)")
	f.StringVar(&s.data, "data", "", "directory of the embedded store")
	f.StringVar(&s.redis, "redis", "", "URL of a Redis instead: redis://host:6379/0, redis-sentinel://host,host/master, redis-cluster://host,host")
}

// saves adds the flag of commands that show pictures.
func (s *storeFlags) saves(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.save, "save", "", "directory in which pictures and files of answers are written; nothing is written over")
}

// load is the configuration with the flags on top.
func (s storeFlags) load(sys system) (config, error) {
	c, err := loadConfig(s.config, sys)
	if s.data != "" {
		c.Data, c.Redis = s.data, ""
	}
	if s.redis != "" {
		c.Redis, c.Data = secret(s.redis), ""
	}
	c.Save = cmp.Or(s.save, c.Save)
	if s.data != "" && s.redis != "" {
		err = errors.Join(err, errors.New("--data and --redis: the store is either a directory or a Redis"))
	}
	if err != nil {
		return c, usage{err}
	}
	return c, nil
}

func newServe(sys system) *cobra.Command {
	var s storeFlags
	var addr string
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the bot, with the console as its platform", Long: serveHelp, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := s.load(sys)
			if err != nil {
				return err
			}
			conf.HTTP = cmp.Or(addr, conf.HTTP)
			return serve(c.Context(), conf, sys)
		},
	}
	s.add(cmd)
	s.saves(cmd)
	cmd.Flags().StringVar(&addr, "http", "", "address of HTTP: health, metrics, evidence with a token, like 127.0.0.1:8080")
	return cmd
}

func newLog(c config, sys system) *slog.Logger { return newLogAt(c, c.Level, sys) }

func newLogAt(c config, level slog.Leveler, sys system) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if c.Log == "json" {
		return slog.New(slog.NewJSONHandler(sys.Err, o))
	}
	return slog.New(slog.NewTextHandler(sys.Err, o))
}

// serve builds the process, last in first out, and runs it until its input or the
// context ends.
func serve(ctx context.Context, c config, sys system) error {
	c = c.withSelf()
	if err := saveDir(c.Save); err != nil {
		return err
	}
	width, tty := sys.Terminal(sys.Out)
	if tty {
		c.Level = max(c.Level, slog.LevelWarn) // the log and the talk share the terminal
	}
	var level slog.LevelVar
	level.Set(c.Level)
	log := newLogAt(c, &level, sys)
	store, err := openStore(ctx, c, false, log)
	if err != nil {
		return err
	}
	if err := store.SetPeople(ctx, c.People); err != nil {
		return errors.Join(err, store.Close())
	}
	group := bot.NewGroup(log, shutdown)
	group.Cleanup("store", func(context.Context) error { return store.Close() })
	if store.engine != nil {
		if err := addEngine(group, store.engine, store.where); err != nil {
			return errors.Join(err, group.Close())
		}
	}
	metrics := newMetrics(store.Store)
	var shared bot.Holder
	if store.engine == nil {
		shared = store.Store
	}
	out, err := meet(c, shared, sys, log, metrics)
	if err != nil {
		return errors.Join(err, group.Close())
	}
	if sys.Unpaced {
		out.pace = nil
	}
	var term *console.Platform
	if tty || len(out.chats) == 0 { // with a chat, and nobody at a terminal, the console is none
		term = console.New(sys.In, sys.Out, console.Options{
			User: consoleUser(), Width: cmp.Or(width, 100), Colour: sys.colour(sys.Out), TTY: tty,
			InOrder: !tty, Files: true, SaveDir: c.Save, Unsaved: unsaved, Prompt: "▸ ",
		})
		out.posters[console.Name] = term
	}
	a, err := newApp(appOptions{
		Store: store.Store, People: c.People, Posters: out.posters, Chats: out.chats, Pace: out.pace, Metrics: metrics, Log: log,
		Cadence: c.Cadence, Zone: c.Zone, Theme: c.Theme, Reminders: c.reminders(), Scan: checks.Options{Contact: c.Contact}, Share: store.share,
		Now: sys.Now, Slots: sys.Slots, Lease: sys.Lease,
		Communities: c.Communities, Publisher: c.Publisher, Feeds: c.Feeds.feeds(nil),
	})
	if err != nil {
		return errors.Join(err, group.Close())
	}
	watch, err := watchOver(c.Deadman, a, out, metrics)
	if err != nil {
		return errors.Join(err, group.Close())
	}
	if store.engine != nil {
		watch.failed = store.engine.Err
	}
	if err := addHTTP(ctx, group, c, a, out, metrics, watch, log); err != nil {
		return errors.Join(err, group.Close())
	}
	if tty {
		text, err := banner(ctx, a, c.People, store.where)
		if err != nil {
			return errors.Join(err, group.Close())
		}
		fmt.Fprint(sys.Out, text)
	}
	group.Add("dead-man", watch.Run)
	group.Add("outbox", a.deliver)
	group.Add("router", a.router.Run)
	if a.shared != nil {
		group.Add("scans", a.shared.Work)
	}
	group.Add("sweep", a.sweep)
	group.Add("schedule", a.jobs.Run)
	group.Add("deadlines", a.tend)
	group.Add("boards", a.pin)
	if len(c.Feeds.Sources) > 0 {
		group.Add("sources", a.watchFeeds(c.Feeds.Every))
	}
	if store.engine != nil {
		group.Add("size of the store", a.watchSize)
	}
	for name, p := range out.chats {
		group.Add(name, func(ctx context.Context) error { return p.Run(ctx, a.router) })
	}
	group.Add("watch of the store", a.watchStore(term))
	leave := newLeaving(ctx, sys, term, &level)
	defer leave.done()
	if term != nil {
		group.Add("console", func(ctx context.Context) error { return leave.with(term.Run(ctx, a.router)) })
	}
	err = group.Run(ctx)
	if err != nil && ctx.Err() == nil {
		watch.last(ctx)
	}
	return err
}

// addEngine ends the process when the embedded store can no longer work, and lends
// the store to other commands of the same user.
func addEngine(g *bot.Group, e *embedded.Engine, dir string) error {
	l, err := e.ListenSocket()
	if err != nil {
		return fmt.Errorf("open the local socket: %w", err)
	}
	g.Add("local socket", func(ctx context.Context) error { return e.Serve(ctx, l) })
	g.Add("embedded store", func(ctx context.Context) error { return outlive(ctx, e, dir) })
	return nil
}

// watchSize warns when the fleet outgrows the embedded store.
func (a *app) watchSize(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		if err := a.warnSize(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("count servers", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (a *app) warnSize(ctx context.Context) error {
	n, err := a.servers(ctx)
	switch {
	case n > embeddedMost:
		a.log.Error("the embedded store is too small for this fleet: move to a Redis (allclear export --redis-pipe)", "servers", n, "most", embeddedMost)
	case n > embeddedWarn:
		a.log.Warn("the fleet is large for the embedded store; a Redis is better (allclear export --redis-pipe)", "servers", n, "from", embeddedWarn)
	}
	return err
}
