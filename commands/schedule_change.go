package commands

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// scheduleList shows what runs by itself, and when.
type scheduleList struct{ jobs }

func (scheduleList) Spec() chat.Spec {
	return chat.Spec{
		Path: "schedule list", Summary: "Show what runs by itself in an incident, with the next three times of each",
		Examples: []chat.Example{{Line: "schedule list", Does: "shows the reminders, the digests and other jobs, in your time zone"}},
		Role:     state.RoleViewer,
	}
}

func (c scheduleList) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	now, zone := c.now(), c.zoneOf(call, inc)
	if len(inc.Jobs) == 0 {
		return chat.Say(chat.P("Nothing runs by itself in ", chat.C(inc.ID), ", and nobody is reminded. Add a job: ", chat.C(`schedule add reminders "every 2h" ping --send`))).With(chat.ToneWarn), nil
	}
	list := chat.L()
	for _, j := range inc.Jobs {
		list.Items = append(list.Items, c.line(j, now, zone))
	}
	m := chat.Say(chat.H(drillMark(inc)+"Schedule of ", chat.C(inc.ID)), list)
	if !inc.Closed.IsZero() {
		m.Add(chat.P("The incident is closed: nothing of it runs any more."))
	}
	if d := inc.Deadline(); !d.IsZero() {
		m.Add(chat.P(deadlineWords(inc, now), " (", d.In(zone).Format("Mon 2 Jan 15:04 MST"), ")."))
	}
	for _, p := range inc.Places {
		if p.Quiet != "" {
			m.Add(chat.N("Quiet hours of ", chat.C(p.Channel), ": ", p.Quiet, " ", inc.Location().String(), "."))
		}
	}
	return m, nil
}

// scheduleAdd makes a job.
type scheduleAdd struct{ jobs }

func (scheduleAdd) Spec() chat.Spec {
	return chat.Spec{
		Path: "schedule add", Summary: "Run a command line by itself; what it answers is said here",
		Args: []chat.Arg{
			{Name: "name", Help: "a short name in lower case, like morning"},
			{Name: "when", Help: `"every 2h", "09:00,17:00", "mon-fri 08:30" or five fields of cron`},
			{Name: "line", Help: "the command line, like: scan --group emea", Rest: true},
		},
		Flags: missedFlags(),
		Examples: []chat.Example{
			{Line: `schedule add nightly "02:30" scan`, Does: "scans every night at half past two, local time of the incident"},
			{Line: `schedule add --zone America/New_York --missed skip --late 2h managers "mon-fri 09:00" digest`, Does: "posts a digest here on working days, unless it would come more than two hours late"},
		},
		Role: state.RoleLead,
	}
}

func (c scheduleAdd) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	v := call.Values
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	j := state.Scheduled{
		Name: strings.ToLower(v.String("name")), Spec: v.String("when"), Zone: cmp.Or(v.String("zone"), inc.Zone), Line: v.String("line"),
	}
	if !incidentID.MatchString(j.Name) {
		return chat.Message{}, &chat.Problem{What: fmt.Sprintf("%.60q cannot name a job.", j.Name), Try: "Use up to 40 lower-case letters, digits, dots and dashes."}
	}
	if _, taken := inc.Job(j.Name); taken {
		return chat.Message{}, &chat.Problem{What: fmt.Sprintf("There is a job %s already.", j.Name), Try: "Change it with: schedule edit " + j.Name}
	}
	if p := call.Request.Place; p.Platform != "" && p.Channel != "" {
		if j.Place, err = boundPlace(call); err != nil {
			return chat.Message{}, err
		}
		if !hears(inc, j.Place) {
			return chat.Message{}, &chat.Problem{What: "This place does not hear of " + inc.ID + ".", Try: "Bind it first: incident bind"}
		}
	}
	if err := missed(v, &j); err != nil {
		return chat.Message{}, err
	}
	return c.put(ctx, call, j, "Scheduled")
}

func hears(inc state.Incident, p state.Place) bool {
	for _, o := range inc.Places {
		if o.Key() == p.Key() {
			return true
		}
	}
	return false
}

// scheduleEdit changes a job.
type scheduleEdit struct{ jobs }

func (scheduleEdit) Spec() chat.Spec {
	return chat.Spec{
		Path: "schedule edit", Summary: "Change when a job runs, or what it runs",
		Args: []chat.Arg{
			{Name: "name", Help: "the job, or the beginning of its name"},
			{Name: "line", Help: "another command line", Optional: true, Rest: true},
		},
		Flags:    append([]chat.Arg{{Name: "when", Help: `"every 2h", "09:00,17:00", "mon-fri 08:30" or five fields of cron`}}, missedFlags()...),
		Examples: []chat.Example{{Line: `schedule edit --when "every 1h" reminders`, Does: "reminds owners every hour from now on"}},
		Role:     state.RoleLead,
	}
}

func (c scheduleEdit) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	_, j, err := c.named(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	v := call.Values
	j.Spec, j.Line = cmp.Or(v.String("when"), j.Spec), cmp.Or(v.String("line"), j.Line)
	if v.Has("zone") {
		j.Zone = v.String("zone")
	}
	if err := missed(v, &j); err != nil {
		return chat.Message{}, err
	}
	return c.put(ctx, call, j, "Changed")
}

// schedulePause stops a job for a while.
type schedulePause struct{ jobs }

func (schedulePause) Spec() chat.Spec {
	return chat.Spec{
		Path: "schedule pause", Summary: "Stop a job until it is resumed",
		Args:     []chat.Arg{{Name: "name", Help: "the job, or the beginning of its name"}},
		Examples: []chat.Example{{Line: "schedule pause digest", Does: "posts no digest until: schedule resume digest"}},
		Role:     state.RoleLead,
	}
}

func (c schedulePause) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	_, j, err := c.named(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	j.Paused = true
	if _, err := c.store.Update(ctx, call.Work("pause", c.now()), call.Incident, nil, func(tx *state.Tx) error { return tx.Schedule(j) }); err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.P("Paused ", chat.B(j.Name), ". What falls into the pause is not made up for."), chat.Row(press("Resume", call.Incident, "schedule resume", j.Name)))
	if j.Name == jobReminders {
		m.Add(chat.P(chat.B("Nobody is reminded now.")))
		m.Tone = chat.ToneWarn
	}
	return m, nil
}

// scheduleResume lets a job run again.
type scheduleResume struct{ jobs }

func (scheduleResume) Spec() chat.Spec {
	return chat.Spec{
		Path: "schedule resume", Summary: "Let a job run again",
		Args:     []chat.Arg{{Name: "name", Help: "the job, or the beginning of its name"}},
		Examples: []chat.Example{{Line: "schedule resume digest", Does: "posts digests again, from the next slot on"}},
		Role:     state.RoleLead,
	}
}

func (c scheduleResume) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	_, j, err := c.named(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	j.Paused = false
	return c.put(ctx, call, j, "Resumed")
}

// scheduleRemove ends a job.
type scheduleRemove struct{ jobs }

func (scheduleRemove) Spec() chat.Spec {
	return chat.Spec{
		Path: "schedule remove", Summary: "End a job",
		Args:     []chat.Arg{{Name: "name", Help: "the job, or the beginning of its name"}},
		Examples: []chat.Example{{Line: "schedule remove digest", Does: "posts no digests any more"}},
		Role:     state.RoleLead,
	}
}

func (c scheduleRemove) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	_, j, err := c.named(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	_, err = c.store.Update(ctx, call.Work("remove", c.now()), call.Incident, nil, func(tx *state.Tx) error { return tx.Unschedule(j.Name) })
	m := chat.Say(chat.P("Removed ", chat.B(j.Name), "."))
	if j.Name == jobReminders {
		m.Add(chat.P(chat.B("Nobody is reminded now.")))
		m.Tone = chat.ToneWarn
	}
	return m, err
}

// scheduleRun runs a job now, beside its slots.
type scheduleRun struct{ jobs }

func (scheduleRun) Spec() chat.Spec {
	return chat.Spec{
		Path: "schedule run", Summary: "Run a job now, beside its slots; you see what it answers",
		Args:     []chat.Arg{{Name: "name", Help: "the job, or the beginning of its name"}},
		Examples: []chat.Example{{Line: "schedule run digest", Does: "shows the digest as it would be posted now"}},
		Role:     state.RoleResponder,
	}
}

func (c scheduleRun) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	_, j, err := c.named(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	command, values, err := c.all.find(j.Line)
	if err != nil {
		return chat.Message{}, err
	}
	if s := command.Spec(); s.Role > call.Request.Actor.Role {
		return chat.Message{}, &chat.Problem{What: fmt.Sprintf("%s needs the role %s.", s.Path, s.Role), Try: "Ask a lead."}
	}
	call.Values, call.Request.Text = values, j.Line
	return command.Run(ctx, call)
}

// scheduleQuiet sets the quiet hours of a channel.
type scheduleQuiet struct{ jobs }

func (scheduleQuiet) Spec() chat.Spec {
	return chat.Spec{
		Path: "schedule quiet", Summary: "Set the hours in which nobody is reminded in this channel",
		Args: []chat.Arg{{Name: "hours", Help: "like 22:00-07:00 in the time zone of the incident, or off"}},
		Examples: []chat.Example{
			{Line: "schedule quiet 22:00-07:00", Does: "holds reminders back at night; at seven each person gets one message"},
			{Line: "schedule quiet off", Does: "reminds at any hour"},
		},
		Role: state.RoleLead,
	}
}

func (c scheduleQuiet) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	hours := call.Values.String("hours")
	if hours == "off" {
		hours = ""
	}
	if _, err := state.ParseHours(hours, ""); err != nil {
		return chat.Message{}, &chat.Problem{What: sentence(upperFirst(err.Error())), Try: "Or: schedule quiet off"}
	}
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	here := call.Request.Place
	here.Person, here.Thread = "", ""
	if !hears(inc, here) {
		return chat.Message{}, &chat.Problem{What: "This place does not hear of " + inc.ID + ".", Try: "Bind it first: incident bind"}
	}
	_, err = c.store.Update(ctx, call.Work("quiet", c.now()), call.Incident, nil, func(tx *state.Tx) error {
		for _, p := range tx.Incident.Places {
			if p.Key() == here.Key() {
				p.Quiet = hours
				return tx.Bind(p)
			}
		}
		return nil
	})
	if err != nil {
		return chat.Message{}, err
	}
	if hours == "" {
		return chat.Say(chat.P("Reminders come here at any hour.")), nil
	}
	return chat.Say(
		chat.P("Quiet here: "+hours+" "+inc.Location().String()+". Reminders of these hours are held, and each person gets one message when they end."),
		chat.N("What breaks through, and says so: new signs of an attacker, and for the duty lead and the manager a deadline that has passed."),
	), nil
}
