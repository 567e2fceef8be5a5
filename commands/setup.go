package commands

import (
	"context"
	"fmt"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// setupAdvisories makes a channel of a community the one that gets its advisories.
type setupAdvisories struct{ author }

func (setupAdvisories) Spec() chat.Spec {
	return chat.Spec{
		Path: "setup advisories", Summary: "Show the advisories in this channel (administrators of a community)",
		Flags: []chat.Arg{
			{Name: "role", Help: "who is notified of news: a role, as the platform mentions it; nobody otherwise"},
			{Name: "name", Help: "how this community is called when it is thanked"},
		},
		Examples: []chat.Example{{Line: "setup advisories", Does: "shows what is in force here, and edits it when it changes"}},
		Role:     state.RoleViewer, Global: true, Community: true, Private: true,
	}
}

// maySetUp refuses whoever is neither an administrator there nor a lead here. A place
// that is no community's is set up by leads only.
func maySetUp(r chat.Request) error {
	if r.Community == "" {
		return &chat.Problem{What: "This is a place of the team, not of a community.", Try: "Here it is: incident bind. Which places are communities is said in the configuration."}
	}
	if !r.Actor.Admin && r.Actor.Role < state.RoleLead {
		return &chat.Problem{What: "Only an administrator of this community can do that.", Try: "Ask one of them."}
	}
	return nil
}

func (c setupAdvisories) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	r := call.Request
	if err := maySetUp(r); err != nil {
		return chat.Message{}, err
	}
	com, err := c.communityOf(ctx, r.Community)
	if err != nil {
		return chat.Message{}, err
	}
	place := r.Place
	com.Place, com.SetBy, com.Role = &place, r.Actor.Link, call.Values.String("role")
	if call.Values.Has("name") {
		com.Name = cut(call.Values.String("name"), 80)
	}
	all, err := c.store.Advisories(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	need := state.DeskNeed{All: true}
	for _, a := range all {
		need.Advisories = append(need.Advisories, a.Number)
	}
	n := 0
	_, err = c.store.UpdateDesk(ctx, call.Work("setup", c.now()), "", need, func(tx *state.Tx) error {
		if err := tx.SetCommunity(com); err != nil {
			return err
		}
		n, err = tx.Welcome(*tx.Desk().Communities[com.ID].Place)
		return err
	})
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(
		chat.P("Advisories are shown in this channel from now on, up to ", place.Top(), "."),
		chat.N(fmt.Sprintf("In force that may be shown here: %d.", n), " With ", chat.C("advisories"), ", ", chat.C("indicators"), ", ", chat.C("follow"), " and ", chat.C("sighting report"), " everybody here can use them."),
	)
	if com.Role != "" {
		m.Add(chat.N("Notified of news: ", chat.C(com.Role), "."))
	}
	return public(m), nil
}

// setupOff makes a community get no advisories any more.
type setupOff struct{ author }

func (setupOff) Spec() chat.Spec {
	return chat.Spec{
		Path: "setup off", Summary: "Show no new advisories in this community any more (administrators of a community)",
		Examples: []chat.Example{{Line: "setup off", Does: "shows nothing new here; what stands here is still corrected"}},
		Role:     state.RoleViewer, Global: true, Community: true, Private: true,
	}
}

func (c setupOff) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	if err := maySetUp(call.Request); err != nil {
		return chat.Message{}, err
	}
	com, err := c.communityOf(ctx, call.Request.Community)
	if err != nil {
		return chat.Message{}, err
	}
	com.Place = nil
	_, err = c.store.UpdateDesk(ctx, call.Work("setup", c.now()), "", state.DeskNeed{Communities: []string{com.ID}}, func(tx *state.Tx) error {
		return tx.SetCommunity(com)
	})
	if err != nil {
		return chat.Message{}, err
	}
	return public(chat.Say(chat.P("No new advisories are shown here. What stands here is still corrected and withdrawn."))), nil
}

// setupTriage makes a place of the team the one where reports of communities arrive.
type setupTriage struct{ author }

func (setupTriage) Spec() chat.Spec {
	return chat.Spec{
		Path: "setup triage", Summary: "Let what communities report arrive in this private channel",
		Examples: []chat.Example{{Line: "setup triage", Does: "sends reports of communities here, and nowhere else"}},
		Role:     state.RoleLead, Global: true,
	}
}

func (c setupTriage) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	p := call.Request.Place
	p.Person, p.Thread, p.Reply, p.Named = "", "", "", false
	if p.Platform == "" || p.Channel == "" {
		return chat.Message{}, &chat.Problem{What: "This is no place that reports could arrive in.", Try: "Ask in the private channel of the team."}
	}
	_, err := c.store.UpdateDesk(ctx, call.Work("triage", c.now()), "", state.DeskNeed{}, func(tx *state.Tx) error { return tx.SetTriage(&p) })
	if err != nil {
		return chat.Message{}, err
	}
	return chat.Say(chat.P("What communities report arrives here from now on, and nowhere else. Earlier reports: ", chat.C("sighting list"), ".")), nil
}

// setupList shows which communities there are.
type setupList struct{ author }

func (setupList) Spec() chat.Spec {
	return chat.Spec{
		Path: "setup list", Summary: "List the communities, with where their advisories go",
		Examples: []chat.Example{{Line: "setup list", Does: "shows each community with its channel, ceiling and followers"}},
		Role:     state.RoleResponder, Global: true,
	}
}

func (c setupList) Run(ctx context.Context, _ chat.Call) (chat.Message, error) {
	all, err := c.store.Communities(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	d, err := c.store.Desk(ctx, state.DeskNeed{})
	if err != nil {
		return chat.Message{}, err
	}
	triage := chat.N("No place takes reports yet: they wait in ", chat.C("sighting list"), ". Choose one with ", chat.C("setup triage"), ".")
	if t := d.Head.Triage; t != nil {
		triage = chat.N("Reports arrive in ", chat.C(placeName(*t)), ".")
	}
	if len(all) == 0 {
		return chat.Say(chat.P("No community is set up. An administrator of one does it there: ", chat.C("setup advisories"), "."), triage), nil
	}
	table := chat.Tab("Community", "Channel", "Up to", "Followers")
	for _, com := range all {
		if len(table.Rows) == maxDestinations {
			table.More++
			continue
		}
		where, ceiling, followers := "none", "", 0
		if com.Place != nil {
			where, ceiling = placeName(*com.Place), com.Place.Top().String()
			if com.Place.Form != "" {
				where += " (" + string(com.Place.Form) + ")"
			}
		}
		for _, links := range com.Follows {
			followers += len(links)
		}
		table.Rows = append(table.Rows, []chat.Text{chat.T(chat.C(nameOf(com))), chat.T(chat.C(where)), chat.T(ceiling), chat.T(fmt.Sprint(followers))})
	}
	return chat.Say(table, triage), nil
}
