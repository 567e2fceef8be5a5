package commands

import (
	"context"
	"fmt"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// communityCommands are all that can be asked for in a community, and what the team
// decides about communities.
func communityCommands(p Parts) []Command {
	w := newAuthor(p)
	return []Command{
		advisories{w},
		indicators{w},
		follow{w, true},
		follow{w, false},
		sightingReport{w},
		sightingSubmit{w},
		sightingList{w},
		sightingDecide{w, state.ReportAccepted},
		sightingDecide{w, state.ReportRejected},
		setupAdvisories{w},
		setupOff{w},
		setupTriage{w},
		setupList{w},
	}
}

// advisories lists what a place may see: in a community all that it can look at.
type advisories struct{ author }

func (advisories) Spec() chat.Spec {
	return chat.Spec{
		Path: "advisories", Summary: "List the advisories in force, or show one, as far as this place may see them",
		Args:     []chat.Arg{{Name: "number", Help: "of one advisory", Type: chat.Number, Optional: true}},
		Examples: []chat.Example{{Line: "advisories", Does: "lists number, version, marking and title of what is in force"}},
		Role:     state.RoleViewer, Global: true, Community: true, Private: true,
	}
}

func (c advisories) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	if call.Values.Has("number") {
		a, err := c.public(ctx, call)
		if err != nil {
			return chat.Message{}, err
		}
		m, _ := seenAt(a, *a.Live, call.Request.Place)
		m.Topic = chat.Topic{}
		if call.Request.Community != "" {
			m.Add(chat.Buttons{Mark: asTLP(a.Live.TLP), Buttons: communityButtons(a)})
		}
		return m, nil
	}
	all, err := c.store.Advisories(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Message{}
	for _, a := range all {
		if !c.visible(a, call.Request) || len(m.Parts) == 4*maxShown {
			continue
		}
		l := chat.List{Mark: asTLP(a.Live.TLP), Items: []chat.Text{chat.T(fmt.Sprintf("%d · version %d · %s · ", a.Number, a.Live.Version, a.Live.TLP), chat.C(a.Live.Title))}}
		m.Add(l)
	}
	if len(m.Parts) == 0 {
		return public(chat.Say(chat.P("No advisory is in force that may be shown here."))), nil
	}
	return m, nil
}

// visible reports whether an advisory is in force, and may be seen where it is asked for.
func (w author) visible(a state.Advisory, r chat.Request) bool {
	return a.Live != nil && a.Withdrawn == nil && r.Place.Sees(a.Live.TLP) && (r.Community == "" || !a.Drill && a.Seconded())
}

// public is the advisory that a request names, when it may be seen there. One that
// may not is as good as none: that there is one tells, too.
func (w author) public(ctx context.Context, call chat.Call) (state.Advisory, error) {
	n := call.Values.Int("number", 0)
	d, err := w.store.Desk(ctx, state.DeskNeed{Advisories: []int{n}})
	if err != nil {
		return state.Advisory{}, err
	}
	a, ok := d.Advisories[n]
	if ok && a.Withdrawn != nil && a.Has(call.Request.Place.Key()) {
		return a, &state.Refusal{Why: fmt.Sprintf("Advisory %d was withdrawn.", n), Next: "Do not act on it."}
	}
	if !ok || !w.visible(a, call.Request) {
		return a, &state.Refusal{Why: fmt.Sprintf("There is no advisory %d that may be shown here.", n), Next: "See: advisories"}
	}
	return a, nil
}

// indicators shows the indicators of what is in force.
type indicators struct{ author }

func (indicators) Spec() chat.Spec {
	return chat.Spec{
		Path: "indicators", Summary: "Show the indicators of an advisory in force, defanged, with a file and its checksum",
		Args:     []chat.Arg{numberArg()},
		Examples: []chat.Example{{Line: "indicators 2", Does: "lists the first indicators of advisory 2 and attaches all"}},
		Role:     state.RoleViewer, Global: true, Community: true, Private: true,
	}
}

func (c indicators) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	a, err := c.public(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(indicatorParts(a, *a.Live)...)
	if len(m.Parts) == 0 || !call.Request.Place.Sees(a.Live.Mark(state.PartIndicators)) {
		return chat.Say(chat.Para{Mark: asTLP(a.Live.TLP), Text: chat.T(fmt.Sprintf("Advisory %d has no indicators that may be shown here.", a.Number))}), nil
	}
	return m, nil
}

// follow makes somebody in a community hear when an advisory changes, or no more.
type follow struct {
	author
	on bool
}

func (c follow) Spec() chat.Spec {
	s := chat.Spec{
		Path: "follow", Summary: "Be called when an advisory changes or is withdrawn",
		Args:     []chat.Arg{numberArg()},
		Examples: []chat.Example{{Line: "follow 2", Does: "calls you where advisory 2 is shown, each time that it changes"}},
		Role:     state.RoleViewer, Global: true, Community: true, Private: true,
	}
	if !c.on {
		s.Path, s.Summary = "unfollow", "Be called no more when an advisory changes"
		s.Examples = []chat.Example{{Line: "unfollow 2", Does: "calls you no more for advisory 2"}}
	}
	return s
}

func (c follow) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	community := call.Request.Community
	if community == "" {
		return chat.Say(chat.P("In places of the team every change is told in the thread of the advisory; there is nothing to follow.")), nil
	}
	a, err := c.public(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	need := state.DeskNeed{Advisories: []int{a.Number}, Communities: []string{community}}
	_, err = c.store.UpdateDesk(ctx, call.Work("follow", c.now()), "", need, func(tx *state.Tx) error {
		return tx.Follow(community, a.Number, call.Request.Actor.Link, c.on)
	})
	if err != nil {
		return chat.Message{}, err
	}
	said := fmt.Sprintf("You are called when advisory %d changes.", a.Number)
	if !c.on {
		said = fmt.Sprintf("You are called no more for advisory %d.", a.Number)
	}
	return chat.Say(chat.Para{Mark: asTLP(a.Live.TLP), Text: chat.T(said)}), nil
}

// nameOf is what a community is called: as it was set up, or by its id.
func nameOf(c state.Community) string {
	if c.Name != "" {
		return checks.Clean(c.Name, 100)
	}
	return c.ID
}

// communityOf is the community of a request as it is kept; its zero value has the id.
func (w author) communityOf(ctx context.Context, id string) (state.Community, error) {
	d, err := w.store.Desk(ctx, state.DeskNeed{Communities: []string{id}})
	if err != nil {
		return state.Community{}, err
	}
	c, ok := d.Communities[id]
	if !ok {
		c = state.Community{ID: id}
	}
	return c, nil
}
