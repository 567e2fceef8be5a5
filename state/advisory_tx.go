package state

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Limits of an advisory.
const (
	MaxTitle      = 150  // runes: what fits the title of a post on any platform
	MaxSummary    = 8000 // runes
	MaxChanged    = 200  // runes
	MaxIndicators = 5000
	MaxVersions   = 200
)

// What is said of advisories and communities.
const (
	NoticeAdvisory     NoticeKind = "advisory"      // a copy of an advisory, as it is now
	NoticeAdvisoryNews NoticeKind = "advisory news" // that it changed, in one line
	NoticeReport       NoticeKind = "report"        // what a community handed in
	NoticeBearing      NoticeKind = "bearing"       // a source says something that bears on an incident
)

// SaveDraft writes a new advisory (number 0), or the version of one that is being
// written. What a second person was asked about before is asked about no more.
func (tx *Tx) SaveDraft(number int, t AdvisoryText, readers []PersonID, origin *AdvisoryOrigin) (Advisory, error) {
	d, err := tx.onDesk()
	if err != nil {
		return Advisory{}, err
	}
	var a Advisory
	if number == 0 {
		if err := tx.open(); err != nil {
			return a, err
		}
		d.Head.LastAdvisory++
		d.changed.Head = true
		a = Advisory{Number: d.Head.LastAdvisory, Incident: tx.Incident.ID, Drill: tx.Incident.Drill, Origin: origin}
	} else if a, err = tx.advisory(number); err != nil {
		return a, err
	}
	switch {
	case a.Withdrawn != nil:
		return a, refuse(fmt.Sprintf("Advisory %d was withdrawn %s.", a.Number, stamp(a.Withdrawn.At)), "Write a new one.")
	case a.Origin != nil && t.TLP > a.Origin.TLP:
		return a, refuse(fmt.Sprintf("%s shared this up to %s.", a.Origin.Name, a.Origin.TLP), "It goes no further than that.")
	case len(a.Past) >= MaxVersions:
		return a, refuse(fmt.Sprintf("Advisory %d has %d versions already.", a.Number, len(a.Past)), "Write a new one.")
	}
	if t.Version = 1; len(a.Past) > 0 {
		t.Version = a.Past[len(a.Past)-1].Version + 1
	}
	if a.Live != nil && t.Changed == "" {
		t.Changed = t.WhatChanged(*a.Live)
	}
	if a.Origin != nil {
		t.Credit = a.Origin.Name
	}
	if err := t.check(); err != nil {
		return a, err
	}
	t.By, t.At = tx.Work.By, tx.Work.At
	a.Draft, a.Review = &t, ""
	if readers != nil {
		a.Readers = readers
	}
	d.putAdvisory(a)
	tx.event("advisory", "", "", a)
	return a, nil
}

func (t AdvisoryText) check() error {
	if err := checkText("title", t.Title, MaxTitle); err != nil {
		return err
	}
	switch {
	case len([]rune(t.Changed)) > MaxChanged || strings.ContainsAny(t.Changed, "\r\n"):
		return refuse(fmt.Sprintf("What changed is told in one line of at most %d characters.", MaxChanged), "")
	case len([]rune(textOf(t.Summary))) > MaxSummary+2*len(t.Summary):
		return refuse(fmt.Sprintf("The summary is longer than %d characters.", MaxSummary), "")
	case len(t.Summary) == 0 && len(t.Products) == 0:
		return refuse("An advisory needs a summary.", "Write it behind the title, or hand in a file.")
	case len(t.Indicators) > MaxIndicators:
		return refuse(fmt.Sprintf("There are more than %d indicators.", MaxIndicators), "")
	}
	return nil
}

// Audience is where a version goes, or would go now.
type Audience struct {
	Places []Place // that may see at least its title
	Deaf   []Place // that hear of advisories, and may not see this one
	// Outside counts the places that people of other organisations read.
	Outside int
}

// Audience is who would get a text now. Of an exercise no community hears.
func (tx *Tx) Audience(a Advisory, t AdvisoryText, people People) Audience {
	var out Audience
	seen := map[string]bool{}
	add := func(p Place, outside bool) {
		if seen[p.Key()] {
			return
		}
		seen[p.Key()] = true
		if p.Named {
			out.Places = append(out.Places, p)
			return
		}
		if !p.Sees(t.TLP) {
			out.Deaf = append(out.Deaf, p)
			return
		}
		if out.Places = append(out.Places, p); outside {
			out.Outside++
		}
	}
	for _, c := range tx.desk.sorted() {
		if c.Place != nil && !a.Drill {
			add(*c.Place, true)
		}
	}
	for _, p := range tx.Incident.Places {
		add(p, !p.Sees(TLPAmberStrict))
	}
	for _, id := range a.Readers {
		if p, ok := directTo(people, id); ok {
			add(p, false)
		}
	}
	return out
}

func directTo(people People, id PersonID) (Place, bool) {
	x, ok := people.ByID(id)
	if !ok || len(x.Links) == 0 {
		return Place{}, false
	}
	return Direct(x.Links[len(x.Links)-1])
}

func (d *Desk) sorted() []Community {
	out := make([]Community, 0, len(d.Communities))
	for _, c := range d.Communities {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Community) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Publish puts the draft of an advisory in force, or asks for a second person: when
// it leaves the organisation, or reaches an audience that it did not reach before.
// The proposal has the id, and is returned; nil: it is published.
func (tx *Tx) Publish(number int, id string, people People) (Advisory, *Proposal, error) {
	a, err := tx.publishable(number)
	if err != nil {
		return a, nil, err
	}
	to := tx.Audience(a, *a.Draft, people)
	if !tx.needsSecond(a, to) {
		a, err = tx.putInForce(a, to, tx.Work.By, "")
		return a, nil, err
	}
	p := Proposal{
		ID: id, Kind: ProposePublish, Advisory: number, Hash: a.Draft.Hash(), By: tx.Work.By, Via: tx.Work.Via,
		At: tx.Work.At, Expires: tx.Work.At.Add(ProposalLife),
	}
	if p.By == "" {
		return a, nil, refuse("Only a known person can ask for this.", "A lead must link your identity first.")
	}
	old := slices.DeleteFunc(slices.Clone(tx.Incident.Proposals), func(o Proposal) bool { return o.Kind == ProposePublish && o.Advisory == number })
	if tx.Incident.Proposals, err = tx.waiting(old, p); err != nil {
		return a, nil, err
	}
	tx.incident = true
	a.Review = p.Hash
	tx.desk.putAdvisory(a)
	tx.event("proposed", "", "", p)
	return a, &p, nil
}

// needsSecond reports whether one person is not enough.
func (tx *Tx) needsSecond(a Advisory, to Audience) bool {
	return to.Outside > 0 || a.Live != nil && a.Draft.Widens(a.Live)
}

func (tx *Tx) publishable(number int) (Advisory, error) {
	a, err := tx.advisory(number)
	switch {
	case err != nil:
		return a, err
	case tx.Incident.ID != a.Incident:
		return a, fmt.Errorf("advisory %d is of incident %q, and %q was loaded", number, a.Incident, tx.Incident.ID)
	case a.Withdrawn != nil:
		return a, refuse(fmt.Sprintf("Advisory %d was withdrawn %s.", number, stamp(a.Withdrawn.At)), "Write a new one.")
	case a.Draft == nil:
		return a, refuse(fmt.Sprintf("Version %d of advisory %d is published already.", a.Live.Version, number), "Write the next one with: advisory update")
	}
	return a, nil
}

// ApprovePublish is the second person's word on the exact text.
func (tx *Tx) ApprovePublish(id string, people People) (Advisory, error) {
	i := slices.IndexFunc(tx.Incident.Proposals, func(p Proposal) bool { return p.ID == id && p.Kind == ProposePublish })
	if i < 0 {
		return Advisory{}, fmt.Errorf("proposal %q: %w", id, ErrNotFound)
	}
	p := tx.Incident.Proposals[i]
	a, err := tx.publishable(p.Advisory)
	if err != nil {
		return a, err
	}
	if err := tx.mayApprove(p); err != nil {
		return a, err
	}
	if a.Draft.Hash() != p.Hash {
		return a, refuse("The text has changed since this was asked for.", "Read it, and ask again.")
	}
	tx.Incident.Proposals, tx.incident = slices.Delete(slices.Clone(tx.Incident.Proposals), i, i+1), true
	return tx.putInForce(a, tx.Audience(a, *a.Draft, people), p.By, tx.Work.By)
}

// putInForce makes the draft the version in force, and edits every copy.
func (tx *Tx) putInForce(a Advisory, to Audience, by, second PersonID) (Advisory, error) {
	t := *a.Draft
	first := a.Live == nil
	a.Live, a.Draft, a.Review = &t, nil, ""
	a.Past = append(slices.Clone(a.Past), AdvisoryVersion{
		Version: t.Version, Title: t.Title, TLP: t.TLP, Hash: t.Hash(), Changed: t.Changed, By: by, Second: second, At: tx.Work.At,
	})
	had := slices.Clone(a.Places)
	tx.send(&a, to, true)
	tx.desk.putAdvisory(a)
	tx.event("advisory published", "", "", a.Past[len(a.Past)-1])
	if !first {
		tx.news(a, had)
	}
	return a, nil
}

// send makes the letters by which every copy becomes what it should be: those that
// there are, by what their places may see now, and those that are new.
func (tx *Tx) send(a *Advisory, to Audience, fresh bool) {
	places := slices.Clone(a.Places)
	for _, p := range slices.Concat(to.Places, to.Deaf) {
		if i, ok := a.copyAt(p.Key()); ok {
			places[i] = p
		}
	}
	for _, p := range to.Places {
		if fresh && !a.Has(p.Key()) {
			places = append(places, p)
		}
	}
	a.Places = places
	a.Sent = fmt.Sprintf("%s %s %s", a.Card(), tx.Work.Request, tx.Work.Step)
	n := Notice{
		Key: a.Sent, Kind: NoticeAdvisory, Incident: a.Incident, At: tx.Work.At, Card: a.Card(), Coalesce: a.Card(),
		Facts: map[string]string{"advisory": fmt.Sprint(a.Number)},
	}
	tx.letters = append(tx.letters, n.Address(places)...)
}

// news tells in one line that an advisory changed, where an edit alone would go
// unseen: under the copy, and to those who follow it.
func (tx *Tx) news(a Advisory, places []Place) {
	n := Notice{
		Key: a.Sent + " news", Kind: NoticeAdvisoryNews, Incident: a.Incident, At: tx.Work.At,
		Facts: map[string]string{"advisory": fmt.Sprint(a.Number)}, Thread: a.Card(),
	}
	for _, p := range places {
		if p.Threads || tx.desk.called(p, a.Number) {
			tx.letters = append(tx.letters, n.Address([]Place{p})...)
		}
	}
}

// called reports whether somebody in a place wants to be notified of an advisory.
func (d *Desk) called(p Place, number int) bool {
	for _, c := range d.Communities {
		if c.Place != nil && c.Place.Key() == p.Key() && (c.Role != "" || len(c.Follows[number]) > 0) {
			return true
		}
	}
	return false
}

// Resend sends the copies again as they should be: after a place was given up, or to
// places that were bound since.
func (tx *Tx) Resend(number int, people People) (Advisory, error) {
	a, err := tx.advisory(number)
	if err != nil {
		return a, err
	}
	if a.Live == nil {
		return a, refuse(fmt.Sprintf("Advisory %d was never published.", number), "")
	}
	to := tx.Audience(a, *a.Live, people)
	if to.Outside > 0 && !a.Seconded() {
		return a, refuse(fmt.Sprintf("Advisory %d was published by one person, within the organisation; now it would go out to others.", number), fmt.Sprintf("It takes two persons, on a new version: advisory update %d --changed \"goes to communities\"", number))
	}
	tx.send(&a, to, a.Withdrawn == nil)
	tx.desk.putAdvisory(a)
	tx.event("advisory sent again", "", "", map[string]int{"advisory": number})
	return a, nil
}

// Withdraw strikes every copy. What was never published is withdrawn unseen.
func (tx *Tx) Withdraw(number int, reason string, tlp TLP, people People) (Advisory, error) {
	a, err := tx.advisory(number)
	if err != nil {
		return a, err
	}
	if err := checkText("reason", reason, MaxReason); err != nil {
		return a, err
	}
	if a.Withdrawn != nil {
		return a, refuse(fmt.Sprintf("Advisory %d was withdrawn %s.", number, stamp(a.Withdrawn.At)), "")
	}
	a.Withdrawn = &Withdrawal{Reason: reason, TLP: tlp, By: tx.Work.By, At: tx.Work.At}
	a.Draft, a.Review = nil, ""
	if a.Live != nil {
		tx.send(&a, tx.Audience(a, *a.Live, people), false)
		tx.news(a, a.Places)
	}
	tx.desk.putAdvisory(a)
	tx.event("advisory withdrawn", "", "", map[string]any{"advisory": number, "withdrawn": a.Withdrawn})
	return a, nil
}

// Welcome sends what is in force to a place that hears of advisories from now on,
// as far as it may see it and two persons published it, and returns how many.
func (tx *Tx) Welcome(p Place) (n int, err error) {
	d, err := tx.onDesk()
	if err != nil {
		return 0, err
	}
	for _, number := range slices.Sorted(maps.Keys(d.Advisories)) {
		a := d.Advisories[number]
		if a.Live == nil || a.Withdrawn != nil || a.Drill || !a.Seconded() || !p.Sees(a.Live.TLP) {
			continue
		}
		if _, asked := a.copyAt(p.Key()); !asked {
			a.Places = append(slices.Clone(a.Places), p)
		} else {
			a.Places = slices.Clone(a.Places)
			i, _ := a.copyAt(p.Key())
			a.Places[i] = p
		}
		notice := Notice{
			Key: fmt.Sprintf("%s %s %s", a.Card(), tx.Work.Request, tx.Work.Step), Kind: NoticeAdvisory, Incident: a.Incident, At: tx.Work.At,
			Card: a.Card(), Coalesce: a.Card(), Facts: map[string]string{"advisory": fmt.Sprint(number)},
		}
		tx.letters = append(tx.letters, notice.Address([]Place{p})...)
		d.putAdvisory(a)
		n++
	}
	return n, nil
}

func (a Advisory) copyAt(key string) (int, bool) {
	i := slices.IndexFunc(a.Places, func(p Place) bool { return p.Key() == key })
	return i, i >= 0
}
