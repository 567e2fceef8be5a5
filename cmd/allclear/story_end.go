package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks/fleet"
	"github.com/allclear-bot/allclear/state"
)

// everybody brings the rest of the fleet home, each farm with evidence of its own.
func (s *stage) everybody(ctx context.Context) error {
	s.scene("Everybody else")
	s.clock.Skip(8 * time.Hour)
	s.tell("%d farms do the work. Every one shows its own evidence, and each eviction takes two persons. Shown here: the first of them.", len(s.fleet.Farms()))
	last, large := s.lastGroup(), len(s.fleet.Farms()) > manyFarms
	s.haste = len(s.fleet.Farms()) / 20
	defer func() { s.haste = 0 }()
	for i, farm := range s.fleet.Farms() {
		work := func() error {
			if large {
				return s.remediate(ctx, farm)
			}
			return s.finish(ctx, farm, last)
		}
		if i > 0 {
			aloud := work
			work = func() error { return s.hush(aloud) }
		}
		if err := work(); err != nil {
			return fmt.Errorf("farm %s: %w", farm, err)
		}
	}
	return s.linesBy(ctx, lead, "status")
}

// manyFarms is above how many farms they are looked at and confirmed by group
// instead of one by one.
const manyFarms = 60

// lastGroup is the group whose servers are confirmed at the very end, in the open.
func (s *stage) lastGroup() string {
	for _, srv := range s.fleet.Inventory() {
		if srv.Name == "sp-finance-w1" {
			return srv.Group
		}
	}
	return ""
}

// finish brings a farm to its end; those of the last group are left ready.
func (s *stage) finish(ctx context.Context, farm, last string) error {
	if err := s.remediate(ctx, farm); err != nil {
		return err
	}
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
	err := s.fleet.Remediate(farm, func() time.Time {
		s.pass(2 * time.Minute)
		return s.clock.Now()
	})
	if errors.Is(err, fleet.ErrNoFix) || errors.Is(err, fleet.ErrNotAffected) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, n := range s.fleet.Members(farm) {
		if err := s.evicted(ctx, farm, n); err != nil {
			return err
		}
	}
	return s.show(ctx, responder, farm)
}

// evicted has two persons vouch for the eviction of a server that shows a sign.
func (s *stage) evicted(ctx context.Context, farm, name string) error {
	row, err := s.app.store.Row(ctx, incidentName, name)
	if err != nil || row.Status != state.StatusCompromised && row.Status != state.StatusSuspected {
		return err
	}
	es, err := s.fleet.Collect(farm, s.clock.Now())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(es, func(e state.Evidence) bool { return e.Kind == state.KindEviction && e.Subject.Server == name })
	if i < 0 {
		return nil
	}
	at := es[i].At.UTC().Format(time.RFC3339)
	if err := s.linesBy(ctx, lead, fmt.Sprintf("attest %s eviction evicted --at %s --ref CASE-77", name, at)); err != nil {
		return err
	}
	return s.linesBy(ctx, second, "approve all")
}

// settling deals with what is left: servers that are no SharePoint, the one that
// has no fix, and headers that lag behind.
func (s *stage) settling(ctx context.Context) error {
	s.scene("What is left")
	s.clock.Skip(2 * time.Hour)
	if err := s.linesBy(ctx, responder, "scan"); err != nil {
		return err
	}
	s.tell("Two entries of the inventory only look like SharePoint, and the 2013 server is switched off for good. Retiring takes two persons, too.")
	if err := s.retireOthers(ctx); err != nil {
		return err
	}
	if err := s.approveAll(ctx, second); err != nil {
		return err
	}
	return s.staleHeaders(ctx)
}

// retireOthers asks to retire what can never be proved: no SharePoint of ours, or
// without a fix. Only the first few are shown.
func (s *stage) retireOthers(ctx context.Context) error {
	why := map[string]string{
		"spo": "SharePoint Online, not ours to patch", "alfresco": "Alfresco, not SharePoint", "sp2013": "decommissioned under CHG-2013",
	}
	shown := map[string]bool{}
	for _, srv := range s.fleet.Inventory() {
		t, err := s.fleet.Truth(srv.Name)
		if err != nil {
			return err
		}
		product := string(t.Product)
		if why[product] == "" {
			continue
		}
		ask := func() error {
			return s.linesBy(ctx, lead, fmt.Sprintf("server retire %s --reason %q", srv.Name, why[product]))
		}
		if shown[product] {
			err = s.hush(ask)
		} else {
			err = ask()
		}
		if err != nil {
			return err
		}
		shown[product] = true
	}
	return nil
}

// staleHeaders notes builds from outside that lag behind inside evidence. Only the
// first is shown.
func (s *stage) staleHeaders(ctx context.Context) error {
	exposed := state.StatusExposed
	rows, _, err := s.app.store.List(ctx, incidentName, state.Filter{Status: &exposed}, 0, 1000)
	if err != nil || len(rows) == 0 {
		return err
	}
	s.tell("A build from outside that newer inside evidence contradicts is stale. It does not block for ever: two persons note it.")
	noted := map[string]bool{}
	for i, r := range rows {
		lines, err := s.staleNotes(ctx, r)
		if err != nil {
			return err
		}
		lines = slices.DeleteFunc(lines, func(l string) bool { return noted[l] })
		for _, l := range lines {
			noted[l] = true
		}
		note := func() error { return s.linesBy(ctx, lead, lines...) }
		if i > 0 {
			err = s.hush(note)
		} else {
			err = errors.Join(s.linesBy(ctx, lead, "status "+r.Name), note())
		}
		if err != nil {
			return err
		}
	}
	return s.approveAll(ctx, second)
}

// staleNotes are the lines that note the vulnerable builds that were last read of
// a server, or of its farm's shared address.
func (s *stage) staleNotes(ctx context.Context, r state.Row) ([]string, error) {
	f, err := s.app.store.Farm(ctx, incidentName, r.Farm)
	if err != nil {
		return nil, err
	}
	inc, err := s.app.store.Incident(ctx, incidentName)
	if err != nil {
		return nil, err
	}
	newest := map[string]string{} // by subject and observer
	for _, e := range f.Evidence {
		if e.Kind == state.KindBuild && (e.Subject.Server == r.Name || e.Subject == state.Subject{}) {
			newest[e.Subject.Server+" "+e.Tool] = e.Value
		}
	}
	var lines []string
	for at, build := range newest {
		v, err := state.ParseVersion(build)
		if err != nil || inc.Rules.Judge(v).Verdict != state.VerdictVulnerable {
			continue
		}
		what := r.Name
		if strings.HasPrefix(at, " ") {
			what = "--farm " + r.Farm
		}
		lines = append(lines, fmt.Sprintf("attest %s stale %s --ref CHG-2101", what, build))
	}
	slices.Sort(lines)
	return slices.Compact(lines), nil
}

func (s *stage) clearing(ctx context.Context) error {
	s.scene("All clear")
	err := s.confirmGroups(ctx)
	for round := 0; err == nil && round < 200; round++ { // the rest of a fleet that is larger than a page
		ready := state.StatusReady
		_, n, e := s.app.store.List(ctx, incidentName, state.Filter{Status: &ready}, 0, 1)
		if e != nil || n == 0 {
			err = e
			break
		}
		err = s.hush(func() error { return s.confirmGroups(ctx) })
	}
	if err != nil {
		return err
	}
	if err := s.linesBy(ctx, lead, "status", "incident clear"); err != nil {
		return err
	}
	ps, err := s.app.store.Proposals(ctx, incidentName)
	if err != nil {
		return err
	}
	for _, p := range ps {
		if p.Kind == state.ProposeClear {
			if err := s.linesBy(ctx, lead, "approve "+p.ID); err != nil {
				return err
			}
			return s.linesBy(ctx, second, "approve "+p.ID)
		}
	}
	return errors.New("nobody could ask for clear")
}

// confirmGroups asks for every group, and has others approve.
func (s *stage) confirmGroups(ctx context.Context) error {
	tallies, err := s.app.store.Tallies(ctx, incidentName, "group", true)
	if err != nil {
		return err
	}
	for _, t := range tallies {
		if err := s.linesBy(ctx, lead, "confirm --group "+t.Name); err != nil {
			return err
		}
	}
	if err := s.approveAll(ctx, second); err != nil {
		return err
	}
	if !s.quiet {
		s.tell("Who seconded an eviction or handed the evidence in is not the one to approve what rests on it. Somebody else is:")
	}
	return s.approveAll(ctx, hr)
}

// approveAll approves page by page until nothing more can be; the first page is shown.
func (s *stage) approveAll(ctx context.Context, who string) error {
	line := func() error { return s.linesBy(ctx, who, "approve all") }
	err := line()
	for before := -1; err == nil; {
		ps, e := s.app.store.Proposals(ctx, incidentName)
		if e != nil || len(ps) == before || len(ps) == 0 {
			return e
		}
		before = len(ps)
		err = s.hush(line)
	}
	return err
}

func (s *stage) after(ctx context.Context) error {
	s.scene("For the record")
	return s.linesBy(ctx, lead, "digest", "audit verify")
}
