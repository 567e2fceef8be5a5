package state

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Desk is what is shared by all incidents: advisories, the communities that get
// them, what those report, and what sources say that bears on an incident. A change
// loads the part of it that it needs.
type Desk struct {
	Head        DeskHead
	Advisories  map[int]Advisory     // those that were asked for, as far as they exist
	Communities map[string]Community // likewise, or all
	Reports     map[string]Report
	Bearings    map[string]Bearing

	changed DeskChange
}

// DeskHead is the part of the desk that every change loads.
type DeskHead struct {
	LastAdvisory int      `json:"lastAdvisory,omitempty"`
	LastReport   int      `json:"lastReport,omitempty"`
	LastBearing  int      `json:"lastBearing,omitempty"`
	Reports      []string `json:"reports,omitempty"`  // ids, oldest first
	Bearings     []string `json:"bearings,omitempty"` // "key id", oldest first
	// Waiting are the reports that nobody has decided about ("R7 discord:123"), and
	// BearingsWaiting what sources said, by its id.
	Waiting         []string `json:"waiting,omitempty"`
	BearingsWaiting []string `json:"bearingsWaiting,omitempty"`
	// Triage is the private place where reports of communities arrive; nil: none yet.
	Triage *Place `json:"triage,omitempty"`
	Rev    int64  `json:"-"`
}

// DeskNeed says what a change needs of the desk.
type DeskNeed struct {
	Advisories  []int
	Communities []string
	All         bool // all communities
	Reports     []string
	Bearings    []string
}

// DeskChange is what a change did to the desk. What it names and the desk does not
// have any more is to be removed.
type DeskChange struct {
	Head        bool
	Advisories  []int
	Communities []string
	Reports     []string
	Bearings    []string
}

// Any reports whether something is different.
func (c DeskChange) Any() bool {
	return c.Head || len(c.Advisories)+len(c.Communities)+len(c.Reports)+len(c.Bearings) > 0
}

// NewDeskTx is NewTx for a change that needs the desk as well. The incident may be
// zero: then nothing but the desk can be changed.
func NewDeskTx(w Work, inc Incident, d Desk) *Tx {
	tx := NewTx(w, inc, nil)
	tx.desk = &d
	return tx
}

// Desk is the desk as it was loaded, with the changes so far; nil: it was not loaded.
// Do not change it.
func (tx *Tx) Desk() *Desk { return tx.desk }

func (tx *Tx) onDesk() (*Desk, error) {
	if tx.desk == nil {
		return nil, fmt.Errorf("the desk was not loaded for this change")
	}
	return tx.desk, nil
}

func note[K comparable](list *[]K, k K) {
	if !slices.Contains(*list, k) {
		*list = append(*list, k)
	}
}

func (d *Desk) putAdvisory(a Advisory) {
	d.Advisories[a.Number] = a
	note(&d.changed.Advisories, a.Number)
}

func (d *Desk) putCommunity(c Community) {
	d.Communities[c.ID] = c
	note(&d.changed.Communities, c.ID)
}

func (d *Desk) putReport(r Report) {
	d.Reports[r.ID] = r
	note(&d.changed.Reports, r.ID)
}

func (d *Desk) putBearing(b Bearing) {
	d.Bearings[b.ID] = b
	note(&d.changed.Bearings, b.ID)
}

// advisory is one that was asked for.
func (tx *Tx) advisory(number int) (Advisory, error) {
	d, err := tx.onDesk()
	if err != nil {
		return Advisory{}, err
	}
	a, ok := d.Advisories[number]
	if !ok {
		return a, refuse(fmt.Sprintf("There is no advisory %d.", number), "")
	}
	return a, nil
}

// SetCommunity says where a community's advisories go, or (no place) that they go
// nowhere any more. What is in force then goes there too, when it may.
func (tx *Tx) SetCommunity(c Community) error {
	d, err := tx.onDesk()
	if err != nil {
		return err
	}
	old, known := d.Communities[c.ID]
	if !known && len(d.Communities) >= MaxCommunities {
		return refuse(fmt.Sprintf("%d communities are set up already, the most there may be.", MaxCommunities), "")
	}
	if len(c.Name)+len(c.Role) > MaxReason {
		return refuse(fmt.Sprintf("The name and the role are longer than %d characters.", MaxReason), "Mention the role as the platform does.")
	}
	if c.Place != nil {
		p := *c.Place
		p.Thread, p.Person, p.Reply, p.Named = "", "", "", false
		if p.Channel == "" || p.Platform == "" {
			return refuse("This is no place that advisories can go to.", "Ask in the channel where they should be shown.")
		}
		p.Ceiling = p.Top()
		c.Place = &p
	}
	c.Follows, c.Lately, c.At = old.Follows, old.Lately, tx.Work.At
	d.putCommunity(c)
	tx.event("community", "", "", c)
	return nil
}

// SetTriage says where reports of communities arrive: a place that may see what is internal.
func (tx *Tx) SetTriage(p *Place) error {
	d, err := tx.onDesk()
	if err != nil {
		return err
	}
	if p != nil && !p.Sees(TLPAmberStrict) {
		return refuse(fmt.Sprintf("Reports are internal; this place may see no more than %s.", p.Top()), "Choose a private channel of the team.")
	}
	d.Head.Triage, d.changed.Head = p, true
	tx.event("triage", "", "", p)
	return nil
}

// Follow makes somebody hear of changes of an advisory, or no more.
func (tx *Tx) Follow(community string, number int, link string, on bool) error {
	if _, err := tx.advisory(number); err != nil {
		return err
	}
	c, ok := tx.desk.Communities[community]
	if !ok || c.Place == nil {
		return refuse("No advisories are shown in this community yet.", "An administrator sets it up with: setup advisories")
	}
	links := slices.DeleteFunc(slices.Clone(c.Follows[number]), func(l string) bool { return l == link })
	if on && len(links) >= MaxFollowers {
		return refuse(fmt.Sprintf("%d people here follow advisory %d already, the most that one message can call.", MaxFollowers, number), "")
	}
	if on {
		links = append(links, link)
	}
	follows := map[int][]string{}
	for n, ls := range c.Follows {
		follows[n] = ls
	}
	if follows[number] = links; len(links) == 0 {
		delete(follows, number)
	}
	c.Follows = follows
	tx.desk.putCommunity(c)
	tx.event("follow", "", "", map[string]any{"advisory": number, "community": community, "link": link, "on": on})
	return nil
}

// Report takes what a community hands in, and tells the owning team alone.
func (tx *Tx) Report(r Report) (Report, error) {
	d, err := tx.onDesk()
	if err != nil {
		return r, err
	}
	c, known := d.Communities[r.Community]
	if !known {
		c = Community{ID: r.Community, Name: r.Name}
	}
	if err := checkText("text", r.Text, MaxReportText); err != nil {
		return r, err
	}
	switch {
	case r.Kind == ReportAdvisory:
		if err := checkText("title", r.Title, MaxTitle); err != nil {
			return r, err
		}
	case r.Advisory != 0:
		if a, ok := d.Advisories[r.Advisory]; !ok || a.Live == nil {
			return r, refuse(fmt.Sprintf("There is no advisory %d.", r.Advisory), "See: advisories")
		}
	}
	if r.TLP == TLPRed {
		return r, refuse("Nothing marked TLP:RED is taken here.", "Tell a person of the team.")
	}
	if err := c.mayReport(r.Link, tx.Work.At); err != nil {
		return r, err
	}
	kept, gone := forget(d.Head.Reports, MaxReports, func(id string) bool {
		return slices.ContainsFunc(d.Head.Waiting, func(w string) bool { return strings.HasPrefix(w, id+" ") })
	})
	switch waits := d.Head.WaitingOf(r.Community); {
	case waits >= MaxWaiting:
		return r, refuse(fmt.Sprintf("%d reports of this community wait for the team; no more are taken until some are decided.", waits), "Nothing was stored. Try again later.")
	case len(kept) >= MaxReports:
		return r, refuse("More reports wait for the team than it can take; no more are taken until some are decided.", "Nothing was stored. Try again later.")
	}
	for _, id := range gone {
		delete(d.Reports, id)
		note(&d.changed.Reports, id)
	}
	d.Head.LastReport++
	r.ID, r.At = fmt.Sprintf("R%d", d.Head.LastReport), tx.Work.At
	r.Decided, r.By, r.Closed = "", "", time.Time{}
	d.Head.Reports = append(kept, r.ID)
	d.Head.Waiting = append(slices.Clone(d.Head.Waiting), r.ID+" "+r.Community)
	d.changed.Head = true
	d.putReport(r)
	d.putCommunity(c)
	tx.event("report", "", "", r)
	tx.tellTriage(Notice{Key: "report " + r.ID, Kind: NoticeReport, Facts: map[string]string{"report": r.ID}, Card: "report " + r.ID})
	return r, nil
}

// forget makes room for one more in a full list: the oldest entries that do not wait
// for a decision go. What waits stays, and then there may be no room.
func forget(list []string, most int, waits func(string) bool) (kept, gone []string) {
	for _, e := range list {
		if len(list)-len(gone) >= most && !waits(e) {
			gone = append(gone, e)
			continue
		}
		kept = append(kept, e)
	}
	return kept, gone
}

// WaitingOf counts the reports of a community that nobody has decided about.
func (h DeskHead) WaitingOf(community string) int {
	n := 0
	for _, w := range h.Waiting {
		if _, of, _ := strings.Cut(w, " "); of == community {
			n++
		}
	}
	return n
}

func without(list []string, s string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(o string) bool { return o == s })
}

// tellTriage tells the owning team, where it wants to hear of reports; else nobody is
// told, and the list shows it.
func (tx *Tx) tellTriage(n Notice) {
	n.At = tx.Work.At
	if t := tx.desk.Head.Triage; t != nil {
		tx.letters = append(tx.letters, n.Address([]Place{*t})...)
	}
}

// DecideReport accepts or rejects a report. What it became is in became.
func (tx *Tx) DecideReport(id, decided string, became int) (Report, error) {
	d, err := tx.onDesk()
	if err != nil {
		return Report{}, err
	}
	r, ok := d.Reports[id]
	switch {
	case !ok:
		return r, refuse(fmt.Sprintf("There is no report %.20q.", id), "See: sighting list")
	case r.Decided != "":
		return r, refuse(fmt.Sprintf("%s was %s %s UTC.", id, r.Decided, stamp(r.Closed)), "")
	case decided != ReportAccepted && decided != ReportRejected:
		return r, fmt.Errorf("a report cannot be %q", decided)
	}
	r.Decided, r.By, r.Closed = decided, tx.Work.By, tx.Work.At
	if became != 0 {
		r.Advisory = became
	}
	d.Head.Waiting = without(d.Head.Waiting, id+" "+r.Community)
	d.changed.Head = true
	d.putReport(r)
	if a, ok := d.Advisories[r.Advisory]; ok && r.Kind == ReportSighting && decided == ReportAccepted {
		a.Sightings++
		d.putAdvisory(a)
	}
	tx.event("report "+decided, "", "", map[string]any{"report": id, "advisory": became})
	tx.tellTriage(Notice{Key: fmt.Sprintf("report %s %s", id, decided), Kind: NoticeReport, Facts: map[string]string{"report": id}, Card: "report " + id})
	return r, nil
}
