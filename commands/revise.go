package commands

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
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
		Args:     []chat.Arg{{Name: "playbook", Help: "its name, NAME@REVISION, or a file handed in", Type: chat.Upload}},
		Flags:    []chat.Arg{{Name: "apply", Help: "put it in force (lead): the hash that was shown with what would change", Type: chat.Word}},
		Examples: []chat.Example{{Line: "playbook revise toolshell", Does: "shows which servers the newest revision would re-open, and how to put exactly that in force"}},
		Role:     state.RoleResponder,
	}
}

// TimeLimit gives room to assess a large fleet twice.
func (playbookRevise) TimeLimit() time.Duration { return time.Hour }

func (c playbookRevise) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	pb, err := c.playbook(call, inc)
	if err != nil {
		return chat.Message{}, err
	}
	if call.Values.Has("apply") {
		if call.Request.Actor.Role < state.RoleLead {
			return chat.Message{}, &state.Refusal{Why: "Only a lead puts a revision in force.", Next: "Without --apply it shows what would change."}
		}
		return c.apply(ctx, call, inc, pb)
	}
	return c.preview(ctx, call, inc, pb)
}

// playbook takes the file that was handed in, which may tell its differences to the
// revision in force, or the one with that name. A path of this machine is for leads: its
// content shows in what is said about it.
func (c playbookRevise) playbook(call chat.Call, inc state.Incident) (playbook.Playbook, error) {
	files, name := call.Values.Files(), call.Values.String("playbook")
	switch {
	case len(files) > 1, len(files) == 1 && name != "":
		return playbook.Playbook{}, &chat.Problem{What: "One playbook at a time: a name, or one file.", Try: "Nothing was changed."}
	case len(files) == 1:
		pb, err := playbook.ParseOn(playbook.OfRules(inc.Rules), files[0].Data, cmp.Or(files[0].Name, "playbook"))
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

// revisionHash is of exactly these rules, in place of those in force.
func revisionHash(old, r state.Rules) string {
	raw, err := json.Marshal(r)
	if err != nil {
		raw = nil // no hash that anybody could have been shown
	}
	return digestOf([]string{old.Playbook, fmt.Sprint(old.Revision), string(raw)})
}

// preview assesses every farm by the old rules and by the new ones.
func (c playbookRevise) preview(ctx context.Context, call chat.Call, inc state.Incident, pb playbook.Playbook) (chat.Message, error) {
	r := pb.Rules()
	if err := newer(inc, r); err != nil {
		return chat.Message{}, err
	}
	changes, servers, err := c.compare(ctx, inc, r)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.H(fmt.Sprintf("%s revision %d instead of %d: ", r.Title, r.Revision, inc.Rules.Revision), chat.B(fmt.Sprintf("%d of %d servers would change", len(changes), servers))))
	if len(changes) > 0 {
		m.Add(chat.P(effectsLine(countEffects(changes)) + "."))
	}
	if lines := c.moved(inc.Rules, pb); len(lines) > 0 {
		m.Add(chat.P(chat.B("What moved:")), linesPart(lines))
	}
	m.Add(revisedParts(changes)...)
	if inc.Clear != nil {
		m.Add(chat.P(chat.B("The declaration " + inc.Clear.Words() + " would be revoked.")))
	}
	if len(changes) > 0 {
		file, err := changesCSV(fmt.Sprintf("%s-revision-%d.csv", inc.ID, r.Revision), changes, nil)
		if err != nil {
			return chat.Message{}, fmt.Errorf("write the changes: %w", err)
		}
		m.Add(file)
	}
	hash := revisionHash(inc.Rules, r)
	m.Add(chat.N("Nothing was changed. A lead puts exactly this in force with ", chat.C("--apply "+hash), "."))
	if len(call.Values.Files()) == 0 {
		b := press("Put it in force", inc.ID, "playbook revise", call.Values.String("playbook"), "--apply", hash)
		b.Danger, b.Confirm = true, fmt.Sprintf("Put revision %d of %s in force for %s? %s would change.", r.Revision, r.Playbook, inc.ID, plural(len(changes), "server"))
		m.Add(chat.Row(b))
	}
	return m.With(chat.ToneWarn), nil
}

// compare assesses every farm by the rules in force and by others, and tells which
// servers differ, worst first.
func (c playbookRevise) compare(ctx context.Context, inc state.Incident, r state.Rules) (changes []state.Transition, servers int, err error) {
	now := c.now()
	err = eachFarm(ctx, c.store, inc.ID, func(f state.FarmState) error {
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
	return sortTransitions(changes), servers, err
}

// moved tells what differs between the revisions, a line each.
func (c playbookRevise) moved(old state.Rules, pb playbook.Playbook) []string {
	return playbook.Diff(inForce(c.load, old), pb)
}

// revisedParts are the changes, bounded, with whom they concern.
func revisedParts(changes []state.Transition) []chat.Part {
	if len(changes) == 0 {
		return []chat.Part{chat.P("No server changes its status.")}
	}
	return []chat.Part{chat.L(newsOf(sortTransitions(changes)).lines()...), chat.P(concernsLine(changes))}
}

// apply switches the rules in one step, and assesses every farm by them after it.
// If it is cut off, whoever sweeps next goes on.
func (c playbookRevise) apply(ctx context.Context, call chat.Call, inc state.Incident, pb playbook.Playbook) (chat.Message, error) {
	r, now, old := pb.Rules(), c.now(), inc.Rules
	revoked, given := inc.Clear, call.Values.String("apply")
	moved := c.moved(old, pb)
	after, err := c.store.AuditSeq(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	_, err = c.store.Update(ctx, call.Work("revise", now), inc.ID, nil, func(tx *state.Tx) error {
		if err := newer(tx.Incident, r); err != nil {
			return err
		}
		if given != revisionHash(tx.Incident.Rules, r) {
			return &state.Refusal{
				Why:  fmt.Sprintf("%.20q is not the hash of revision %d of %s in place of revision %d.", given, r.Revision, r.Playbook, tx.Incident.Rules.Revision),
				Next: "Look what would change, without --apply: the answer has the hash.",
			}
		}
		return tx.ReviseFor(r, moved[:min(len(moved), 10)], after)
	})
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
	if old.Revision < r.Revision && len(moved) > 0 {
		m.Add(chat.P(chat.B("What moved:")), linesPart(moved))
	}
	m.Add(chat.P(fmt.Sprintf("%s assessed anew.", plural(done.Farms, "farm"))))
	if n := len(done.failed); n > 0 {
		m.Add(chat.P(chat.B(plural(n, "farm")+" could not be assessed anew: "), chat.C(fewOf(done.failed, maxShown)), ". Until that is done nothing can be declared clear."))
	}
	if len(done.Changes) > 0 {
		m.Add(chat.P(effectsLine(countEffects(done.Changes)) + "."))
	}
	m.Add(revisedParts(done.Changes)...)
	if revoked != nil {
		m.Add(chat.P(chat.B("The declaration " + revoked.Words() + " is revoked.")))
	}
	m.Add(chat.P("Now: ", countsLine(counts), ". Each owner is told in one message what changed, and why."),
		chat.Row(press("Exposed", inc.ID, "server list", "--status", "exposed"), press("Scan", inc.ID, "scan")))
	tone := chat.ToneNeutral
	if n := newsOf(done.Changes); len(n.reopened)+len(n.regressed)+len(n.exposed)+len(done.failed) > 0 {
		tone = chat.ToneBad
	}
	return m.With(tone), nil
}
