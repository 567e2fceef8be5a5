package commands

import (
	"context"
	"fmt"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// snooze leaves a server out of reminders for a while, with the reason.
type snooze struct {
	store interface {
		Changer
		Reader
	}
	now func() time.Time
}

func (snooze) Spec() chat.Spec {
	return chat.Spec{
		Path: "snooze", Summary: "Leave a server out of reminders for a while, and say why; an attack ends it",
		Args: []chat.Arg{
			{Name: "server", Help: "its name or the beginning of it", Type: chat.Server},
			{Name: "for", Help: "for how long, like 4h, at most 7d; 0m ends it", Type: chat.Duration},
			{Name: "reason", Help: "what it waits for", Optional: true, Rest: true},
		},
		Examples: []chat.Example{
			{Line: "snooze sp-fin-01 6h waits for the window at 22:00", Does: "reminds nobody of sp-fin-01 for six hours, unless there are new signs of an attacker"},
			{Line: "snooze sp-fin-01 0m", Does: "ends that"},
		},
		Role: state.RoleResponder,
	}
}

func (c snooze) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	v := call.Values
	name, err := serverName(ctx, c.store, call.Incident, v.String("server"), func(n string) string {
		return press("", call.Incident, "snooze", n, v.String("for"), v.String("reason")).Line
	})
	if err != nil {
		return chat.Message{}, err
	}
	farm, err := farmOf(ctx, c.store, call.Incident, name)
	if err != nil {
		return chat.Message{}, err
	}
	now, long := c.now(), v.Duration("for", 0)
	if long < 0 {
		return chat.Message{}, &chat.Problem{What: fmt.Sprintf("%s is no time to wait.", long), Try: "Like 4h."}
	}
	_, err = c.store.Update(ctx, call.Work("snooze", now), call.Incident, []string{farm}, func(tx *state.Tx) error {
		return tx.Snooze(name, v.String("reason"), tx.Work.At.Add(long))
	})
	if err != nil {
		return chat.Message{}, err
	}
	if long == 0 {
		return chat.Say(chat.P("Reminders of ", chat.C(name), " go out again.")), nil
	}
	return chat.Say(
		chat.P("Nobody is reminded of ", chat.C(name), " until ", timeOf(now.Add(long), now), ": ", chat.C(v.String("reason")), "."),
		chat.N("It stays open. New signs of an attacker end this early, and it is in the record."),
		chat.Row(press("End it", call.Incident, "snooze", name, "0m")),
	), nil
}
