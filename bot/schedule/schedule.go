package schedule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Link is the identity under which slots ask.
const Link = "schedule"

// Store keeps the jobs with their incidents, and how far each was fired.
type Store interface {
	Incident(ctx context.Context, id string) (state.Incident, error)
	// Cursors are where jobs stand, in their order.
	Cursors(ctx context.Context, jobs []string) ([]state.Cursor, error)
	// Fire moves a cursor and writes requests down in one step. It is false when
	// somebody else did it, or the incident is not as it was read.
	Fire(ctx context.Context, f state.Firing) (bool, error)
}

// Options are what a Schedule needs. Store, Open and Encode are required; the zero
// value of everything else works.
type Options struct {
	Store Store
	// Open lists the incidents that are open.
	Open func(context.Context) ([]string, error)
	// Encode is a request about an incident as it waits in the inbox.
	Encode func(req chat.Request, incident string) ([]byte, error)
	// Fired is called after slots were fired: to wake who works them off.
	Fired func()
	// Count is called with one of Outcomes for each slot, for metrics.
	Count  func(outcome string, slots int)
	Logger *slog.Logger
	Now    func() time.Time
	Poll   time.Duration // how often jobs are looked at, at least, 5 s
	// Most is how many slots of one job are fired at a time, 100.
	Most int
}

// What becomes of slots.
const (
	OutcomeFired   = "fired"
	OutcomeMissed  = "missed"  // passed over, by the policy of the job
	OutcomeElse    = "others"  // another replica was faster
	OutcomeInvalid = "invalid" // the time table cannot be read here
)

// Outcomes lists what Options.Count is called with.
func Outcomes() []string {
	return []string{OutcomeFired, OutcomeMissed, OutcomeElse, OutcomeInvalid}
}

// Schedule fires jobs. Several may work on one store.
type Schedule struct{ opt Options }

// New makes a schedule. It does no I/O.
func New(o Options) (*Schedule, error) {
	if o.Store == nil || o.Open == nil || o.Encode == nil {
		return nil, errors.New("a schedule needs a store, the open incidents and the form of requests")
	}
	if o.Fired == nil {
		o.Fired = func() {}
	}
	if o.Count == nil {
		o.Count = func(string, int) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	o.Poll = cmp.Or(o.Poll, 5*time.Second)
	o.Most = cmp.Or(o.Most, 100)
	return &Schedule{o}, nil
}

// Run fires what is due until the context ends. What fails is logged when it begins
// and when it ends, and tried again.
func (s *Schedule) Run(ctx context.Context) error {
	well := true
	for ctx.Err() == nil {
		next, err := s.Pass(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && well:
			s.opt.Logger.Error("the schedule cannot be fired", "error", err)
		case err == nil && !well:
			s.opt.Logger.Info("the schedule can be fired again")
		}
		well = err == nil
		wait := s.opt.Poll
		if until := next.Sub(s.opt.Now()); !next.IsZero() && until < wait {
			wait = max(until, 0)
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	return nil
}

// Pass fires what is due now, once, and says when the next slot is; zero: there is none.
func (s *Schedule) Pass(ctx context.Context) (next time.Time, err error) {
	ids, err := s.opt.Open(ctx)
	fired := 0
	for _, id := range ids {
		n, at, e := s.incident(ctx, id)
		err = errors.Join(err, e)
		fired += n
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if fired > 0 {
		s.opt.Fired()
	}
	return next, err
}

func (s *Schedule) incident(ctx context.Context, id string) (fired int, next time.Time, err error) {
	inc, err := s.opt.Store.Incident(ctx, id)
	if err != nil || !inc.Closed.IsZero() {
		return 0, next, err
	}
	jobs := slices.DeleteFunc(slices.Clone(inc.Jobs), func(j state.Scheduled) bool { return j.Paused })
	var keys []string
	for _, j := range jobs {
		keys = append(keys, j.Key(id))
	}
	cursors, err := s.opt.Store.Cursors(ctx, keys)
	for i, was := range cursors {
		n, at, e := s.job(ctx, inc, jobs[i], was)
		if e != nil {
			err = errors.Join(err, fmt.Errorf("job %s of %s: %w", jobs[i].Name, id, e))
		}
		fired += n
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return fired, next, err
}

// job fires the slots of a job that are due, and says when the next one is.
func (s *Schedule) job(ctx context.Context, inc state.Incident, j state.Scheduled, was state.Cursor) (fired int, next time.Time, err error) {
	table, err := Parse(j.Spec, j.Zone)
	if err != nil {
		s.opt.Count(OutcomeInvalid, 1)
		return 0, next, err
	}
	now := s.opt.Now()
	slots, next, missed := due(table, j, was, now, s.opt.Most)
	if next.IsZero() || len(slots)+missed == 0 {
		return 0, next, nil
	}
	f := state.Firing{
		Job: j.Key(inc.ID), Incident: inc.ID, Rev: inc.Rev, Was: was, Is: state.Cursor{Next: next, Edition: j.Edition},
	}
	for _, slot := range slots {
		r, err := s.request(inc, j, slot, now)
		if err != nil {
			return 0, next, err
		}
		f.Requests = append(f.Requests, r)
	}
	ok, err := s.opt.Store.Fire(ctx, f)
	switch {
	case err != nil:
		return 0, now, err
	case !ok:
		s.opt.Count(OutcomeElse, len(slots))
		return 0, next, nil
	}
	s.opt.Count(OutcomeFired, len(slots))
	s.opt.Count(OutcomeMissed, missed)
	if missed > 0 {
		s.opt.Logger.Warn("slots were missed and passed over", "incident", inc.ID, "job", j.Name, "slots", missed, "policy", j.CatchUp.String())
	}
	return len(slots), next, nil
}

// request is the slot as something that is asked.
func (s *Schedule) request(inc state.Incident, j state.Scheduled, slot, now time.Time) (state.Job, error) {
	req := chat.Request{
		ID:      fmt.Sprintf("slot %s %s", j.Key(inc.ID), slot.UTC().Format(time.RFC3339)),
		Trigger: chat.TriggerSchedule, Actor: chat.Actor{Link: Link}, Place: PlaceOf(inc, j), Text: j.Line, At: slot,
	}
	payload, err := s.opt.Encode(req, inc.ID)
	return state.Job{ID: req.ID, Payload: payload, Accepted: now}, err
}

// PlaceOf is where the answer of a job goes: its place as the incident has it now,
// or the first place that hears of the incident when it hears no more.
func PlaceOf(inc state.Incident, j state.Scheduled) state.Place {
	for _, p := range inc.Places {
		if p.Key() == j.Place.Key() {
			return p
		}
	}
	if len(inc.Places) > 0 {
		return inc.Places[0]
	}
	return state.Place{}
}

// backlog is how far back the last of several slots is looked for.
const backlog = 45 * 24 * time.Hour

// due are the slots of a job to be fired now, the one that comes next, and how many
// are passed over by its policy.
func due(table Timetable, j state.Scheduled, was state.Cursor, now time.Time, most int) (slots []time.Time, next time.Time, missed int) {
	next = was.Next
	if was.Next.IsZero() || was.Edition != j.Edition {
		next = table.Next(j.Since)
	}
	if next.IsZero() || next.After(now) {
		return nil, next, 0
	}
	if j.CatchUp != state.CatchUpAll && now.Sub(next) > backlog {
		if recent := table.Next(now.Add(-backlog)); !recent.IsZero() && !recent.After(now) {
			next, missed = recent, 1 // and more, that are not counted
		}
	}
	for !next.IsZero() && !next.After(now) && (j.CatchUp != state.CatchUpAll || len(slots) < most) {
		slots, next = append(slots, next), table.Next(next)
	}
	if j.CatchUp == state.CatchUpAll {
		return slots, next, 0
	}
	last := slots[len(slots)-1]
	missed += len(slots) - 1
	if j.CatchUp == state.CatchUpSkip && now.Sub(last) > j.Late {
		return nil, next, missed + 1
	}
	return []time.Time{last}, next, missed
}
