package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/allclear-bot/allclear/state"
)

// incidentID is what an incident may be called: people type it, and keys are made of it.
var incidentID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// farmBefore is what must be known of a farm as it was read, to move it in the indexes.
type farmBefore struct {
	rev       string
	revision  int
	proposals []state.Proposal
}

func before(f state.FarmState) farmBefore {
	return farmBefore{rev: farmRev(f), revision: f.Revision, proposals: slices.Clone(f.Farm.Proposals)}
}

// farmRev is what the index of revisions says of a farm; "" for one that is not there.
func farmRev(f state.FarmState) string {
	if f.Rev == 0 {
		return ""
	}
	return strconv.FormatInt(f.Rev, 10) + " " + strconv.Itoa(f.Revision)
}

// plan is the program that writes a commit, but for its audit entry.
func (s *Store) plan(ctx context.Context, in loaded, old map[string]farmBefore, c state.Commit) (*program, error) {
	if err := checkCommit(in, c); err != nil {
		return nil, err
	}
	p := newProgram()
	mark := markOf(in.work)
	p.is(whyMark, s.k.mark(mark), mark, "")
	p.is(whyIncident, s.k.incident(in.id), "rev", revText(in.incident.Rev))
	for name, b := range old {
		p.is(whyFarm, s.k.farmRev(in.id, name), name, b.rev)
	}
	if err := s.planBoard(ctx, p, in, c); err != nil {
		return nil, err
	}
	if c.IncidentChanged {
		if err := s.planIncident(p, in, c.Incident); err != nil {
			return nil, err
		}
	}
	deltas := counters{}
	for _, f := range c.Farms {
		s.pace(in, f, deltas)
		if err := s.planFarm(p, in.id, old[f.State.Farm.Name], f, deltas); err != nil {
			return nil, err
		}
	}
	s.planCounters(p, in, deltas)
	if err := s.planDesk(p, c); err != nil {
		return nil, err
	}
	for _, l := range c.Letters {
		if err := s.planLetter(p, l); err != nil {
			return nil, err
		}
	}
	if err := s.planPings(p, in.id, c.Pings); err != nil {
		return nil, err
	}
	s.planTrail(p, in.id, c.Entry)
	s.planOld(p, "mark", hourOf(in.work.At), mark)
	p.seal()
	return p, nil
}

func revText(rev int64) string {
	if rev == 0 {
		return ""
	}
	return strconv.FormatInt(rev, 10)
}

func checkCommit(in loaded, c state.Commit) error {
	if c.Incident.ID != in.id {
		return fmt.Errorf("a change on incident %q made one called %q", in.id, c.Incident.ID)
	}
	if in.id == "" && in.desk != nil && !c.IncidentChanged && len(c.Farms) == 0 {
		return nil // a change of the desk alone
	}
	if in.incident.Rev == 0 && !incidentID.MatchString(in.id) {
		return &state.Refusal{
			Why:  fmt.Sprintf("An incident cannot be called %.70q.", in.id),
			Next: "Use letters, digits, dots, dashes and underscores, at most 64.",
		}
	}
	changed := 0
	for _, f := range c.Farms {
		changed += len(f.After)
		for _, r := range f.After {
			for _, v := range []string{r.Name, r.Farm, r.Owner, r.Group} {
				if !utf8.ValidString(v) || strings.Contains(v, "\x00") {
					return &state.Refusal{Why: fmt.Sprintf("The name %.60q is not valid text.", v), Next: "Save the list as UTF-8."}
				}
			}
			if r.Farm != f.State.Farm.Name {
				return fmt.Errorf("server %q of farm %q was put into farm %q", r.Name, r.Farm, f.State.Farm.Name)
			}
		}
	}
	if changed > MaxChanged && len(c.Farms) > 1 {
		return fmt.Errorf("%d servers of %d farms: %w", changed, len(c.Farms), ErrTooBig)
	}
	return nil
}

// planBoard keeps the board's revision, and holds a declaration of clear to the board that it was made on.
func (s *Store) planBoard(ctx context.Context, p *program, in loaded, c state.Commit) error {
	k := s.k.incident(in.id)
	if c.BoardRev >= 0 {
		p.is(whyBoard, k, "board", revText(c.BoardRev))
	}
	if d := c.Incident.Clear; d != nil && (in.incident.Clear == nil || *in.incident.Clear != *d) {
		b, err := s.Board(ctx, in.id, in.work.At)
		if err != nil {
			return err
		}
		if err := b.MayClear(); err != nil {
			return err
		}
		if b.Hash != d.Hash || c.BoardRev >= 0 && c.BoardRev != b.Rev {
			return &state.Refusal{Why: "The board has changed since this was asked for.", Next: "Look at it, and ask again."}
		}
		p.is(whyBoard, k, "board", revText(b.Rev))
	}
	moved := slices.ContainsFunc(c.Farms, state.FarmCommit.BoardChanged)
	was, is := in.incident, c.Incident
	if moved || was.Rules.Playbook != is.Rules.Playbook || was.Rules.Revision != is.Rules.Revision || (was.Clear == nil) != (is.Clear == nil) {
		p.op("HINCRBY", k, "board", "1")
	}
	return nil
}

func (s *Store) planIncident(p *program, in loaded, inc state.Incident) error {
	inc.Rev = in.incident.Rev + 1
	rules, err1 := json.Marshal(inc.Rules)
	head, err2 := json.Marshal(state.IncidentHead{
		ID: inc.ID, Title: inc.Title, Playbook: inc.Rules.Playbook, Opened: inc.Opened, Clear: inc.Clear != nil, Closed: inc.Closed,
	})
	changed := in.incident.Rev == 0 || in.incident.Rules.Playbook != inc.Rules.Playbook || in.incident.Rules.Revision != inc.Rules.Revision
	inc.Rules = state.Rules{}
	doc, err3 := json.Marshal(inc)
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("write incident %q: %w", inc.ID, err)
	}
	p.op("HSET", s.k.incident(inc.ID), "rev", revText(inc.Rev), "doc", string(doc))
	if changed {
		p.op("HSET", s.k.incident(inc.ID), "rules", string(rules))
	}
	p.op("HSET", s.k.heads(), inc.ID, string(head))
	p.op("ZADD", s.k.incidents(), millis(inc.Opened), inc.ID)
	return s.planProposals(p, inc.ID, "", in.incident.Proposals, inc.Proposals)
}

// planFarm writes the farm, its rows, and moves it in the indexes.
func (s *Store) planFarm(p *program, inc string, old farmBefore, f state.FarmCommit, deltas counters) error {
	st := f.State
	name := st.Farm.Name
	st.Rev++
	doc, err := json.Marshal(st)
	if err != nil {
		return fmt.Errorf("write farm %q: %w", name, err)
	}
	p.merge("HSET", s.k.farm(inc, name), name, string(doc))
	p.merge("HSET", s.k.farmRev(inc, name), name, farmRev(st))
	s.planRevision(p, inc, old, st, deltas)
	s.planDue(p, inc, f)
	for _, server := range slices.Sorted(maps.Keys(f.After)) {
		was, known := f.Before[server]
		if err := s.planRow(p, inc, was, known, f.After[server], deltas); err != nil {
			return err
		}
	}
	if alone := len(st.Farm.Servers) == 1 && st.Farm.Servers[0].Name == name; !alone && len(f.After) > len(f.Before) {
		p.merge("ZADD", s.k.names("farm", inc), "0", nameEntry(name))
	}
	return s.planProposals(p, inc, name, old.proposals, st.Farm.Proposals)
}

// planRevision lists and counts the farm by the revision of the playbook that it was assessed by.
func (s *Store) planRevision(p *program, inc string, old farmBefore, st state.FarmState, deltas counters) {
	was, is := strconv.Itoa(old.revision), strconv.Itoa(st.Revision)
	if old.rev != "" && was == is {
		return
	}
	if old.rev != "" {
		deltas.add(s.k.revisions(inc), was, -1)
		p.merge("ZREM", s.k.revised(inc, was), st.Farm.Name)
	}
	deltas.add(s.k.revisions(inc), is, 1)
	p.merge("ZADD", s.k.revised(inc, is), "0", st.Farm.Name)
}

func (s *Store) planDue(p *program, inc string, f state.FarmCommit) {
	name, was, is := f.State.Farm.Name, f.OldUntil, f.State.Until
	if !was.IsZero() && (is.IsZero() || hourOf(was) != hourOf(is)) {
		p.drop(s.k.due(inc, hourOf(was)), s.k.dueHours(inc), hourOf(was), name)
	}
	if !is.IsZero() && !is.Equal(was) {
		p.merge("ZADD", s.k.due(inc, hourOf(is)), millis(is), name)
		p.merge("ZADD", s.k.dueHours(inc), hourOf(is), hourOf(is))
	}
}

// byOwner and byGroup are what servers are counted and listed by, beside the incident as a whole.
const (
	byOwner = "owner"
	byGroup = "group"
)

func (s *Store) planRow(p *program, inc string, was state.Row, known bool, r state.Row, deltas counters) error {
	doc, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write server %q: %w", r.Name, err)
	}
	if !known {
		p.is(whyServer, s.k.row(inc, r.Name), r.Name, "")
		p.merge("ZADD", s.k.names("server", inc), "0", nameEntry(r.Name))
	}
	p.merge("HSET", s.k.row(inc, r.Name), r.Name, string(doc))
	score := strconv.FormatInt(-r.Priority(), 10)
	p.merge("ZADD", s.k.index(inc), score, r.Name)
	for kind, names := range map[string][2]string{byOwner: {was.Owner, r.Owner}, byGroup: {was.Group, r.Group}} {
		if known && names[0] != names[1] && names[0] != "" {
			p.drop(s.k.indexBy(kind, inc, names[0]), s.k.names(kind, inc), nameEntry(names[0]), r.Name)
		}
		if names[1] != "" {
			p.merge("ZADD", s.k.indexBy(kind, inc, names[1]), score, r.Name)
			p.merge("ZADD", s.k.names(kind, inc), "0", nameEntry(names[1]))
		}
		if known {
			deltas.row(s.k.countsBy(kind, inc), names[0]+"|", was, -1)
		}
		deltas.row(s.k.countsBy(kind, inc), names[1]+"|", r, 1)
	}
	for _, e := range state.Endings() {
		switch ends := r.Ends(e); {
		case !ends.IsZero():
			p.merge("ZADD", s.k.ending(e, inc), millis(ends), r.Name)
		case known && !was.Ends(e).IsZero():
			p.merge("ZREM", s.k.ending(e, inc), r.Name)
		}
	}
	if known {
		deltas.row(s.k.counts(inc), "", was, -1)
	}
	deltas.row(s.k.counts(inc), "", r, 1)
	return nil
}

// planTrail makes the entry findable by each server that it is about; what is about a farm as a whole, by the farm.
func (s *Store) planTrail(p *program, inc string, e state.AuditEntry) {
	subjects := map[string]bool{}
	for _, ev := range e.Events {
		switch {
		case ev.Server != "":
			subjects[ev.Server] = true
		case ev.Farm != "":
			subjects[farmTrail(ev.Farm)] = true
		}
	}
	for _, t := range e.Changes {
		subjects[t.Server] = true
	}
	for _, name := range slices.Sorted(maps.Keys(subjects)) {
		p.merge("trail", s.k.trail(inc, name), name)
	}
}

func farmTrail(farm string) string { return "\x00" + farm }

// planOld remembers what can be forgotten after a while.
func (s *Store) planOld(p *program, kind, hour, member string) {
	p.merge("SADD", s.k.old(kind+":"+hour), member)
	p.merge("ZADD", s.k.hours(), hour, kind+":"+hour)
}
