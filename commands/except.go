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

// except asks a second person to accept the risk of a server for a while.
type except struct {
	store interface {
		Changer
		Reader
	}
	people state.People
	now    func() time.Time
}

func (except) Spec() chat.Spec {
	return chat.Spec{
		Path: "except", Summary: "Accept the risk of a server, or of one step of it, for a while; a second person approves",
		Args: []chat.Arg{{Name: "server", Help: "its name or the beginning of it", Type: chat.Server}},
		Flags: []chat.Arg{
			{Name: "until", Help: "when it ends (UTC); this or --for is needed", Type: chat.Time},
			{Name: "for", Help: "how long, like 72h or 14d", Type: chat.Duration},
			{Name: "reason", Help: "why", Needed: true},
			{Name: "second", Help: "who is asked to approve it; without it whoever may", Type: chat.Person},
			{Name: "step", Help: "only these steps, like amsi,hunt; without it all that are missing", Type: chat.Step},
		},
		Examples: []chat.Example{{
			Line: `except sp-fin-01 --for 72h --reason "the ledger closes on Friday" --step amsi`,
			Does: "asks a second person to accept that AMSI is missing on sp-fin-01 for three days",
		}},
		Role: state.RoleResponder,
	}
}

func (c except) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	name, err := serverName(ctx, c.store, call.Incident, call.Values.String("server"), nil)
	if err != nil {
		return chat.Message{}, err
	}
	x, err := c.exception(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	second, err := secondPerson(c.people, state.ProposeExcept, call)
	if err != nil {
		return chat.Message{}, err
	}
	farm, err := farmOf(ctx, c.store, call.Incident, name)
	if err != nil {
		return chat.Message{}, err
	}
	p := state.Proposal{ID: proposalID("x", name, call.Request.ID), Kind: state.ProposeExcept, Server: name, Reason: x.Reason, Exception: &x}
	_, err = c.store.Update(ctx, call.Work("except", c.now()), call.Incident, []string{farm}, func(tx *state.Tx) error {
		return tx.Propose(p)
	})
	if err != nil {
		return chat.Message{}, err
	}
	what := chat.T("all that is missing")
	if len(x.Steps) > 0 {
		what = chat.T(chat.C(strings.Join(x.Steps, ", ")))
	}
	whom := chat.T("a second person")
	if second != "" {
		whom = chat.T(chat.C(string(second)))
	}
	m := chat.Say(
		chat.P("Asked ", whom, " to accept the risk of ", chat.C(name), " (", what, ") until ", fullTime(x.Expires), ": ", chat.C(p.ID), "."),
		chat.P(whoMay(c.people, state.ProposeExcept, call.Request.Actor.Person)),
		chat.Row(press("Approve", call.Incident, "approve", p.ID)),
		chat.N("It ends by itself. It proves nothing, and accepts no compromise."),
	)
	if second != "" {
		m.Notify = []string{"owner:" + string(second)}
	}
	return m, nil
}

// secondPerson is who is asked to approve, by --second; "" when nobody is named.
func secondPerson(people state.People, k state.ProposalKind, call chat.Call) (state.PersonID, error) {
	name := call.Values.String("second")
	if name == "" {
		return "", nil
	}
	may := mayApprove(people, k, call.Request.Actor.Person)
	if slices.Contains(may, name) {
		return state.PersonID(name), nil
	}
	p := &chat.Problem{What: fmt.Sprintf("%.60q may not be the second person.", name), Try: whoMay(people, k, call.Request.Actor.Person)}
	if near := chat.Nearest(name, may); near != "" {
		p.Try = "Did you mean: " + near
	}
	return "", p
}

func (c except) exception(ctx context.Context, call chat.Call) (state.Exception, error) {
	v := call.Values
	x := state.Exception{Reason: v.String("reason"), Expires: v.Time("until")}
	if v.Has("for") {
		from := call.Request.At
		if from.IsZero() {
			from = c.now()
		}
		x.Expires = from.Add(v.Duration("for", 0))
	}
	switch {
	case v.Has("for") == v.Has("until"):
		return x, &chat.Problem{What: "An exception ends: say when.", Try: "Add one of --until and --for."}
	case strings.TrimSpace(x.Reason) == "":
		return x, &chat.Problem{What: "An exception needs a reason.", Try: "Add --reason."}
	case !x.Expires.After(c.now()):
		return x, &chat.Problem{What: "An exception must end in the future.", Try: "Times are UTC."}
	case !v.Has("step"):
		return x, nil
	}
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return x, err
	}
	x.Steps, err = stepsOf(inc.Rules, v.String("step"))
	return x, err
}

// stepsOf reads steps of the playbook, with commas between them.
func stepsOf(r state.Rules, list string) ([]string, error) {
	var all, out []string
	for _, s := range r.Steps {
		all = append(all, s.ID)
	}
	for _, id := range linesOf(commaLines(list)) {
		if _, ok := r.Step(id); !ok {
			p := &chat.Problem{What: fmt.Sprintf("The playbook has no step %.40q.", id), Try: "One of: " + strings.Join(all, ", ")}
			if near := chat.Nearest(id, all); near != "" {
				p.Try = "Did you mean: " + near
			}
			return nil, p
		}
		out = append(out, id)
	}
	return out, nil
}
