package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// feedCommands look at what authorities publish, and decide about it.
func feedCommands(p Parts) []Command {
	return []Command{feedsCheck{p}, feedsList{p}, feedsShow{p}, feedsAccept{p}, feedsReject{p}}
}

// feedsCheck looks at every source now.
type feedsCheck struct{ parts Parts }

func (feedsCheck) Spec() chat.Spec {
	return chat.Spec{
		Path: "feeds check", Summary: "Look at the CVE records, the KEV catalogue and the advisories that are configured, and propose what bears on an open incident",
		Examples: []chat.Example{{Line: "feeds check", Does: "tells of each source whether it says something new"}},
		Role:     state.RoleResponder, Global: true,
	}
}

// Manual shows how sources are configured.
func (feedsCheck) Manual(context.Context, string) []chat.Part {
	return []chat.Part{
		chat.P(chat.B("Sources"), " stand in the configuration file of who runs allclear; ", chat.C("{cve}"), " is each CVE of the open incidents. They are looked at every hour, or as ", chat.C("every"), " says:"),
		chat.Block(`feeds:
  every: 1h
  hosts: [www.cisa.gov, cveawg.mitre.org]  # nobody else is asked
  sources:
    - {kind: kev, at: "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"}
    - {kind: cve, at: "https://cveawg.mitre.org/api/cve/{cve}"}
    - {kind: csaf, at: /var/lib/allclear/advisory.json}  # or a file`),
	}
}

// TimeLimit gives room for slow sources.
func (feedsCheck) TimeLimit() time.Duration { return 30 * time.Minute }

func (c feedsCheck) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	if len(c.parts.Feeds.Sources) == 0 {
		return chat.Say(append([]chat.Part{chat.P("No source is configured.")}, c.Manual(ctx, "")...)...), nil
	}
	all, err := CheckFeeds(ctx, c.parts, call.Request.ID)
	if err != nil {
		return chat.Message{}, err
	}
	if len(all) == 0 {
		return chat.Say(chat.P("No incident is open that is about a CVE.")), nil
	}
	list, found := chat.L(), chat.Message{}
	for _, l := range all {
		t := chat.T(chat.C(string(l.source.Kind)+" "+checks.Clean(l.source.At, 120)), " · ")
		switch {
		case l.trouble != "":
			t = append(t, chat.T("could not be read: ", chat.C(l.trouble))...)
		case l.refused != "":
			t = append(t, chat.T("says something new; "+l.refused)...)
		case len(l.fresh) == 0 && l.silent:
			t = append(t, chat.T("says nothing of a CVE of an open incident")...)
		case len(l.fresh) == 0 && l.same:
			t = append(t, chat.T("the same as last time")...)
		case len(l.fresh) == 0:
			t = append(t, chat.T("nothing that is new to an open incident")...)
		}
		for _, b := range l.fresh {
			t = append(t, chat.T("proposed as ", chat.C(b.ID), " for ", chat.C(b.Incident), ", below")...)
			found.Add(bearingParts(b)...)
		}
		if len(list.Items) == 4*maxShown {
			list.More++
			continue
		}
		list.Items = append(list.Items, t)
	}
	m := chat.Say(chat.P(plural(len(all), "source"), " looked at."), list)
	m.Add(found.Parts...)
	return m, nil
}

// feedsList shows what sources said that nobody has decided about.
type feedsList struct{ parts Parts }

func (feedsList) Spec() chat.Spec {
	return chat.Spec{
		Path: "feeds list", Summary: "List the sources with their last look, and what they said that nobody has decided about",
		Examples: []chat.Example{{Line: "feeds list", Does: "shows each source, and each proposal with its id"}},
		Role:     state.RoleViewer, Global: true,
	}
}

func (c feedsList) Run(ctx context.Context, _ chat.Call) (chat.Message, error) {
	_, cves, err := watcher{c.parts, ""}.open(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	list := chat.L()
	for _, s := range c.parts.Feeds.Sources {
		each := s.Expand(cves)
		if len(each) == 0 {
			list.Items = append(list.Items, chat.T(chat.C(string(s.Kind)+" "+checks.Clean(s.At, 120)), " · no incident is open that is about a CVE"))
		}
		for _, one := range each {
			last, _, err := watcher{c.parts, ""}.last(ctx, one)
			if err != nil {
				return chat.Message{}, err
			}
			t := chat.T(chat.C(string(one.Kind)+" "+checks.Clean(one.At, 120)), " · looked at "+ago(last.Looked, c.parts.Now()))
			if last.Trouble != "" {
				t = append(t, chat.T(" · could not be read: ", chat.C(last.Trouble))...)
			}
			list.Items = append(list.Items, t)
		}
	}
	m := chat.Say(chat.P("No source is configured."))
	if len(list.Items) > 0 {
		m = chat.Say(list)
	}
	all, err := c.parts.Store.Bearings(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	all = slices.DeleteFunc(all, func(b state.Bearing) bool { return b.Decided != "" })
	if len(all) == 0 {
		m.Add(chat.P("Nothing waits for a decision."))
	}
	if len(all) > 0 {
		m.Add(chat.P(plural(len(all), "proposal") + " that no lead has decided about, oldest first:"))
	}
	for _, b := range all[:min(len(all), maxShown)] {
		m.Add(bearingParts(b)...)
	}
	if more := len(all) - maxShown; more > 0 {
		m.Add(chat.N(fmt.Sprintf("And %d more, when these are decided.", more)))
	}
	return m, nil
}

// bearingOf is what a request names by its id.
func bearingOf(ctx context.Context, s Desk, call chat.Call) (state.Bearing, error) {
	id := strings.ToUpper(call.Values.String("id"))
	d, err := s.Desk(ctx, state.DeskNeed{Bearings: []string{id}})
	if err != nil {
		return state.Bearing{}, err
	}
	b, ok := d.Bearings[id]
	if !ok {
		return b, &state.Refusal{Why: fmt.Sprintf("No source said anything that is called %.20q.", id), Next: "See: feeds list"}
	}
	return b, nil
}

func bearingArg() []chat.Arg { return []chat.Arg{{Name: "id", Help: "as feeds list shows it"}} }

// feedsShow shows one proposal, with the revision that it would put in force.
type feedsShow struct{ parts Parts }

func (feedsShow) Spec() chat.Spec {
	return chat.Spec{
		Path: "feeds show", Summary: "Show what a source said, and the revision of the playbook that is proposed because of it",
		Args:     bearingArg(),
		Examples: []chat.Example{{Line: "feeds show F1", Does: "shows the lines, the diff, and attaches the proposed revision"}},
		Role:     state.RoleViewer, Global: true,
	}
}

func (c feedsShow) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	b, err := bearingOf(ctx, c.parts.Store, call)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(bearingParts(b)...)
	if b.Playbook != "" {
		m.Add(chat.Attachment{Mark: asTLP(min(b.TLP, state.TLPAmberStrict)), Name: b.ID + "-revision.yaml", Data: []byte(b.Playbook)})
	}
	return m, nil
}

// feedsReject says that what a source said changes nothing.
type feedsReject struct{ parts Parts }

func (feedsReject) Spec() chat.Spec {
	return chat.Spec{
		Path: "feeds reject", Summary: "Decide that what a source said changes nothing; it is proposed again only when its document says something else",
		Args:     bearingArg(),
		Examples: []chat.Example{{Line: "feeds reject F1", Does: "takes it from the list"}},
		Role:     state.RoleLead, Global: true,
	}
}

func (c feedsReject) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	b, err := bearingOf(ctx, c.parts.Store, call)
	if err != nil {
		return chat.Message{}, err
	}
	return decideBearing(ctx, c.parts, call, b, state.ReportRejected)
}

func decideBearing(ctx context.Context, p Parts, call chat.Call, b state.Bearing, decided string) (chat.Message, error) {
	_, err := p.Store.UpdateDesk(ctx, call.Work(decided, p.Now()), b.Incident, state.DeskNeed{Bearings: []string{b.ID}}, func(tx *state.Tx) error {
		_, err := tx.DecideBearing(b.ID, decided)
		return err
	})
	return chat.Say(chat.P(chat.C(b.ID), " was "+decided+".")), err
}

// feedsAccept puts a proposed revision in force, and drafts the next versions of the
// advisories of the incident.
type feedsAccept struct{ parts Parts }

func (feedsAccept) Spec() chat.Spec {
	return chat.Spec{
		Path: "feeds accept", Summary: "Accept what a source said: a proposed revision is put in force and every server assessed anew, advisories get a draft of a new version",
		Args:     bearingArg(),
		Flags:    []chat.Arg{{Name: "apply", Help: "put the proposed revision in force: the hash that was shown with what it would change", Type: chat.Word}},
		Examples: []chat.Example{{Line: "feeds accept F1", Does: "accepts it when no revision is proposed; otherwise shows what the revision would change, and how to put exactly that in force"}},
		Role:     state.RoleLead, Global: true,
	}
}

// TimeLimit is that of putting a revision in force.
func (c feedsAccept) TimeLimit() time.Duration { return playbookRevise{}.TimeLimit() }

func (c feedsAccept) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	b, err := bearingOf(ctx, c.parts.Store, call)
	if err != nil {
		return chat.Message{}, err
	}
	if b.Decided != "" && b.Decided != state.ReportAccepted {
		return decideBearing(ctx, c.parts, call, b, state.ReportAccepted)
	}
	m, done := chat.Message{}, true
	if b.Playbook != "" && len(b.Moved) == 0 {
		return m, &state.Refusal{Why: b.ID + " was proposed by an older allclear, and does not say which lines it moves.", Next: "Hand in the file of feeds show " + b.ID + " with: playbook revise. Then: feeds reject " + b.ID}
	}
	if len(b.Moved) > 0 {
		m, done, err = c.revise(ctx, call, b)
	}
	if err != nil || !done {
		return m, err
	}
	drafts, err := c.drafts(ctx, call, b)
	if err != nil {
		return m, err
	}
	said, err := decideBearing(ctx, c.parts, call, b, state.ReportAccepted)
	if err != nil {
		return m, err
	}
	m.Parts = append(append(said.Parts, drafts...), m.Parts...)
	return m, nil
}

// revise puts the proposed revision in force for somebody who was shown exactly that one,
// as if it had been handed in with the hash of what it changes. When another revision is
// in force by now, the proposal is put on top of that one, to be looked at again; done
// tells that nothing is left to be moved.
func (c feedsAccept) revise(ctx context.Context, call chat.Call, b state.Bearing) (m chat.Message, done bool, err error) {
	inc, err := c.parts.Store.Incident(ctx, b.Incident)
	if err != nil {
		return m, false, err
	}
	pb := inForce(c.parts.Load, inc.Rules)
	base, text, diff, err := onTop(pb, b.Moved)
	switch {
	case err != nil:
		return m, false, &state.Refusal{
			Why:  fmt.Sprintf("%s cannot be put on top of revision %d of %s, which is in force: %s.", b.ID, inc.Rules.Revision, inc.Rules.Playbook, checks.Clean(err.Error(), 200)),
			Next: "Nothing was accepted. Write the revision by hand: playbook revise",
		}
	case text == "": // this request has done so before it was cut off, or somebody else
		return chat.Say(chat.P(fmt.Sprintf("Revision %d of %s is in force, with these fix lines.", inc.Rules.Revision, inc.Rules.Playbook))), true, nil
	case base != b.Base || text != b.Playbook:
		m, err = c.rebase(ctx, call, b, base, text, diff)
		return m, false, err
	case call.Values.String("apply") != b.Hash():
		return unaccepted(b, fmt.Sprintf("This is what %s would change in revision %d, which is in force; accept exactly that if it is right.", b.ID, base)), false, nil
	}
	file := chat.File{Name: b.ID + ".yaml", Data: []byte(text)}
	next, err := playbook.ParseOn(playbook.OfRules(inc.Rules), file.Data, file.Name)
	if err != nil {
		return m, false, playbookProblem(err)
	}
	call.Incident = b.Incident
	call.Values = chat.NewValues(map[string]string{"apply": revisionHash(inc.Rules, next.Rules())}, file)
	m, err = playbookRevise{c.parts.Store, c.parts.Load, c.parts.Now}.Run(ctx, call)
	return m, err == nil, err
}

// rebase shows what a proposal would change by now; nothing is accepted.
func (c feedsAccept) rebase(ctx context.Context, call chat.Call, b state.Bearing, base int, text string, diff []string) (chat.Message, error) {
	_, err := c.parts.Store.UpdateDesk(ctx, call.Work(fmt.Sprintf("rebase %d", base), c.parts.Now()), b.Incident, state.DeskNeed{Bearings: []string{b.ID}}, func(tx *state.Tx) error {
		_, err := tx.Rebase(b.ID, base, text, diff)
		return err
	})
	if err != nil {
		return chat.Message{}, err
	}
	b.Base, b.Playbook, b.Diff = base, text, diff
	return unaccepted(b, fmt.Sprintf("Revision %d was put in force since %s was proposed. This is what it would change now; accept it again if that is right.", base, b.ID)), nil
}

// unaccepted shows a proposal with the button that accepts exactly what is shown.
func unaccepted(b state.Bearing, why string) chat.Message {
	m := chat.Say(chat.P(chat.B("Nothing was accepted yet. "), why))
	m.Add(bearingParts(b)...)
	return m.With(chat.ToneWarn)
}

// drafts are new versions of the advisories in force, with what is known now.
func (c feedsAccept) drafts(ctx context.Context, call chat.Call, b state.Bearing) ([]chat.Part, error) {
	w := newAuthor(c.parts)
	inc, err := c.parts.Store.Incident(ctx, b.Incident)
	if err != nil {
		return nil, err
	}
	all, err := c.parts.Store.Advisories(ctx)
	if err != nil {
		return nil, err
	}
	list := chat.L()
	for _, a := range all {
		switch {
		case a.Incident != b.Incident || a.Live == nil || a.Withdrawn != nil || a.Live.Playbook == "":
			continue
		case a.Draft != nil:
			list.Items = append(list.Items, chat.T(fmt.Sprintf("Advisory %d has a draft already: ", a.Number), chat.C(fmt.Sprintf("advisory update %d", a.Number)), " puts into it what the playbook says now."))
			continue
		}
		t := w.refreshed(inc, *a.Live)
		t.Changed = changedBy(*a.Live, t, b)
		_, err := c.parts.Store.UpdateDesk(ctx, call.Work(fmt.Sprintf("draft %d", a.Number), c.parts.Now()), a.Incident, state.DeskNeed{Advisories: []int{a.Number}}, func(tx *state.Tx) error {
			_, err := tx.SaveDraft(a.Number, t, nil, nil)
			return err
		})
		var no *state.Refusal
		if err != nil && !errors.As(err, &no) {
			return nil, err
		}
		if no != nil {
			list.Items = append(list.Items, chat.T(fmt.Sprintf("Advisory %d got no draft: ", a.Number), chat.C(no.Error())))
			continue
		}
		list.Items = append(list.Items, chat.T(fmt.Sprintf("Advisory %d has the draft of a new version: ", a.Number), chat.C(fmt.Sprintf("advisory preview %d", a.Number))))
	}
	if len(list.Items) == 0 {
		return nil, nil
	}
	return []chat.Part{list}, nil
}

// changedBy is the line about what changed: what is different in the text, or, when
// nothing is, what the source said. That is marked as the source is: what may not go
// as far as the advisory is only said to be there.
func changedBy(was, is state.AdvisoryText, b state.Bearing) string {
	is.Version = was.Version
	if is.Changed = was.Changed; is.Hash() != was.Hash() {
		return is.WhatChanged(was)
	}
	if b.TLP < was.TLP {
		return "a source says more; see the sources"
	}
	line := b.Lines[0]
	if n := len(b.Lines) - 1; n > 0 {
		line = fmt.Sprintf("%s; and %d more", checks.Clean(line, state.MaxChanged-20), n)
	}
	return checks.Clean(line, state.MaxChanged)
}

// bearing is what a source says that bears on an incident, as it is decided now.
func (v *Voice) bearing(ctx context.Context, n state.Notice) (chat.Message, error) {
	id := n.Facts["bearing"]
	d, err := v.desk.Desk(ctx, state.DeskNeed{Bearings: []string{id}})
	if err != nil {
		return chat.Message{}, err
	}
	b, ok := d.Bearings[id]
	if !ok {
		return chat.Message{}, nil
	}
	return chat.Say(bearingParts(b)...), nil
}

// bearingParts show what a source says, and what is proposed because of it.
func bearingParts(b state.Bearing) []chat.Part {
	list := chat.List{Mark: asTLP(min(b.TLP, state.TLPAmberStrict))}
	for _, l := range b.Lines {
		list.Items = append(list.Items, chat.T(chat.C(l)))
	}
	parts := []chat.Part{chat.H(chat.C(b.ID), " · ", chat.C(b.Source), " says of ", chat.C(b.Incident), ":"), list}
	if len(b.Diff) > 0 {
		diff := chat.L()
		for _, l := range b.Diff {
			diff.Items = append(diff.Items, chat.T(chat.C(l)))
		}
		parts = append(parts, chat.P("A revision of the playbook is proposed; every server would be assessed anew:"), diff)
	}
	if b.Decided != "" {
		return append(parts, chat.P("Was "+b.Decided+" by ", chat.C(string(b.By)), "."))
	}
	line := []string{"feeds", "accept", b.ID}
	if hash := b.Hash(); hash != "" {
		line = append(line, "--apply", hash)
	}
	accept := chat.Button{Label: "Accept " + b.ID, Line: typed(line...)}
	accept.Confirm = "Accept " + b.ID + "? The advisories of " + b.Incident + " get a draft of a new version."
	if b.Playbook != "" {
		accept.Confirm += " The proposed revision is put in force: every server is assessed anew, and what is not fixed by it re-opens."
	}
	return append(parts, chat.Row(
		chat.Button{Label: "Show", Line: typed("feeds", "show", b.ID)}, accept,
		chat.Button{Label: "Reject " + b.ID, Line: typed("feeds", "reject", b.ID)},
	))
}
