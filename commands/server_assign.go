package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// serverAssign hands a server over to another person or team.
type serverAssign struct {
	store inventoryStore
	now   func() time.Time
}

func (serverAssign) Spec() chat.Spec {
	return chat.Spec{
		Path: "server assign", Summary: "Hand a server over to another owner or group",
		Args: []chat.Arg{{Name: "server", Help: "its name or the beginning of it", Type: chat.Server}},
		Flags: []chat.Arg{
			{Name: "owner", Help: "who must act from now on", Type: chat.Owner},
			{Name: "group", Help: "the team", Type: chat.Group},
		},
		Examples: []chat.Example{{Line: "server assign sp-fin-01 --owner owner-finance", Does: "makes owner-finance the one who is reminded of sp-fin-01"}},
		Role:     state.RoleResponder,
	}
}

func (c serverAssign) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	v := call.Values
	name, err := serverName(ctx, c.store, call.Incident, v.String("server"), func(n string) string {
		return press("", call.Incident, "server assign", append([]string{n}, given(v, "owner", "group")...)...).Line
	})
	if err != nil {
		return chat.Message{}, err
	}
	if !v.Has("owner") && !v.Has("group") {
		return chat.Message{}, c.whom(ctx, call.Incident, name)
	}
	old, err := serverRecord(ctx, c.store, call.Incident, name)
	if err != nil {
		return chat.Message{}, err
	}
	owner, newOwner, err := c.party(ctx, call, "owner", old.Owner)
	if err != nil {
		return chat.Message{}, err
	}
	group, newGroup, err := c.party(ctx, call, "group", old.Group)
	if err != nil {
		return chat.Message{}, err
	}
	_, err = c.store.Update(ctx, call.Work("assign", c.now()), call.Incident, []string{old.Farm}, func(tx *state.Tx) error {
		f, err := tx.Farm(old.Farm)
		if err != nil {
			return err
		}
		s, ok := f.Farm.Server(name)
		if !ok {
			return fmt.Errorf("server %q: %w", name, state.ErrNotFound)
		}
		s.Owner, s.Group = owner, group
		return tx.PutServer(s)
	})
	if err != nil {
		return chat.Message{}, err
	}
	return assignedMessage(call, name, owner, group, newOwner, newGroup), nil
}

func assignedMessage(call chat.Call, name, owner, group string, newOwner, newGroup bool) chat.Message {
	m := chat.Say(chat.P(chat.C(name), " is with ", partyText(owner, group), " now."))
	for _, party := range []struct {
		name  string
		isNew bool
	}{{owner, newOwner}, {group, newGroup}} {
		if party.isNew {
			m.Add(chat.N("No other server is with ", chat.C(party.name), ". If that is a slip of the pen, nobody would be reminded: assign it again."))
		}
	}
	if owner == "" && group == "" {
		m.Add(chat.P("Nobody is reminded of it now."))
		return m.With(chat.ToneWarn)
	}
	switch {
	case call.Values.Has("owner") && owner != "":
		m.Notify = []string{"owner:" + owner}
	case group != "":
		m.Notify = []string{"group:" + group}
	}
	m.Add(chat.Row(press("Show", call.Incident, "server show", name)))
	return m
}

func partyText(owner, group string) chat.Text {
	switch {
	case owner == "" && group == "":
		return chat.T("nobody")
	case group == "":
		return chat.T(chat.C(owner))
	case owner == "":
		return chat.T("group ", chat.C(group))
	}
	return chat.T(chat.C(owner), " of group ", chat.C(group))
}

// party is an owner or group as others are spelled, and whether it is a new one.
// An empty one takes the server away from who had it.
func (c serverAssign) party(ctx context.Context, call chat.Call, kind, old string) (string, bool, error) {
	if !call.Values.Has(kind) {
		return old, false, nil
	}
	name := strings.TrimSpace(call.Values.String(kind))
	if name == "" {
		return "", false, nil
	}
	if why := badText(kind, name); why != "" {
		return "", false, &chat.Problem{What: "This cannot be: " + why + ".", Try: "Nothing was changed."}
	}
	found, err := c.store.Names(ctx, call.Incident, kind, name, 50)
	if err != nil {
		return "", false, err
	}
	if same, ok := equalFold(name, found); ok {
		return same, false, nil
	}
	return name, true, nil
}

// whom asks back, and offers those who have servers already.
func (c serverAssign) whom(ctx context.Context, incident, name string) error {
	owners, err := c.store.Names(ctx, incident, "owner", "", maxCandidates)
	if err != nil {
		return err
	}
	p := &chat.Problem{What: "To whom?", Try: "Say: " + typed("server", "assign", name) + " --owner NAME"}
	for _, o := range owners {
		p.Offer = append(p.Offer, press(o, incident, "server assign", name, "--owner", o))
	}
	return p
}

// given are the options that a line had, as words.
func given(v chat.Values, flags ...string) []string {
	var out []string
	for _, f := range flags {
		if v.Has(f) {
			out = append(out, "--"+f, v.String(f))
		}
	}
	return out
}
