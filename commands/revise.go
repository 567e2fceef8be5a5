package commands

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// playbookRevise puts a newer revision of the playbook in force, or shows what
// that would do.
type playbookRevise struct {
	store clearStore
	load  loader
	now   func() time.Time
}

func (playbookRevise) Spec() chat.Spec {
	return chat.Spec{
		Path: "playbook revise", Summary: "Show what a newer revision of the playbook would re-open; with --apply, put it in force",
		Args:  []chat.Arg{{Name: "playbook", Help: "its name, NAME@REVISION, or a file handed in", Type: chat.Upload}},
		Flags: []chat.Arg{{Name: "apply", Help: "put it in force (lead)", Type: chat.Switch}},
		Examples: []chat.Example{
			{Line: "playbook revise toolshell", Does: "shows which servers the newest revision would re-open"},
			{Line: "playbook revise toolshell --apply", Does: "puts it in force, and re-opens what was confirmed against the old fix lines"},
		},
		Role: state.RoleResponder,
	}
}

// TimeLimit gives room to assess a large fleet twice.
func (playbookRevise) TimeLimit() time.Duration { return time.Hour }

func (c playbookRevise) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	pb, err := c.playbook(call)
	if err != nil {
		return chat.Message{}, err
	}
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	if call.Values.Bool("apply") {
		if call.Request.Actor.Role < state.RoleLead {
			return chat.Message{}, &state.Refusal{Why: "Only a lead puts a revision in force.", Next: "Without --apply it shows what would change."}
		}
		return c.apply(ctx, call, inc, pb)
	}
	return c.preview(ctx, call, inc, pb)
}

// playbook takes the file that was handed in, or the one with that name. A path
// of this machine is for leads: its content shows in what is said about it.
func (c playbookRevise) playbook(call chat.Call) (playbook.Playbook, error) {
	files, name := call.Values.Files(), call.Values.String("playbook")
	switch {
	case len(files) > 1, len(files) == 1 && name != "":
		return playbook.Playbook{}, &chat.Problem{What: "One playbook at a time: a name, or one file.", Try: "Nothing was changed."}
	case len(files) == 1:
		pb, err := playbook.Parse(files[0].Data, cmp.Or(files[0].Name, "playbook"))
		return pb, playbookProblem(err)
	case strings.ContainsAny(name, `/\`) && call.Request.Actor.Role < state.RoleLead:
		return playbook.Playbook{}, &state.Refusal{Why: "Only a lead names a file of the machine that allclear runs on.", Next: "Hand the file in with the request."}
	}
	pb, err := c.load(name)
	return pb, playbookProblem(err)
}

// newer refuses what Revise would refuse.
func newer(inc state.Incident, r state.Rules) error {
	old := inc.Rules
	switch {
	case !inc.Closed.IsZero():
		return &state.Refusal{Why: fmt.Sprintf("Incident %s is closed.", inc.ID)}
	case r.Playbook != old.Playbook:
		return &state.Refusal{Why: fmt.Sprintf("%s works with the playbook %s; %s is another campaign.", inc.ID, old.Playbook, r.Playbook), Next: "Open an incident for it."}
	case r.Revision <= old.Revision:
		return &state.Refusal{Why: fmt.Sprintf("Revision %d of %s is in force; revision %d is not newer.", old.Revision, old.Playbook, r.Revision)}
	}
	return nil
}

// preview assesses every farm by the old rules and by the new ones.
func (c playbookRevise) preview(ctx context.Context, call chat.Call, inc state.Incident, pb playbook.Playbook) (chat.Message, error) {
	r, now := pb.Rules(), c.now()
	if err := newer(inc, r); err != nil {
		return chat.Message{}, err
	}
	var changes []state.Transition
	servers := 0
	err := eachFarm(ctx, c.store, inc.ID, func(f state.FarmState) error {
		before, after := f.Assess(inc.Rules, now), f.Assess(r, now)
		for i, s := range f.Farm.Servers {
			servers++
			b, a := before.Servers[i], after.Servers[i]
			if b.Status != a.Status {
				changes = append(changes, state.Transition{Server: s.Name, Owner: s.Owner, Group: s.Group, From: b.Status, To: a.Status, Why: a.Reason})
			}
		}
		return nil
	})
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.H(fmt.Sprintf("%s revision %d instead of %d: ", r.Title, r.Revision, inc.Rules.Revision), chat.B(fmt.Sprintf("%d of %d servers would change", len(changes), servers))))
	m.Add(c.moved(inc.Rules, pb)...)
	m.Add(revisedParts(changes)...)
	if inc.Clear != nil {
		m.Add(chat.P(chat.B("The declaration " + inc.Clear.Words() + " would be revoked.")))
	}
	m.Add(chat.N("Nothing was changed."))
	if len(call.Values.Files()) == 0 {
		b := press("Put it in force", inc.ID, "playbook revise", call.Values.String("playbook"), "--apply")
		b.Danger, b.Confirm = true, fmt.Sprintf("Put revision %d of %s in force for %s? %s would re-open.", r.Revision, r.Playbook, inc.ID, plural(len(newsOf(changes).reopened), "server"))
		m.Add(chat.Row(b))
	}
	return m.With(chat.ToneWarn), nil
}

// moved tells what differs between the revisions.
func (c playbookRevise) moved(old state.Rules, pb playbook.Playbook) []chat.Part {
	from, err := c.load(fmt.Sprintf("%s@%d", old.Playbook, old.Revision))
	lines := playbook.Diff(from, pb)
	if err != nil { // it came from a file: what the incident remembers of it is its rules
		lines = differing(fixLines(old), fixLines(pb.Rules()))
	}
	if len(lines) == 0 {
		return nil
	}
	return []chat.Part{chat.P(chat.B("What moved:")), linesPart(lines)}
}

func differing(from, to []string) []string {
	var out []string
	for _, l := range to {
		if !slices.Contains(from, l) {
			out = append(out, l)
		}
	}
	return out
}

// revisedParts are the changes, bounded, with whom they concern.
func revisedParts(changes []state.Transition) []chat.Part {
	if len(changes) == 0 {
		return []chat.Part{chat.P("No server changes its status.")}
	}
	list := chat.L(newsOf(sortTransitions(changes)).lines()...)
	owners := map[string]int{}
	for _, t := range changes {
		owners[cmp.Or(t.Owner, "nobody")]++
	}
	names := make([]string, 0, len(owners))
	for o := range owners {
		names = append(names, o)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(owners[b], owners[a]), cmp.Compare(a, b)) })
	concerns := chat.T(chat.B("Concerns: "))
	for i, o := range names[:min(len(names), 8)] {
		if i > 0 {
			concerns = append(concerns, chat.T(", ")...)
		}
		concerns = append(concerns, chat.T(chat.C(o), fmt.Sprintf(" %d", owners[o]))...)
	}
	if more := len(names) - 8; more > 0 {
		concerns = append(concerns, chat.T(fmt.Sprintf(" and %s more", plural(more, "owner")))...)
	}
	return []chat.Part{list, chat.P(concerns)}
}

// apply switches the rules in one step, and assesses every farm by them after it.
// If it is cut off, whoever sweeps next goes on.
func (c playbookRevise) apply(ctx context.Context, call chat.Call, inc state.Incident, pb playbook.Playbook) (chat.Message, error) {
	r, now, old := pb.Rules(), c.now(), inc.Rules
	revoked := inc.Clear
	_, err := c.store.Update(ctx, call.Work("revise", now), inc.ID, nil, func(tx *state.Tx) error { return tx.Revise(r) })
	if err != nil {
		return chat.Message{}, err
	}
	done, err := sweep(ctx, c.store, inc.ID, now, func(step string) state.Work { return call.Work(step, now) })
	if err != nil && len(done.failed) == 0 {
		return chat.Message{}, err
	}
	counts, err := c.store.Counts(ctx, inc.ID, state.Filter{})
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.H(fmt.Sprintf("%s revision %d is in force", r.Title, r.Revision)))
	if old.Revision < r.Revision {
		m.Add(c.moved(old, pb)...)
	}
	m.Add(chat.P(fmt.Sprintf("%s assessed anew.", plural(done.Farms, "farm"))))
	if n := len(done.failed); n > 0 {
		m.Add(chat.P(chat.B(plural(n, "farm")+" could not be assessed anew: "), chat.C(fewOf(done.failed, maxShown)), ". Until that is done nothing can be declared clear."))
	}
	m.Add(revisedParts(done.Changes)...)
	if revoked != nil {
		m.Add(chat.P(chat.B("The declaration " + revoked.Words() + " is revoked.")))
	}
	m.Add(chat.P("Now: ", countsLine(counts), ". Owners of what re-opened are told why."),
		chat.Row(press("Exposed", inc.ID, "server list", "--status", "exposed"), press("Scan", inc.ID, "scan")))
	tone := chat.ToneNeutral
	if n := newsOf(done.Changes); len(n.reopened)+len(n.regressed)+len(n.exposed)+len(done.failed) > 0 {
		tone = chat.ToneBad
	}
	return m.With(tone), nil
}
