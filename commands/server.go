package commands

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// serverCommands are about the inventory and the card of a server.
func serverCommands(p Parts) []Command {
	return []Command{
		serverAdd{p.Store, p.Now},
		serverImport{p.Store, p.People, p.Now},
		serverShow{p.Store, p.People, p.Now},
		serverList{p.Store},
		serverRetire{p.Store, p.People, p.Now},
		serverAssign{p.Store, p.Now},
	}
}

// inventoryStore is what changes of the inventory need.
type inventoryStore interface {
	Changer
	Reader
}

// serverAdd puts one server into the inventory, or changes what it says of one.
type serverAdd struct {
	store inventoryStore
	now   func() time.Time
}

func (serverAdd) Spec() chat.Spec {
	return chat.Spec{
		Path: "server add", Summary: "Put a server into the inventory, or change what it says of one",
		Args: []chat.Arg{{Name: "name", Help: "the name that people know it by"}},
		Flags: []chat.Arg{
			{Name: "url", Help: "where it answers, like https://sp.example.com; without one it is not asked"},
			{Name: "address", Help: "the only addresses that may be dialled for it, separated by ';'"},
			{Name: "via", Help: "the balancer that answers for the URL"},
			{Name: "farm", Help: "servers that share keys and configuration"},
			{Name: "owner", Help: "who must act"},
			{Name: "group", Help: "the team"},
			{Name: "exposure", Help: "who can reach it", Choices: []string{"internet", "internal", "unknown"}},
			{Name: "tag", Help: "k=v, several separated by ';'"},
		},
		Examples: []chat.Example{
			{Line: "server add sp-new-01 --url https://sp-new-01.example.com --farm finance --owner owner-finance --exposure internet", Does: "adds a server of the farm finance"},
			{Line: `server add sp-new-02 --farm finance --tag "role=app;site=New York"`, Does: "adds one that serves nothing; only evidence from inside can prove it"},
		},
		Role: state.RoleLead,
	}
}

func (c serverAdd) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	name := call.Values.String("name")
	old, known, err := c.known(ctx, call.Incident, name)
	if err != nil {
		return chat.Message{}, err
	}
	s, err := described(call.Values, old, name)
	if err != nil {
		return chat.Message{}, err
	}
	if known && s.Farm != old.Farm {
		return chat.Message{}, &state.Refusal{
			Why:  fmt.Sprintf("%s is in farm %s; it cannot be in %s too.", name, old.Farm, s.Farm),
			Next: "Its proof belongs to its farm. Retire it, and add the new one under another name.",
		}
	}
	_, err = c.store.Update(ctx, call.Work("add", c.now()), call.Incident, []string{s.Farm}, func(tx *state.Tx) error { return tx.PutServer(s) })
	if err != nil {
		return chat.Message{}, err
	}
	what := " is in the inventory."
	if known {
		what = ": the inventory is changed."
	}
	m := chat.Say(chat.P(chat.C(name), what, missingOf(s)))
	if known && answersElsewhere(s, old) {
		confirmed, err := confirmedOf(ctx, c.store, call.Incident, []string{name})
		if err != nil {
			return chat.Message{}, err
		}
		if len(confirmed) > 0 {
			m.Add(chat.P(movedLine(confirmed)))
			m.Tone = chat.ToneWarn
		}
	}
	b := []chat.Button{press("Look at it now", call.Incident, "verify", name), press("Show", call.Incident, "server show", name)}
	if s.URL == "" {
		b = b[1:]
	}
	m.Add(chat.Row(b...))
	return m, nil
}

// known finds a server of exactly this name. One that differs by case only is refused.
func (c serverAdd) known(ctx context.Context, incident, name string) (state.Server, bool, error) {
	if why := badName(name); why != "" {
		return state.Server{}, false, &chat.Problem{What: "This cannot be: " + why + ".", Try: "Nothing was changed."}
	}
	found, err := c.store.Complete(ctx, incident, name, 50)
	if err != nil {
		return state.Server{}, false, err
	}
	for _, f := range found {
		if f != name && strings.EqualFold(f, name) {
			return state.Server{}, false, &chat.Problem{What: fmt.Sprintf("There is %s already, which differs from %s by case only.", f, name), Try: "Nothing was changed."}
		}
	}
	if !slices.Contains(found, name) {
		return state.Server{}, false, nil
	}
	s, err := serverRecord(ctx, c.store, incident, name)
	return s, err == nil, err
}

// serverRecord reads what the inventory says of a server.
func serverRecord(ctx context.Context, r Reader, incident, name string) (state.Server, error) {
	farm, err := farmOf(ctx, r, incident, name)
	if err != nil {
		return state.Server{}, err
	}
	f, err := r.Farm(ctx, incident, farm)
	if err != nil {
		return state.Server{}, err
	}
	s, ok := f.Farm.Server(name)
	if !ok {
		return s, fmt.Errorf("server %q in farm %q: %w", name, farm, state.ErrNotFound)
	}
	return s, nil
}

// described is a server as the line says, on top of what was known.
func described(v chat.Values, s state.Server, name string) (state.Server, error) {
	s.Name = name
	for flag, field := range map[string]*string{"url": &s.URL, "via": &s.Via, "farm": &s.Farm, "owner": &s.Owner, "group": &s.Group} {
		if v.Has(flag) {
			*field = strings.TrimSpace(v.String(flag))
		}
	}
	if v.Has("address") {
		s.Addresses = several(v.String("address"))
	}
	if v.Has("tag") {
		tags := maps.Clone(s.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		maps.Copy(tags, tagsOf(v.String("tag")))
		s.Tags = tags
	}
	if v.Has("exposure") {
		s.Exposure, _ = exposureOf(v.String("exposure"))
	}
	if s.Farm == "" {
		s.Farm = name
	}
	if why := badServer(s); why != "" {
		return s, &chat.Problem{What: "This cannot be: " + why + ".", Try: "Nothing was changed."}
	}
	return s, nil
}

// missingOf says what an inventory should tell and does not.
func missingOf(s state.Server) string {
	var parts []string
	if s.URL == "" {
		parts = append(parts, "no URL: it cannot be asked from outside")
	}
	if s.Owner == "" && s.Group == "" {
		parts = append(parts, "no owner: nobody is reminded")
	}
	if len(parts) == 0 {
		return ""
	}
	return " Missing: " + strings.Join(parts, "; ") + "."
}
