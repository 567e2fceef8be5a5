package commands

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// maxReported is how many names one list of the text holds; the tables have all.
const maxReported = 50

// reportData is what a report begins with: the incident, its counts, what was decided,
// and what could not be seen. Timeline and servers are read while they are written.
type reportData struct {
	inc         state.Incident
	now         time.Time
	first, last int64 // entries of the record that are about it
	counts      state.Counts
	decisions   []happening
	exceptions  []state.Exception
	claims      int
	unseen      map[string]*someNames // by reason
	open        []state.Row           // the most urgent
}

// someNames are the first of many names.
type someNames struct {
	n     int
	names []string
}

func (s *someNames) add(name string) {
	if s.n++; len(s.names) < maxReported {
		s.names = append(s.names, name)
	}
}

// happening is one thing that the record tells, in words.
type happening struct {
	Seq    int64          `json:"entry"`
	At     time.Time      `json:"at"`
	By     string         `json:"by,omitempty"`
	actor  string         // who wrote the entry: of what took two persons the second
	Type   string         `json:"type"`
	Farm   string         `json:"farm,omitempty"`
	Server string         `json:"server,omitempty"`
	From   string         `json:"from,omitempty"`
	To     string         `json:"to,omitempty"`
	Words  string         `json:"words,omitempty"`
	Second state.PersonID `json:"second,omitempty"`
	// Evidence is the id of what was recorded, and Digest that of its raw input.
	Evidence string `json:"evidence,omitempty"`
	Digest   string `json:"digest,omitempty"`
}

// decisionTypes are the types of happenings that are decisions of persons.
var decisionTypes = []string{
	"incident opened", "incident closed", "playbook revised", "declared clear", "clear revoked", "exception", "retired", "confirmed", "confirmation ended", "attested",
}

// happenings puts an entry into words: what was done, then what followed.
func happenings(e state.AuditEntry) []happening {
	var out []happening
	who := cmp.Or(string(e.By), "allclear")
	for _, ev := range e.Events {
		h := happening{Seq: e.Seq, At: e.At.UTC(), By: who, actor: who, Type: ev.Type, Farm: ev.Farm, Server: ev.Server}
		h.tell(ev)
		out = append(out, h)
	}
	for _, t := range e.Changes {
		h := happening{Seq: e.Seq, At: e.At.UTC(), By: who, actor: who, Type: "status", Server: t.Server, From: t.From.String(), To: t.To.String(), Words: t.Why}
		if t.New {
			h.From = ""
		}
		out = append(out, h)
	}
	return out
}

// eventFacts is all that events hold that a report tells of. What is not named here, the
// report leaves out.
type eventFacts struct {
	Title, Playbook, Reason, Why, Kind, Value, Tool, Reference, Digest, ID, Step, Note, Hash string

	Rules             struct{ Playbook string }
	Revision          int
	Source            state.Source
	By, Second        state.PersonID
	Expires, Observed time.Time
	Steps             json.RawMessage // of rules, or of an exception
	Exceptions        int
}

// tell puts an event into words. What cannot be read is told by its type alone.
func (h *happening) tell(ev state.Event) {
	var d eventFacts
	if json.Unmarshal(ev.Data, &d) != nil {
		return
	}
	switch ev.Type {
	case "incident opened":
		h.Words = fmt.Sprintf("%s, by the playbook %s", d.Title, d.Rules.Playbook)
	case "incident closed":
		h.Words = d.Reason
	case "playbook revised":
		h.Words = fmt.Sprintf("revision %d of %s is in force", d.Revision, d.Playbook)
	case "evidence":
		h.Words, h.Evidence, h.Digest = fmt.Sprintf("%s = %s (%s %s), seen %s", d.Kind, d.Value, d.Source, d.Tool, iso(d.Observed)), d.ID, d.Digest
		if d.Source == state.SourceAttestation {
			h.Type, h.By, h.Second = "attested", string(d.By), d.Second
			h.Words += ", reference " + cmp.Or(d.Reference, "none")
		}
	case "claim":
		h.Words = fmt.Sprintf("claims that %s is done, which proves nothing", cmp.Or(d.Step, "all"))
	case "proposed":
		h.Words = fmt.Sprintf("asks for a second person: %s %s", d.Kind, d.Reason)
	case "approved":
		h.Words = d.Kind
	case "exception":
		h.By, h.Second = string(d.By), d.Second
		var steps []string
		_ = json.Unmarshal(d.Steps, &steps)
		h.Words = fmt.Sprintf("risk of %s accepted until %s: %s", cmp.Or(fewOf(steps, 20), "all that is missing"), iso(d.Expires), d.Reason)
	case "retired":
		h.By, h.Second, h.Words = string(d.By), d.Second, d.Reason
	case "confirmed", "confirmation ended":
		if ev.Type == "confirmed" {
			h.By, h.Second = string(d.By), d.Second
		}
		h.Words = "on the facts " + d.Hash
	case "declared clear":
		h.By, h.Second = string(d.By), d.Second
		h.Words = state.Declaration{Exceptions: d.Exceptions}.Words() + ", on the board " + d.Hash
	case "clear revoked":
		h.Words = d.Why
	}
}

// gather reads the record and the farms once.
func gather(ctx context.Context, s pastStore, incident string, now time.Time) (*reportData, error) {
	inc, err := s.Incident(ctx, incident)
	if err != nil {
		return nil, err
	}
	last, err := s.AuditSeq(ctx)
	if err != nil {
		return nil, err
	}
	d := &reportData{inc: inc, now: now.UTC(), last: last, unseen: map[string]*someNames{}, counts: state.Counts{Status: map[state.Status]int{}, Flags: map[string]int{}}}
	err = eachEntry(ctx, s, 1, last, func(e state.AuditEntry) error {
		if e.Incident != incident {
			return nil
		}
		if d.first == 0 {
			d.first = e.Seq
		}
		for _, h := range happenings(e) {
			if slices.Contains(decisionTypes, h.Type) {
				d.decisions = append(d.decisions, h)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = eachFarm(ctx, s, incident, func(f state.FarmState) error {
		d.farm(f)
		return nil
	})
	slices.SortFunc(d.exceptions, func(a, b state.Exception) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
	return d, err
}

// What could not be seen, as a report calls it.
const (
	unseenNever   = "nobody ever looked at it from outside"
	unseenThrough = "only a balancer or shared address answered, which tells of its farm"
	unseenOff     = "it is said to be disconnected"
	unseenAway    = "it did not answer when it was last looked at"
	unseenUnknown = "what was seen does not tell whether it is fixed"
	unseenItems   = "nobody has listed what its farm serves, so that not everything is accounted for"
)

// unseenWhy is why a server was not seen from outside, "" when it answered.
func unseenWhy(s state.Seen) string {
	return map[state.Seen]string{
		state.SeenNever: unseenNever, state.SeenThrough: unseenThrough, state.SeenContained: unseenOff, state.SeenSilent: unseenAway,
	}[s]
}

func (d *reportData) farm(f state.FarmState) {
	a := f.Assess(d.inc.Rules, d.now)
	for i, s := range f.Farm.Servers {
		sa, row := a.Servers[i], f.Rows[s.Name]
		d.counts.Status[sa.Status]++
		if sa.Status == state.StatusRetired {
			continue
		}
		if why := unseenWhy(sa.Seen); why != "" {
			d.cannotSee(why, s.Name)
		}
		if sa.Verdict == state.VerdictUnknown {
			d.cannotSee(unseenUnknown, s.Name)
		}
		if !a.ItemsKnown && slices.ContainsFunc(d.inc.Rules.Steps, func(st state.Step) bool { return st.Scope == state.ScopeItem && st.Need != state.NeedNever }) {
			d.cannotSee(unseenItems, s.Name)
		}
		if !sa.Status.Settled() {
			row.Name, row.Status, row.Reason = s.Name, sa.Status, cmp.Or(row.Reason, sa.Reason)
			d.open = append(d.open, row)
			if len(d.open) > 4*maxReported {
				d.keepWorst()
			}
		}
	}
	for _, x := range f.Farm.Exceptions {
		if d.now.Before(x.Expires) {
			d.exceptions = append(d.exceptions, x)
		}
	}
	d.claims += len(f.Farm.Claims)
}

func (d *reportData) cannotSee(why, name string) {
	if d.unseen[why] == nil {
		d.unseen[why] = &someNames{}
	}
	d.unseen[why].add(name)
}

func (d *reportData) keepWorst() {
	slices.SortFunc(d.open, func(a, b state.Row) int {
		return cmp.Or(cmp.Compare(b.Priority(), a.Priority()), cmp.Compare(a.Name, b.Name))
	})
	d.open = d.open[:min(len(d.open), maxReported)]
}

// reportServer is a server in a report.
type reportServer struct {
	Name         string         `json:"name"`
	Farm         string         `json:"farm"`
	Owner        string         `json:"owner,omitempty"`
	Group        string         `json:"group,omitempty"`
	Exposure     state.Exposure `json:"exposure"`
	Status       state.Status   `json:"status"`
	Since        time.Time      `json:"since"`
	Product      string         `json:"product,omitempty"`
	Verdict      state.Verdict  `json:"verdict"`
	Reason       string         `json:"reason,omitempty"`
	Signs        []string       `json:"signs,omitempty"`
	LastLook     time.Time      `json:"lastLook,omitzero"`
	LastReached  time.Time      `json:"lastReached,omitzero"`
	Confirmation *struct {
		By     state.PersonID `json:"by"`
		Second state.PersonID `json:"second"`
		At     time.Time      `json:"at"`
		Hash   string         `json:"hash"`
	} `json:"confirmation,omitempty"`
	Steps []reportStep `json:"steps"`
}

// reportStep is a step of a server with the evidence that decided it.
type reportStep struct {
	Step     string           `json:"step"`
	Of       string           `json:"of"`
	Status   state.StepStatus `json:"status"`
	Kind     state.Kind       `json:"kind,omitempty"`
	Value    string           `json:"value,omitempty"`
	Source   string           `json:"source,omitempty"`
	Tool     string           `json:"tool,omitempty"`
	Observed time.Time        `json:"observed,omitzero"`
	Since    time.Time        `json:"since,omitzero"`
	By       string           `json:"by,omitempty"`
	Evidence string           `json:"evidence,omitempty"`
	Digest   string           `json:"digest,omitempty"`
	Why      string           `json:"why,omitempty"`
}

// eachServer visits the servers, farm by farm.
func (d *reportData) eachServer(ctx context.Context, s pastStore, do func(reportServer) error) error {
	return eachFarm(ctx, s, d.inc.ID, func(f state.FarmState) error {
		a := f.Assess(d.inc.Rules, d.now)
		by := map[string]state.Evidence{}
		for _, e := range f.Evidence {
			by[e.ID] = e
		}
		for i, sv := range f.Farm.Servers {
			if err := do(serverInReport(f, sv, a.Servers[i], by)); err != nil {
				return err
			}
		}
		return nil
	})
}

func serverInReport(f state.FarmState, s state.Server, a state.ServerAssessment, by map[string]state.Evidence) reportServer {
	out := reportServer{
		Name: s.Name, Farm: s.Farm, Owner: s.Owner, Group: s.Group, Exposure: s.Exposure, Status: a.Status, Since: f.Rows[s.Name].Since.UTC(), Product: a.Product,
		Verdict: a.Verdict, Reason: a.Reason, Signs: a.Signs, LastLook: a.LastLook, LastReached: a.LastReached, Steps: []reportStep{},
	}
	for _, c := range f.Farm.Confirmations {
		if c.Server == s.Name && c.Hash == a.Hash {
			out.Confirmation = &struct {
				By     state.PersonID `json:"by"`
				Second state.PersonID `json:"second"`
				At     time.Time      `json:"at"`
				Hash   string         `json:"hash"`
			}{c.By, c.Second, c.At, c.Hash}
		}
	}
	for _, st := range a.Steps {
		r := reportStep{Step: st.Step, Of: st.Subject.String(), Status: st.Status, Value: st.Value, Observed: st.Observed, Since: st.Since, By: string(st.By), Why: st.Why}
		if e, ok := by[st.Evidence]; ok {
			r.Kind, r.Source, r.Tool, r.By, r.Evidence, r.Digest = e.Kind, st.Source.String(), e.Tool, whoOf(e, st), e.ID, e.Digest
		}
		out.Steps = append(out.Steps, r)
	}
	return out
}
