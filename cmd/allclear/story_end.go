package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/state"
)

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
	var others []spoken
	for _, srv := range s.fleet.Inventory() {
		t, err := s.fleet.Truth(srv.Name)
		if err != nil {
			return err
		}
		product := string(t.Product)
		if why[product] == "" {
			continue
		}
		line := fmt.Sprintf("server retire %s --reason %q", srv.Name, why[product])
		if shown[product] {
			others = append(others, spoken{who: lead, line: line})
			continue
		}
		shown[product] = true
		if err := s.linesBy(ctx, lead, line); err != nil {
			return err
		}
	}
	return s.together(ctx, others)
}

// staleHeaders notes builds from outside that lag behind inside evidence. Only the
// first is shown.
func (s *stage) staleHeaders(ctx context.Context) error {
	exposed := state.StatusExposed
	rows, _, err := s.app.store.List(ctx, s.incident(), state.Filter{Status: &exposed}, 0, 0)
	if err != nil || len(rows) == 0 {
		return err
	}
	s.tell("A build from outside that newer inside evidence contradicts is stale. It does not block for ever: two persons note it.")
	noted := map[string]bool{}
	var others []spoken
	for i, r := range rows {
		lines, err := s.staleNotes(ctx, r)
		if err != nil {
			return err
		}
		lines = slices.DeleteFunc(lines, func(l string) bool { return noted[l] })
		for _, l := range lines {
			noted[l] = true
			others = append(others, spoken{who: lead, line: l})
		}
		if i == 0 {
			others = nil
			if err := s.linesBy(ctx, lead, append([]string{"status " + r.Name}, lines...)...); err != nil {
				return err
			}
		}
	}
	if err := s.together(ctx, others); err != nil {
		return err
	}
	return s.approveAll(ctx, second)
}

// staleNotes are the lines that note the vulnerable builds that were last read of
// a server, or of its farm's shared address.
func (s *stage) staleNotes(ctx context.Context, r state.Row) ([]string, error) {
	f, err := s.app.store.Farm(ctx, s.incident(), r.Farm)
	if err != nil {
		return nil, err
	}
	inc, err := s.app.store.Incident(ctx, s.incident())
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
	if err := errors.Join(s.confirmGroups(ctx), s.confirmRest(ctx)); err != nil {
		return err
	}
	if err := s.linesBy(ctx, lead, "status", "incident clear"); err != nil {
		return err
	}
	ps, err := s.app.store.Proposals(ctx, s.incident())
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

// confirmGroups asks for every group, and has others approve; of a large fleet, a
// page each.
func (s *stage) confirmGroups(ctx context.Context) error {
	groups, err := s.readyGroups(ctx)
	if err != nil {
		return err
	}
	var lines []string
	for _, g := range groups {
		lines = append(lines, "confirm --group "+g)
	}
	if err := s.linesBy(ctx, lead, lines...); err != nil {
		return err
	}
	approve := func(who string) error {
		if s.many() {
			return s.linesBy(ctx, who, "approve all")
		}
		return s.approveAll(ctx, who)
	}
	if err := approve(second); err != nil {
		return err
	}
	s.tell("Who seconded an eviction or handed the evidence in is not the one to approve what rests on it. Somebody else is:")
	return approve(hr)
}

// approveAll approves page by page until nothing more can be; the first page is shown.
func (s *stage) approveAll(ctx context.Context, who string) error {
	line := func() error { return s.linesBy(ctx, who, "approve all") }
	err := line()
	for before := -1; err == nil; {
		ps, e := s.app.store.Proposals(ctx, s.incident())
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
