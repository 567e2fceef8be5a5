package commands

import (
	"context"
	"fmt"
	"slices"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// selection is which servers a scan is about.
type selection struct {
	label string // "all", "group emea", "server sp-01"
	takes func(state.Server) bool
}

func (s scan) selection(ctx context.Context, call chat.Call) (selection, error) {
	name := call.Values.String("server")
	f, _, err := chosen(ctx, s.store, call, "scan")
	switch {
	case err != nil:
		return selection{}, err
	case name != "" && f != (state.Filter{}):
		return selection{}, &chat.Problem{What: "Choose one server, or an owner, a group or a farm.", Try: "Nothing was scanned."}
	case f.Owner != "":
		return selection{"owner " + f.Owner, func(s state.Server) bool { return s.Owner == f.Owner }}, nil
	case f.Group != "":
		return selection{"group " + f.Group, func(s state.Server) bool { return s.Group == f.Group }}, nil
	case f.Farm != "":
		return selection{"farm " + f.Farm, func(s state.Server) bool { return s.Farm == f.Farm }}, nil
	case name == "":
		return selection{"all", func(state.Server) bool { return true }}, nil
	}
	name, err = serverName(ctx, s.store, call.Incident, name, func(n string) string { return press("", call.Incident, "scan", n).Line })
	return selection{"server " + name, func(s state.Server) bool { return s.Name == name }}, err
}

// selected is the selection of a scan in a sentence.
func selected(label string) chat.Text {
	if label == "all" {
		return chat.T("all servers")
	}
	return chat.T(chat.C(label))
}

// already is the answer to who asks for a scan that is running.
func (s scan) already(running state.Scan) error {
	m := chat.Say(chat.P("Scan ", chat.C(running.ID), " of ", selected(running.Selection), " is running since "+when(running.Started, s.now())+
		" UTC, asked for by ", chat.C(s.who(running.By)), ". No second one was begun."))
	if running.Total > 0 {
		m.Add(chat.Bar(running.Looked, running.Total, fmt.Sprintf("%d of %d done", running.Looked, running.Total)))
	}
	m.Add(chat.Row(press("Cancel it", running.Incident, "scan", "--cancel", "--id", running.ID)))
	return notDone(m)
}

func (s scan) who(id state.PersonID) string {
	if p, ok := s.people.ByID(id); ok && p.Name != "" {
		return p.Name
	}
	if id == "" {
		return "the schedule"
	}
	return string(id)
}

// cancel ends scans that run: of the chosen servers, or whatever runs.
func (s scan) cancel(ctx context.Context, call chat.Call, sel selection) (chat.Message, error) {
	scans, err := s.store.LastScans(ctx, call.Incident, 50)
	if err != nil {
		return chat.Message{}, err
	}
	var ended, elsewhere []string
	for _, sc := range scans {
		id := call.Values.String("id")
		if !alive(sc, s.now()) || sel.label != "all" && sc.Selection != sel.label || id != "" && sc.ID != id {
			continue
		}
		asked, err := s.store.AskEnd(ctx, call.Incident, sc.ID, call.Request.Actor.Person)
		switch here := s.jobs.Cancel(sc.ID); {
		case here:
			ended = append(ended, sc.ID)
		case err != nil:
			return chat.Message{}, err
		case asked:
			elsewhere = append(elsewhere, sc.ID)
		}
	}
	slices.Sort(ended)
	slices.Sort(elsewhere)
	m := chat.Say()
	if len(ended) > 0 {
		m.Add(chat.P("Ending scan ", nameList(ended), ". It tells what it has; what it did not look at stays unknown."))
	}
	if len(elsewhere) > 0 {
		m.Add(chat.P("Asked the replica that runs scan ", nameList(elsewhere), " to end it; if that one is gone, the one that takes over ends it. "+
			"It tells what it has; what it did not look at stays unknown."))
	}
	if len(m.Parts) > 0 {
		return m, nil
	}
	if id := call.Values.String("id"); id != "" {
		return chat.Say(chat.P("Scan ", chat.C(id), " does not run any more.")), nil
	}
	return chat.Say(chat.P("No scan is running.")), nil
}
