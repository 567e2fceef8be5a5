package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// maxIncidents is how many incidents a list shows.
const maxIncidents = 20

// incidentList lists incidents, the open ones first.
type incidentList struct {
	store interface {
		Incidents(ctx context.Context) ([]state.IncidentHead, error)
		Sweeper
	}
	now func() time.Time
}

func (incidentList) Spec() chat.Spec {
	return chat.Spec{
		Path: "incident list", Summary: "List incidents, the open ones first",
		Examples: []chat.Example{{Line: "incident list", Does: "lists every incident with its state"}},
		Role:     state.RoleViewer, Global: true,
	}
}

func (c incidentList) Run(ctx context.Context, _ chat.Call) (chat.Message, error) {
	heads, err := c.store.Incidents(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	if len(heads) == 0 {
		return chat.Say(chat.P("There is no incident. Open one with ", chat.C("incident open"), ".")), nil
	}
	now := c.now()
	slices.SortStableFunc(heads, func(a, b state.IncidentHead) int {
		switch {
		case a.Closed.IsZero() != b.Closed.IsZero():
			if a.Closed.IsZero() {
				return -1
			}
			return 1
		case !a.Opened.Equal(b.Opened):
			return b.Opened.Compare(a.Opened)
		}
		return strings.Compare(a.ID, b.ID)
	})
	list := chat.L()
	open := 0
	for _, h := range heads {
		if h.Closed.IsZero() {
			open++
		}
		if len(list.Items) == maxIncidents {
			continue
		}
		late, err := c.late(ctx, h, now)
		if err != nil {
			return chat.Message{}, err
		}
		list.Items = append(list.Items, headLine(h, late, now))
	}
	list.More = len(heads) - len(list.Items)
	return chat.Say(chat.H(fmt.Sprintf("%s, %d open", plural(len(heads), "incident"), open)), list), nil
}

// late is how many farms of an incident that was declared clear wait to be assessed anew.
func (c incidentList) late(ctx context.Context, h state.IncidentHead, now time.Time) (int, error) {
	if !h.Clear {
		return 0, nil
	}
	return overdueIn(ctx, c.store, state.Incident{ID: h.ID, Closed: h.Closed}, now)
}

func headLine(h state.IncidentHead, late int, now time.Time) chat.Text {
	t := chat.T(chat.C(h.ID), " ", chat.C(h.Title), " · ", chat.C(h.Playbook), " · ")
	switch {
	case h.Clear && late > 0:
		return append(t, chat.T("not known: it was declared clear, but "+farmsWait(late)+" to be assessed anew · open since "+when(h.Opened, now))...)
	case !h.Closed.IsZero() && h.Clear:
		return append(t, chat.T("clear, closed "+when(h.Closed, now))...)
	case !h.Closed.IsZero():
		return append(t, chat.T("closed "+when(h.Closed, now)+", not declared clear")...)
	case h.Clear:
		return append(t, chat.T("declared clear · open since "+when(h.Opened, now))...)
	}
	return append(t, chat.T("not clear · open since "+when(h.Opened, now))...)
}
