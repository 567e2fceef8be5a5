package main

import (
	"context"
	"errors"
	"time"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/schedule"
	"github.com/allclear-bot/allclear/commands"
	"github.com/allclear-bot/allclear/state"
)

// timetable reads the time tables of jobs.
func timetable(spec, zone string) (func(after time.Time) time.Time, error) {
	t, err := schedule.Parse(spec, zone)
	return t.Next, err
}

func (a *app) newSchedule(now func() time.Time, lease time.Duration, count func(string, int)) (*schedule.Schedule, error) {
	return schedule.New(schedule.Options{
		Store: a.store, Open: a.open, Encode: bot.Encode, Fired: a.router.Wake, Logger: a.log, Now: now, Count: count, Poll: lease / 10,
	})
}

// tendEvery is how often the process looks whether a deadline has come nearer.
const tendEvery = 30 * time.Second

// tend tells those who are answerable when a deadline comes nearer, or has passed.
func (a *app) tend(ctx context.Context) error {
	return a.every(ctx, tendEvery, "deadlines", a.tendOnce)
}

func (a *app) tendOnce(ctx context.Context) error {
	ids, err := a.open(ctx)
	for _, id := range ids {
		n, e := commands.Tend(ctx, a.parts, id, a.now())
		if err = errors.Join(err, e); n > 0 {
			a.log.Info("told of a deadline", "incident", id, "people", n)
			a.outbox.Wake()
		}
	}
	return err
}

// pingsFile is the part of the configuration about reminders.
type pingsFile struct {
	Duty     string `yaml:"duty"`
	Manager  string `yaml:"manager"`
	Mentions *int   `yaml:"mentions"`
}

// defaultMentions is how often reminders mention a person in an hour.
const defaultMentions = 3

// check turns the text into values, and tells what is wrong.
func (f pingsFile) check(people state.People, wrong func(string, ...any)) commands.Reminders {
	r := commands.Reminders{Duty: state.PersonID(f.Duty), Manager: state.PersonID(f.Manager), Mentions: defaultMentions}
	for what, id := range map[string]state.PersonID{"duty": r.Duty, "manager": r.Manager} {
		if _, ok := people.ByID(id); id != "" && !ok {
			wrong("pings: %s %q is none of the people", what, id)
		}
	}
	if f.Mentions != nil {
		r.Mentions = *f.Mentions
		if r.Mentions < 0 || r.Mentions > 1000 {
			wrong("pings: mentions %d: want 0 (no limit) to 1000 an hour", r.Mentions)
		}
	}
	return r
}

// checkTimes tells what is wrong with the time zones and quiet hours.
func (f configFile) checkTimes(wrong func(string, ...any)) {
	if _, err := schedule.Zone(f.Zone); err != nil {
		wrong("zone: %w", err)
	}
	for _, p := range f.People {
		if _, err := schedule.Zone(p.Zone); err != nil {
			wrong("people: %s: zone: %w", p.ID, err)
		}
		if _, err := state.ParseHours(p.Quiet, p.Zone); err != nil {
			wrong("people: %s: quiet: %w", p.ID, err)
		}
	}
}

// reminders are whom reminders escalate to, and who can be mentioned.
func (c config) reminders() commands.Reminders {
	r := c.Pings
	r.Reach = func(owner string) bool {
		p, ok := c.People.ByOwner(owner)
		return ok && len(p.Links) > 0 || len(c.Groups[owner]) > 0
	}
	return r
}
