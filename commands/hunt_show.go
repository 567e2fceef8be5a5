package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/hunt"
	"github.com/allclear-bot/allclear/state"
)

// huntShow is what is on record of a server's logs.
type huntShow struct {
	store inventoryStore
	now   func() time.Time
}

func (huntShow) Spec() chat.Spec {
	return chat.Spec{
		Path: "hunt show", Summary: "Show what hunts found in the logs of a server, and which time they cover",
		Args:     []chat.Arg{{Name: "server", Help: "its name", Type: chat.Server}},
		Examples: []chat.Example{{Line: "hunt show sp-fin-01", Does: "lists attack traffic and the time that was covered"}},
		Role:     state.RoleViewer, Private: true,
	}
}

func (c huntShow) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	name, err := serverName(ctx, c.store, call.Incident, call.Values.String("server"), func(n string) string {
		return press("", call.Incident, "hunt show", n).Line
	})
	if err != nil {
		return chat.Message{}, err
	}
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	farm, err := farmOf(ctx, c.store, inc.ID, name)
	if err != nil {
		return chat.Message{}, err
	}
	f, err := c.store.Farm(ctx, inc.ID, farm)
	if err != nil {
		return chat.Message{}, err
	}
	traffic := slices.DeleteFunc(trafficOf(f), func(t hunt.Traffic) bool { return t.Server != name })
	slices.SortStableFunc(traffic, func(x, y hunt.Traffic) int {
		return cmp.Or(hunt.Rank(y.Value)-hunt.Rank(x.Value), y.Last.Compare(x.Last))
	})
	list := chat.L()
	for i, t := range traffic {
		if i == 2*maxShown {
			list.More = len(traffic) - i
			break
		}
		list.Items = append(list.Items, trafficText(t))
	}
	m := chat.Say(chat.H(drillMark(inc), "Hunts in the logs of ", chat.C(name)))
	if len(list.Items) == 0 {
		m.Add(chat.P("No attack traffic is on record, which proves nothing where no log was read."))
	} else {
		m.Add(list)
	}
	m.Add(c.covered(inc, f, name)...)
	m.About.Server = name
	return m, nil
}

// covered is which time hunts found clean, and what the step says to it.
func (c huntShow) covered(inc state.Incident, f state.FarmState, name string) []chat.Part {
	list := chat.L()
	for _, e := range slices.Backward(f.Evidence) {
		if e.Kind != state.KindHunt || e.Subject.Server != name {
			continue
		}
		if len(list.Items) == maxShown {
			list.More++
			continue
		}
		line := chat.T(chat.C(e.Value), " "+spanWord(e.From, e.To)+" ("+e.Source.String()+" ", chat.C(cmp.Or(e.Tool, string(e.By))), ")")
		if e.Detail != "" {
			line = append(line, chat.T(" · ", chat.C(e.Detail))...)
		}
		list.Items = append(list.Items, line)
	}
	if len(list.Items) == 0 {
		return []chat.Part{chat.P("No hunt is on record. Hand in its logs with ", chat.C("hunt"), ".")}
	}
	out := []chat.Part{chat.P(chat.B("Covered"), fmt.Sprintf(", exploitation began %s:", inc.Rules.Window.UTC().Format(time.DateOnly))), list}
	for i, g := range notCovered(inc.Rules.Window, f, name) {
		if i == maxShown {
			break
		}
		out = append(out, chat.P("? Not covered by any hunt: "+spanWord(g.From, g.To)))
	}
	a, _ := f.Assess(inc.Rules, c.now()).Server(name)
	for _, st := range a.Steps {
		step, _ := inc.Rules.Step(st.Step)
		if slices.ContainsFunc(step.Proof, func(p state.Proof) bool { return p.Covers }) && !st.Status.Done() {
			out = append(out, chat.P("Step ", chat.C(st.Step), " is open: ", chat.C(cmp.Or(st.Why, "nothing was shown"))))
		}
	}
	return out
}

// notCovered is the time from the beginning of exploitation until the newest hunt that
// no hunt which found nothing covers.
func notCovered(begin time.Time, f state.FarmState, name string) []hunt.Span {
	var seen []hunt.Span
	for _, e := range f.Evidence {
		if e.Kind == state.KindHunt && e.Subject.Server == name && (e.Value == hunt.HuntClean || e.Value == hunt.SeenClean) && e.To.After(e.From) {
			seen = append(seen, hunt.Span{From: e.From, To: e.To})
		}
	}
	slices.SortFunc(seen, func(x, y hunt.Span) int { return x.From.Compare(y.From) })
	var out []hunt.Span
	for _, s := range seen {
		if s.From.After(begin) {
			out = append(out, hunt.Span{From: begin, To: s.From})
		}
		if s.To.After(begin) {
			begin = s.To
		}
	}
	return out
}

// huntClusters joins the traffic of all servers to campaigns.
type huntClusters struct {
	store inventoryStore
	now   func() time.Time
}

func (huntClusters) Spec() chat.Spec {
	return chat.Spec{
		Path: "hunt clusters", Summary: "Show which attack traffic in the logs of all servers belongs together",
		Examples: []chat.Example{{Line: "hunt clusters", Does: "lists campaigns: sources, requests, servers touched, answered before they were patched"}},
		Role:     state.RoleViewer, Private: true,
	}
}

func (c huntClusters) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	var all []hunt.Traffic
	active := 0
	fixed := map[string]time.Time{} // of servers with traffic
	err = eachFarm(ctx, c.store, inc.ID, func(f state.FarmState) error {
		for _, s := range f.Farm.Servers {
			if s.Retired == nil {
				active++
			}
		}
		ts := trafficOf(f)
		for _, t := range ts {
			if _, known := fixed[t.Server]; !known {
				_, fixed[t.Server] = f.Settled(inc.Rules, t.Server, c.now())
			}
		}
		all = append(all, ts...)
		return nil
	})
	if err != nil {
		return chat.Message{}, err
	}
	clusters := hunt.Clusters(all)
	m := chat.Say(chat.H(drillMark(inc), plural(len(clusters), "campaign"), " in the logs of ", chat.C(inc.ID)))
	if len(clusters) == 0 {
		m.Add(chat.P("No attack traffic is on record. Hand in logs with ", chat.C("hunt"), "."))
		return m, nil
	}
	list := chat.L()
	for _, cl := range clusters {
		if len(list.Items) == maxShown {
			list.More++
			continue
		}
		list.Items = append(list.Items, campaignText(cl, active, fixed))
	}
	m.Add(list, chat.N("What came before a server was shown to be fixed from inside counts as before its patch. A look at one: ", chat.C("hunt show SERVER")))
	return m, nil
}

// campaignText is a cluster with what it means: who answered before the patch.
func campaignText(c hunt.Cluster, active int, fixed map[string]time.Time) chat.Text {
	t := chat.T(chat.C(c.ID), " ", chat.C(c.Text(active)))
	var early, never []string
	for _, s := range c.Touched {
		switch at := fixed[s.Server]; {
		case s.Answered.IsZero():
		case at.IsZero():
			never = append(never, s.Server)
		case s.Answered.Before(at):
			early = append(early, s.Server)
		}
	}
	if len(never) > 0 {
		t = append(t, append(chat.T(" · ", chat.B(fmt.Sprintf("%d answered, and not patched", len(never))), ": "), nameList(never)...)...)
	}
	if len(early) > 0 {
		t = append(t, append(chat.T(" · ", chat.B(fmt.Sprintf("%d answered before %s patched", len(early), map[bool]string{true: "it was", false: "they were"}[len(early) == 1])), ": "), nameList(early)...)...)
	}
	return t
}
