package commands

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// maxScans is how many scans are searched for one.
const maxScans = 100

// scanShow is what a scan changed, in full.
type scanShow struct {
	store interface {
		Scans
		Incident(ctx context.Context, id string) (state.Incident, error)
	}
	now func() time.Time
}

func (scanShow) Spec() chat.Spec {
	return chat.Spec{
		Path: "scan show", Summary: "Show each change of a scan, or hand it out as a CSV file",
		Args:     []chat.Arg{{Name: "scan", Help: "as its result names it; the last one that ended otherwise", Optional: true}},
		Flags:    []chat.Arg{{Name: "csv", Help: "as a file", Type: chat.Switch}},
		Examples: []chat.Example{{Line: "scan show --csv", Does: "hands out what the last scan changed, a line a server"}},
		Role:     state.RoleViewer, Private: true,
	}
}

func (c scanShow) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	s, err := c.find(ctx, inc.ID, call.Values.String("scan"))
	switch {
	case err != nil:
		return chat.Message{}, err
	case s.ID == "":
		return chat.Say(chat.P("No scan has ended yet. Begin one with ", chat.C("scan"), ".")), nil
	}
	changes := sortTransitions(append([]state.Transition(nil), s.Changes...))
	m := chat.Say(chat.H(drillMark(inc), "Scan ", chat.C(s.ID), " of ", selected(s.Selection), chat.D(" · "+when(s.Started, c.now())+" · "+scanCounted(s))))
	if len(changes) == 0 {
		m.Add(chat.P("It changed the status of no server."))
	}
	if call.Values.Bool("csv") {
		file, err := changesCSV("scan-"+idSafe(s.ID)+".csv", changes, s.Unreached)
		if err != nil {
			return chat.Message{}, fmt.Errorf("write the changes of a scan: %w", err)
		}
		m.Add(chat.P(plural(len(changes), "change")+" and "+plural(len(s.Unreached), "server")+" without an answer, in the file."), file)
		if more := s.NotReached - len(s.Unreached); more > 0 {
			m.Add(chat.N(fmt.Sprintf("%d more gave no answer; their names were not kept.", more)))
		}
		return m, nil
	}
	list := chat.L()
	for _, t := range changes[:min(len(changes), 4*maxShown)] {
		line := chat.T(mark(t.To)+" ", chat.C(t.Server), fmt.Sprintf(" %s → %s", t.From, t.To))
		if t.Why != "" {
			line = append(line, chat.T(" · ", chat.C(t.Why))...)
		}
		list.Items = append(list.Items, line)
	}
	list.More = len(changes) - len(list.Items)
	m.Add(list)
	if s.NotReached > 0 {
		m.Add(chat.P(fmt.Sprintf("%d gave no answer, which proves nothing: ", s.NotReached), nameList(s.Unreached[:min(len(s.Unreached), namedAtMost)])))
	}
	m.Add(chat.Row(press("CSV", inc.ID, "scan show", "--csv", s.ID)))
	return m, nil
}

// find is the scan that is named, or the last one that ended; none has no ID.
func (c scanShow) find(ctx context.Context, incident, id string) (state.Scan, error) {
	scans, err := c.store.LastScans(ctx, incident, maxScans)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return state.Scan{}, err
	}
	for _, s := range scans {
		if s.ID == id || id == "" && !s.Ended.IsZero() {
			return s, nil
		}
	}
	if id == "" {
		return state.Scan{}, nil
	}
	return state.Scan{}, &chat.Problem{What: fmt.Sprintf("There is no scan %.40q among the last %d.", id, maxScans), Try: "Its result names it."}
}

// changesCSV is a table of changes and of who did not answer, which no spreadsheet
// takes for formulas.
func changesCSV(name string, changes []state.Transition, unreached []string) (chat.Attachment, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"server", "owner", "group", "from", "to", "why"})
	for _, t := range changes {
		_ = w.Write([]string{cell(t.Server), cell(t.Owner), cell(t.Group), t.From.String(), t.To.String(), cell(t.Why)})
	}
	for _, name := range unreached {
		_ = w.Write([]string{cell(name), "", "", "", "", "no answer, which proves nothing"})
	}
	w.Flush()
	return chat.Attachment{Mark: chat.Mark{TLP: state.TLPAmberStrict}, Name: name, Data: b.Bytes()}, w.Error()
}

// cell is a text as a spreadsheet may open it: what begins like a formula gets a
// quotation mark in front (owasp.org, CSV injection).
func cell(s string) string {
	s = checks.Clean(s, state.MaxValue)
	if s != "" && strings.ContainsRune("=+-@\t\r|%", rune(s[0])) {
		return "'" + s
	}
	return s
}
