package commands

import (
	"context"
	"fmt"
	"strings"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Limits of a list in chat.
const (
	defaultList = 20
	maxList     = 100
)

// serverList lists servers, what should be done first at the top.
type serverList struct {
	store Reader
}

func (serverList) Spec() chat.Spec {
	var statuses []string
	for _, s := range state.Statuses() {
		statuses = append(statuses, statusWord(s))
	}
	return chat.Spec{
		Path: "server list", Summary: "List servers, the most urgent first",
		Flags: []chat.Arg{
			{Name: "status", Help: "only those with this status", Choices: statuses},
			{Name: "owner", Help: "only those of this person", Type: chat.Owner},
			{Name: "group", Help: "only those of this team", Type: chat.Group},
			{Name: "farm", Help: "only those of this farm", Type: chat.Farm},
			{Name: "limit", Help: fmt.Sprintf("how many, %d at most", maxList), Type: chat.Number},
			{Name: "after", Help: "leave out so many from the top", Type: chat.Number},
		},
		Examples: []chat.Example{
			{Line: "server list --status exposed", Does: "lists what is known to be vulnerable and not contained"},
			{Line: "server list --limit 50", Does: "lists the fifty most urgent servers"},
		},
		Role: state.RoleViewer, Private: true,
	}
}

// statusWord is a status as one word.
func statusWord(s state.Status) string { return strings.ReplaceAll(s.String(), " ", "-") }

func (c serverList) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	f, what, err := chosen(ctx, c.store, call, "server list")
	if err != nil {
		return chat.Message{}, err
	}
	limit, after := call.Values.Int("limit", defaultList), call.Values.Int("after", 0)
	switch {
	case limit < 1 || limit > maxList:
		return chat.Message{}, &chat.Problem{What: fmt.Sprintf("--limit cannot be %d.", limit), Try: fmt.Sprintf("It goes from 1 to %d.", maxList)}
	case after < 0:
		return chat.Message{}, &chat.Problem{What: fmt.Sprintf("--after cannot be %d.", after), Try: "It is how many servers to leave out from the top."}
	}
	rows, total, err := c.store.List(ctx, call.Incident, f, after, limit)
	if err != nil {
		return chat.Message{}, err
	}
	if total == 0 {
		return chat.Say(chat.P("There is no server", what, ".")), nil
	}
	m := chat.Say(chat.H(plural(total, "server"), what))
	list := chat.L()
	for _, r := range rows {
		list.Items = append(list.Items, rowLine(r))
	}
	list.More = max(0, total-after-len(rows))
	m.Add(list)
	if list.More > 0 {
		m.Add(chat.Row(chat.Button{Label: "Next", Line: c.next(call, after+len(rows), limit)}))
	}
	return m, nil
}

// next is the line for the next page.
func (c serverList) next(call chat.Call, after, limit int) string {
	words := []string{"server", "list", "--incident", call.Incident}
	for _, f := range []string{"status", "owner", "group", "farm"} {
		if v := call.Values.String(f); v != "" {
			words = append(words, "--"+f, v)
		}
	}
	return typed(append(words, "--after", fmt.Sprint(after), "--limit", fmt.Sprint(limit))...)
}

// chosen reads the options that choose servers, and says in words what they choose.
func chosen(ctx context.Context, n namer, call chat.Call, path string) (state.Filter, chat.Text, error) {
	var f state.Filter
	what := chat.T()
	if word := call.Values.String("status"); word != "" {
		for _, s := range state.Statuses() {
			if statusWord(s) == word {
				f.Status = &s
			}
		}
		what = append(what, chat.T(" that is "+strings.ReplaceAll(word, "-", " "))...)
	}
	kinds := given(call.Values, "owner", "group", "farm")
	switch {
	case len(kinds) > 2:
		return f, nil, &chat.Problem{What: "Choose by owner, group or farm, one of them.", Try: "Nothing was done."}
	case len(kinds) == 0:
		return f, what, nil
	}
	kind := strings.TrimPrefix(kinds[0], "--")
	name, err := otherName(ctx, n, call.Incident, kind, kinds[1], func(n string) string {
		return press("", call.Incident, path, "--"+kind, n).Line
	})
	if err != nil {
		return f, nil, err
	}
	switch kind {
	case "owner":
		f.Owner = name
	case "group":
		f.Group = name
	default:
		f.Farm = name
	}
	return f, append(what, chat.T(" of "+kind+" ", chat.C(name))...), nil
}
