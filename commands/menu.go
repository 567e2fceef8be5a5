package commands

import (
	"context"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// menu is what there is to press for those who do not know what to type.
type menu struct {
	store Reader
	now   func() time.Time
}

func (menu) Spec() chat.Spec {
	return chat.Spec{
		Path: "menu", Summary: "Show what can be done here, as buttons",
		Flags:    []chat.Arg{{Name: "incident", Help: "the incident, when several are open", Type: chat.Incident}},
		Examples: []chat.Example{{Line: "menu", Does: "offers the commands that you may run"}},
		Role:     state.RoleViewer, Private: true, Global: true,
	}
}

func (c menu) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	role := call.Request.Actor.Role
	if call.Incident == "" {
		return c.without(ctx, role)
	}
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.H(drillMark(inc), inc.Title, " · ", chat.C(inc.ID)))
	for _, row := range menuRows(inc.ID) {
		if role >= row.role {
			m.Add(chat.Row(row.buttons...))
		}
	}
	m.Add(chat.N("More, with all options: ", chat.C("help"), ". You are ", role.String(), "."))
	return m, nil
}

// without offers what can be done while no incident is chosen.
func (c menu) without(ctx context.Context, role state.Role) (chat.Message, error) {
	heads, err := c.store.Incidents(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	row := chat.Row()
	for _, h := range heads {
		if h.Closed.IsZero() && len(row.Buttons) < maxCandidates {
			row.Buttons = append(row.Buttons, press(h.ID, h.ID, "menu"))
		}
	}
	switch {
	case len(row.Buttons) > 0:
		return chat.Say(chat.P("Which incident?"), row), nil
	case role >= state.RoleLead:
		open := chat.Button{Label: "Open an incident", Line: "incident open", Ask: []string{"name", "title?", "drill?"}}
		return chat.Say(chat.P("No incident is open."), chat.Row(open)), nil
	}
	return chat.Say(chat.P("No incident is open. A lead opens one with ", chat.C("incident open"), ".")), nil
}

type menuRow struct {
	role    state.Role
	buttons []chat.Button
}

func menuRows(incident string) []menuRow {
	asking := func(label, path string, args ...string) chat.Button {
		b := press(label, incident, path)
		b.Ask = args
		return b
	}
	return []menuRow{
		{state.RoleViewer, []chat.Button{
			press("Status", incident, "status"), asking("One server", "server show", "server"), press("Digest", incident, "digest"),
			press("Waiting for approval", incident, "proposals"),
			{Label: "Queue", Line: typed("queue")},
		}},
		{state.RoleResponder, []chat.Button{
			press("Scan all", incident, "scan"), asking("I patched, verify now", "verify", "server"), asking("I work on it", "claim", "server", "step?"),
			asking("Hand in evidence", "evidence add", "document"), asking("Can't, because…", "except", "server", "reason", "for", "step?"),
		}},
		{state.RoleResponder, []chat.Button{
			press("Reminders", incident, "ping"), asking("Hand over", "server assign", "server", "owner", "group?"), asking("Confirm", "confirm", "server"),
			asking("Draft an advisory", "advisory draft", "title", "body", "tlp?"),
		}},
		{state.RoleLead, []chat.Button{press("Declare clear", incident, "incident clear")}},
	}
}
