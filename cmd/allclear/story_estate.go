package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// workTick is what one piece of work on a make-believe server takes.
const workTick = time.Minute

// lesson is what the story of a campaign tells beside what all have in common.
type lesson struct {
	begin    string // what has happened
	outside  string // what a look from outside can tell
	careless string // the order that the first farm chooses, and why it is not enough; "": it has no such order
	again    string
}

func lessons() map[string]lesson {
	return map[string]lesson{
		"citrixbleed2": {
			begin:    "July 2025. Anybody can read the memory of NetScaler gateways, and with it the sessions of those who are signed in. The update closes the hole; a stolen session goes on.",
			outside:  "A NetScaler tells no version. The time in the header of a gzip file that every build packs anew gives it away; where that is missing, allclear says that it does not know:",
			careless: "The first pair updates one node, ends all sessions, and updates the other node afterwards.",
			again:    "A node that lacks the update hands out new sessions as well. So: end them once more, now that all nodes have it, and look again.",
		},
		"sharepoint-2026-50522": {
			begin:    "July 2026. The farms that were cleared in 2025 are vulnerable again: other lines, the same order of work.",
			outside:  "A header has three numbers of four. For SharePoint 2019 it cannot tell fixed from vulnerable, and allclear does not guess:",
			careless: "The first farm patches all servers but one, rotates the machine keys, restarts IIS, and patches the last one afterwards.",
			again:    "Keys that were rotated before the last server was patched may have been read again. So: once more, in the right order.",
		},
		"proxynotshell": {
			begin:   "November 2022. Exchange servers have been attacked since August; the update is out, one build for each cumulative update.",
			outside: "A header tells all four numbers; where only links are left, three of them, and those are not enough:",
		},
	}
}

// playEstate tells the response of a campaign other than ToolShell.
func (s *stage) playEstate(ctx context.Context) error {
	return s.scenes(ctx, s.openEstate, s.lookEstate, s.firstFarm, s.confirmFirst, s.otherFarms, s.settleEstate, s.clearing, s.after)
}

func (s *stage) lesson() lesson { return lessons()[s.incident()] }

func (s *stage) rules(ctx context.Context) (state.Rules, error) {
	inc, err := s.app.store.Incident(ctx, s.incident())
	return inc.Rules, err
}

func (s *stage) openEstate(ctx context.Context) error {
	s.scene("The first hour")
	s.tell("%s", s.lesson().begin)
	if err := s.linesBy(ctx, lead, "incident open "+s.incident()); err != nil {
		return err
	}
	return s.handInventory(ctx)
}

func (s *stage) lookEstate(ctx context.Context) error {
	s.scene("Looking from outside")
	if err := s.linesBy(ctx, responder, "scan", "status"); err != nil {
		return err
	}
	s.tell("%s", s.lesson().outside)
	lines := []string{"status " + s.estate.Members(s.estate.Farms()[0])[0]}
	if unknown, err := s.unreadable(ctx); err != nil || unknown == "" {
		return errors.Join(err, s.linesBy(ctx, responder, lines...))
	} else {
		lines = append(lines, "status "+unknown)
	}
	return s.linesBy(ctx, responder, lines...)
}

// unreadable is a server that answered, and of which no build could be read.
func (s *stage) unreadable(ctx context.Context) (string, error) {
	unknown := state.StatusUnknown
	rows, _, err := s.app.store.List(ctx, s.incident(), state.Filter{Status: &unknown}, 0, 0)
	i := slices.IndexFunc(rows, func(r state.Row) bool { return !r.LastReached.IsZero() })
	if err != nil || i < 0 {
		return "", err
	}
	return rows[i].Name, nil
}

// firstFarm shows on one farm what is not enough, and what is.
func (s *stage) firstFarm(ctx context.Context) error {
	farm := s.estate.Farms()[0]
	if s.lesson().careless == "" {
		return s.mitigated(ctx, farm)
	}
	s.scene("Patched is not remediated")
	s.tell("%s", s.lesson().careless)
	rules, err := s.rules(ctx)
	if err != nil {
		return err
	}
	if err := s.working(func(at time.Time) (time.Time, error) { return s.estate.RemediateCarelessly(rules, farm, at, workTick) }); err != nil {
		return err
	}
	if err := s.show(ctx, responder, farm); err != nil {
		return err
	}
	s.tell("%s", s.lesson().again)
	return s.doRight(ctx, farm)
}

// mitigated shows that a mitigation is no fix.
func (s *stage) mitigated(ctx context.Context, farm string) error {
	s.scene("A mitigation is not a fix")
	s.tell("The first group of servers has the rewrite rule that the vendor published in September. Its owner says that this is enough.")
	for _, name := range s.estate.Members(farm) {
		if err := s.do(func(at time.Time) error {
			return s.estate.Do(farm, state.Subject{Server: name}, "mitigation", "applied", at)
		}); err != nil {
			return err
		}
	}
	if err := s.show(ctx, responder, farm); err != nil {
		return err
	}
	s.tell("The rule can be gone round. What counts is the build, from inside, and a look at the logs.")
	return s.doRight(ctx, farm)
}

// doRight does all on a farm in the right order, and shows it.
func (s *stage) doRight(ctx context.Context, farm string) error {
	rules, err := s.rules(ctx)
	if err != nil {
		return err
	}
	if err := s.working(func(at time.Time) (time.Time, error) { return s.estate.Remediate(rules, farm, at, workTick) }); err != nil {
		return err
	}
	if err := s.show(ctx, responder, farm); err != nil {
		return err
	}
	return s.linesBy(ctx, responder, "verify "+s.estate.Members(farm)[0], "scan --farm "+farm)
}

// working lets the time go by that work takes.
func (s *stage) working(work func(at time.Time) (time.Time, error)) error {
	at := s.clock.Now()
	end, err := work(at)
	s.clock.Skip(end.Sub(at) + workTick)
	return err
}

func (s *stage) confirmFirst(ctx context.Context) error {
	s.scene("Two persons")
	farm := s.estate.Farms()[0]
	if err := s.linesBy(ctx, lead, "confirm --farm "+farm, "approve all"); err != nil {
		return err
	}
	s.tell("Nobody approves what they asked for themselves.")
	return s.linesBy(ctx, second, "approve all", "status --farm "+farm)
}

// otherFarms brings the rest home. The first on which an attacker was is shown.
func (s *stage) otherFarms(ctx context.Context) error {
	s.scene("Everybody else")
	rest := s.estate.Farms()[1:]
	s.tell("%d farms do the work, each with evidence of its own. Shown here: the first of them on which somebody was.", len(rest))
	shown := false
	for _, farm := range rest {
		robbed, err := s.robbed(farm)
		if err != nil {
			return err
		}
		aloud := robbed && !shown
		shown = shown || aloud
		do := func() error { return s.bringHome(ctx, farm, aloud) }
		if !aloud {
			err = s.hush(do)
		} else {
			err = do()
		}
		if err != nil {
			return fmt.Errorf("farm %s: %w", farm, err)
		}
	}
	return s.linesBy(ctx, lead, "status")
}

func (s *stage) robbed(farm string) (bool, error) {
	for _, name := range s.estate.Members(farm) {
		if t, err := s.estate.Truth(name); err != nil || t.Compromised {
			return err == nil, err
		}
	}
	return false, nil
}

// bringHome does the work of a farm. Where the hunt finds somebody, they are thrown out,
// two persons sign for it, and all is done again.
func (s *stage) bringHome(ctx context.Context, farm string, aloud bool) error {
	rules, err := s.rules(ctx)
	if err != nil {
		return err
	}
	if err := s.working(func(at time.Time) (time.Time, error) { return s.estate.Remediate(rules, farm, at, workTick) }); err != nil {
		return err
	}
	if err := s.show(ctx, responder, farm); err != nil {
		return err
	}
	var evicted map[string]time.Time
	if err := s.working(func(at time.Time) (end time.Time, err error) {
		evicted, end, err = s.estate.Recover(rules, farm, at, workTick)
		return end, err
	}); err != nil || len(evicted) == 0 {
		return err
	}
	if aloud {
		s.tell("A patch clears no compromise. They are thrown out, what they may have taken is changed, and all is looked at again; two persons sign for the eviction.")
	}
	for _, name := range s.estate.Members(farm) {
		if at, ok := evicted[name]; ok {
			line := fmt.Sprintf("attest %s eviction evicted --at %s --ref CASE-77", name, at.UTC().Format(time.RFC3339))
			if err := errors.Join(s.linesBy(ctx, lead, line), s.linesBy(ctx, second, "approve all")); err != nil {
				return err
			}
		}
	}
	return s.show(ctx, responder, farm)
}

// settleEstate looks once more at all of them, and deals with what lags behind.
func (s *stage) settleEstate(ctx context.Context) error {
	s.scene("What is left")
	s.clock.Skip(2 * time.Hour)
	if err := s.linesBy(ctx, responder, "scan"); err != nil {
		return err
	}
	return s.staleHeaders(ctx)
}

// honest holds the end of the story against what is really the case.
func (s *stage) honest() error {
	if s.estate == nil {
		return nil
	}
	for _, srv := range s.estate.Inventory() {
		t, err := s.estate.Truth(srv.Name)
		if err != nil {
			return err
		}
		if !t.Remediated() {
			return fmt.Errorf("ALL CLEAR was declared, and %s is not remediated: %+v", srv.Name, t)
		}
	}
	return nil
}
