package state

import "time"

// CutEntry is an entry of the record of which some events and changes are shown, and
// the others are told by their hashes only. Its content hash is that of the whole.
type CutEntry struct {
	Seq      int64     `json:"seq"`
	Lane     int       `json:"lane"`
	At       time.Time `json:"at"`
	By       PersonID  `json:"by"`
	Via      string    `json:"via,omitempty"`
	Request  string    `json:"request"`
	Incident string    `json:"incident,omitempty"`
	Events   []CutPart `json:"events,omitempty"`
	Changes  []CutPart `json:"changes,omitempty"`
}

// CutPart is one event or one change of an entry, or only its hash.
type CutPart struct {
	Event  *Event      `json:"event,omitempty"`
	Change *Transition `json:"change,omitempty"`
	Hash   string      `json:"hash,omitempty"`
}

// Cut shows those events and changes of an entry that are chosen, and hides the others.
func (e AuditEntry) Cut(event func(Event) bool, change func(Transition) bool) CutEntry {
	c := CutEntry{Seq: e.Seq, Lane: e.Lane, At: e.At, By: e.By, Via: e.Via, Request: e.Request, Incident: e.Incident}
	for _, ev := range e.Events {
		part := CutPart{Hash: sumOf("event", ev)}
		if event != nil && event(ev) {
			part = CutPart{Event: &ev}
		}
		c.Events = append(c.Events, part)
	}
	for _, t := range e.Changes {
		part := CutPart{Hash: sumOf("change", t)}
		if change != nil && change(t) {
			part = CutPart{Change: &t}
		}
		c.Changes = append(c.Changes, part)
	}
	return c
}

// Content is the hash of the content of the whole entry: its Body.
func (c CutEntry) Content() string {
	type head struct {
		At                     time.Time
		By                     PersonID
		Via, Request, Incident string
	}
	var events, changes []string
	for _, p := range c.Events {
		if p.Event != nil {
			p.Hash = sumOf("event", *p.Event)
		}
		events = append(events, p.Hash)
	}
	for _, p := range c.Changes {
		if p.Change != nil {
			p.Hash = sumOf("change", *p.Change)
		}
		changes = append(changes, p.Hash)
	}
	return sumOf("content", []any{head{c.At, c.By, c.Via, c.Request, c.Incident}, events, changes})
}

// Shown is the entry with what is shown of it. Its hashes do not fit.
func (c CutEntry) Shown() AuditEntry {
	e := AuditEntry{Seq: c.Seq, Lane: c.Lane, At: c.At, By: c.By, Via: c.Via, Request: c.Request, Incident: c.Incident}
	for _, p := range c.Events {
		if p.Event != nil {
			e.Events = append(e.Events, *p.Event)
		}
	}
	for _, p := range c.Changes {
		if p.Change != nil {
			e.Changes = append(e.Changes, *p.Change)
		}
	}
	return e
}
