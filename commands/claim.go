package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// claim notes that somebody says it is done. It proves nothing, and says so.
type claim struct {
	store interface {
		Changer
		Reader
	}
	now func() time.Time
}

func (claim) Spec() chat.Spec {
	return chat.Spec{
		Path: "claim", Summary: "Say that you work on a server, or that a step of it is done; it proves nothing",
		Args: []chat.Arg{
			{Name: "server", Help: "its name or the beginning of it", Type: chat.Server},
			{Name: "step", Help: "a step of the playbook, like patch", Type: chat.Step, Optional: true},
			{Name: "note", Help: "what you want others to know", Optional: true, Rest: true},
		},
		Examples: []chat.Example{{Line: "claim sp-fin-01 patch", Does: "shows the patch of sp-fin-01 as claimed by you"}},
		Role:     state.RoleResponder,
	}
}

func (c claim) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	name, err := serverName(ctx, c.store, call.Incident, call.Values.String("server"), func(n string) string {
		return fmt.Sprintf("claim %s %s", n, call.Values.String("step"))
	})
	if err != nil {
		return chat.Message{}, err
	}
	farm, err := farmOf(ctx, c.store, call.Incident, name)
	if err != nil {
		return chat.Message{}, err
	}
	step := call.Values.String("step")
	var others []state.Claim
	_, err = c.store.Update(ctx, call.Work("claim", c.now()), call.Incident, []string{farm}, func(tx *state.Tx) error {
		f, err := tx.Farm(farm)
		if err != nil {
			return err
		}
		others = claimsOf(f.Farm, name, step, tx.Work.By)
		return tx.Claim(name, step, call.Values.String("note"))
	})
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.P(
		"Noted: ", chat.C(name), " is claimed by ", chat.C(string(call.Request.Actor.Person)), ". A claim proves nothing; when it is done, ask for ", chat.C("verify "+name), ".",
	))
	for _, o := range others {
		m.Add(chat.P("It was claimed by ", chat.C(string(o.By)), " "+ago(o.At, c.now())+" already: talk to each other."))
	}
	return m, nil
}

// claimsOf are the claims of others to the same work.
func claimsOf(f state.Farm, server, step string, not state.PersonID) []state.Claim {
	var out []state.Claim
	for _, c := range f.Claims {
		if c.Server == server && c.Step == step && c.By != not {
			out = append(out, c)
		}
	}
	return out
}
