package state

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Past is an incident as its record tells it, entry by entry. It keeps the row of
// every server, and all that is known of the farms that were asked for.
type Past struct {
	// Incident is as it was. ID is empty before it was opened.
	Incident Incident
	// Rows are the servers with what the record says of them: name, farm, owner, group,
	// exposure, status, since when, and why: the reason is that of the last change of
	// status, and "" when more became known of the farm since, for that changed none.
	Rows map[string]Row
	// Last is the newest entry about the incident, without its events.
	Last AuditEntry

	id      string
	keep    func(farm string) bool
	farms   map[string]*FarmState
	members map[string]map[string]bool // of farms, by name
}

// pastEvents are the types of events that Past learns from.
var pastEvents = []string{
	"incident opened", "incident closed", "playbook revised", "declared clear", "clear revoked",
	"server put", "evidence", "claim", "claim ended", "exception", "retired", "confirmed", "confirmation ended", "proposed", "approved",
}

// Tells reports whether Past learns something from an event.
func Tells(ev Event) bool { return slices.Contains(pastEvents, ev.Type) }

// NewPast begins before the first entry of the record. keep chooses the farms of
// which everything is kept; nil: none.
func NewPast(incident string, keep func(farm string) bool) *Past {
	if keep == nil {
		keep = func(string) bool { return false }
	}
	return &Past{id: incident, keep: keep, Rows: map[string]Row{}, farms: map[string]*FarmState{}, members: map[string]map[string]bool{}}
}

// Farm is a farm as it was, of those that are kept.
func (p *Past) Farm(name string) (FarmState, bool) {
	f, ok := p.farms[name]
	if !ok {
		return FarmState{}, false
	}
	out := *f
	out.Rows = map[string]Row{}
	for _, s := range f.Farm.Servers {
		out.Rows[s.Name] = p.Rows[s.Name]
	}
	return out, true
}

// Farms are the names of the farms that are kept, in order.
func (p *Past) Farms() []string { return slices.Sorted(maps.Keys(p.farms)) }

// Counts counts the servers by status.
func (p *Past) Counts() Counts {
	c := Counts{Status: map[Status]int{}}
	for _, r := range p.Rows {
		c.Status[r.Status]++
	}
	return c
}

// Apply takes in the next entry. Entries of other incidents are passed over. An
// error means that the entry cannot be read; the past is then of no use.
func (p *Past) Apply(e AuditEntry) error {
	if e.Incident != p.id {
		return nil
	}
	for i := 0; i < len(e.Events); i++ {
		ev := e.Events[i]
		var err error
		switch {
		case ev.Farm == "":
			err = p.applyIncident(e, ev)
		case ev.Type == "server put":
			err = p.put(ev)
		case !p.keep(ev.Farm):
		case ev.Type == "evidence":
			n := i
			for n+1 < len(e.Events) && e.Events[n+1].Type == ev.Type && e.Events[n+1].Farm == ev.Farm {
				n++ // what was recorded together was compacted together
			}
			err = p.record(ev.Farm, e.Events[i:n+1])
			i = n
		default:
			err = p.applyFarm(e, ev)
		}
		if err != nil {
			return fmt.Errorf("audit entry %d, %s: %w", e.Seq, ev.Type, err)
		}
	}
	p.outdate(e)
	for _, t := range e.Changes {
		r := p.Rows[t.Server]
		r.Name, r.Status, r.Since, r.Reason = t.Server, t.To, e.At, t.Why
		p.Rows[t.Server] = r
	}
	p.Last = e
	p.Last.Events, p.Last.Changes = nil, nil
	return nil
}

// outdate takes the reasons away that what an entry tells of a farm may have changed.
func (p *Past) outdate(e AuditEntry) {
	told := map[string]bool{}
	for _, ev := range e.Events {
		if ev.Farm == "" || ev.Type == "server put" || told[ev.Farm] {
			continue
		}
		told[ev.Farm] = true
		for name := range p.members[ev.Farm] {
			r := p.Rows[name]
			r.Reason = ""
			p.Rows[name] = r
		}
	}
}

// read is what an event holds.
func read[T any](ev Event) (T, error) {
	var v T
	err := json.Unmarshal(ev.Data, &v)
	return v, err
}

func (p *Past) applyIncident(e AuditEntry, ev Event) (err error) {
	inc := &p.Incident
	switch ev.Type {
	case "incident opened":
		*inc, err = read[Incident](ev)
	case "incident closed":
		inc.Closed, inc.ClosedBy = e.At, e.By
	case "playbook revised":
		if inc.Rules, err = read[Rules](ev); err == nil {
			inc.Revised, inc.Proposals = append(inc.Revised, Revision{Revision: inc.Rules.Revision, At: e.At, By: e.By}), nil
		}
	case "proposed":
		var q Proposal
		if q, err = read[Proposal](ev); err == nil {
			inc.Proposals = append(inc.Proposals, q)
		}
	case "declared clear":
		inc.Proposals = nil
		inc.Clear, err = read[*Declaration](ev)
	case "clear revoked":
		inc.Clear = nil
	}
	return err
}

func (p *Past) put(ev Event) error {
	s, err := read[Server](ev)
	if err != nil {
		return err
	}
	r := p.Rows[s.Name]
	r.Name, r.Farm, r.Owner, r.Group, r.Exposure = s.Name, s.Farm, s.Owner, s.Group, s.Exposure
	p.Rows[s.Name] = r
	if p.members[s.Farm] == nil {
		p.members[s.Farm] = map[string]bool{}
	}
	p.members[s.Farm][s.Name] = true
	if !p.keep(s.Farm) {
		return nil
	}
	f := p.farm(s.Farm)
	if i := slices.IndexFunc(f.Servers, func(o Server) bool { return o.Name == s.Name }); i >= 0 {
		f.Servers[i] = s
	} else {
		f.Servers = append(f.Servers, s)
	}
	return nil
}

func (p *Past) farm(name string) *Farm {
	if p.farms[name] == nil {
		p.farms[name] = &FarmState{Farm: Farm{Name: name}}
	}
	return &p.farms[name].Farm
}

func (p *Past) record(farm string, events []Event) error {
	p.farm(farm)
	f := p.farms[farm]
	all := slices.Clone(f.Evidence)
	for _, ev := range events {
		e, err := read[Evidence](ev)
		if err != nil {
			return err
		}
		all = append(all, e)
	}
	f.Evidence = Compact(all)
	return nil
}

func (p *Past) applyFarm(e AuditEntry, ev Event) error {
	f := p.farm(ev.Farm)
	switch ev.Type {
	case "claim":
		c, err := read[Claim](ev)
		f.Claims = append(slices.DeleteFunc(f.Claims, func(o Claim) bool { return o.Server == c.Server && o.Step == c.Step && o.By == c.By }), c)
		return err
	case "claim ended":
		c, err := read[Claim](ev)
		f.Claims = slices.DeleteFunc(f.Claims, func(o Claim) bool { return o.Server == c.Server && o.Step == c.Step && o.By == c.By })
		return err
	case "exception":
		x, err := read[Exception](ev)
		f.Exceptions = append(f.Exceptions, x)
		return err
	case "retired":
		i := slices.IndexFunc(f.Servers, func(s Server) bool { return s.Name == ev.Server })
		if i < 0 {
			return fmt.Errorf("server %q: %w", ev.Server, ErrNotFound)
		}
		r, err := read[*Retirement](ev)
		f.Servers[i].Retired = r
		return err
	case "confirmed", "confirmation ended":
		c, err := read[Confirmation](ev)
		f.Confirmations = slices.DeleteFunc(f.Confirmations, func(o Confirmation) bool { return o.Server == c.Server })
		if ev.Type == "confirmed" {
			f.Confirmations = append(f.Confirmations, c)
		}
		return err
	case "proposed":
		q, err := read[Proposal](ev)
		f.Proposals = slices.DeleteFunc(f.Proposals, func(o Proposal) bool {
			return !e.At.Before(o.Expires) || q.Kind == ProposeConfirm && o.Kind == q.Kind && o.Server == q.Server && o.By == q.By
		})
		f.Proposals = append(f.Proposals, q)
		return err
	case "approved":
		done, err := read[map[string]string](ev)
		f.Proposals = slices.DeleteFunc(f.Proposals, func(o Proposal) bool { return o.ID == done["proposal"] })
		return err
	}
	return nil
}

// Follows checks that what an entry, the one applied last, says of the servers of
// the farms that are kept is what the rules make of the evidence. closed says that the
// incident was closed before the entry: then nothing follows any more.
func (p *Past) Follows(e AuditEntry, closed bool) error {
	if e.Incident != p.id || closed {
		return nil
	}
	touched := map[string]bool{}
	for _, ev := range e.Events {
		touched[ev.Farm] = true
	}
	for _, t := range e.Changes {
		touched[p.Rows[t.Server].Farm] = true
	}
	for _, name := range slices.Sorted(maps.Keys(touched)) {
		f, ok := p.farms[name]
		if !ok {
			continue
		}
		for _, a := range f.Assess(p.Incident.Rules, e.At).Servers {
			if r := p.Rows[a.Name]; r.Status != a.Status {
				return fmt.Errorf("audit entry %d of %s: it makes %s %s, but by revision %d of %s the evidence up to then makes it %s",
					e.Seq, e.At.UTC().Format(time.RFC3339), a.Name, r.Status, p.Incident.Rules.Revision, p.Incident.Rules.Playbook, a.Status)
			}
		}
	}
	return nil
}
