package commands

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Bounds of how far the clocks of writers are followed: entries of the record that
// are dated after a moment, and stand before others that are not.
const (
	clocksApart  = time.Hour
	mostTooEarly = 200
)

// pastStore is what a past moment is rebuilt from.
type pastStore interface {
	Reader
	Auditor
}

// rebuilt is a past moment, and how sure it is.
type rebuilt struct {
	*state.Past
	at time.Time
	// mixed is how many entries that are dated later are in it, because writers' clocks
	// did not agree.
	mixed int
}

// rebuild makes an incident as it was at a moment from the record: all entries up to
// the last one that is dated by then. keep chooses the farms of which all is kept.
func rebuild(ctx context.Context, s Auditor, incident string, at time.Time, keep func(string) bool) (rebuilt, error) {
	out := rebuilt{Past: state.NewPast(incident, keep), at: at}
	var later []state.AuditEntry
	enough := errors.New("enough")
	err := eachEntry(ctx, s, 1, 0, func(e state.AuditEntry) error {
		switch {
		case e.Incident != incident:
			return nil
		case e.At.After(at.Add(clocksApart)) || len(later) == mostTooEarly:
			return enough
		case e.At.After(at):
			later = append(later, e)
			return nil
		}
		for _, l := range later {
			if err := out.Apply(l); err != nil {
				return err
			}
		}
		out.mixed, later = out.mixed+len(later), nil
		return out.Apply(e)
	})
	if errors.Is(err, enough) {
		err = nil
	}
	return out, err
}

// past shows the board, a part of it or a server, as they were.
func (c status) past(ctx context.Context, call chat.Call, kind, name string) (chat.Message, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	at := call.Values.Time("at")
	if err := wasThere(inc, at, c.now()); err != nil {
		return chat.Message{}, err
	}
	farm := ""
	if kind == "server" {
		row, err := c.store.Row(ctx, inc.ID, name)
		if err != nil {
			return chat.Message{}, err
		}
		farm = row.Farm
	}
	p, err := rebuild(ctx, c.store, inc.ID, at, func(f string) bool { return farm != "" && f == farm })
	var gone *missingEntries
	if errors.As(err, &gone) || err == nil && p.Incident.ID == "" {
		return c.countsOf(ctx, inc, at, gone)
	}
	if err != nil {
		return chat.Message{}, err
	}
	if kind == "server" {
		return p.server(farm, name)
	}
	return p.board(kind, name)
}

// wasThere refuses moments at which there was no board.
func wasThere(inc state.Incident, at, now time.Time) error {
	switch {
	case at.After(now):
		return &chat.Problem{What: fmt.Sprintf("%s is in the future.", momentOf(at)), Try: "Nobody knows the board of then; leave --at out for the one of now."}
	case at.Before(inc.Opened):
		return &chat.Problem{What: fmt.Sprintf("%s was opened %s: at %s there was no board.", inc.ID, momentOf(inc.Opened), momentOf(at)), Try: "Name a later time."}
	}
	return nil
}

// momentOf is a time that nobody can mistake.
func momentOf(t time.Time) string { return t.UTC().Format("2 Jan 2006 15:04:05") + " UTC" }

// countsOf is what is left of a moment when the record of it is not there any more:
// the counts of its minute.
func (c status) countsOf(ctx context.Context, inc state.Incident, at time.Time, gone *missingEntries) (chat.Message, error) {
	p := &chat.Problem{What: "The board of " + momentOf(at) + " cannot be rebuilt: the record does not begin with the incident."}
	if gone != nil {
		p.What = "The board of " + momentOf(at) + " cannot be rebuilt: " + gone.Error() + "."
	}
	p.Try = "Look in an older export of the store."
	points, err := c.store.History(ctx, inc.ID, inc.Opened, at)
	if err != nil {
		return chat.Message{}, err
	}
	if n := len(points); n > 0 {
		p.What += fmt.Sprintf(" Its counts were kept (minute of %s): %s.", momentOf(points[n-1].At), countsLine(points[n-1].Counts))
	}
	return chat.Message{}, p
}

// source says what the picture is made of.
func (p rebuilt) source() []chat.Part {
	parts := []chat.Part{chat.N(fmt.Sprintf("Rebuilt from the record up to entry %d of %s; the last change before then. Check the record with ", p.Last.Seq, momentOf(p.Last.At)), chat.C("audit verify"), ".")}
	if p.mixed > 0 {
		parts = append(parts, chat.N(fmt.Sprintf("The clocks of those who wrote it did not agree: %s dated after %s stand before others that are not, and are in this picture.", plural(p.mixed, "entry"), momentOf(p.at))))
	}
	if n := len(p.Incident.Revised); n > 0 && p.at.Sub(p.Incident.Revised[n-1].At) < 10*time.Minute {
		r := p.Incident.Revised[n-1]
		parts = append(parts, chat.N(fmt.Sprintf("Revision %d had been in force for %s: servers that were not assessed by it yet are shown as the board showed them.", r.Revision, span(p.at.Sub(r.At)))))
	}
	return parts
}

func (p rebuilt) heading(what ...any) chat.Heading {
	return chat.H(append(append([]any{drillMark(p.Incident), chat.B("As it was " + momentOf(p.at)), ": "}, what...), " · ", chat.C(p.Incident.ID))...)
}

// board is the incident, or a part of it, as it was.
func (p rebuilt) board(kind, name string) (chat.Message, error) {
	rows := p.rows(kind, name)
	counts := state.Counts{Status: map[state.Status]int{}}
	for _, r := range rows {
		counts.Status[r.Status]++
	}
	what := []any{p.Incident.Title}
	if kind != "" {
		what = []any{kind + " ", chat.C(name)}
	}
	m := chat.Say(p.heading(what...), chat.P(p.verdict(kind, counts)))
	if total := counts.Total(); total > 0 {
		m.Add(chat.Bar(counts.Status[state.StatusConfirmed], total, countsLine(counts)))
	}
	list := chat.L()
	for _, r := range rows {
		if r.Status.Settled() || len(list.Items) == maxShown {
			break // the worst come first
		}
		list.Items = append(list.Items, worstLine(r, p.at))
	}
	if list.More = counts.Open() - len(list.Items); len(list.Items) > 0 {
		m.Add(list)
	}
	m.Add(chat.P("Playbook in force: ", chat.C(p.Incident.Rules.Playbook), fmt.Sprintf(" revision %d.", p.Incident.Rules.Revision)))
	m.Add(p.source()...)
	file, err := boardCSV(fmt.Sprintf("%s-at-%s.csv", p.Incident.ID, p.at.UTC().Format("20060102T150405Z")), rows)
	if len(rows) > 0 {
		m.Add(file)
	}
	m.About.Incident = p.Incident.ID
	return m, err
}

func (p rebuilt) verdict(kind string, counts state.Counts) chat.Text {
	switch {
	case kind == "" && p.Incident.Clear != nil:
		return chat.T(chat.B(p.Incident.Clear.Words()), ", declared "+momentOf(p.Incident.Clear.At)+" by ", chat.C(string(p.Incident.Clear.By)), " and ", chat.C(string(p.Incident.Clear.Second)), ".")
	case counts.Total() == 0:
		return chat.T("There were no servers.")
	case counts.Open() > 0:
		return chat.T(chat.B(fmt.Sprintf("Not clear: %d of %d servers open.", counts.Open(), counts.Total())))
	}
	return chat.T(fmt.Sprintf("None of %d servers open; not declared clear.", counts.Total()))
}

// rows are those of a group, an owner, a farm or all, the most urgent first.
func (p rebuilt) rows(kind, name string) []state.Row {
	var out []state.Row
	for _, r := range p.Rows {
		if of := map[string]string{"group": r.Group, "owner": r.Owner, "farm": r.Farm}; kind == "" || of[kind] == name {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b state.Row) int {
		if d := b.Priority() - a.Priority(); d != 0 {
			return int(d)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

// server is the card of a server as it was.
func (p rebuilt) server(farm, name string) (chat.Message, error) {
	f, _ := p.Farm(farm)
	s, ok := f.Farm.Server(name)
	if !ok {
		return chat.Message{}, &chat.Problem{What: fmt.Sprintf("%s was not in %s at %s.", name, p.Incident.ID, momentOf(p.at)), Try: "Name a later time; server show says when it was added."}
	}
	c := serverCard{inc: p.Incident, farm: f.Farm, server: s, row: f.Rows[name], now: p.at, evidence: f.Evidence}
	c.a, _ = f.Assess(p.Incident.Rules, p.at).Server(name)
	card := c.message(nil)
	m := chat.Say(p.heading(chat.C(name), " "+c.row.Status.String()))
	for _, part := range card.Parts[1:] {
		if _, ok := part.(chat.Buttons); !ok { // nobody acts in the past
			m.Add(part)
		}
	}
	m.Add(p.source()...)
	return m.With(card.Tone), nil
}

// boardCSV is a table of servers, which no spreadsheet takes for formulas.
func boardCSV(name string, rows []state.Row) (chat.Attachment, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"server", "farm", "owner", "group", "exposure", "status", "since", "why"})
	for _, r := range rows {
		_ = w.Write([]string{cell(r.Name), cell(r.Farm), cell(r.Owner), cell(r.Group), r.Exposure.String(), r.Status.String(), r.Since.UTC().Format(time.RFC3339), cell(r.Reason)})
	}
	w.Flush()
	return chat.Attachment{Mark: chat.Mark{TLP: state.TLPAmberStrict}, Name: name, Data: b.Bytes()}, w.Error()
}
