package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// verify looks at one server now: what "I patched" is answered with.
type verify struct {
	looker
	people state.People
}

func (verify) Spec() chat.Spec {
	return chat.Spec{
		Path: "verify", Summary: "I patched, verify now: look at one server, and say what is still missing",
		Args:     []chat.Arg{{Name: "server", Help: "its name or the beginning of it", Type: chat.Server}},
		Examples: []chat.Example{{Line: "verify sp-fin-01", Does: "looks at sp-fin-01 now, and compares with what was known"}},
		Role:     state.RoleResponder,
	}
}

// TimeLimit leaves time for a server that answers slowly.
func (verify) TimeLimit() time.Duration { return 5 * time.Minute }

func (v verify) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	inc, err := v.open(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	name, err := serverName(ctx, v.store, inc.ID, call.Values.String("server"), func(n string) string { return press("", inc.ID, "verify", n).Line })
	if err != nil {
		return chat.Message{}, err
	}
	before, err := readCard(ctx, v.store, inc.ID, name, v.now())
	if err != nil {
		return chat.Message{}, err
	}
	if before.server.Retired != nil {
		return chat.Message{}, &state.Refusal{Why: name + " is retired.", Next: "It is not asked any more."}
	}
	res, err := v.once(ctx, call, inc, name)
	if err != nil {
		return chat.Message{}, err
	}
	after, err := readCard(ctx, v.store, inc.ID, name, v.now())
	if err != nil {
		return chat.Message{}, err
	}
	return verified(before, after, res), nil
}

// maxWhy is how long the reason of the one verdict that was asked for may be.
const maxWhy = 600

// once looks at one server and records what it found.
func (v verify) once(ctx context.Context, call chat.Call, inc state.Incident, name string) (checks.Result, error) {
	var res checks.Result
	plan, err := v.plan(inc.Rules)
	if err != nil {
		return res, err
	}
	targets, err := v.targets(ctx, inc.ID, func(s state.Server) bool { return s.Name == name })
	if err != nil {
		return res, err
	}
	if len(targets) != 1 {
		return res, fmt.Errorf("server %q: %w", name, state.ErrNotFound)
	}
	id := "v" + digestOf([]string{call.Request.ID})[:6]
	_, err = v.jobs.Run(ctx, id, plan, targets, func(r checks.Result) { res = r })
	if err = errors.Join(err, ctx.Err()); err != nil {
		return res, fmt.Errorf("look at %q: %w", name, err)
	}
	if res.Server == "" {
		return res, fmt.Errorf("look at %q: it was cut off before an answer came", name)
	}
	r := newRecorder(v.store, call, v.now, inc.Rules)
	if err = r.add(ctx, targets[0].Server.Farm, res); err == nil {
		err = r.flush(ctx)
	}
	if err == nil && r.lost > 0 {
		no := &state.Refusal{Why: "What it answered could not be recorded: " + r.lostWhy + "."}
		if len(r.lostSigns) > 0 {
			no.Why = name + " has a sign of an attacker. " + no.Why
		}
		err = no
	}
	return res, err
}

// verified tells what was found, what that changed, and what is missing.
func verified(before, after serverCard, res checks.Result) chat.Message {
	a := after.a
	m := chat.Say(chat.H(drillMark(after.inc)+mark(a.Status)+" ", chat.C(a.Name), ": ", chat.B(foundWords(res, a))))
	if why := res.Judgement.Reason; why != "" {
		m.Add(chat.P(chat.C(checks.Clean(why, maxWhy))))
	}
	for _, s := range []string{res.Contradiction, res.Doubt, res.Judgement.Settle} {
		if s != "" && !strings.Contains(res.Judgement.Reason, s) {
			m.Add(chat.N(clip(s)))
		}
	}
	if res.Scope == state.ScopeFarm {
		m.Add(chat.N("What answers may be another server of the farm, so this is about the farm and not about this server."))
	}
	m.Add(chat.P(changed(before, after)...))
	for _, s := range a.Signs {
		m.Add(chat.P(chat.B("Sign of an attacker: "), clip(s)))
	}
	for _, s := range a.Contradictions {
		m.Add(chat.P(chat.B("Contradiction: "), clip(s)))
	}
	m.Add(setAside(a)...)
	missing := a.Missing()
	if len(missing) > 0 {
		m.Add(chat.P(chat.B(fmt.Sprintf("Still missing, %d of %d steps:", len(missing), len(a.Steps)))), after.steps(missing))
	}
	if a.Next != "" {
		m.Add(chat.P(chat.B("Next: "), clip(a.Next)))
	}
	if row := after.buttons(); len(row) > 0 {
		m.Add(chat.Row(row...))
	}
	return m.With(toneOf(a.Status))
}

// foundWords is what a look came to, in words that promise nothing.
func foundWords(res checks.Result, a state.ServerAssessment) string {
	switch {
	case res.Compromised != nil && *res.Compromised:
		return "it has a sign of an attacker"
	case res.URL == "":
		return "it has no URL, so it cannot be asked"
	case !res.Reached:
		return "no answer, which proves nothing"
	case res.Judgement.Verdict == state.VerdictVulnerable && len(a.Stale) > 0 && a.Verdict != state.VerdictVulnerable:
		return "it says still that it is vulnerable, which two persons attested as stale"
	case res.Judgement.Verdict == state.VerdictVulnerable:
		return "vulnerable still"
	case res.Judgement.Verdict == state.VerdictFixed:
		return "it says it is fixed; that proves no step"
	}
	return "it answered, and it cannot be told from outside"
}

// changed compares the status before and after.
func changed(before, after serverCard) []any {
	if before.a.Status == after.a.Status {
		return []any{"Status: " + after.a.Status.String() + ", as before."}
	}
	return []any{"Status: " + before.a.Status.String() + " → ", chat.B(after.a.Status.String()), "."}
}
