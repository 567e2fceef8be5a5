package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chart"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/outbox"
	"github.com/allclear-bot/allclear/bot/schedule"
	"github.com/allclear-bot/allclear/bot/web"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/checks/probe"
	"github.com/allclear-bot/allclear/commands"
	"github.com/allclear-bot/allclear/state"
	"github.com/allclear-bot/allclear/state/redisjobs"
	"github.com/allclear-bot/allclear/state/redisstore"
)

var (
	_ commands.Store = (*redisstore.Store)(nil)
	_ bot.Inbox      = (*redisstore.Store)(nil)
	_ outbox.Store   = (*redisstore.Store)(nil)
)

// app is the process as a value: the store, the commands, the router and the
// outbox, wired. Several can live in one test.
type app struct {
	store  *redisstore.Store
	parts  commands.Parts
	router *bot.Router
	outbox *outbox.Outbox
	jobs   *schedule.Schedule
	boards *commands.Boards
	shared *redisjobs.Jobs // what scans together with other replicas; nil: nothing does
	log    *slog.Logger
	now    func() time.Time
}

// platform is a chat platform as the process sees it, beside what it posts.
type platform interface {
	bot.Platform
	// Grants is the role that the platform's own groups give one of its identities.
	Grants(ctx context.Context, link string) (state.Role, error)
	// Fetch reads a file that the platform keeps.
	Fetch(ctx context.Context, place state.Place, f chat.File) (chat.File, error)
	// Ready is why nobody can talk to us there at the moment, or nil.
	Ready() error
}

// stander is a platform to which one replica at a time is connected.
type stander interface {
	// Standby says which replica is connected in our place, or "".
	Standby() string
}

// appOptions are what differs between serve, demo and tests.
type appOptions struct {
	Store   *redisstore.Store
	People  state.People
	Posters map[string]chat.Poster
	// Chats are the platforms with identities and files of their own, by name. They
	// are among the posters too.
	Chats map[string]platform
	Pace  map[string]outbox.Pace
	// Communities are the places that belong to others.
	Communities communities
	Feeds       commands.Feeds
	Publisher   feeds.Publisher
	// Metrics may be nil.
	Metrics *web.Metrics
	Scan    checks.Options
	// Share makes jobs that scan together with other replicas; nil: each for itself.
	Share   func(*checks.Runner, func(checks.Plan) checks.Check) *redisjobs.Jobs
	Log     *slog.Logger
	Now     func() time.Time
	Slots   func() time.Time // the clock of the schedule; nil: Now
	Lease   time.Duration    // see system
	Cadence time.Duration
	// Zone is the time zone of new incidents, and Reminders whom reminders escalate to.
	Zone      string
	Reminders commands.Reminders
	// Window is how long letters wait for others to join them; 0: the outbox's default.
	Window    time.Duration
	CardEvery time.Duration
	SayEvery  time.Duration // between two messages of progress; 0: the router's default
	Theme     chart.Theme
}

func newApp(o appOptions) (*app, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Slots == nil {
		o.Slots = o.Now
	}
	a := &app{store: o.Store, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), now: o.Now}
	o.Scan.Version, o.Scan.Now, o.Scan.Log = stamped(), o.Now, a.log
	runner := checks.NewRunner(o.Scan)
	jobs := checks.Jobs(checks.NewLocal(runner, probes))
	if o.Share != nil {
		a.shared = o.Share(runner, probes)
		jobs = a.shared
	}
	a.parts = commands.Parts{
		Store: a.store, Jobs: jobs, People: o.People,
		Draw:  func(b commands.Burn, w io.Writer) (string, error) { return draw(b, o.Theme, w) },
		Load:  o.load,
		Reach: o.reach,
		Feeds: o.Feeds, Publisher: o.Publisher,
		Now:     o.Now,
		Cadence: o.Cadence, Zone: o.Zone, Timetable: timetable, Reminders: o.Reminders,
	}
	voice := commands.NewVoice(a.parts)
	a.boards = commands.NewBoards(a.parts)
	var err error
	a.outbox, err = outbox.New(outbox.Options{
		Store: a.store, Posters: o.Posters, Render: voice.Render, Heard: voice.Heard, Logger: a.log, Now: o.Now,
		Claim: 2 * o.Lease, Timeout: o.Lease / 2, Window: o.Window, CardEvery: o.CardEvery, Pace: o.Pace, Count: o.countLetter(),
	})
	if err != nil {
		return nil, err
	}
	var cs []bot.Command
	for _, c := range commands.All(a.parts) {
		cs = append(cs, c)
	}
	a.router, err = bot.New(bot.Options{
		Commands: cs, Store: a.store, Logger: a.log, Now: o.Now, Posted: a.outbox.Wake, Lease: o.Lease, SayEvery: o.SayEvery,
		People:    func(context.Context) (state.People, error) { return o.People, nil },
		Community: o.Communities.of,
		Open:      a.open, Known: a.known, Bound: a.bound, Limit: o.limit, Names: commands.Names(a.store), Grants: o.grants, GrantsAsOf: o.grantsAsOf, Fetch: o.fetch, Done: o.done(),
	})
	if err != nil {
		return nil, err
	}
	a.jobs, err = a.newSchedule(o.Slots, o.Lease, o.countSlots())
	return a, err
}

func probes(p checks.Plan) checks.Check { return probe.New(p) }

// load finds a playbook. Where people talk to the process from outside of its
// machine, nobody names files of it by their paths.
func (o appOptions) load(name string) (playbook.Playbook, error) {
	if len(o.Chats) > 0 && strings.ContainsAny(name, `/\`) {
		return playbook.Playbook{}, &chat.Problem{
			What: "A playbook is named here, and not given by a path.", Try: "Whoever runs allclear puts it as NAME.yaml where the process was started; then: --playbook NAME",
		}
	}
	return playbook.Load(name)
}

// limiter is a platform that knows who is only a guest there.
type limiter interface {
	Limit(ctx context.Context, link string) (state.Role, error)
}

// limit asks the platform of an identity what it may be at most.
func (o appOptions) limit(ctx context.Context, link string) (state.Role, error) {
	name, _, _ := strings.Cut(link, ":")
	if p, ok := o.Chats[name].(limiter); ok {
		return p.Limit(ctx, link)
	}
	return state.RoleLead, nil
}

// reach asks the platform of a place what keeps messages from it.
func (o appOptions) reach(ctx context.Context, place state.Place) string {
	if p, ok := o.Chats[place.Platform].(interface {
		Reach(ctx context.Context, place state.Place) string
	}); ok {
		return p.Reach(ctx, place)
	}
	return ""
}

// grantsAsOf asks the platform of an identity how fresh its groups are.
func (o appOptions) grantsAsOf(link string) time.Time {
	name, _, _ := strings.Cut(link, ":")
	if p, ok := o.Chats[name].(interface{ GroupsAsOf() time.Time }); ok {
		return p.GroupsAsOf()
	}
	return time.Time{}
}

// grants asks the platform of an identity what its groups give.
func (o appOptions) grants(ctx context.Context, link string) (state.Role, error) {
	name, _, _ := strings.Cut(link, ":")
	if p, ok := o.Chats[name]; ok {
		return p.Grants(ctx, link)
	}
	return state.RoleViewer, nil
}

// fetch reads a file from the platform that keeps it.
func (o appOptions) fetch(ctx context.Context, place state.Place, f chat.File) (chat.File, error) {
	p, ok := o.Chats[place.Platform]
	if !ok {
		return f, &chat.Problem{What: fmt.Sprintf("The file %.60q cannot be read from here.", f.Name)}
	}
	return p.Fetch(ctx, place, f)
}

func (o appOptions) countLetter() func(string) {
	if o.Metrics == nil {
		return nil
	}
	return o.Metrics.Letter
}

func (o appOptions) countSlots() func(string, int) {
	if o.Metrics == nil {
		return nil
	}
	return o.Metrics.Slots
}

func (o appOptions) done() func(string, string, time.Duration) {
	if o.Metrics == nil {
		return nil
	}
	return o.Metrics.Done
}

// bound tells which open incidents a channel hears of, in whatever thread of it.
func (a *app) bound(ctx context.Context, place state.Place) ([]bot.Binding, error) {
	ids, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	place.Thread, place.Person = "", ""
	var out []bot.Binding
	for _, id := range ids {
		inc, err := a.store.Incident(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, p := range inc.Places {
			if p.Key() == place.Key() {
				out = append(out, bot.Binding{Incident: id, Ceiling: p.Ceiling})
			}
		}
	}
	return out, nil
}

// known lists all incidents, closed ones too.
func (a *app) known(ctx context.Context) ([]string, error) {
	heads, err := a.store.Incidents(ctx)
	var ids []string
	for _, h := range heads {
		ids = append(ids, h.ID)
	}
	return ids, err
}

// open lists the incidents that are not closed.
func (a *app) open(ctx context.Context) ([]string, error) {
	heads, err := a.store.Incidents(ctx)
	var ids []string
	for _, h := range heads {
		if h.Closed.IsZero() {
			ids = append(ids, h.ID)
		}
	}
	return ids, err
}

// sweepEvery is how often the process looks for farms whose assessment is out of date.
const sweepEvery = 15 * time.Second

// pruneAfter is how long answered requests are remembered, against redelivery.
const pruneAfter = 48 * time.Hour

// sweep assesses anew what the passing of time, or a revision, has changed.
func (a *app) sweep(ctx context.Context) error {
	return a.every(ctx, sweepEvery, "sweep", a.sweepOnce)
}

// every does something again and again until the context ends. What fails is
// logged, and tried again.
func (a *app) every(ctx context.Context, d time.Duration, what string, do func(context.Context) error) error {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn(what, "error", err)
		}
	}
}

func (a *app) sweepOnce(ctx context.Context) error {
	ids, err := a.open(ctx)
	for _, id := range ids {
		_, e := commands.Sweep(ctx, a.store, id, a.now())
		err = errors.Join(err, e)
	}
	_, e := a.store.Prune(ctx, a.now().Add(-pruneAfter))
	return errors.Join(err, e)
}

// boardOnce keeps the pinned cards right, of what is open and of what was closed
// just now.
func (a *app) boardOnce(ctx context.Context) error {
	heads, err := a.store.Incidents(ctx)
	posted := false
	for _, h := range heads {
		if !h.Closed.IsZero() && a.now().Sub(h.Closed) > time.Hour {
			continue
		}
		letters, done, e := a.boards.Letters(ctx, h.ID)
		if e == nil && len(letters) > 0 {
			e = a.store.Post(ctx, letters)
		}
		if err = errors.Join(err, e); e == nil && len(letters) > 0 {
			done() // only what is in the outbox needs no saying again
			posted = true
		}
	}
	if posted {
		a.outbox.Wake()
	}
	return err
}

// pin keeps the pinned cards right.
func (a *app) pin(ctx context.Context) error {
	return a.every(ctx, commands.BoardEveryScan, "boards", a.boardOnce)
}

// draw makes the burn-down picture of a command.
func draw(b commands.Burn, theme chart.Theme, w io.Writer) (string, error) {
	pic := chart.BurnDown{Title: b.Title, Subtitle: b.Subtitle, Until: b.Until, Zone: b.Zone, Theme: theme}
	for _, p := range b.Points {
		s := p.Counts.Status
		pic.Points = append(pic.Points, chart.Point{
			At: p.At, Compromised: s[state.StatusCompromised], Suspected: s[state.StatusSuspected], Exposed: s[state.StatusExposed],
			Unknown: s[state.StatusUnknown], Contained: s[state.StatusContained], InProgress: s[state.StatusInProgress],
			Ready: s[state.StatusReady], Excepted: s[state.StatusExcepted], Confirmed: s[state.StatusConfirmed],
		})
	}
	for _, m := range b.Marks {
		pic.Marks = append(pic.Marks, chart.Mark{At: m.At, Label: m.Label})
	}
	if err := pic.PNG(w); err != nil {
		return "", fmt.Errorf("draw the burn-down: %w", err)
	}
	return pic.Alt(), nil
}
