package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
)

// manyFarms is above how many farms they work side by side, and are looked at and
// confirmed by group instead of one by one.
const manyFarms = 60

// sideBySide is how many farms work at the same time.
const sideBySide = 64

// many reports whether the fleet is a large one.
func (s *stage) many() bool { return len(s.world().Farms()) > manyFarms }

// everybody brings the rest of the fleet home, each farm with evidence of its own.
func (s *stage) everybody(ctx context.Context) error {
	s.scene("Everybody else")
	s.clock.Skip(8 * time.Hour)
	farms := s.fleet.Farms()
	s.tell("%d farms do the work. Every one shows its own evidence, and each eviction takes two persons. Shown here: the first of them.", len(farms))
	s.haste = len(farms) / 20
	defer func() { s.haste = 0 }()
	err := s.finish(ctx, farms[0])
	switch {
	case err != nil:
	case s.many():
		err = s.remediateAll(ctx, farms[1:])
	default:
		err = s.hush(func() error { return s.finishAll(ctx, farms[1:]) })
	}
	if err != nil {
		return err
	}
	return s.linesBy(ctx, lead, "status")
}

func (s *stage) finishAll(ctx context.Context, farms []string) error {
	for _, farm := range farms {
		if err := s.finish(ctx, farm); err != nil {
			return fmt.Errorf("farm %s: %w", farm, err)
		}
	}
	return nil
}

// lastGroup is the group whose servers are confirmed at the very end, in the open.
func (s *stage) lastGroup() string {
	for _, srv := range s.fleet.Inventory() {
		if srv.Name == "sp-finance-w1" {
			return srv.Group
		}
	}
	return ""
}

// finish brings a farm to its end; those of the last group, and those of a large
// fleet, are left ready.
func (s *stage) finish(ctx context.Context, farm string) error {
	if err := s.remediate(ctx, farm); err != nil || s.many() {
		return err
	}
	last := s.lastGroup()
	for _, srv := range s.fleet.Inventory() {
		if (srv.Farm == farm || srv.Name == farm) && srv.Group == last {
			return nil
		}
	}
	return errors.Join(
		s.linesBy(ctx, responder, "scan --farm "+farm),
		s.linesBy(ctx, lead, "confirm --farm "+farm), s.linesBy(ctx, hr, "approve all"),
	)
}

// remediate does a farm's work and hands its evidence in.
func (s *stage) remediate(ctx context.Context, farm string) error {
	done, err := s.work(farm)
	if err != nil || !done {
		return err
	}
	lines, err := s.evictions(ctx, farm)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if err := errors.Join(s.linesBy(ctx, lead, l), s.linesBy(ctx, second, "approve all")); err != nil {
			return err
		}
	}
	return s.show(ctx, responder, farm)
}

// work does all that can be done on a farm. False: it has no fix, or needs none.
func (s *stage) work(farm string) (bool, error) {
	err := s.fleet.Remediate(farm, func() time.Time {
		s.pass(2 * time.Minute)
		return s.clock.Now()
	})
	if errors.Is(err, fleet.ErrNoFix) || errors.Is(err, fleet.ErrNotAffected) {
		return false, nil
	}
	return err == nil, err
}

// evictions are the lines by which somebody vouches for the eviction of the servers
// of a farm that show a sign.
func (s *stage) evictions(ctx context.Context, farm string) ([]string, error) {
	var lines []string
	for _, name := range s.fleet.Members(farm) {
		row, err := s.app.store.Row(ctx, s.incident(), name)
		if err != nil {
			return nil, err
		}
		if row.Status != state.StatusCompromised && row.Status != state.StatusSuspected {
			continue
		}
		es, err := s.fleet.Collect(farm, s.clock.Now())
		if err != nil {
			return nil, err
		}
		for _, e := range es {
			if e.Kind == state.KindEviction && e.Subject.Server == name {
				at := e.At.UTC().Format(time.RFC3339)
				lines = append(lines, fmt.Sprintf("attest %s eviction evicted --at %s --ref CASE-77", name, at))
			}
		}
	}
	return lines, nil
}

// remediateAll does the work of farms that work side by side. Each hands its own
// evidence in, and each eviction takes two persons; nobody hears of it.
func (s *stage) remediateAll(ctx context.Context, farms []string) error {
	for some := range slices.Chunk(farms, sideBySide) {
		worked, evicted, err := s.workedOn(ctx, some)
		if err != nil {
			return err
		}
		if err := s.together(ctx, evicted); err != nil {
			return err
		}
		if len(evicted) > 0 {
			if err := s.hush(func() error { return s.approveAll(ctx, second) }); err != nil {
				return err
			}
		}
		var shown []spoken
		for _, farm := range worked {
			doc, err := s.collect(farm)
			if err != nil {
				return fmt.Errorf("farm %s: %w", farm, err)
			}
			shown = append(shown, evidence(responder, farm, doc))
		}
		if err := s.together(ctx, shown); err != nil {
			return err
		}
	}
	return nil
}

func evidence(who, farm string, doc []byte) spoken {
	return spoken{who, "evidence add", []chat.File{{Name: farm + ".json", Data: doc}}}
}

// workedOn does all the work on farms: those that it could be done on, and what
// must be attested now.
func (s *stage) workedOn(ctx context.Context, farms []string) (worked []string, evicted []spoken, err error) {
	for _, farm := range farms {
		done, err := s.work(farm)
		if err != nil {
			return nil, nil, fmt.Errorf("farm %s: %w", farm, err)
		}
		if !done {
			continue
		}
		worked = append(worked, farm)
		lines, err := s.evictions(ctx, farm)
		if err != nil {
			return nil, nil, fmt.Errorf("farm %s: %w", farm, err)
		}
		for _, l := range lines {
			evicted = append(evicted, spoken{who: lead, line: l})
		}
	}
	return worked, evicted, nil
}

// confirmRest confirms by group what is ready still, group beside group, unheard.
func (s *stage) confirmRest(ctx context.Context) error {
	groups, err := s.readyGroups(ctx)
	if err != nil || len(groups) == 0 {
		return err
	}
	s.tell("The rest of so large a fleet is confirmed in the same way, group beside group.")
	return s.atOnce(ctx, len(groups), func(ctx context.Context, i int) error { return s.confirmRestOf(ctx, groups[i]) })
}

// confirmRestOf asks and approves page by page until nothing more can be. Nobody
// approves what rests on what they did themselves: that is left to the next.
func (s *stage) confirmRestOf(ctx context.Context, group string) error {
	approvers := []string{hr, second, finance}
	for before := -1; len(approvers) > 0; {
		c, err := s.app.store.Counts(ctx, s.incident(), state.Filter{Group: group})
		ready := c.Status[state.StatusReady]
		if err != nil || ready == 0 {
			return err
		}
		if ready == before {
			approvers = approvers[1:]
			before = -1
			continue
		}
		before = ready
		for _, who := range []string{lead, approvers[0]} {
			if _, err := s.typed(ctx, who, "confirm --group "+group, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// readyGroups are the groups that have servers which are ready.
func (s *stage) readyGroups(ctx context.Context) ([]string, error) {
	tallies, err := s.app.store.Tallies(ctx, s.incident(), "group", true)
	var out []string
	for _, t := range tallies {
		if t.Counts.Status[state.StatusReady] > 0 {
			out = append(out, t.Name)
		}
	}
	return out, err
}
