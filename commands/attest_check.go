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

// proposals makes one proposal of each attestation, if every one may be made.
func (c attest) proposals(ctx context.Context, call chat.Call, r *report) ([]state.Proposal, error) {
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return nil, err
	}
	f, err := c.store.Farm(ctx, call.Incident, r.farm)
	if err != nil {
		return nil, err
	}
	kinds := vouchable(inc.Rules)
	carrier := slices.IndexFunc(f.Farm.Servers, func(s state.Server) bool { return s.Retired == nil })
	switch n := len(r.found); {
	case n == 0:
		return nil, &chat.Problem{What: "The document vouches for nothing."}
	case n > maxAttested:
		return nil, &chat.Problem{What: fmt.Sprintf("%d attestations at once are more than a second person can read.", n), Try: fmt.Sprintf("At most %d.", maxAttested)}
	case carrier < 0:
		return nil, &chat.Problem{What: fmt.Sprintf("Farm %.60q has no server that is not retired.", r.farm)}
	}
	r.against(inc.Rules, f.Farm, kinds, f.Assess(inc.Rules, c.now()).Items)
	if err := r.vouched(); err != nil {
		return nil, err
	}
	var out []state.Proposal
	for i, fd := range r.found {
		e := fd.Evidence
		if why := unvouched(kinds[e.Kind], e, c.now()); why != "" {
			return nil, &chat.Problem{What: why, Try: "Nothing was asked for."}
		}
		e.Reference, e.Detail, e.Tool, e.Digest = call.Values.String("ref"), call.Values.String("reason"), "", ""
		server := e.Subject.Server
		if server == "" {
			server = f.Farm.Servers[carrier].Name
		}
		out = append(out, state.Proposal{
			ID:   proposalID("a", subjectName(r.farm, e.Subject), call.Request.ID, fmt.Sprint(i)),
			Kind: state.ProposeAttest, Server: server, Reason: e.Detail, Evidence: &e,
		})
	}
	return out, nil
}

// vouched is what is wrong with an attestation. Those of a line have no place to point at.
func (r *report) vouched() error {
	if r.data != nil || len(r.problems) == 0 {
		return r.err()
	}
	what := r.problems[0].What
	return &chat.Problem{What: sentence(strings.ToUpper(what[:1]) + what[1:]), Try: "What can be vouched for, and how: help attest"}
}

// unvouched says what an attestation lacks to count for anything.
func unvouched(k kindRule, e state.Evidence, now time.Time) string {
	switch {
	case len(k.words) > 0 && !slices.Contains(k.words, e.Value):
		return fmt.Sprintf("%s cannot be %.40q: one of %s.", e.Kind, e.Value, strings.Join(k.words, ", "))
	case k.dated && e.At.IsZero():
		return fmt.Sprintf("%s is an event: add --at with the time when it happened.", e.Kind)
	case k.covers && e.Value != "hit" && (e.From.IsZero() || e.To.IsZero()):
		return fmt.Sprintf("%s covers a time: add --from and --to.", e.Kind)
	case e.At.After(now), e.To.After(now), e.From.After(now):
		return fmt.Sprintf("%s is said to be in the future. Times are UTC.", e.Kind)
	case e.To.Before(e.From):
		return fmt.Sprintf("%s is said to end before it begins.", e.Kind)
	case e.Kind == state.KindEviction && e.Subject.Scope() == state.ScopeItem:
		return "An eviction is of a server, or of a whole farm."
	}
	return ""
}

func subjectName(farm string, s state.Subject) string {
	if s.Server != "" {
		return s.Server
	}
	return farm
}

// commaLines turns "a, b" into a line each.
func commaLines(value string) string {
	var out []string
	for _, p := range strings.Split(value, ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n")
}

// attested is the answer: what was asked for, and how the second person approves.
func attested(call chat.Call, farm string, ps []state.Proposal, who string) chat.Message {
	list := chat.L()
	var ids []string
	for _, p := range ps {
		list.Items = append(list.Items, append(evidenceLine(farm, *p.Evidence), chat.T(" · ", chat.C(p.ID))...))
		ids = append(ids, p.ID)
	}
	return chat.Say(
		chat.P("Asked a second person to vouch. Until then it counts for nothing."), list,
		chat.P(who),
		chat.Row(press("Approve", call.Incident, "approve", ids...)),
		chat.N("Reference ", chat.C(call.Values.String("ref")), ". It is shown as attested, never as verified; ends in 24 h."),
	)
}

// evidenceLine is one piece of evidence for people.
func evidenceLine(farm string, e state.Evidence) chat.Text {
	t := chat.T(chat.C(subjectName(farm, e.Subject)))
	if e.Subject.Item != "" {
		t = append(t, chat.T(" ", chat.C(e.Subject.Item))...)
	}
	t = append(t, chat.T(": ", chat.C(string(e.Kind)), " ", chat.C(strings.Join(linesOf(e.Value), ", ")))...)
	if !e.At.IsZero() {
		t = append(t, chat.Span{Text: ", done " + e.At.UTC().Format("2 Jan 15:04")})
	}
	if !e.From.IsZero() {
		t = append(t, chat.Span{Text: fmt.Sprintf(", covers %s to %s", e.From.UTC().Format("2 Jan 15:04"), e.To.UTC().Format("2 Jan 15:04"))})
	}
	return t
}
