package state

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of what is kept; more is refused, never cut silently.
const (
	MaxName      = 120  // runes in the name of a server, farm, owner, group or item
	MaxValue     = 4096 // bytes in the value of evidence
	MaxReason    = 1000 // bytes in a reason, note or reference
	MaxEvidence  = 5000 // pieces of evidence of one farm after compaction, and evidencePerServer more for each server
	MaxFarm      = 500  // servers in one farm
	MaxProposals = 200  // requests of one farm that wait for a second person
	ProposalLife = 24 * time.Hour
	// MaxException is how long a risk may be accepted at a time.
	MaxException = 366 * 24 * time.Hour
	// MaxSkew is how far ahead of ours a source's clock may be.
	MaxSkew = 2 * time.Minute

	evidencePerServer = 100
	// maxReplicaSkew is how far the clocks of two replicas may be apart.
	maxReplicaSkew = time.Hour
)

// Work says who changes what on whose request. The request and step make a
// change apply once, however often it is tried.
type Work struct {
	Request string
	Step    string
	By      PersonID
	Via     string // the platform identity that was proved, or the part of allclear
	At      time.Time
}

// FarmState is a farm as it is stored, with what was concluded when it was last written.
type FarmState struct {
	Farm     Farm           `json:"farm"`
	Evidence []Evidence     `json:"evidence,omitempty"`
	Rows     map[string]Row `json:"rows,omitempty"`
	Until    time.Time      `json:"until,omitzero"`
	Rev      int64          `json:"rev"`
	// Revision is the playbook revision of the last assessment.
	Revision int `json:"revision,omitempty"`
}

// Assess applies the rules to the farm now. What another replica recorded by a
// clock that is a little ahead counts already: bad news must not vanish, nor a
// confirmation come and go, with who looks.
func (f FarmState) Assess(r Rules, now time.Time) Assessment {
	limit := now.Add(maxReplicaSkew)
	seen := func(t time.Time) {
		if t.After(now) && t.Before(limit) {
			now = t
		}
	}
	for _, e := range f.Evidence {
		seen(e.Observed)
	}
	for _, c := range f.Farm.Confirmations {
		seen(c.At)
	}
	for _, x := range f.Farm.Exceptions {
		seen(x.At)
	}
	return Assess(r, f.Farm, f.Evidence, now)
}

// Tx is one change in the making: what is changed, and everything that follows
// from it. It does no I/O; a store loads it and commits it in one atomic step,
// and may run it again after a conflict, so it must do nothing else.
type Tx struct {
	Work     Work
	Incident Incident
	farms    map[string]*FarmState
	events   []Event
	notices  []Notice
	pings    map[string]PingMemory // by whom was reminded
	touched  map[string]bool
	incident bool // the incident record itself was changed
	closed   bool // it was closed before this change
	boardRev int64
	desk     *Desk
	letters  []Letter // addressed by hand, beside those of the notices
}

// NewTx begins a change on an incident (zero when it is new) and the farms that
// were loaded; a farm that does not exist is loaded empty, with its name.
func NewTx(w Work, inc Incident, farms []FarmState) *Tx {
	w.At = plain(w.At)
	tx := &Tx{
		Work: w, Incident: inc, farms: map[string]*FarmState{}, touched: map[string]bool{},
		closed: !inc.Closed.IsZero(), boardRev: -1,
	}
	tx.Incident.Places = slices.Clip(inc.Places)
	for _, f := range farms {
		// What was loaded stays as it is: the change may be run again.
		f.Farm.Servers, f.Farm.Claims = slices.Clone(f.Farm.Servers), slices.Clone(f.Farm.Claims)
		f.Farm.Exceptions = slices.Clip(f.Farm.Exceptions)
		tx.farms[f.Farm.Name] = &f
	}
	return tx
}

// Farm is the state of a loaded farm, with the changes so far. Do not change it.
func (tx *Tx) Farm(name string) (*FarmState, error) {
	f, ok := tx.farms[name]
	if !ok {
		return nil, fmt.Errorf("farm %q was not loaded for this change", name)
	}
	return f, nil
}

// farmOf finds the loaded farm of a server.
func (tx *Tx) farmOf(server string) (*FarmState, Server, error) {
	for _, name := range slices.Sorted(maps.Keys(tx.farms)) {
		if s, ok := tx.farms[name].Farm.Server(server); ok {
			return tx.farms[name], s, nil
		}
	}
	return nil, Server{}, fmt.Errorf("server %q: %w", server, ErrNotFound)
}

func (tx *Tx) event(typ, farm, server string, data any) {
	raw, err := json.Marshal(data)
	if err != nil {
		raw = []byte(`"unprintable"`)
	}
	tx.events = append(tx.events, Event{Type: typ, Farm: farm, Server: server, Data: raw})
	if farm != "" {
		tx.touched[farm] = true
	}
}

// open refuses changes to what is not there or is closed.
func (tx *Tx) open() error {
	if tx.Incident.ID == "" {
		return fmt.Errorf("incident: %w", ErrNotFound)
	}
	if !tx.Incident.Closed.IsZero() {
		return refuse(fmt.Sprintf("Incident %s was closed %s.", tx.Incident.ID, stamp(tx.Incident.Closed)), "Open a new one.")
	}
	return nil
}

// OpenIncident makes the incident.
func (tx *Tx) OpenIncident(inc Incident) error {
	if tx.Incident.ID != "" {
		return refuse(fmt.Sprintf("There already is an incident %s.", inc.ID), "Choose another name.")
	}
	if inc.ID == "" {
		return refuse("An incident needs a name.", "")
	}
	inc.Opened, inc.OpenedBy = tx.Work.At, tx.Work.By
	inc.Clear, inc.Proposals, inc.Closed, inc.ClosedBy = nil, nil, time.Time{}, ""
	tx.Incident, tx.incident = inc, true
	tx.event("incident opened", "", "", inc)
	return nil
}

// CloseIncident ends it. Only what was declared clear, or is given up with a
// reason, is closed.
func (tx *Tx) CloseIncident(reason string) error {
	if err := tx.open(); err != nil {
		return err
	}
	if tx.Incident.Clear == nil && strings.TrimSpace(reason) == "" {
		return refuse("The incident is not declared clear.", "Declare it clear first, or close it with a reason.")
	}
	if len(reason) > MaxReason {
		return refuse(fmt.Sprintf("The reason is longer than %d characters.", MaxReason), "")
	}
	tx.Incident.Closed, tx.Incident.ClosedBy, tx.incident = tx.Work.At, tx.Work.By, true
	tx.event("incident closed", "", "", map[string]string{"reason": reason})
	return nil
}

// MaxPlaces is how many places may hear of one incident.
const MaxPlaces = 50

// Bind adds a place that hears of the incident, or changes its ceiling.
func (tx *Tx) Bind(p Place) error {
	if err := tx.open(); err != nil {
		return err
	}
	i := slices.IndexFunc(tx.Incident.Places, func(o Place) bool { return o.Key() == p.Key() })
	switch {
	case i >= 0 && tx.Incident.Places[i] == p:
		return nil
	case i >= 0:
		tx.Incident.Places = slices.Clone(tx.Incident.Places)
		tx.Incident.Places[i] = p
	case len(tx.Incident.Places) >= MaxPlaces:
		return refuse(fmt.Sprintf("%d places hear of %s already, the most there may be.", MaxPlaces, tx.Incident.ID), "Unbind one first.")
	default:
		tx.Incident.Places = append(tx.Incident.Places, p)
	}
	tx.incident = true
	tx.event("place bound", "", "", p)
	return nil
}

// Unbind makes a place hear of the incident no more.
func (tx *Tx) Unbind(key string) error {
	if err := tx.open(); err != nil {
		return err
	}
	i := slices.IndexFunc(tx.Incident.Places, func(o Place) bool { return o.Key() == key })
	if i < 0 {
		return refuse(fmt.Sprintf("This place does not hear of %s.", tx.Incident.ID), "")
	}
	gone := tx.Incident.Places[i]
	tx.Incident.GroupPlaces = maps.Clone(tx.Incident.GroupPlaces)
	maps.DeleteFunc(tx.Incident.GroupPlaces, func(_, k string) bool { return k == key })
	if tx.Incident.Left = maps.Clone(tx.Incident.Left); tx.Incident.Left == nil {
		tx.Incident.Left = map[string]int{}
	}
	tx.Incident.Left[key]++
	tx.Incident.Places, tx.incident = slices.Delete(slices.Clone(tx.Incident.Places), i, i+1), true
	tx.event("place unbound", "", "", gone)
	return nil
}

// BindGroup makes a bound place the one in which a group is reminded, instead of
// another one it may have had.
func (tx *Tx) BindGroup(group, key string) error {
	if err := tx.open(); err != nil {
		return err
	}
	if !slices.ContainsFunc(tx.Incident.Places, func(p Place) bool { return p.Key() == key }) {
		return refuse(fmt.Sprintf("This place does not hear of %s.", tx.Incident.ID), "")
	}
	if tx.Incident.GroupPlaces[group] == key {
		return nil
	}
	if tx.Incident.GroupPlaces = maps.Clone(tx.Incident.GroupPlaces); tx.Incident.GroupPlaces == nil {
		tx.Incident.GroupPlaces = map[string]string{}
	}
	tx.Incident.GroupPlaces[group], tx.incident = key, true
	tx.event("group bound", "", "", map[string]string{"group": group, "place": key})
	return nil
}

// PutServer adds a server, or replaces what the inventory says of it.
func (tx *Tx) PutServer(s Server) error {
	if err := tx.open(); err != nil {
		return err
	}
	s.Farm = cmp.Or(s.Farm, s.Name)
	for _, f := range [][2]string{{"name", s.Name}, {"farm", s.Farm}, {"owner", s.Owner}, {"group", s.Group}} {
		if err := checkName(f[0], f[1], f[0] == "name"); err != nil {
			return err
		}
	}
	f, err := tx.Farm(s.Farm)
	if err != nil {
		return err
	}
	if err := tx.checkOnce(s); err != nil {
		return err
	}
	i := slices.IndexFunc(f.Farm.Servers, func(o Server) bool { return o.Name == s.Name })
	switch {
	case i >= 0:
		s.Added, s.Retired = f.Farm.Servers[i].Added, f.Farm.Servers[i].Retired
		if reflect.DeepEqual(s, f.Farm.Servers[i]) {
			return nil
		}
		f.Farm.Servers[i] = s
	case len(f.Farm.Servers) >= MaxFarm:
		return refuse(fmt.Sprintf("Farm %s has %d servers already, the most that one farm may have.", s.Farm, MaxFarm), "Check the farm column.")
	default:
		s.Added, s.Retired = tx.Work.At, nil // it takes two persons to retire it
		f.Farm.Servers = append(f.Farm.Servers, s)
		tx.count()
	}
	tx.event("server put", s.Farm, s.Name, s)
	return nil
}

// checkOnce refuses a second server of the same name. What is known of a server
// stays with the farm that it was recorded in; a move would lose a compromise.
func (tx *Tx) checkOnce(s Server) error {
	for _, name := range slices.Sorted(maps.Keys(tx.farms)) {
		for _, o := range tx.farms[name].Farm.Servers {
			switch {
			case o.Name == s.Name && name != s.Farm:
				return refuse(fmt.Sprintf("Server %s belongs to farm %s already.", s.Name, name), "Correct its farm in the list; what is known of it cannot move to another farm.")
			case o.Name != s.Name && strings.EqualFold(o.Name, s.Name):
				return refuse(fmt.Sprintf("Server %s is there already, written %s.", s.Name, o.Name), "Write it the same way.")
			}
		}
	}
	return nil
}

func checkName(what, v string, required bool) error {
	switch {
	case v == "" && required:
		return refuse("A server needs a "+what+".", "")
	case !utf8.ValidString(v):
		return refuse(fmt.Sprintf("The %s %.40q is not valid text.", what, v), "Save the list as UTF-8.")
	case strings.TrimSpace(v) != v:
		return refuse(fmt.Sprintf("The %s %.40q begins or ends with a space.", what, v), "")
	case len([]rune(v)) > MaxName:
		return refuse(fmt.Sprintf("The %s %.20q… is longer than %d characters.", what, v, MaxName), "")
	case strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' }):
		return refuse(fmt.Sprintf("The %s %.40q has a control character in it.", what, v), "")
	}
	return nil
}

// Claim notes somebody's word. It proves nothing.
func (tx *Tx) Claim(server, step, note string) error {
	if err := tx.open(); err != nil {
		return err
	}
	f, s, err := tx.farmOf(server)
	if err != nil {
		return err
	}
	if _, ok := tx.Incident.Rules.Step(step); step != "" && !ok {
		return refuse(fmt.Sprintf("The playbook has no step %.40q.", step), "")
	}
	if len(note) > MaxReason {
		return refuse("The note is too long.", "")
	}
	c := Claim{Server: s.Name, Step: step, By: tx.Work.By, At: tx.Work.At, Note: note}
	f.Farm.Claims = slices.DeleteFunc(f.Farm.Claims, func(o Claim) bool {
		return o.Server == c.Server && o.Step == c.Step && o.By == c.By
	})
	f.Farm.Claims = append(f.Farm.Claims, c)
	tx.event("claim", f.Farm.Name, s.Name, c)
	return nil
}

// Notify stores a notice with the change.
func (tx *Tx) Notify(n Notice) {
	n.Incident, n.At = tx.Incident.ID, tx.Work.At
	tx.notices = append(tx.notices, n)
}

// Reassess makes a farm be assessed anew though nothing in it was changed: time
// has passed, or the rules were revised.
func (tx *Tx) Reassess(farm string) error {
	if _, err := tx.Farm(farm); err != nil {
		return err
	}
	tx.touched[farm] = true
	return nil
}

// revoke takes back a declaration of clear.
func (tx *Tx) revoke(why string) {
	if tx.Incident.Clear == nil {
		return
	}
	tx.Incident.Clear, tx.incident = nil, true
	tx.event("clear revoked", "", "", map[string]string{"why": why})
	tx.notices = append(tx.notices, Notice{
		Key:  "revoked " + tx.Incident.ID + " " + tx.Work.Request + " " + tx.Work.Step,
		Kind: NoticeRevoked, Incident: tx.Incident.ID, At: tx.Work.At, Facts: map[string]string{"why": why},
	})
}
