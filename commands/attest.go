package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// maxAttested is how many attestations one request may ask for.
const maxAttested = 20

// attest asks a second person to vouch for something that no collector can show.
type attest struct {
	store interface {
		Changer
		Reader
	}
	people state.People
	now    func() time.Time
}

// Manual lists what can be vouched for, by the playbook of the incident.
func (c attest) Manual(ctx context.Context, incident string) []chat.Part {
	if incident == "" {
		return []chat.Part{chat.N("What can be vouched for depends on the playbook of the incident: ask again when one is open.")}
	}
	inc, err := c.store.Incident(ctx, incident)
	if err != nil {
		return []chat.Part{chat.N("What can be vouched for depends on the playbook of the incident, which cannot be read now.")}
	}
	kinds := vouchable(inc.Rules)
	list := chat.L()
	for _, name := range kindNames(kinds) {
		list.Items = append(list.Items, kinds[state.Kind(name)].line(state.Kind(name)))
	}
	return []chat.Part{chat.P(chat.B("Kinds"), " by the playbook ", chat.C(inc.Rules.Playbook), fmt.Sprintf(" revision %d:", inc.Rules.Revision)), list}
}

func (attest) Spec() chat.Spec {
	return chat.Spec{
		Path: "attest", Summary: "Vouch for a fact that no collector can show; it counts when a second person approves",
		Args: []chat.Arg{
			{Name: "server", Help: "its name; leave it out with --farm; or JSON as for evidence add", Type: chat.Server, Optional: true},
			{Name: "kind", Help: "what is vouched for, one of those below", Optional: true},
			{Name: "value", Help: "what is true, like rotated", Optional: true},
		},
		Flags: []chat.Arg{
			{Name: "farm", Help: "the farm, for what is about a whole farm or an item", Type: chat.Farm},
			{Name: "item", Help: "the item of the farm, like a web application"},
			{Name: "at", Help: "when it happened (UTC)", Type: chat.Time},
			{Name: "from", Help: "from when a hunt covered (UTC)", Type: chat.Time},
			{Name: "to", Help: "until when a hunt covered (UTC)", Type: chat.Time},
			{Name: "ref", Help: "ticket or change number", Needed: true},
			{Name: "reason", Help: "how you know"},
		},
		Examples: []chat.Example{
			{Line: `attest sp-fin-01 preserved done --at "2025-07-21 18:00" --ref CHG-1042`, Does: "asks a second person to vouch that evidence was preserved"},
			{Line: `attest --farm fin --item https://fin.example/ rotation rotated --at "2025-07-22 12:00" --ref CHG-1043`, Does: "the same for the keys of one web application"},
		},
		Role: state.RoleLead,
	}
}

func (c attest) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	ref := call.Values.String("ref")
	if ref == "" {
		return chat.Message{}, &chat.Problem{What: "An attestation needs a reference.", Try: "Add --ref with a ticket or change number."}
	}
	if len(ref) > state.MaxReason || len(call.Values.String("reason")) > state.MaxReason {
		return chat.Message{}, &chat.Problem{What: "The reference or the reason is too long."}
	}
	r, err := c.subject(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	proposals, err := c.proposals(ctx, call, r)
	if err != nil {
		return chat.Message{}, err
	}
	_, err = c.store.Update(ctx, call.Work("attest", c.now()), call.Incident, []string{r.farm}, func(tx *state.Tx) error {
		for _, p := range proposals {
			if err := tx.Propose(p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return chat.Message{}, err
	}
	return attested(call, r.farm, proposals, whoMay(c.people, state.ProposeAttest, call.Request.Actor.Person)), nil
}

// subject is what the attestation is about, from the words or from a document.
func (c attest) subject(ctx context.Context, call chat.Call) (*report, error) {
	first := call.Values.String("server")
	if len(call.Values.Files()) > 0 || len(first) > 0 && first[0] == '{' {
		data, err := handedIn(call, "server")
		if err != nil {
			return nil, err
		}
		r := readReport(data, c.now())
		if err := farmIn(ctx, c.store, call.Incident, r); err != nil {
			return nil, err
		}
		return r, r.err()
	}
	return c.typed(ctx, call)
}

// typed reads the attestation from the words of the line. With --farm there is no
// server, and the words move up.
func (c attest) typed(ctx context.Context, call chat.Call) (*report, error) {
	v := call.Values
	r := &report{document: &document{}, now: c.now(), observed: c.now()}
	e := state.Evidence{Subject: state.Subject{Item: v.String("item")}, At: v.Time("at"), From: v.Time("from"), To: v.Time("to"), Observed: c.now()}
	server, kind, value := v.String("server"), v.String("kind"), v.String("value")
	var err error
	if v.Has("farm") {
		if value != "" {
			return nil, &chat.Problem{What: "Name a server or a farm, not both.", Try: "Usage: " + c.Spec().Usage()}
		}
		kind, value = server, kind
		r.farm, err = otherName(ctx, c.store, call.Incident, "farm", v.String("farm"), nil)
	} else if server != "" {
		e.Subject.Server, err = serverName(ctx, c.store, call.Incident, server, nil)
		if err == nil {
			r.farm, err = farmOf(ctx, c.store, call.Incident, e.Subject.Server)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case r.farm == "" || kind == "" || value == "":
		return nil, &chat.Problem{What: "An attestation needs a server or --farm, a kind and a value.", Try: "What can be vouched for, and how: help attest"}
	}
	if e.Subject.Item != "" {
		e.Subject.Server = "" // an item belongs to the farm of the server
	}
	e.Kind, e.Value = state.Kind(kind), value
	if e.Kind == state.KindItems {
		e.Value = commaLines(value)
	}
	r.found = []found{{Evidence: e}}
	return r, nil
}
