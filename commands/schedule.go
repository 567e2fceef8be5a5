package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Timetable reads a time table and gives the slot after a moment; zero: there is none.
// Package bot/schedule has the one of a real process.
type Timetable func(spec, zone string) (next func(after time.Time) time.Time, err error)

// scheduleCommands are about what runs by itself. The registry has all commands when
// they run.
func scheduleCommands(p Parts, all *registry) []Command {
	j := jobs{p.Store, p.People, p.Timetable, p.Now, all}
	return []Command{scheduleList{j}, scheduleAdd{j}, scheduleEdit{j}, schedulePause{j}, scheduleResume{j}, scheduleRemove{j}, scheduleRun{j}, scheduleQuiet{j}}
}

// registry is the list of commands, for commands that run others.
type registry struct{ commands []Command }

// find is the command that a line names, with its values.
func (r *registry) find(line string) (Command, chat.Values, error) {
	spec, words, err := chat.Find(specsOf(r.commands), line)
	if err != nil {
		return nil, chat.Values{}, err
	}
	v, err := chat.Parse(spec, words, nil)
	i := slices.IndexFunc(r.commands, func(c Command) bool { return c.Spec().Path == spec.Path })
	return r.commands[i], v, err
}

// jobs is what all commands about the schedule need.
type jobs struct {
	store interface {
		Changer
		Incident(ctx context.Context, id string) (state.Incident, error)
	}
	people state.People
	table  Timetable
	now    func() time.Time
	all    *registry
}

// zoneOf is the time zone of a reader: their own, else that of the incident.
func (c jobs) zoneOf(call chat.Call, inc state.Incident) *time.Location {
	p, _ := c.people.ByID(call.Request.Actor.Person)
	if loc, err := time.LoadLocation(p.Zone); err == nil && p.Zone != "" {
		return loc
	}
	return inc.Location()
}

// upcoming are the next three slots of a job in the zone of a reader.
func (c jobs) upcoming(j state.Scheduled, now time.Time, zone *time.Location) (chat.Text, error) {
	if j.Paused {
		return chat.T("paused"), nil
	}
	next, err := c.table(j.Spec, j.Zone)
	if err != nil {
		return nil, err
	}
	var out []string
	day := ""
	for at := next(now); !at.IsZero() && len(out) < 3; at = next(at) {
		local := at.In(zone)
		text := local.Format("15:04")
		if d := local.Format("Mon 2 Jan"); d != day {
			day, text = d, d+" "+text
		}
		out = append(out, text)
	}
	if len(out) == 0 {
		return chat.T("never again"), nil
	}
	return chat.T("next ", strings.Join(out, ", "), " ", zone.String()), nil
}

// line is a job in a list.
func (c jobs) line(j state.Scheduled, now time.Time, zone *time.Location) chat.Text {
	t := chat.T(chat.B(j.Name), ": ", chat.C(j.Line), " · ", j.Spec)
	if j.Zone != "" && !strings.HasPrefix(j.Spec, "every") {
		t = append(t, chat.T(" "+j.Zone)...)
	}
	next, err := c.upcoming(j, now, zone)
	if err != nil {
		next = chat.T("! not fired: ", err.Error())
	}
	t = append(t, chat.T(" · ", next)...)
	if j.Place.Platform != "" {
		t = append(t, chat.T(" · to ", chat.C(j.Place.Channel))...)
	}
	switch j.CatchUp {
	case state.CatchUpAll:
		t = append(t, chat.D(" · every missed slot is made up for"))
	case state.CatchUpSkip:
		t = append(t, chat.D(" · a slot missed for more than "+spanWords(j.Late)+" is skipped"))
	}
	return t
}

// check refuses a job that could not work, and makes its time table canonical.
func (c jobs) check(j state.Scheduled) error {
	if _, err := c.table(j.Spec, j.Zone); err != nil {
		return &chat.Problem{What: sentence(upperFirst(err.Error())), Try: `For example "every 2h", "09:00,17:00", "mon-fri 08:30" or "0 9 * * 1". Nothing was changed.`}
	}
	command, _, err := c.all.find(j.Line)
	if err != nil {
		return fmt.Errorf("%.100q cannot be scheduled: %w", j.Line, err)
	}
	switch s := command.Spec(); {
	case s.Role > state.RoleResponder:
		return &chat.Problem{What: fmt.Sprintf("%s takes a lead: it cannot run by itself.", s.Path), Try: "What a responder may do can be scheduled."}
	case s.Private:
		return &chat.Problem{What: fmt.Sprintf("%s answers only to the person who asks: nobody would see it.", s.Path)}
	}
	return nil
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// put stores a job and says when it comes.
func (c jobs) put(ctx context.Context, call chat.Call, j state.Scheduled, did string) (chat.Message, error) {
	if err := c.check(j); err != nil {
		return chat.Message{}, err
	}
	now := c.now()
	_, err := c.store.Update(ctx, call.Work("schedule", now), call.Incident, nil, func(tx *state.Tx) error {
		if every, ok := strings.CutPrefix(j.Spec, "every "); ok && j.Name == jobReminders {
			if d, err := chat.ParseDuration(every); err == nil {
				tx.SetCadence(d)
			}
		}
		return tx.Schedule(j)
	})
	if err != nil {
		return chat.Message{}, err
	}
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	next, err := c.upcoming(j, now, c.zoneOf(call, inc))
	m := chat.Say(chat.P(did+" ", chat.B(j.Name), ": ", chat.C(j.Line), " · ", next, "."))
	m.Add(chat.Row(press("Run now", call.Incident, "schedule run", j.Name), press("Pause", call.Incident, "schedule pause", j.Name)))
	return m, err
}

// named is the job that a line names: exactly, or as the only one that begins so.
func (c jobs) named(ctx context.Context, call chat.Call) (state.Incident, state.Scheduled, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return inc, state.Scheduled{}, err
	}
	given := strings.ToLower(call.Values.String("name"))
	var all, begin []string
	for _, j := range inc.Jobs {
		if j.Name == given {
			return inc, j, nil
		}
		if all = append(all, j.Name); strings.HasPrefix(j.Name, given) {
			begin = append(begin, j.Name)
		}
	}
	if len(begin) == 1 {
		j, _ := inc.Job(begin[0])
		return inc, j, nil
	}
	p := &chat.Problem{What: fmt.Sprintf("%s has no job %.60q.", inc.ID, given), Try: "There are: " + fewOf(all, maxShown)}
	if len(all) == 0 {
		p.Try = "There are none. Make one with: schedule add"
	}
	return inc, state.Scheduled{}, p
}

// Names of the jobs that every incident begins with.
const (
	jobReminders = "reminders"
	jobDigest    = "digest"
)

// defaultJobs are the schedule that an incident begins with.
func defaultJobs(cadence time.Duration, zone string) []state.Scheduled {
	every := fmt.Sprintf("every %dm", cadence/time.Minute)
	if cadence%time.Hour == 0 {
		every = fmt.Sprintf("every %dh", cadence/time.Hour)
	}
	return []state.Scheduled{
		{Name: jobReminders, Spec: every, Zone: zone, Line: "ping --send"},
		{Name: jobDigest, Spec: "09:00,17:00", Zone: zone, Line: "digest", CatchUp: state.CatchUpSkip, Late: 3 * time.Hour},
	}
}

// missed reads the policy for slots that were missed.
func missed(v chat.Values, j *state.Scheduled) error {
	if v.Has("missed") {
		if err := j.CatchUp.UnmarshalText([]byte(v.String("missed"))); err != nil {
			return &chat.Problem{What: sentence(err.Error())}
		}
	}
	j.Late = v.Duration("late", cmp.Or(j.Late, time.Hour))
	if v.Has("late") && !v.Has("missed") {
		j.CatchUp = state.CatchUpSkip
	}
	if j.CatchUp != state.CatchUpSkip {
		j.Late = 0
	}
	return nil
}

func missedFlags() []chat.Arg {
	return []chat.Arg{
		{Name: "zone", Help: "time zone, like Europe/Berlin; that of the incident otherwise"},
		{Name: "missed", Help: "what becomes of slots missed while nothing ran: only the last, all, or skip late ones", Choices: []string{"last", "all", "skip"}},
		{Name: "late", Help: "how late a slot may be with --missed skip, like 1h", Type: chat.Duration},
	}
}
